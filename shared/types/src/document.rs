//! What the rules of types look at in a document, beyond what [`Manifest`](moorage_oci::Manifest) keeps: its lists in
//! order, with everything that is listed twice.

use std::borrow::Cow;
use std::collections::BTreeMap;

use moorage_oci::REMOTE_ANNOTATION;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A document's lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// What the document says itself, apart from any config.
    pub artifact_type: Option<String>,
    /// Of a manifest: `layers`; of the retired artifact manifest, which has `blobs` in their place, those.
    pub layers: List,
    /// Of an index: `manifests`.
    pub entries: List,
}

/// Descriptors in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// The field they stand in.
    pub field: &'static str,
    pub members: Vec<Listed>,
}

/// What a descriptor says, as far as rules go by it. Empty texts and `null` are as if left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Where it stands in the list, counted from 0.
    pub index: usize,
    pub media_type: Option<String>,
    pub artifact_type: Option<String>,
    pub annotations: BTreeMap<String, String>,
    /// Whether it says its platform.
    pub has_platform: bool,
    /// Whether it is flagged as remote, by field or annotation.
    pub remote: bool,
}

impl List {
    /// The pointer to a member.
    pub(crate) fn pointer(&self, listed: &Listed) -> String {
        format!("/{}/{}", self.field, listed.index)
    }
}

impl Document {
    /// Reads bytes that [`Manifest::parse`](moorage_oci::Manifest::parse) took. What is malformed, which can only be in
    /// a document of an unknown kind, is left out. A byte order mark is skipped.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Document {
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let Ok(fields) = serde_json::from_slice::<Fields<'_>>(bytes) else { return Document::default() };
        let layers = List { field: "layers", members: listed(fields.layers) };
        let blobs = List { field: "blobs", members: listed(fields.blobs) };
        Document {
            artifact_type: name(fields.artifact_type),
            layers: if layers.members.is_empty() && !blobs.members.is_empty() { blobs } else { layers },
            entries: List { field: "manifests", members: listed(fields.manifests) },
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct Fields<'a> {
    #[serde(borrow)]
    artifact_type: Option<&'a RawValue>,
    layers: Option<&'a RawValue>,
    blobs: Option<&'a RawValue>,
    manifests: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct Member<'a> {
    #[serde(borrow)]
    media_type: Option<&'a RawValue>,
    artifact_type: Option<&'a RawValue>,
    annotations: Option<&'a RawValue>,
    platform: Option<&'a RawValue>,
    remote: Option<&'a RawValue>,
}

/// A value of this shape, if it is one.
fn shaped<'a, T: Deserialize<'a>>(value: Option<&'a RawValue>) -> Option<T> {
    value.and_then(|value| serde_json::from_str(value.get()).ok())
}

fn name(value: Option<&RawValue>) -> Option<String> {
    shaped::<String>(value).filter(|name| !name.is_empty())
}

fn listed(value: Option<&RawValue>) -> Vec<Listed> {
    let members: Vec<&RawValue> = shaped(value).unwrap_or_default();
    members.into_iter().enumerate().filter_map(|(index, member)| read_member(index, member)).collect()
}

fn read_member(index: usize, member: &RawValue) -> Option<Listed> {
    let Member { media_type, artifact_type, annotations, platform, remote } = shaped(Some(member))?;
    let annotations: BTreeMap<Cow<'_, str>, &RawValue> = shaped(annotations).unwrap_or_default();
    let annotations: BTreeMap<String, String> = annotations
        .into_iter()
        .filter_map(|(key, value)| Some((key.into_owned(), shaped(Some(value))?)))
        .collect();
    let flagged = annotations.get(REMOTE_ANNOTATION).is_some_and(|value| value == "true");
    Some(Listed {
        index,
        media_type: name(media_type),
        artifact_type: name(artifact_type),
        has_platform: shaped::<BTreeMap<Cow<'_, str>, &RawValue>>(platform)
            .is_some_and(|platform| !platform.is_empty()),
        remote: shaped(remote) == Some(true) || flagged,
        annotations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Document {
        Document::read(text.as_bytes())
    }

    #[test]
    fn lists_keep_their_order_and_what_is_there_twice() {
        let document = read(
            r#"{"artifactType":"a/b","layers":[{"mediaType":"b/b","digest":"x"},{"mediaType":"a/a"},{"mediaType":"b/b"}]}"#,
        );
        let types: Vec<_> = document.layers.members.iter().map(|layer| layer.media_type.as_deref()).collect();
        assert_eq!(types, [Some("b/b"), Some("a/a"), Some("b/b")]);
        assert_eq!(document.layers.pointer(&document.layers.members[2]), "/layers/2");
        assert_eq!(document.artifact_type.as_deref(), Some("a/b"));
        assert!(document.entries.members.is_empty());
    }

    #[test]
    fn an_entry_says_its_platform_and_whether_it_is_remote() {
        let document = read(
            r#"{"manifests":[
                {"mediaType":"a/b","platform":{"os":"linux"},"artifactType":"c/d","annotations":{"k\n":"v\t","n":null}},
                {"platform":null,"remote":true},
                {"platform":{},"annotations":{"dev.moorage.remote":"true"}},
                {"remote":"true","annotations":{"dev.moorage.remote":"yes"}}]}"#,
        );
        let entries = &document.entries.members;
        let flags: Vec<_> = entries.iter().map(|entry| (entry.has_platform, entry.remote)).collect();
        assert_eq!(flags, [(true, false), (false, true), (false, true), (false, false)]);
        assert_eq!(entries[0].annotations, BTreeMap::from([("k\n".to_owned(), "v\t".to_owned())]));
        assert_eq!(entries[0].artifact_type.as_deref(), Some("c/d"));
        assert_eq!(document.entries.pointer(&entries[3]), "/manifests/3");
    }

    #[test]
    fn blobs_stand_in_for_layers() {
        let document = read(r#"{"blobs":[{"mediaType":"a/b"}],"layers":null}"#);
        assert_eq!(document.layers.pointer(&document.layers.members[0]), "/blobs/0");
    }

    #[test]
    fn what_is_malformed_is_left_out_and_counts_on() {
        let document = read(
            "\u{feff}{\"artifactType\":7,\"layers\":[1,{\"mediaType\":[]},\"x\",{\"mediaType\":\"a/b\",\"annotations\":7}],\"manifests\":{}}",
        );
        let layers: Vec<_> =
            document.layers.members.iter().map(|layer| (layer.index, layer.media_type.as_deref())).collect();
        assert_eq!(layers, [(1, None), (3, Some("a/b"))]);
        assert_eq!((document.artifact_type, document.entries.members), (None, vec![]));
        assert_eq!(read("[]"), Document::default());
    }
}
