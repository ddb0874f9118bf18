#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use serde_json::json;

use super::*;

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

#[test]
fn content_becomes_digest_and_size() {
    let built = build(&json!({"manifest": {
        "mediaType": IMAGE,
        "config": {"mediaType": "a/b", "content": {"a": 1}},
        "layers": [{"mediaType": "a/c", "content": "text"}, {"mediaType": "a/d", "content": "text"}, {"mediaType": "a/e", "content": ""}],
    }}))
    .expect("an artifact");
    let blobs: Vec<_> = built.blobs.iter().map(|(_, content)| content.as_slice()).collect();
    assert_eq!(blobs, [br#"{"a":1}"#.as_slice(), b"text", b""], "each once");
    assert_eq!((built.config(), built.media_type.as_str()), (Some(br#"{"a":1}"#.as_slice()), IMAGE));
    assert_eq!(built.digest, Digest::sha256(&built.bytes));
    let edges: Vec<_> =
        built.manifest().edges().iter().map(|edge| (edge.digest.clone(), edge.size)).collect();
    let named: Vec<_> =
        built.blobs.iter().map(|(digest, content)| (digest.clone(), content.len() as u64)).collect();
    assert_eq!(edges, named);
}

#[test]
fn what_is_left_out_stays_out() {
    let built =
        build(&json!({"manifest": {"layers": [], "config": {"mediaType": "a/b"}}})).expect("an artifact");
    assert_eq!((built.media_type.as_str(), built.config(), built.blobs.len()), (IMAGE, None, 0));
    assert_eq!(str::from_utf8(&built.bytes), Ok(r#"{"config":{"mediaType":"a/b"},"layers":[]}"#));
    let null = build(&json!({"manifest": {"mediaType": IMAGE, "artifactType": "a/b", "config": null}}))
        .expect("an artifact");
    assert!(str::from_utf8(&null.bytes).is_ok_and(|text| text.contains("\"config\":null")));
}

#[test]
fn entries_and_subjects_are_artifacts_of_their_own() {
    let child = json!({"manifest": {"mediaType": IMAGE, "config": {"mediaType": "a/b", "content": "c"}}});
    let built = build(&json!({
        "manifest": {"mediaType": INDEX, "manifests": [{"artifact": child, "platform": {"os": "linux"}}]},
        "subject": child,
    }))
    .expect("an artifact");
    let manifest = built.manifest();
    assert_eq!(built.children, [build(&child).expect("an artifact")]);
    assert_eq!(manifest.edges()[0].digest, built.children[0].digest);
    let subject = built.subject.as_ref().expect("it has one");
    assert_eq!(manifest.subject().map(|found| &found.digest), Some(&subject.digest));
}

#[test]
fn a_broken_artifact_is_a_change_of_a_whole_one() {
    let file = |of: &str, findings: Value| {
        json!({
            "passes": [{"name": "whole", "artifact": {"manifest": {"mediaType": IMAGE, "artifactType": "a/b", "annotations": {"k": "v"}}}}],
            "breaks": [{"name": "broken", "of": of, "change": {"manifest": {"artifactType": "a/c", "annotations": null}}, "findings": findings}],
        })
        .to_string()
    };
    let finding = json!([{"within": "config", "pointer": "/a", "rule": "config-content"}]);
    let examples = read_examples(&file("whole", finding.clone())).expect("examples");
    assert_eq!(examples.passes[0].artifact.manifest().annotations().len(), 1);
    let broken = &examples.breaks[0];
    assert_eq!(broken.artifact.manifest().artifact_type(), Some("a/c"));
    assert!(broken.artifact.manifest().annotations().is_empty());
    let expected = Expected { within: Within::Config, pointer: "/a".into(), rule: Rule::ConfigContent };
    assert_eq!(broken.findings, [expected]);

    assert_eq!(
        read_examples(&file("none", finding)),
        Err("`broken`: there is no `none` that passes".to_owned())
    );
    assert!(read_examples(&file("whole", json!([]))).is_err_and(|problem| problem.contains("has findings")));
}

#[test]
fn a_mistake_in_an_example_is_told() {
    for wrong in [
        json!([]),
        json!({"subject": {}}),
        json!({"manifest": {}, "more": 1}),
        json!({"manifest": {"mediaType": IMAGE, "config": {"content": "", "digest": "x"}}}),
        json!({"manifest": {"no": "shape"}}),
    ] {
        assert!(build(&wrong).is_err(), "{wrong}");
    }
}
