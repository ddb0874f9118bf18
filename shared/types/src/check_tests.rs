#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use moorage_oci::Digest;
use moorage_oci::media_type::{OCI_ARTIFACT_MANIFEST, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::tests::definition;

fn blob(media_type: &str) -> Value {
    json!({"mediaType": media_type, "digest": Digest::sha256(b"{}"), "size": 2})
}

fn with(mut value: Value, more: &Value) -> Value {
    for (name, field) in more.as_object().expect("an object") {
        value[name] = field.clone();
    }
    value
}

fn entry(more: &Value) -> Value {
    with(blob(OCI_MANIFEST), more)
}

fn image(more: &Value) -> Value {
    with(json!({"mediaType": OCI_MANIFEST, "config": blob("a/config"), "layers": []}), more)
}

fn layers(types: &[&str]) -> Value {
    image(&json!({"layers": types.iter().map(|media_type| blob(media_type)).collect::<Vec<_>>()}))
}

fn index(entries: &[Value]) -> Value {
    json!({"mediaType": OCI_INDEX, "manifests": entries})
}

fn check(fields: &Value, document: &Value) -> Vec<Finding> {
    let bytes = document.to_string().into_bytes();
    let manifest = Manifest::parse(&bytes, None).expect("a manifest");
    let definition = definition(&with(fields.clone(), &json!({"type": "a/b"})).to_string());
    check_manifest(&definition, &manifest, &Document::read(&bytes))
}

/// Rule, pointer and what was found.
fn told(fields: &Value, document: &Value) -> Vec<(Rule, String, String)> {
    let findings = check(fields, document);
    assert!(
        findings.iter().all(|finding| finding.within == Within::Manifest && !finding.expected.is_empty())
    );
    findings.into_iter().map(|finding| (finding.rule, finding.pointer, finding.found)).collect()
}

fn at(rule: Rule, pointer: &str, found: &str) -> (Rule, String, String) {
    (rule, pointer.to_owned(), found.to_owned())
}

#[test]
fn a_definition_that_says_nothing_takes_anything() {
    let any = json!({});
    for document in [
        layers(&["a/x", "a/y"]),
        image(&json!({"config": null, "artifactType": "a/b", "subject": blob("a/b")})),
    ] {
        assert_eq!(check(&any, &document), []);
    }
    assert_eq!(check(&json!({"kind": "index"}), &index(&[entry(&json!({}))])), []);
}

#[test]
fn a_manifest_is_no_index() {
    let rules = json!({"layers": {"of": []}, "subject": "required"});
    assert_eq!(
        told(&rules, &index(&[])),
        [at(Rule::Kind, "/mediaType", OCI_INDEX)],
        "and nothing else is said"
    );
    assert_eq!(
        told(&json!({"kind": "index"}), &image(&json!({}))),
        [at(Rule::Kind, "/mediaType", OCI_MANIFEST)]
    );
    // What is unknown may be either.
    let unknown = json!({"mediaType": "application/vnd.example.v1+json", "layers": [blob("a/x")]});
    assert_eq!(
        told(&rules, &unknown),
        [at(Rule::LayerType, "/layers/0", "a/x"), at(Rule::SubjectRequired, "/subject", "nothing"),]
    );
}

#[test]
fn a_config_is_of_its_type() {
    let rule = json!({"config": {"mediaTypes": ["a/c*", "a/d"]}});
    assert_eq!(check(&rule, &image(&json!({"config": blob("a/d")}))), []);
    let wrong = check(&rule, &image(&json!({"config": blob("a/x")})));
    assert_eq!(wrong.len(), 1);
    assert_eq!((wrong[0].rule, wrong[0].pointer.as_str()), (Rule::ConfigType, "/config/mediaType"));
    assert_eq!((wrong[0].found.as_str(), wrong[0].expected.as_str()), ("a/x", "`a/c*` or `a/d`"));
    // The type counts where it is only claimed, and where it is left out beside content.
    let claimed = image(&json!({"config": {"mediaType": "a/x"}}));
    assert_eq!(told(&rule, &claimed), [at(Rule::ConfigType, "/config/mediaType", "a/x")]);
    let untyped = image(&json!({"config": {"digest": Digest::sha256(b"{}"), "size": 2}}));
    assert_eq!(told(&rule, &untyped), [at(Rule::ConfigType, "/config/mediaType", "nothing")]);
}

#[test]
fn a_config_is_absent_in_three_ways() {
    let absent = [
        json!({"config": blob(OCI_EMPTY)}),
        json!({"config": {"mediaType": "a/config", "digest": null}}),
        json!({"config": null}),
    ];
    for config in absent {
        let document = with(image(&config), &json!({"artifactType": "a/b"}));
        for presence in ["absent", "optional"] {
            let rule = json!({"config": {"mediaTypes": ["a/config"], "presence": presence}});
            assert_eq!(check(&rule, &document), [], "{config}");
        }
        let rule = json!({"config": {"mediaTypes": ["a/config"], "presence": "required"}});
        assert_eq!(told(&rule, &document), [at(Rule::ConfigRequired, "/config", "nothing")], "{config}");
        assert_eq!(check(&rule, &document)[0].expected, "a config with content, of type `a/config`");
    }
    let there = image(&json!({}));
    assert_eq!(
        told(&json!({"config": {"mediaTypes": ["a/x"], "presence": "absent"}}), &there),
        [at(Rule::ConfigNotAllowed, "/config", "a/config")]
    );
    assert_eq!(check(&json!({"config": {"presence": "required"}}), &there), []);
}

#[test]
fn layers_are_of_their_types_in_any_order() {
    let rule = json!({"layers": {"of": [{"mediaTypes": ["a/one"], "min": 1, "max": 1}, {"mediaTypes": ["a/*"], "max": 2}]}});
    for right in [&["a/one"][..], &["a/x", "a/one", "a/y"]] {
        assert_eq!(check(&rule, &layers(right)), [], "{right:?}");
    }
    assert_eq!(
        told(&rule, &layers(&["b/x", "a/one", "c/x"])),
        [at(Rule::LayerType, "/layers/0", "b/x"), at(Rule::LayerType, "/layers/2", "c/x"),]
    );
    assert_eq!(told(&rule, &layers(&[])), [at(Rule::LayersTooFew, "/layers", "nothing")]);
    assert_eq!(
        told(&rule, &layers(&["a/one", "a/x", "a/one", "a/y", "a/z", "a/z"])),
        [
            at(Rule::LayersTooMany, "/layers/2", "2 such layers"),
            at(Rule::LayersTooMany, "/layers/4", "4 such layers"),
        ]
    );
    // A layer counts for the first rule that it fits, and each time it is listed.
    let others = json!({"layers": {"of": [{"mediaTypes": ["a/one"], "min": 2}], "others": true}});
    assert_eq!(check(&others, &layers(&["b/x", "a/one", "a/one"])), []);
    assert_eq!(
        told(&others, &layers(&["b/x", "a/one"])),
        [at(Rule::LayersTooFew, "/layers", "1 such layer")]
    );

    let none = json!({"layers": {"of": []}});
    assert_eq!(check(&none, &layers(&["a/one"]))[0].expected, "no layer: artifacts of this type have none");
    let untyped = image(&json!({"layers": [{"digest": Digest::sha256(b""), "size": 0}]}));
    assert_eq!(told(&rule, &untyped)[0], at(Rule::LayerType, "/layers/0", "nothing"));
    let words: Vec<_> = check(&rule, &layers(&["b/x"])).into_iter().map(|finding| finding.expected).collect();
    assert_eq!(words, ["`a/one` or `a/*`", "at least 1 layer of type `a/one`"]);
}

#[test]
fn the_retired_manifest_has_blobs_for_layers() {
    let rule = json!({"layers": {"of": [{"mediaTypes": ["a/one"], "max": 1}]}});
    let document = json!({"mediaType": OCI_ARTIFACT_MANIFEST, "artifactType": "a/b", "blobs": [blob("a/one"), blob("a/one"), blob("b/x")]});
    assert_eq!(
        told(&rule, &document),
        [at(Rule::LayerType, "/blobs/2", "b/x"), at(Rule::LayersTooMany, "/blobs/1", "2 such layers"),]
    );
}

#[test]
fn entries_have_roles() {
    let rule = json!({"kind": "index", "entries": {"of": [
        {"role": "config", "mediaTypes": [OCI_MANIFEST], "annotations": {"role": "config"}, "min": 1, "max": 1},
        {"role": "part", "artifactTypes": ["a/part*"], "max": 2},
    ]}});
    let config = entry(&json!({"annotations": {"role": "config", "more": "x"}}));
    let part = entry(&json!({"artifactType": "a/part.v1"}));
    let other = entry(&json!({"artifactType": "a/other"}));
    assert_eq!(check(&rule, &index(&[part.clone(), config.clone(), part.clone()])), []);
    assert_eq!(
        told(&rule, &index(&[config.clone(), other.clone()])),
        [at(Rule::EntryType, "/manifests/1", &format!("{OCI_MANIFEST}, a/other")),]
    );
    assert_eq!(
        check(&rule, &index(&[config.clone(), other.clone()]))[0].expected,
        format!(
            "`config` (of type `{OCI_MANIFEST}`, annotated `role: config`) or `part` (of artifact type `a/part*`)"
        )
    );
    assert_eq!(told(&rule, &index(&[])), [at(Rule::EntriesTooFew, "/manifests", "nothing")]);
    assert_eq!(
        told(&rule, &index(&[config.clone(), part.clone(), config, part.clone(), part])),
        [
            at(Rule::EntriesTooMany, "/manifests/2", "2 such entries"),
            at(Rule::EntriesTooMany, "/manifests/4", "3 such entries"),
        ]
    );
    let others = with(rule, &json!({"entries": {"of": [], "others": true}}));
    assert_eq!(check(&others, &index(&[other])), []);
}

#[test]
fn entries_may_have_an_order() {
    let rule = |ordered: bool| {
        json!({"kind": "index", "entries": {"ordered": ordered, "others": true, "of": [
            {"role": "a", "artifactTypes": ["x/a"]}, {"role": "b", "artifactTypes": ["x/b"]}, {"role": "c", "artifactTypes": ["x/c"]},
        ]}})
    };
    let entries = |names: &str| {
        let entry = |name| entry(&json!({"artifactType": format!("x/{name}")}));
        index(&names.chars().map(entry).collect::<Vec<_>>())
    };
    for right in ["", "abc", "aacc", "ac", "zazbzc"] {
        assert_eq!(check(&rule(true), &entries(right)), [], "{right}");
    }
    for (wrong, pointer) in [("ba", "/manifests/1"), ("abcb", "/manifests/3"), ("cab", "/manifests/1")] {
        let findings = check(&rule(true), &entries(wrong));
        assert_eq!(findings.len(), 1, "the first is told");
        assert_eq!((findings[0].rule, findings[0].pointer.as_str()), (Rule::EntryOrder, pointer));
        assert_eq!(check(&rule(false), &entries(wrong)), []);
    }
    assert_eq!(check(&rule(true), &entries("cb"))[0].expected, "all `b` before any `c`");
}

#[test]
fn entries_say_their_platform_and_where_they_are() {
    let rule = |more: Value| json!({"kind": "index", "entries": {"of": [with(json!({"role": "r"}), &more)]}});
    let there = entry(&json!({"platform": {"os": "linux", "architecture": "amd64"}}));
    let remote = entry(&json!({"remote": true}));
    let noted = entry(&json!({"annotations": {"dev.moorage.remote": "true"}}));
    let plain = entry(&json!({}));

    let document = index(&[there, plain.clone()]);
    assert_eq!(
        told(&rule(json!({"platform": "required"})), &document),
        [at(Rule::EntryPlatform, "/manifests/1/platform", "nothing"),]
    );
    assert_eq!(
        told(&rule(json!({"platform": "absent"})), &document),
        [at(Rule::EntryPlatform, "/manifests/0/platform", "a platform"),]
    );
    let document = index(&[remote, noted, plain]);
    assert_eq!(
        told(&rule(json!({"location": "local"})), &document),
        [
            at(Rule::EntryLocation, "/manifests/0", "a remote entry"),
            at(Rule::EntryLocation, "/manifests/1", "a remote entry"),
        ]
    );
    assert_eq!(
        told(&rule(json!({"location": "remote"})), &document),
        [at(Rule::EntryLocation, "/manifests/2", "a local entry"),]
    );
    assert_eq!(check(&rule(json!({"location": "either"})), &document), []);
}

#[test]
fn a_subject_must_or_must_not_be_there() {
    let about = image(&json!({"subject": blob(OCI_MANIFEST)}));
    let alone = image(&json!({}));
    let digest = Digest::sha256(b"{}").to_string();
    assert_eq!(
        told(&json!({"subject": "required"}), &alone),
        [at(Rule::SubjectRequired, "/subject", "nothing")]
    );
    assert_eq!(
        told(&json!({"subject": "absent"}), &about),
        [at(Rule::SubjectNotAllowed, "/subject", &digest)]
    );
    assert_eq!(check(&json!({"subject": "required"}), &about), []);
    assert_eq!(check(&json!({"subject": "absent"}), &alone), []);
}

#[test]
fn no_more_than_so_many_are_told_and_none_is_long() {
    let long = format!("a/{}", "é".repeat(1000));
    let many: Vec<Value> = (0..1000).map(|_| blob(&long)).collect();
    let document = image(&json!({"layers": many, "config": {"mediaType": long}}));
    let findings = check(&json!({"layers": {"of": []}, "config": {"mediaTypes": ["a/b"]}}), &document);
    assert_eq!(findings.len(), FINDINGS_MAX);
    assert!(findings.iter().all(|finding| finding.found.chars().count() <= 121));

    let entries: Vec<Value> = (0..1000).map(|_| entry(&json!({"artifactType": long}))).collect();
    for rule in
        [json!({"of": []}), json!({"of": [{"role": "r", "platform": "required", "location": "remote"}]})]
    {
        assert_eq!(check(&json!({"kind": "index", "entries": rule}), &index(&entries)).len(), FINDINGS_MAX);
    }
}

/// Few names, so that rules and documents meet.
fn media_type() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a/a", "a/b", "b/a", OCI_MANIFEST, OCI_EMPTY, "x", ""]).prop_map(str::to_owned)
}

fn pattern() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a/a", "a/*", "*", "*/a", "b/b", OCI_EMPTY]).prop_map(str::to_owned)
}

fn any_definition() -> impl Strategy<Value = Definition> {
    let presence = || prop::sample::select(vec![Presence::Required, Presence::Optional, Presence::Absent]);
    let patterns = || prop::collection::vec(pattern(), 0..3);
    let layer = (patterns(), 0u32..3, prop::option::of(0u32..3));
    let layers = (prop::collection::vec(layer, 0..3), any::<bool>());
    let location = prop::sample::select(vec![Location::Local, Location::Remote, Location::Either]);
    let entry = (patterns(), patterns(), 0u32..3, prop::option::of(0u32..3), presence(), location);
    let entries = (prop::collection::vec(entry, 0..3), any::<bool>(), any::<bool>());
    let config = (patterns(), presence());
    let kind = prop::sample::select(vec![DefinedKind::Manifest, DefinedKind::Index]);
    (kind, prop::option::of(config), prop::option::of(layers), prop::option::of(entries), presence())
        .prop_map(|(kind, config, layers, entries, subject)| Definition {
            kind,
            subject,
            config: config.map(|(media_types, presence)| ConfigRule { media_types, presence, schema: None }),
            layers: layers.map(|(of, others)| LayersRule {
                others,
                of: of
                    .into_iter()
                    .map(|(media_types, min, max)| crate::LayerRule {
                        media_types,
                        min,
                        max,
                        title: BTreeMap::new(),
                    })
                    .collect(),
            }),
            entries: entries.map(|(of, others, ordered)| EntriesRule {
                others,
                ordered,
                of: of
                    .into_iter()
                    .map(|(media_types, artifact_types, min, max, platform, location)| EntryRule {
                        role: "r".to_owned(),
                        annotations: BTreeMap::new(),
                        media_types,
                        artifact_types,
                        min,
                        max,
                        platform,
                        location,
                    })
                    .collect(),
            }),
            ..definition(r#"{"type":"a/b"}"#)
        })
}

fn any_document() -> impl Strategy<Value = Value> {
    let descriptor = || {
        let fields = (media_type(), media_type(), any::<[bool; 4]>());
        fields.prop_map(|(media_type, artifact_type, [platform, remote, typed, digest])| {
            let mut descriptor = json!({"mediaType": media_type, "remote": remote});
            if platform {
                descriptor["platform"] = json!({"os": "linux"});
            }
            if typed {
                descriptor["artifactType"] = json!(artifact_type);
            }
            if digest {
                descriptor["digest"] = json!(Digest::sha256(b"{}"));
                descriptor["size"] = json!(2);
            }
            descriptor
        })
    };
    let list = || prop::option::of(prop::collection::vec(descriptor(), 0..5));
    let kind =
        prop::sample::select(vec![OCI_MANIFEST, OCI_INDEX, OCI_ARTIFACT_MANIFEST, "application/vnd.example"]);
    (kind, prop::option::of(descriptor()), list(), list(), list(), prop::option::of(descriptor())).prop_map(
        |(media_type, config, layers, manifests, blobs, subject)| {
            json!({
                "mediaType": media_type, "artifactType": "a/b", "config": config, "layers": layers,
                "manifests": manifests, "blobs": blobs, "subject": subject,
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..crate::tests::quick() })]

    #[test]
    fn whatever_a_document_is_its_findings_point_into_it(definition in any_definition(), document in any_document()) {
        let bytes = document.to_string().into_bytes();
        let Ok(manifest) = Manifest::parse(&bytes, None) else { return Ok(()) };
        let findings = check_manifest(&definition, &manifest, &Document::read(&bytes));
        prop_assert!(findings.len() <= FINDINGS_MAX);
        for finding in findings {
            let is_there = document.pointer(&finding.pointer).is_some();
            prop_assert!(is_there || finding.found == NOTHING, "{:?} in {}", finding, document);
            prop_assert!(!finding.found.is_empty() && !finding.expected.is_empty());
        }
    }
}
