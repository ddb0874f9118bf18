//! Which changes begin or end what is searched, what is done then, and what is said of a manifest.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use bytes::Bytes;
use moorage_collector::Times;
use moorage_collector::search::{
    CONFIG_BYTES_MAX, Config, PAIR_BYTES_MAX, PAIRS_BYTES_MAX, PLATFORMS_MAX, Step, describe, image_config,
    next_step, pushed, search_entries, searched_anew,
};
use moorage_oci::Manifest;
use moorage_oci::media_type::{DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use moorage_ports::facts::SearchedRecord;
use moorage_ports::{Change, SearchPlace, SearchScope, SearchTerm};
use serde_json::{Value, json};

use super::*;

const NOW: Timestamp = Timestamp(9000);

fn is_touched(old: Option<Item>, new: Option<Item>) -> bool {
    let key = old.as_ref().or(new.as_ref()).expect("one of the two").key.clone();
    let touched = searched_anew(&Change { key, old, new, at: None });
    let this = Some((repository(), digest("a")));
    assert!(touched.is_none() || touched == this);
    touched.is_some()
}

/// A life that begins for readers, or is over; nothing else: not that it is condemned or rescued, kept longer, or put
/// into the recycle bin.
#[test]
fn what_counts() {
    let of = |state, life| manifest("a", state, life);
    for new in STATES {
        let is_begun = new.is_readable();
        let is_end = new == State::Deleting;
        assert_eq!(is_touched(None, Some(of(new, 1))), is_begun || is_end, "made {new:?}");
        assert!(is_touched(Some(of(new, 1)), None), "gone from {new:?}");
        for old in STATES {
            let expected = (is_begun && !old.is_readable()) || (is_end && old != State::Deleting);
            assert_eq!(is_touched(Some(of(old, 1)), Some(of(new, 1))), expected, "{old:?} to {new:?}");
            assert!(is_touched(Some(of(old, 1)), Some(of(new, 2))), "{old:?} to {new:?} of another life");
        }
    }
    let mut kept = of(State::Live, 1);
    kept.fact.node_mut().expect("a node").keep_until = Timestamp(5000);
    assert!(!is_touched(Some(of(State::Live, 1)), Some(kept)));
}

#[test]
fn what_is_no_manifest() {
    let listed = Item::once(Key::listed(&repository(), &digest("a")), Fact::Listed);
    assert!(!is_touched(None, Some(listed.clone())));
    assert!(!is_touched(Some(listed), None));
}

/// What is said of a manifest is of one life of it, and stays in the recycle bin.
#[test]
fn what_is_done() {
    let Fact::Manifest(of) = manifest("a", State::Live, 1).fact else { panic!("a manifest") };
    let said = describe(&of, NOW, None, &Config::NotThere);
    for state in STATES {
        let mut record = of.clone();
        record.node.state = state;
        let is_over = state == State::Deleting;
        let here = if is_over { Step::Remove } else { Step::Complete };
        assert_eq!(next_step(Some(&record), Some(&said)), here, "{state:?}");
        let absent = if state.is_readable() { Step::Write } else { Step::Nothing };
        assert_eq!(next_step(Some(&record), None), absent, "{state:?}");
        record.node.incarnation = incarnation(2);
        assert_eq!(next_step(Some(&record), Some(&said)), Step::Remove, "{state:?} in another life");
    }
    assert_eq!(next_step(None, Some(&said)), Step::Remove);
    assert_eq!(next_step(None, None), Step::Nothing);
}

/// What is said of a document of this media type, and of a config.
fn said(media_type: &str, document: &Value, config: Option<&str>) -> SearchedRecord {
    let bytes = document.to_string();
    let manifest = Manifest::parse(bytes.as_bytes(), Some(media_type)).expect("a manifest");
    let Fact::Manifest(record) = manifest_of_type(manifest.resolved_type()) else { panic!("a manifest") };
    let config =
        config.map_or(Config::NotThere, |config| Config::Bytes(Bytes::copy_from_slice(config.as_bytes())));
    describe(&record, Timestamp(77), Some((&manifest, bytes.as_bytes())), &config)
}

fn manifest_of_type(artifact_type: Option<&str>) -> Fact {
    let mut fact = manifest("a", State::Live, 1).fact;
    if let Fact::Manifest(record) = &mut fact {
        record.artifact_type = artifact_type.map(str::to_owned);
        record.size = 123;
    }
    fact
}

fn terms(said: &SearchedRecord) -> Vec<&str> {
    said.terms.iter().map(SearchTerm::as_str).collect()
}

fn descriptor(media_type: &str) -> Value {
    json!({ "mediaType": media_type, "digest": digest("config").as_str(), "size": 2 })
}

const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

fn image(config: &str) -> Value {
    json!({ "schemaVersion": 2, "config": descriptor(config), "layers": [] })
}

#[test]
fn of_an_image() {
    let config =
        r#"{"os":"linux","architecture":"arm64","variant":"v8","config":{"Labels":{"a":"b"}},"x":[1]}"#;
    for (media_type, of) in [(OCI_MANIFEST, OCI_CONFIG), (DOCKER_MANIFEST, DOCKER_CONFIG)] {
        let said = said(media_type, &image(of), Some(config));
        assert_eq!(said.platforms, ["linux/arm64/v8"]);
        assert_eq!(said.labels, [("a".to_owned(), "b".to_owned())].into());
        assert_eq!((said.annotations.len(), said.left_out), (0, false));
        assert_eq!((said.pushed, said.size, said.incarnation), (Timestamp(77), 123, incarnation(1)));
        assert_eq!(terms(&said), ["all", &format!("type#{of}"), "platform#linux/arm64"]);
    }
}

/// Only an image's config is read: others say other things in these fields.
#[test]
fn whose_config_is_read() {
    let config_of = |document: &Value| {
        let manifest = Manifest::parse(document.to_string().as_bytes(), None).expect("a manifest");
        image_config(&manifest).cloned()
    };
    assert_eq!(config_of(&image(OCI_CONFIG)), Some(digest("config")));
    assert_eq!(config_of(&image(DOCKER_CONFIG)), Some(digest("config")));
    assert_eq!(config_of(&image("application/vnd.cncf.helm.config.v1+json")), None);
    assert_eq!(config_of(&image("application/vnd.oci.empty.v1+json")), None);
    let without = json!({ "config": { "mediaType": OCI_CONFIG }, "layers": [descriptor("a/b")] });
    assert_eq!(config_of(&without), None, "the first edge is a layer");
}

/// Whatever a config is: what can be known of the manifest is said.
#[test]
fn a_config_that_cannot_be_understood() {
    let document = image(OCI_CONFIG);
    for odd in [
        "",
        "[]",
        "nonsense",
        "{\"os\":\"linux\"}",
        r#"{"os":"linux","architecture":""}"#,
        r#"{"os":"a/b","architecture":"c"}"#,
        r#"{"os":"linux","architecture":"a\u0000"}"#,
        r#"{"os":7,"architecture":"amd64"}"#,
        r#"{"os":"unknown","architecture":"unknown"}"#,
        r#"{"os":"linux","os":"linux","architecture":"amd64"}"#,
        r#"{"config":null}"#,
        r#"{"config":{"Labels":["a"]}}"#,
        r#"{"config":{"Labels":null}}"#,
    ] {
        let said = said(OCI_MANIFEST, &document, Some(odd));
        assert_eq!((said.platforms.len(), said.labels.len(), said.left_out), (0, 0, false), "{odd}");
        assert_eq!(terms(&said), ["all", &format!("type#{OCI_CONFIG}")], "{odd}");
    }
    let some = said(OCI_MANIFEST, &document, Some(r#"{"config":{"Labels":{"a":7,"b":"c","":"d"}}}"#));
    assert_eq!(some.labels, [("b".to_owned(), "c".to_owned())].into());
    assert!(some.left_out, "a label without a name");
    let long = format!(r#"{{"os":"linux","architecture":"{}"}}"#, "x".repeat(65));
    assert_eq!(said(OCI_MANIFEST, &document, Some(&long)).platforms, [""; 0]);

    let Fact::Manifest(record) = manifest_of_type(None) else { panic!("a manifest") };
    let too_long = describe(&record, NOW, None, &Config::Unread);
    assert!(too_long.left_out, "more than {CONFIG_BYTES_MAX} bytes");
}

/// Each once, in their order; not those for no platform.
#[test]
fn of_an_index() {
    let entry = |platform: Value| {
        let mut entry = descriptor(OCI_MANIFEST);
        entry["digest"] = json!(digest(&platform.to_string()).as_str());
        entry["platform"] = platform;
        entry
    };
    let entries = json!([
        entry(json!({ "os": "linux", "architecture": "arm", "variant": "v7" })),
        entry(json!({ "os": "linux", "architecture": "arm", "variant": "v6" })),
        entry(json!({ "os": "linux", "architecture": "amd64" })),
        entry(json!({ "os": "unknown", "architecture": "unknown" })),
        entry(json!({ "os": "linux", "architecture": "amd64", "os.version": "1" })),
        entry(json!(["linux"])),
        entry(json!(null)),
        descriptor(OCI_MANIFEST),
    ]);
    let index = json!({ "schemaVersion": 2, "manifests": entries });
    let found = said(OCI_INDEX, &index, None);
    assert_eq!(found.platforms, ["linux/arm/v7", "linux/arm/v6", "linux/amd64"]);
    assert_eq!(terms(&found), ["all", "platform#linux/arm", "platform#linux/amd64"]);
    assert!(!found.left_out);

    let many = (0..20).map(|n| entry(json!({ "os": "linux", "architecture": format!("a{n:02}") })));
    let index = json!({ "schemaVersion": 2, "manifests": many.collect::<Vec<_>>() });
    let found = said(OCI_INDEX, &index, None);
    assert_eq!(
        (found.platforms.len(), found.terms.len(), found.left_out),
        (PLATFORMS_MAX, PLATFORMS_MAX + 1, true)
    );
}

/// By its type, where it has one, and its annotations, but for times; the first sixteen.
#[test]
fn of_an_artifact() {
    let annotations: Value =
        (0..20).map(|n| (format!("a{n:02}"), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    let mut document = json!({ "artifactType": "a/b", "layers": [], "annotations": annotations });
    document["annotations"]["org.opencontainers.image.created"] = json!("2026-01-01T00:00:00Z");
    document["annotations"]["a00"] = json!("y".repeat(254));
    let said = said(OCI_MANIFEST, &document, None);
    assert_eq!(said.annotations.len(), 21);
    assert!(!said.left_out);
    let mut expected = vec!["all".to_owned(), "type#a/b".to_owned()];
    expected.extend((1..17).map(|n| format!("annotation#a{n:02}=x")));
    assert_eq!(terms(&said), expected);
}

/// A term is part of a key: what is long is hashed, and so is what not every storage takes there.
#[test]
fn values_that_are_no_part_of_a_key() {
    let hashed = |value: &str| format!("annotation#{}", digest(value));
    for (name, value) in [("n", "x".repeat(255)), ("n", "a\u{0}b".to_owned()), ("n\n", "a".to_owned())] {
        let term = SearchTerm::annotation(name, &value);
        assert_eq!(term.as_str(), hashed(&format!("{name}={value}")));
    }
    let plain = "x".repeat(253);
    assert_eq!(SearchTerm::annotation("n", &plain).as_str(), format!("annotation#n={plain}"));
    let document = json!({ "artifactType": "x".repeat(300), "layers": [] });
    let long = said(OCI_MANIFEST, &document, None);
    assert_eq!(long.artifact_type.as_deref(), Some(&*"x".repeat(300)));
    assert_eq!(terms(&long), ["all", &format!("type#{}", digest(&"x".repeat(300)))]);
    let document = json!({ "artifactType": "x".repeat(PAIR_BYTES_MAX + 1), "layers": [] });
    let longer = said(OCI_MANIFEST, &document, None);
    assert_eq!((longer.artifact_type.as_deref(), longer.left_out, longer.terms.len()), (None, true, 1));
}

/// What is too long or too much is left out, and it is said that something is; a name that is empty too.
#[test]
fn annotations_that_are_left_out() {
    let of = |annotations: Value, config: Option<&str>| {
        let mut document = image(OCI_CONFIG);
        document["annotations"] = annotations;
        said(OCI_MANIFEST, &document, config)
    };
    let names = |said: &SearchedRecord| said.annotations.keys().cloned().collect::<Vec<_>>().join(" ");
    let exact = of(json!({ "a": "x".repeat(PAIR_BYTES_MAX - 1), "b": "c" }), None);
    assert_eq!((names(&exact).as_str(), exact.left_out), ("a b", false));
    let long = of(json!({ "a": "x".repeat(PAIR_BYTES_MAX), "b": "c" }), None);
    assert_eq!((names(&long).as_str(), long.left_out), ("b", true));
    let nameless = of(json!({ "": "x", "b": "c" }), None);
    assert_eq!((names(&nameless).as_str(), nameless.left_out), ("b", true));

    let each = PAIRS_BYTES_MAX / 8;
    let full: Value = (0..8)
        .map(|n| (format!("a{n}"), json!("x".repeat(each - 2))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let filled = of(full.clone(), None);
    assert_eq!((filled.annotations.len(), filled.left_out), (8, false));
    let with_label = of(full, Some(r#"{"config":{"Labels":{"a":"b"}}}"#));
    assert_eq!((with_label.annotations.len(), with_label.labels.len(), with_label.left_out), (8, 0, true));
    assert!(
        terms(&with_label).iter().all(|term| !term.starts_with("annotation#")),
        "each is too long to lead"
    );
}

/// Without its document: by what its record says, and it is said that there was more.
#[test]
fn of_a_manifest_whose_bytes_are_lost() {
    let Fact::Manifest(record) = manifest_of_type(Some("a/b")) else { panic!("a manifest") };
    let said = describe(&record, NOW, None, &Config::NotThere);
    assert_eq!(terms(&said), ["all", "type#a/b"]);
    assert_eq!((said.platforms.len(), said.annotations.len(), said.left_out), (0, 0, true));
}

/// As the record says; where an older version wrote it, twice the grace before it may go, and not later than now.
#[test]
fn since_when_it_is_there() {
    let Fact::Manifest(mut record) = manifest_of_type(None) else { panic!("a manifest") };
    let times = Times { grace_ms: 100, ..Times::default() };
    assert_eq!(pushed(&record, NOW, &times), Timestamp(1800));
    assert_eq!(pushed(&record, Timestamp(1700), &times), Timestamp(1700));
    record.node.keep_until = Timestamp(50);
    assert_eq!(pushed(&record, NOW, &times), Timestamp(0));
    record.pushed = Some(Timestamp(9999));
    assert_eq!(pushed(&record, NOW, &times), Timestamp(9999), "another process's clock is a little ahead");
}

/// For each term one in the repository, and one in a shard of all: at the same place.
#[test]
fn the_entries_of_a_manifest() {
    let Fact::Manifest(record) = manifest_of_type(Some("a/b")) else { panic!("a manifest") };
    let said = describe(&record, NOW, None, &Config::NotThere);
    let entries = search_entries(&repository(), &digest("a"), &said);
    let place = SearchPlace { pushed: NOW, repository: repository(), digest: digest("a") };
    let (repository, shard) = (repository(), SearchScope::shard_of(&repository(), &digest("a")));
    let expected = [SearchTerm::all(), SearchTerm::artifact_type("a/b")].map(|term| {
        [SearchScope::Repository(&repository), shard].map(|scope| Key::search_entry(scope, &term, &place))
    });
    assert_eq!(entries, expected.concat());
    assert!(entries.iter().all(|key| key.search_place().as_ref() == Some(&place)));
}
