#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use moorage_oci::media_type::{DOCKER_MANIFEST_LIST, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST};
use serde_json::{Value, json};

use super::*;
use crate::definitions::Overlay;
use crate::tests::definition;

const IMAGE: &str = "application/vnd.oci.image.config.v1+json";

fn definitions(list: &[Value]) -> Definitions {
    let put = |fields: &Value| Overlay::Put(Box::new(definition(&fields.to_string())));
    Definitions::none().with(list.iter().map(put))
}

/// The type, and the type of the definition.
fn resolve(definitions: &Definitions, mut document: Value) -> (Option<String>, Option<String>) {
    if document.get("manifests").is_none() {
        document["mediaType"] = json!(OCI_MANIFEST);
    } else if document.get("mediaType").is_none() {
        document["mediaType"] = json!(OCI_INDEX);
    }
    let bytes = document.to_string();
    let manifest = Manifest::parse(bytes.as_bytes(), None).expect("a manifest");
    let resolved = definitions.resolve(&manifest, &Document::read(bytes.as_bytes()));
    (resolved.artifact_type, resolved.definition.map(|definition| definition.artifact_type.clone()))
}

fn both(artifact_type: &str) -> (Option<String>, Option<String>) {
    (Some(artifact_type.to_owned()), Some(artifact_type.to_owned()))
}

fn blob(media_type: &str) -> Value {
    json!({"mediaType": media_type, "digest": moorage_oci::Digest::sha256(b"{}"), "size": 2})
}

#[test]
fn a_document_says_its_type() {
    let known = definitions(&[
        json!({"type": "a/artifact"}),
        json!({"type": "a/config", "also": ["a/old"]}),
        json!({"type": "a/cnab", "kind": "index"}),
        json!({"type": OCI_INDEX, "kind": "index", "also": [DOCKER_MANIFEST_LIST]}),
    ]);
    let cnab = json!({"org.opencontainers.artifactType": "a/cnab"});
    let resolved = |document: Value| resolve(&known, document);
    assert_eq!(
        resolved(json!({"artifactType": "a/artifact", "config": blob("a/config")})),
        both("a/artifact")
    );
    assert_eq!(resolved(json!({"config": blob("a/config")})), both("a/config"));
    assert_eq!(resolved(json!({"config": {"mediaType": "a/config"}})), both("a/config"));
    assert_eq!(
        resolved(json!({"config": blob("a/old")})),
        (Some("a/old".into()), Some("a/config".into())),
        "it stays what the document said"
    );
    assert_eq!(resolved(json!({"config": blob("a/none")})), (Some("a/none".into()), None));

    assert_eq!(
        resolved(json!({"manifests": [], "artifactType": "a/artifact", "annotations": cnab})),
        both("a/artifact")
    );
    assert_eq!(
        resolved(json!({"manifests": [], "config": blob("a/config"), "annotations": cnab})),
        both("a/config")
    );
    assert_eq!(resolved(json!({"manifests": [], "annotations": cnab})), both("a/cnab"));
    assert_eq!(
        resolved(json!({"manifests": [], "config": blob(OCI_EMPTY), "annotations": cnab})),
        both("a/cnab")
    );
    assert_eq!(resolved(json!({"manifests": []})), both(OCI_INDEX));
    assert_eq!(
        resolved(json!({"manifests": [], "mediaType": DOCKER_MANIFEST_LIST})),
        (Some(DOCKER_MANIFEST_LIST.into()), Some(OCI_INDEX.into()))
    );

    // A config of the empty type says nothing, and is what is left to say.
    assert_eq!(resolved(json!({"config": blob(OCI_EMPTY)})), (Some(OCI_EMPTY.into()), None));
}

#[test]
fn a_document_of_an_unknown_kind_may_say_nothing() {
    let bytes = br#"{"mediaType":"application/vnd.example+json"}"#;
    let manifest = Manifest::parse(bytes, None).expect("a document");
    let resolved = Definitions::none().resolve(&manifest, &Document::read(bytes));
    assert_eq!(resolved, Resolved { artifact_type: None, definition: None });
}

#[test]
fn a_type_is_recognised_where_the_document_says_too_little() {
    let known = definitions(&[
        json!({"type": IMAGE}),
        json!({"type": "a/signature", "recognizedBy": [{"insteadOf": [IMAGE], "layerTypes": ["a/signing*", "a/other"]}]}),
        json!({"type": "a/bottle", "recognizedBy": [{"insteadOf": [IMAGE, OCI_EMPTY], "annotations": {"kind": "bottle-*"}}]}),
        json!({"type": "a/index", "kind": "index", "recognizedBy": [{"insteadOf": [OCI_INDEX], "annotations": {"kind": "*"}}]}),
    ]);
    let resolved = |document: Value| resolve(&known, document);
    let layers = |types: &[&str]| types.iter().map(|media_type| blob(media_type)).collect::<Vec<_>>();

    let signed = layers(&["a/x", "a/signing.v1"]);
    assert_eq!(resolved(json!({"config": blob(IMAGE), "layers": signed})), both("a/signature"));
    assert_eq!(resolved(json!({"config": blob(IMAGE), "layers": layers(&["a/x"])})), both(IMAGE));
    assert_eq!(resolved(json!({"config": blob("a/y"), "layers": signed})).0.as_deref(), Some("a/y"));
    assert_eq!(
        resolved(json!({"config": blob(IMAGE), "layers": signed, "artifactType": IMAGE})),
        both(IMAGE),
        "what it says itself counts"
    );
    let bottle = json!({"kind": "bottle-1"});
    assert_eq!(resolved(json!({"config": blob(IMAGE), "annotations": bottle})), both("a/bottle"));
    assert_eq!(resolved(json!({"config": blob(OCI_EMPTY), "annotations": bottle})), both("a/bottle"));
    assert_eq!(resolved(json!({"config": blob(IMAGE), "annotations": {"kind": "x"}})), both(IMAGE));
    assert_eq!(resolved(json!({"manifests": [], "annotations": bottle})), both("a/index"));
}

#[test]
fn of_several_the_one_that_asks_for_most_counts_then_the_first_by_type() {
    let recognised = |artifact_type: &str, annotations: Value| json!({"type": artifact_type, "recognizedBy": [{"insteadOf": [IMAGE], "annotations": annotations}]});
    let known = definitions(&[
        recognised("a/c", json!({"x": "1"})),
        recognised("a/b", json!({"x": "*"})),
        recognised("a/z", json!({"x": "1", "y": "2"})),
        json!({"type": "a/a", "kind": "index", "recognizedBy": [{"insteadOf": [IMAGE], "annotations": {"x": "*"}}]}),
    ]);
    let resolved =
        |annotations: Value| resolve(&known, json!({"config": blob(IMAGE), "annotations": annotations}));
    assert_eq!(resolved(json!({"x": "1", "y": "2"})), both("a/z"));
    assert_eq!(
        resolved(json!({"x": "1", "y": "3"})),
        both("a/b"),
        "a manifest is not recognised as an index"
    );
}
