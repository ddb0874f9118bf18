//! What stories push: blobs and manifests, each with a name and always the same bytes.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use bytes::Bytes;
use moorage_oci::{Digest, media_type};
use serde_json::{Map, Value, json};

use crate::client::Client;

/// Bytes with a name.
#[derive(Clone)]
pub struct Content {
    pub media_type: String,
    pub bytes: Bytes,
    pub digest: Digest,
}

impl Content {
    /// How a manifest names this.
    #[must_use]
    pub fn descriptor(&self) -> Value {
        json!({ "mediaType": self.media_type, "digest": self.digest.as_str(), "size": self.bytes.len() })
    }

    /// The same, with more fields.
    #[must_use]
    pub fn descriptor_with(&self, more: Value) -> Value {
        let mut descriptor = self.descriptor();
        let (Some(fields), Value::Object(more)) = (descriptor.as_object_mut(), more) else {
            panic!("a descriptor is an object");
        };
        fields.extend(more);
        descriptor
    }
}

impl From<&Content> for Bytes {
    fn from(content: &Content) -> Self {
        content.bytes.clone()
    }
}

/// A type that nobody defined.
pub(crate) const EXAMPLE_TYPE: &str = "application/vnd.example";

/// Contents of a story. Making one gives it its name, and pushes nothing.
impl Client {
    /// Any bytes, under any media type.
    pub fn content(&self, name: &str, media_type: &str, bytes: impl Into<Bytes>) -> Content {
        let bytes = bytes.into();
        self.names.learn(name, &bytes);
        Content { media_type: media_type.to_owned(), digest: Digest::sha256(&bytes), bytes }
    }

    /// A layer whose bytes are its name.
    pub fn blob(&self, name: &str) -> Content {
        self.blob_of(name, name.to_owned())
    }

    pub fn blob_of(&self, name: &str, bytes: impl Into<Bytes>) -> Content {
        self.content(name, "application/vnd.oci.image.layer.v1.tar", bytes)
    }

    /// A manifest of the media type that it says it has.
    pub fn manifest(&self, name: &str, document: &Value) -> Content {
        let media_type = document["mediaType"].as_str().expect("a document that says its media type");
        self.content(name, media_type, document.to_string())
    }

    /// An image whose config and layers are these.
    pub fn image(&self, name: &str, config: &Content, layers: &[&Content]) -> Content {
        let layers: Vec<Value> = layers.iter().map(|layer| layer.descriptor()).collect();
        let config =
            config.descriptor_with(json!({ "mediaType": "application/vnd.oci.image.config.v1+json" }));
        self.manifest(
            name,
            &json!({
                "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": layers,
            }),
        )
    }

    /// A manifest that needs nothing.
    pub fn bare(&self, name: &str) -> Content {
        self.bare_with(name, json!({}))
    }

    /// The same, with more fields.
    pub fn bare_with(&self, name: &str, more: Value) -> Content {
        let mut fields = Map::new();
        fields.insert("schemaVersion".into(), json!(2));
        fields.insert("mediaType".into(), json!(media_type::OCI_MANIFEST));
        fields.insert("artifactType".into(), json!(EXAMPLE_TYPE));
        fields.insert("layers".into(), json!([]));
        fields.insert("annotations".into(), json!({ "name": name }));
        let Value::Object(more) = more else { panic!("fields are an object") };
        fields.extend(more);
        self.manifest(name, &Value::Object(fields))
    }

    /// A manifest of this type about another one.
    pub fn referrer(&self, name: &str, artifact_type: &str, subject: &Content) -> Content {
        self.bare_with(name, json!({ "artifactType": artifact_type, "subject": subject.descriptor() }))
    }

    /// An index with these entries.
    pub fn index(&self, name: &str, entries: &[&Content]) -> Content {
        self.index_of(name, &entries.iter().map(|entry| entry.descriptor()).collect::<Vec<_>>())
    }

    pub fn index_of(&self, name: &str, entries: &[Value]) -> Content {
        self.manifest(
            name,
            &json!({
                "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries,
                "annotations": { "name": name },
            }),
        )
    }
}
