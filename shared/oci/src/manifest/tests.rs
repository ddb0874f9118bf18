#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::media_type::{
    DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_ARTIFACT_MANIFEST, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST,
    ORAS_ARTIFACT_MANIFEST,
};

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const EXAMPLE: &str = "application/vnd.example.thing.v1";

fn digest(content: &str) -> Digest {
    Digest::sha256(content.as_bytes())
}

/// A descriptor of `content`, whose size is its length.
fn named(media_type: &str, content: &str) -> Value {
    json!({"mediaType": media_type, "digest": digest(content), "size": content.len()})
}

fn with(mut object: Value, more: Value) -> Value {
    let (Value::Object(object_fields), Value::Object(more)) = (&mut object, more) else {
        panic!("two objects")
    };
    object_fields.extend(more);
    object
}

fn image(more: Value) -> Value {
    let layers = [named(LAYER, "layer 1"), named(LAYER, "layer 2")];
    with(
        json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": named(CONFIG, "config"), "layers": layers}),
        more,
    )
}

fn index(more: Value) -> Value {
    let manifests = [named(OCI_MANIFEST, "child 1"), named(OCI_INDEX, "child 2")];
    with(json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}), more)
}

fn parse(document: &Value) -> Result<Manifest, InvalidManifest> {
    Manifest::parse(document.to_string().as_bytes(), None)
}

fn taken(document: &Value) -> Manifest {
    parse(document).unwrap_or_else(|refusal| panic!("{refusal}: {document}"))
}

fn refused(document: &Value) -> InvalidManifest {
    parse(document).expect_err("to be refused")
}

/// Edges as a reader of a test likes them, by the content that the digest was made from.
fn picture(manifest: &Manifest) -> Vec<String> {
    let contents = [
        "config", "layer 1", "layer 2", "child 1", "child 2", "child 3", "foreign", "blob 1", "blob 2", "{}",
    ];
    let name = |edge: &Edge| contents.iter().find(|c| digest(c) == edge.digest).copied().unwrap_or("?");
    manifest.edges().iter().map(|edge| format!("{:?} {:?} {}", edge.need, edge.target, name(edge))).collect()
}

#[test]
fn an_image_needs_its_config_and_layers() {
    let manifest = taken(&image(json!({})));
    assert_eq!(
        picture(&manifest),
        ["Required Blob config", "Required Blob layer 1", "Required Blob layer 2"]
    );
    assert_eq!(manifest.edges()[1].size, 7);
    assert_eq!((manifest.kind(), manifest.media_type()), (Kind::Image, OCI_MANIFEST));
    assert_eq!(manifest.artifact_type(), Some(CONFIG));
    assert_eq!(manifest.resolved_type(), Some(CONFIG));
    assert!(manifest.has_config() && manifest.subject().is_none() && manifest.annotations().is_empty());

    let docker = taken(&image(json!({"mediaType": DOCKER_MANIFEST})));
    assert_eq!((docker.kind(), picture(&docker)), (Kind::Image, picture(&manifest)));
}

#[test]
fn an_index_needs_its_entries() {
    let manifest = taken(&index(json!({})));
    assert_eq!(picture(&manifest), ["Required Manifest child 1", "Required Manifest child 2"]);
    assert_eq!(
        (manifest.kind(), manifest.artifact_type(), manifest.resolved_type()),
        (Kind::Index, None, None)
    );
    assert_eq!(taken(&index(json!({"mediaType": DOCKER_MANIFEST_LIST}))).kind(), Kind::Index);
    for empty in [json!([]), json!(null)] {
        assert_eq!(taken(&index(json!({"manifests": empty}))).edges(), []);
    }
}

#[test]
fn entries_of_other_types_are_blobs() {
    // As BuildKit writes its cache, and with an entry that does not say what it is.
    let buildkit = "application/vnd.buildkit.cacheconfig.v0";
    let entries = [
        named(LAYER, "layer 1"),
        named(buildkit, "config"),
        json!({"digest": digest("child 1"), "size": 7}),
        named("application/vnd.oci.image.manifest.v2+json", "child 2"),
        named(OCI_ARTIFACT_MANIFEST, "child 3"),
        named("application/vnd.oci.image.layer.nondistributable.v1.tar", "foreign"),
    ];
    assert_eq!(
        picture(&taken(&index(json!({"manifests": entries})))),
        [
            "Required Blob layer 1",
            "Required Blob config",
            "Required Manifest child 1",
            "Required Manifest child 2",
            "Required Manifest child 3",
            "Optional Blob foreign",
        ]
    );
}

#[test]
fn a_remote_entry_is_told_by_its_field_or_annotation() {
    let urls = json!(["https://elsewhere.example/v2/a/manifests/x"]);
    let entries = [
        with(named(OCI_MANIFEST, "child 1"), json!({"remote": true, "urls": urls})),
        with(named(OCI_MANIFEST, "child 2"), json!({"annotations": {"dev.moorage.remote": "true"}})),
        with(named(LAYER, "layer 1"), json!({"remote": true})),
        with(
            named(OCI_MANIFEST, "child 3"),
            json!({"remote": false, "annotations": {"dev.moorage.remote": "yes"}}),
        ),
    ];
    let manifest = taken(&index(json!({"manifests": entries})));
    assert_eq!(
        picture(&manifest),
        [
            "Remote Manifest child 1",
            "Remote Manifest child 2",
            "Remote Blob layer 1",
            "Required Manifest child 3"
        ]
    );
    assert_eq!(manifest.edges()[0].urls, ["https://elsewhere.example/v2/a/manifests/x"]);

    // Layers are never remote, and `urls` alone make nothing so.
    let layer = with(named(LAYER, "layer 1"), json!({"remote": true, "urls": ["https://elsewhere.example"]}));
    assert_eq!(picture(&taken(&image(json!({"layers": [layer]}))))[1], "Required Blob layer 1");
}

#[test]
fn foreign_layers_are_held_but_not_required() {
    for foreign in [
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ] {
        let manifest = taken(&image(json!({"layers": [named(foreign, "foreign"), named(LAYER, "layer 1")]})));
        assert_eq!(picture(&manifest)[1..], ["Optional Blob foreign", "Required Blob layer 1"]);
    }
}

#[test]
fn what_is_named_twice_is_one_edge() {
    let layers = [named(LAYER, "layer 1"), named(LAYER, "config"), named(LAYER, "layer 1")];
    let manifest = taken(&image(json!({"layers": layers})));
    assert_eq!(picture(&manifest), ["Required Blob config", "Required Blob layer 1"]);

    let entries = [
        with(named(OCI_MANIFEST, "child 1"), json!({"remote": true})),
        named(OCI_MANIFEST, "child 1"),
        named(LAYER, "child 1"),
    ];
    let manifest = taken(&index(json!({"manifests": entries})));
    assert_eq!(picture(&manifest), ["Required Manifest child 1", "Required Blob child 1"]);
}

#[test]
fn a_config_may_be_absent_in_three_ways() {
    let empty = named(OCI_EMPTY, "{}");
    let manifest = taken(&image(json!({"config": empty, "artifactType": EXAMPLE, "layers": []})));
    assert_eq!(picture(&manifest), ["Required Blob {}"]);
    assert!(!manifest.has_config());
    assert_eq!(manifest.config_media_type(), Some(OCI_EMPTY));

    for nothing in [
        json!({"mediaType": EXAMPLE}),
        json!({"mediaType": EXAMPLE, "digest": null, "size": null}),
        json!({"mediaType": EXAMPLE, "digest": "", "size": 0}),
    ] {
        let manifest = taken(&image(json!({"config": nothing, "layers": null})));
        assert_eq!(manifest.edges(), []);
        assert!(!manifest.has_config());
        assert_eq!((manifest.artifact_type(), manifest.resolved_type()), (Some(EXAMPLE), Some(EXAMPLE)));
    }

    for nothing in [json!(null), json!({})] {
        let manifest = taken(&image(json!({"config": nothing, "artifactType": EXAMPLE})));
        assert_eq!(picture(&manifest), ["Required Blob layer 1", "Required Blob layer 2"]);
        assert!(!manifest.has_config());
        assert_eq!(
            refused(&image(json!({"config": nothing, "artifactType": ""}))).to_string(),
            "the manifest's /config is missing: an image manifest has a `config`, or an `artifactType` in its place"
        );
    }
}

#[test]
fn cnab_bundles_are_taken_as_they_are() {
    // The config manifest has no mediaType field, and null for its layers.
    let config = json!({"schemaVersion": 2, "config": named("application/vnd.cnab.config.v1+json", "config"), "layers": null});
    let manifest =
        Manifest::parse(config.to_string().as_bytes(), Some(OCI_MANIFEST)).expect("cnab-to-oci writes it");
    assert_eq!(picture(&manifest), ["Required Blob config"]);
    assert_eq!(manifest.resolved_type(), Some("application/vnd.cnab.config.v1+json"));

    let cnab = "application/vnd.cnab.manifest.v1";
    let bundle = index(json!({"annotations": {"org.opencontainers.artifactType": cnab}}));
    assert_eq!((taken(&bundle).artifact_type(), taken(&bundle).resolved_type()), (None, Some(cnab)));
    let image = image(json!({"annotations": {"org.opencontainers.artifactType": cnab}}));
    assert_eq!(taken(&image).resolved_type(), Some(CONFIG));
}

#[test]
fn an_index_may_have_a_config_that_types_it() {
    let config = json!({"config": named(EXAMPLE, "config")});
    let manifest = taken(&index(config.clone()));
    assert_eq!(picture(&manifest)[0], "Required Blob config");
    assert_eq!((manifest.artifact_type(), manifest.resolved_type()), (None, Some(EXAMPLE)));

    let annotated = json!({"annotations": {"org.opencontainers.artifactType": "application/vnd.other"}});
    assert_eq!(taken(&index(with(config, annotated.clone()))).resolved_type(), Some(EXAMPLE));
    let empty = json!({"config": named(OCI_EMPTY, "{}")});
    assert_eq!(taken(&index(empty.clone())).resolved_type(), Some(OCI_EMPTY));
    assert_eq!(taken(&index(with(empty, annotated))).resolved_type(), Some("application/vnd.other"));
    assert_eq!(taken(&index(json!({"artifactType": EXAMPLE}))).artifact_type(), Some(EXAMPLE));
}

#[test]
fn the_version_that_was_proposed_with_an_indexs_config_is_taken() {
    // KubeCon 2019, "rev the schema to 2.1"; other versions mean as little, but for Docker's 1.
    for version in [json!(2), json!(2.1), json!("2.1"), json!(3), json!(null)] {
        let manifest = taken(&index(json!({"schemaVersion": version, "config": named(EXAMPLE, "config")})));
        assert_eq!(
            picture(&manifest),
            ["Required Blob config", "Required Manifest child 1", "Required Manifest child 2"],
            "{version}"
        );
        assert_eq!(manifest.resolved_type(), Some(EXAMPLE));
    }
}

#[test]
fn a_referrer_is_described_with_its_type_and_all_annotations() {
    let subject =
        with(named(OCI_MANIFEST, "child 1"), json!({"artifactType": EXAMPLE, "annotations": {"k": "v"}}));
    let manifest = taken(&image(json!({
        "artifactType": EXAMPLE, "subject": subject, "annotations": {"a": "b", "": "", "nothing": null},
    })));
    assert_eq!(manifest.subject().map(|subject| &subject.digest), Some(&digest("child 1")));
    assert_eq!(serde_json::to_value(manifest.subject()).expect("JSON"), subject);

    let descriptor = manifest.referrer_descriptor(digest("this"), 123);
    let expected = json!({
        "mediaType": OCI_MANIFEST, "digest": digest("this"), "size": 123,
        "artifactType": EXAMPLE, "annotations": {"a": "b", "": ""},
    });
    assert_eq!(serde_json::to_value(descriptor).expect("JSON"), expected);

    let untyped = taken(&index(json!({"subject": subject}))).referrer_descriptor(digest("this"), 1);
    assert_eq!(untyped.artifact_type, None);
    assert_eq!(picture(&taken(&index(json!({"subject": subject})))).len(), 2, "a subject is no edge");
}

#[test]
fn the_retired_artifact_manifest_is_taken() {
    for media_type in [OCI_ARTIFACT_MANIFEST, ORAS_ARTIFACT_MANIFEST] {
        let manifest = taken(&json!({
            "mediaType": media_type, "artifactType": EXAMPLE, "subject": named(OCI_MANIFEST, "child 1"),
            "blobs": [named(EXAMPLE, "blob 1"), named(EXAMPLE, "blob 2")],
        }));
        assert_eq!(picture(&manifest), ["Required Blob blob 1", "Required Blob blob 2"]);
        assert_eq!((manifest.kind(), manifest.artifact_type()), (Kind::Artifact, Some(EXAMPLE)));
        assert_eq!(manifest.subject().map(|subject| &subject.digest), Some(&digest("child 1")));
    }
}

#[test]
fn an_unknown_type_is_held_by_what_looks_like_a_descriptor() {
    let broken = [
        json!(7),
        json!({}),
        json!({"digest": "blake3:00", "size": 1}),
        json!({"digest": digest("?"), "size": -1}),
    ];
    let manifest = taken(&json!({
        "mediaType": EXAMPLE,
        "config": named(CONFIG, "config"),
        "layers": [broken[0], named(LAYER, "layer 1"), broken[2], broken[3]],
        "blobs": {"not": "a list"},
        "manifests": [broken[1], named(OCI_MANIFEST, "child 1"), with(named(OCI_MANIFEST, "child 2"), json!({"remote": true}))],
        "subject": "no descriptor",
        "annotations": {"good": "yes", "bad": 7},
        "artifactType": 9,
    }));
    assert_eq!(
        picture(&manifest),
        [
            "Required Blob config",
            "Required Blob layer 1",
            "Required Manifest child 1",
            "Remote Manifest child 2"
        ]
    );
    assert_eq!((manifest.kind(), manifest.media_type()), (Kind::Unknown, EXAMPLE));
    assert_eq!(manifest.annotations().keys().collect::<Vec<_>>(), ["good"]);
    assert_eq!((manifest.subject(), manifest.artifact_type()), (None, Some(CONFIG)));
}

#[test]
fn the_media_type_is_the_bodys_else_the_headers_else_the_shapes() {
    let media_type = |document: Value, content_type: Option<&str>| {
        Manifest::parse(document.to_string().as_bytes(), content_type).map(|manifest| manifest.media_type)
    };
    let bare = |document: Value| with(document, json!({"mediaType": null}));
    let ok = |media_type: &str| Ok(media_type.to_owned());

    assert_eq!(media_type(image(json!({})), Some(OCI_MANIFEST)), ok(OCI_MANIFEST));
    assert_eq!(media_type(image(json!({})), Some("")), ok(OCI_MANIFEST));
    let with_parameters = format!("{}; charset=utf-8", OCI_MANIFEST.to_uppercase());
    assert_eq!(media_type(image(json!({})), Some(&with_parameters)), ok(OCI_MANIFEST));
    assert_eq!(media_type(bare(image(json!({}))), Some(DOCKER_MANIFEST)), ok(DOCKER_MANIFEST));
    assert_eq!(media_type(bare(image(json!({}))), Some("application/json")), ok("application/json"));
    assert_eq!(media_type(bare(image(json!({}))), None), ok(OCI_MANIFEST));
    assert_eq!(
        media_type(bare(image(json!({"config": null, "artifactType": "a/b"}))), None),
        ok(OCI_MANIFEST)
    );
    assert_eq!(media_type(bare(index(json!({}))), None), ok(OCI_INDEX));
    assert_eq!(media_type(bare(index(json!({"config": named(EXAMPLE, "config")}))), None), ok(OCI_INDEX));

    assert_eq!(media_type(json!({}), None), Err(InvalidManifest::NoMediaType));
    assert_eq!(
        media_type(image(json!({})), Some(OCI_INDEX)).expect_err("they differ").to_string(),
        "the manifest says in `mediaType` that it is `application/vnd.oci.image.manifest.v1+json`, but was sent with \
         Content-Type `application/vnd.oci.image.index.v1+json`: send it with the former"
    );
    assert!(matches!(media_type(json!({}), Some("json")), Err(InvalidManifest::BadContentType(_))));
    assert_eq!(
        media_type(image(json!({"mediaType": "a/b\r\nx: y"})), None)
            .expect_err("not for a header")
            .to_string(),
        "the manifest's /mediaType is `a/b\r\nx: y`, no media type: write one such as `application/vnd.oci.image.manifest.v1+json`"
    );
}

#[test]
fn what_could_be_an_image_or_an_index_is_refused() {
    let both = json!({"layers": [named(LAYER, "layer 1")], "manifests": [named(OCI_MANIFEST, "child 1")]});
    for document in [image(both.clone()), index(both.clone()), both.clone(), image(json!({"manifests": [0]}))]
    {
        assert!(matches!(refused(&document), InvalidManifest::Ambiguous { .. }), "{document}");
    }
    assert_eq!(
        refused(&index(both)).to_string(),
        "the manifest is `application/vnd.oci.image.index.v1+json` and has `layers` all the same: remove those, or \
         correct its media type"
    );
    taken(&image(json!({"manifests": []})));
    taken(&index(json!({"layers": null})));
}

#[test]
fn schema_1_is_refused_by_its_name_and_by_its_shape() {
    let schema1 = json!({"schemaVersion": 1, "name": "a", "tag": "b", "fsLayers": [{"blobSum": digest("x")}], "history": []});
    for content_type in [None, Some("application/json"), Some(media_type::DOCKER_SCHEMA1_SIGNED)] {
        let refusal = Manifest::parse(schema1.to_string().as_bytes(), content_type).expect_err("retired");
        assert_eq!(refusal, InvalidManifest::Schema1);
    }
    assert_eq!(refused(&json!({"mediaType": media_type::DOCKER_SCHEMA1})), InvalidManifest::Schema1);
}

#[test]
fn a_refusal_says_what_was_wrong_and_where() {
    let layer = |more: Value| {
        image(json!({"layers": [named(LAYER, "layer 1"), with(named(LAYER, "layer 2"), more)]}))
    };
    let size = "is no size: write the number of bytes, whole and from 0 to 9223372036854775807";
    let cases = [
        (layer(json!({"digest": "sha256:12"})), "the manifest's /layers/1/digest: `sha256:12` is not a digest: sha256 has 64 hexadecimal digits and this has 2: send all of them".to_owned()),
        (layer(json!({"digest": "blake3:12"})), "the manifest's /layers/1/digest: the digest algorithm `blake3` is not supported here: use sha256 or sha512".to_owned()),
        (layer(json!({"digest": null})), "the manifest's /layers/1 has no `digest`: a descriptor has `mediaType`, `digest` and `size`".to_owned()),
        (layer(json!({"digest": 7})), "the manifest's /layers/1/digest is a number: it must be a string".to_owned()),
        (layer(json!({"size": null})), "the manifest's /layers/1 has no `size`: a descriptor has `mediaType`, `digest` and `size`".to_owned()),
        (layer(json!({"size": -1})), format!("the manifest's /layers/1/size {size}")),
        (layer(json!({"size": 1.5})), format!("the manifest's /layers/1/size {size}")),
        (layer(json!({"size": u64::MAX})), format!("the manifest's /layers/1/size {size}")),
        (layer(json!({"size": "7"})), "the manifest's /layers/1/size is a string: it must be a number of bytes".to_owned()),
        (layer(json!({"urls": "x"})), "the manifest's /layers/1/urls is a string: it must be a list of strings".to_owned()),
        (layer(json!({"urls": ["x", 1]})), "the manifest's /layers/1/urls/1 is a number: it must be a string".to_owned()),
        (layer(json!({"annotations": {"a/b": {}}})), "the manifest's /layers/1/annotations/a~1b is an object: it must be a string".to_owned()),
        (image(json!({"layers": [null]})), "the manifest's /layers/0 is null: it must be a descriptor, an object".to_owned()),
        (image(json!({"layers": {}})), "the manifest's /layers is an object: it must be a list of descriptors".to_owned()),
        (image(json!({"config": "x"})), "the manifest's /config is a string: it must be a descriptor, an object".to_owned()),
        (image(json!({"config": {"mediaType": "a/b", "digest": digest("x")}})), "the manifest's /config has no `size`: a descriptor has `mediaType`, `digest` and `size`".to_owned()),
        (image(json!({"subject": {}})), "the manifest's /subject has no `digest`: a descriptor has `mediaType`, `digest` and `size`".to_owned()),
        (image(json!({"annotations": []})), "the manifest's /annotations is a list: it must be an object of strings".to_owned()),
        (image(json!({"artifactType": true})), "the manifest's /artifactType is true or false: it must be a string".to_owned()),
        (index(json!({"manifests": [{"digest": "x", "size": 1}]})), "the manifest's /manifests/0/digest: `x` is not a digest: write the algorithm, a colon and the hash, as in `sha256:44136fa3…`".to_owned()),
        (json!([]), "the manifest is a list: it must be a JSON object".to_owned()),
        (json!("{}"), "the manifest is a string: it must be a JSON object".to_owned()),
    ];
    for (document, expected) in cases {
        assert_eq!(refused(&document).to_string(), expected);
    }
}

#[test]
fn bytes_that_are_no_json_object_are_refused() {
    let refusal = |bytes: &[u8]| Manifest::parse(bytes, None).expect_err("no manifest").to_string();
    assert_eq!(refusal(b""), "the manifest is not JSON: EOF while parsing a value at line 1 column 0");
    assert_eq!(refusal(b"{} x"), "the manifest is not JSON: trailing characters at line 1 column 4");
    assert_eq!(refusal(b"{\"a\":\"\xff\"}"), "the manifest is not UTF-8 from byte 6 on: write it in UTF-8");
    assert_eq!(
        refusal(br#"{"mediaType":"a/b","x":[{"k":1,"k":2}]}"#),
        "the manifest has the key `k` twice in one object, at /x/0: remove one of them"
    );
    assert_eq!(
        refusal(br#"{"mediaType":"a/b","mediaType":"a/b"}"#),
        "the manifest has the key `mediaType` twice in one object, at the top: remove one of them"
    );
    let deep = format!("{{\"x\":{}", "[".repeat(200));
    assert!(
        refusal(deep.as_bytes())
            .starts_with("the manifest has more than 100 objects and lists within one another, at /x/0/0/0")
    );
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let document = image(json!({})).to_string();
    let marked = format!("\u{feff}{document}");
    assert_eq!(Manifest::parse(marked.as_bytes(), None), Manifest::parse(document.as_bytes(), None));
    assert!(Manifest::parse(format!("\u{feff}{marked}").as_bytes(), None).is_err(), "but once");
}

#[test]
fn escapes_mean_what_they_say() {
    let text = format!(
        r#"{{"media\u0054ype":"{OCI_INDEX}","manifests":[{{"dig\u0065st":"{}","size":7}}]}}"#,
        digest("child 1")
    );
    let manifest = Manifest::parse(text.as_bytes(), None).expect("escapes are JSON");
    assert_eq!(picture(&manifest), ["Required Manifest child 1"]);
}

#[test]
fn an_error_never_repeats_a_whole_document() {
    let long = "x".repeat(1 << 20);
    let documents = [
        format!(r#"{{"{long}":0,"{long}":0}}"#),
        format!(r#"{{"{long}":{{"a":0,"a":0}}}}"#),
        format!(r#"{{"mediaType":"{long}"}}"#),
        image(json!({"config": {"digest": long, "size": 0}})).to_string(),
        image(json!({"annotations": {long: 0}})).to_string(),
    ];
    for document in documents {
        let refusal = Manifest::parse(document.as_bytes(), None).expect_err("not a manifest");
        assert!(refusal.to_string().len() < 1000);
    }
}

/// JSON that has nothing to do with manifests.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Fields that no version of the specification has.
fn extra_fields() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("x-[a-z]{1,4}", anything(), 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

proptest! {
    #![proptest_config(crate::tests::quick())]

    #[test]
    fn fields_we_do_not_know_change_nothing(extra in extra_fields(), in_layer in extra_fields(), pretty: bool) {
        let plain = image(json!({}));
        let layers = [with(named(LAYER, "layer 1"), in_layer.clone()), named(LAYER, "layer 2")];
        let more = image(with(extra.clone(), json!({"layers": layers})));
        let text = if pretty { format!("{more:#}") } else { more.to_string() };
        prop_assert_eq!(Manifest::parse(text.as_bytes(), None), parse(&plain));

        let entries = [with(named(OCI_MANIFEST, "child 1"), in_layer), named(OCI_INDEX, "child 2")];
        prop_assert_eq!(parse(&index(with(extra, json!({"manifests": entries})))), parse(&index(json!({}))));
    }

    #[test]
    fn a_known_field_of_any_shape_is_taken_or_refused(
        field in prop::sample::select(vec!["mediaType", "artifactType", "config", "layers", "blobs", "manifests", "subject", "annotations", "schemaVersion"]),
        in_descriptor in prop::sample::select(vec!["mediaType", "digest", "size", "urls", "annotations", "artifactType", "remote"]),
        value in anything(),
    ) {
        for document in [image(json!({field: value})), index(json!({field: value})), json!({"mediaType": EXAMPLE, field: value})] {
            if let Err(refusal) = parse(&document) {
                prop_assert!(!refusal.to_string().is_empty());
            }
        }
        let layer = with(named(LAYER, "layer 1"), json!({in_descriptor: value}));
        let _ = parse(&image(json!({"layers": [layer]})));
        let unknown = parse(&json!({"mediaType": EXAMPLE, "layers": [layer, named(LAYER, "layer 2")]}));
        prop_assert!(unknown.is_ok_and(|manifest| picture(&manifest).contains(&"Required Blob layer 2".to_owned())));
    }

    #[test]
    fn a_key_twice_is_refused_wherever_it_stands(value in anything(), at: prop::sample::Index) {
        let text = image(json!({"x": value, "annotations": {"a": "b"}})).to_string();
        let objects: Vec<usize> = text.match_indices('{').map(|(at, _)| at).collect();
        // A brace inside a string makes no object, and then the text just gets longer.
        let open = objects[at.index(objects.len())];
        let twice = format!("{}\"dup\":0,\"dup\":1,{}", &text[..=open], &text[open + 1..]);
        if serde_json::from_str::<Value>(&twice).is_ok_and(|value| value.to_string().contains("\"dup\":1")) {
            let refused = Manifest::parse(twice.as_bytes(), None);
            let as_expected = matches!(&refused, Err(InvalidManifest::DuplicateKey { key, .. }) if key == "dup");
            prop_assert!(as_expected, "{:?} {}", refused, twice);
        }
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes: Vec<u8>, content_type in prop::option::of("\\PC{0,20}")) {
        let _ = Manifest::parse(&bytes, content_type.as_deref());
    }

    #[test]
    fn a_damaged_manifest_does_not_make_the_parser_panic(at: prop::sample::Index, new: u8, cut: prop::sample::Index) {
        let mut bytes = image(json!({"annotations": {"a": "b"}})).to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = new;
        let _ = Manifest::parse(&bytes, None);
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(Manifest::parse(&bytes, None).is_err());
    }
}
