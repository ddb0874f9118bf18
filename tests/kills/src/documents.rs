//! Manifests, indexes and referrers, and what each of them names.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::content::{Blob, Digest, sha256};

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// A manifest as it is pushed.
#[derive(Debug)]
pub struct Document {
    pub digest: Digest,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
    /// What it needs in its repository.
    pub blobs: Vec<Blob>,
    pub manifests: Vec<Digest>,
    pub referrer: Option<Referrer>,
}

/// What a listing of referrers says of a document, besides its digest and size.
#[derive(Clone, Debug)]
pub struct Referrer {
    pub subject: Digest,
    pub artifact_type: String,
    pub note: String,
}

impl Document {
    /// An image. `note` makes it different from others; a long one makes it a long manifest.
    pub fn image(config: &Blob, layers: &[Blob], note: &str) -> Arc<Self> {
        let layers_json: Vec<Value> = layers.iter().map(|layer| descriptor(LAYER, layer)).collect();
        let json = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, config),
            "layers": layers_json,
            "annotations": { "test.note": note },
        });
        let blobs = layers.iter().chain([config]).cloned().collect();
        Self::new(MANIFEST, &json, blobs, Vec::new(), None)
    }

    pub fn index(children: &[Arc<Self>], note: &str) -> Arc<Self> {
        let entries: Vec<Value> = children.iter().map(|child| child.descriptor()).collect();
        let json = json!({
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": entries,
            "annotations": { "test.note": note },
        });
        let manifests = children.iter().map(|child| child.digest.clone()).collect();
        Self::new(INDEX, &json, Vec::new(), manifests, None)
    }

    /// An artifact about a subject: a signature, say. Its config is the empty one.
    pub fn referrer(
        subject: &Value,
        config: &Blob,
        layer: &Blob,
        artifact_type: &str,
        note: &str,
    ) -> Arc<Self> {
        let json = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": artifact_type,
            "config": descriptor(EMPTY, config),
            "layers": [descriptor("application/octet-stream", layer)],
            "subject": subject,
            "annotations": { "test.note": note },
        });
        let referrer = Referrer {
            subject: subject["digest"].as_str().unwrap_or_default().into(),
            artifact_type: artifact_type.to_owned(),
            note: note.to_owned(),
        };
        Self::new(MANIFEST, &json, vec![config.clone(), layer.clone()], Vec::new(), Some(referrer))
    }

    fn new(
        media_type: &'static str,
        json: &Value,
        blobs: Vec<Blob>,
        manifests: Vec<Digest>,
        referrer: Option<Referrer>,
    ) -> Arc<Self> {
        let bytes = json.to_string().into_bytes();
        Arc::new(Self { digest: sha256(&bytes), media_type, bytes, blobs, manifests, referrer })
    }

    pub fn descriptor(&self) -> Value {
        json!({ "mediaType": self.media_type, "digest": &*self.digest, "size": self.bytes.len() })
    }

    /// The same, listed as if it had been pushed with another note.
    pub fn with_other_note(&self, note: &str) -> Arc<Self> {
        let referrer =
            self.referrer.as_ref().map(|referrer| Referrer { note: note.to_owned(), ..referrer.clone() });
        let (bytes, blobs, manifests) = (self.bytes.clone(), self.blobs.clone(), self.manifests.clone());
        Arc::new(Self {
            digest: self.digest.clone(),
            media_type: self.media_type,
            bytes,
            blobs,
            manifests,
            referrer,
        })
    }

    pub fn names(&self, digest: &str) -> bool {
        self.blobs.iter().any(|blob| &*blob.digest == digest)
            || self.manifests.iter().any(|child| &**child == digest)
    }
}

/// A subject that nobody has pushed.
pub fn phantom_subject(note: &str) -> Value {
    json!({ "mediaType": MANIFEST, "digest": &*sha256(note.as_bytes()), "size": 512 })
}

fn descriptor(media_type: &str, blob: &Blob) -> Value {
    json!({ "mediaType": media_type, "digest": &*blob.digest, "size": blob.content.bytes })
}
