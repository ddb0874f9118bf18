//! What one document says about another piece of content.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// A content descriptor in the specification's form (image-spec descriptor.md), for documents of our own:
/// lists of referrers, records in the table. Fields that are empty are left out. A manifest that a client
/// pushed is never written anew: its bytes are kept as they came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Type of the content itself; empty where the document left it out.
    #[serde(default)]
    pub media_type: String,
    pub digest: Digest,
    /// Length of the content in bytes.
    pub size: u64,
    /// Type of the artifact that the content is the manifest of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Where else the content may be had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Which machines it is for (image-spec image-index.md), as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<serde_json::Value>,
    /// The content itself in base64, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

impl Descriptor {
    /// The three fields that every descriptor has.
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Descriptor {
        Descriptor {
            media_type: media_type.into(),
            digest,
            size,
            artifact_type: None,
            annotations: BTreeMap::new(),
            urls: Vec::new(),
            platform: None,
            data: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media_type::OCI_MANIFEST;

    #[test]
    fn it_is_written_as_the_specification_writes_it() {
        let mut descriptor = Descriptor::new(OCI_MANIFEST, Digest::sha256(b"{}"), 2);
        let plain = r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}"#;
        assert_eq!(serde_json::to_string(&descriptor).expect("JSON"), plain);

        descriptor.artifact_type = Some("application/vnd.example".into());
        descriptor.annotations.insert("a".into(), "b".into());
        descriptor.urls.push("https://example.com/x".into());
        descriptor.platform = serde_json::from_str(r#"{"architecture":"arm64","os":"linux"}"#).expect("JSON");
        descriptor.data = Some("e30=".into());
        let full = serde_json::to_string(&descriptor).expect("JSON");
        assert!(full.ends_with(
            r#""size":2,"artifactType":"application/vnd.example","annotations":{"a":"b"},"urls":["https://example.com/x"],"platform":{"architecture":"arm64","os":"linux"},"data":"e30="}"#
        ));
        assert_eq!(serde_json::from_str::<Descriptor>(&full).expect("the same"), descriptor);
    }

    #[test]
    fn a_bad_digest_or_size_is_not_read() {
        assert!(
            serde_json::from_str::<Descriptor>(r#"{"mediaType":"a/b","digest":"sha256:0","size":1}"#)
                .is_err()
        );
        let negative = format!(r#"{{"mediaType":"a/b","digest":"{}","size":-1}}"#, Digest::sha256(b""));
        assert!(serde_json::from_str::<Descriptor>(&negative).is_err());
    }
}
