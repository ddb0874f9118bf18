//! What scenarios push: blobs and documents with names, as small as they can be.

use bytes::Bytes;
use moorage_oci::{Digest, RepositoryName, Tag};

/// A manifest, an index, or a blob.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Doc {
    pub name: &'static str,
    pub media_type: &'static str,
    pub bytes: Bytes,
}

impl Doc {
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::sha256(&self.bytes)
    }

    fn descriptor(&self) -> String {
        let Self { media_type, bytes, .. } = self;
        format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":{}}}"#, self.digest(), bytes.len())
    }

    /// As an index names what lives elsewhere.
    fn remote_descriptor(&self) -> String {
        self.descriptor().replacen('{', r#"{"remote":true,"#, 1)
    }
}

const FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar";

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A blob.
#[must_use]
pub fn blob(name: &'static str) -> Doc {
    Doc { name, media_type: "application/x-layer", bytes: Bytes::from(format!("bytes of {name}")) }
}

/// A manifest of these layers.
#[must_use]
pub fn manifest(name: &'static str, layers: &[&Doc], subject: Option<&Doc>) -> Doc {
    let layers: Vec<String> = layers.iter().map(|layer| layer.descriptor()).collect();
    let subject = subject.map(|doc| format!(r#","subject":{}"#, doc.descriptor())).unwrap_or_default();
    let json = format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","artifactType":"a/b","layers":[{}],"annotations":{{"name":"{name}"}}{subject}}}"#,
        layers.join(",")
    );
    Doc { name, media_type: MANIFEST, bytes: Bytes::from(json) }
}

/// An index of these manifests.
#[must_use]
pub fn index(name: &'static str, children: &[&Doc]) -> Doc {
    let children: Vec<String> = children.iter().map(|child| child.descriptor()).collect();
    index_of(name, &children)
}

/// An index of manifests that live elsewhere.
#[must_use]
pub fn remote_index(name: &'static str, children: &[&Doc]) -> Doc {
    let children: Vec<String> = children.iter().map(|child| child.remote_descriptor()).collect();
    index_of(name, &children)
}

fn index_of(name: &'static str, children: &[String]) -> Doc {
    let json = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}],"annotations":{{"name":"{name}"}}}}"#,
        children.join(",")
    );
    Doc { name, media_type: INDEX, bytes: Bytes::from(json) }
}

/// What all scenarios push.
pub struct Things {
    /// Two blobs.
    pub b: Doc,
    pub c: Doc,
    /// Two manifests that share the layer `b`.
    pub m: Doc,
    pub n: Doc,
    /// Refers to `m`.
    pub r: Doc,
    /// An index of `m`, and one of that.
    pub i: Doc,
    pub o: Doc,
    /// A manifest of both blobs.
    pub w: Doc,
    /// An index that names `m` as remote.
    pub x: Doc,
    /// A layer that may be elsewhere, and a manifest of it.
    pub e: Doc,
    pub f: Doc,
}

#[must_use]
pub fn things() -> Things {
    let (b, c) = (blob("b"), blob("c"));
    let m = manifest("m", &[&b], None);
    let n = manifest("n", &[&b], None);
    let r = manifest("r", &[&c], Some(&m));
    let i = index("i", &[&m]);
    let o = index("o", &[&i]);
    let w = manifest("w", &[&b, &c], None);
    let x = remote_index("x", &[&m]);
    let e = Doc { media_type: FOREIGN, ..blob("e") };
    let f = manifest("f", &[&e], None);
    Things { b, c, m, n, r, i, o, w, x, e, f }
}

/// The repository of all scenarios, and the one that mounts from it.
#[must_use]
pub fn here() -> RepositoryName {
    name("here")
}

#[must_use]
pub fn there() -> RepositoryName {
    name("there")
}

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap_or_else(|_| panic!("{text} is a repository's name"))
}

#[must_use]
pub fn tag(text: &str) -> Tag {
    text.parse().unwrap_or_else(|_| panic!("{text} is a tag"))
}

/// A text with names in place of digests.
#[must_use]
pub fn named(text: &str) -> String {
    let Things { b, c, m, n, r, i, o, w, x, e, f } = things();
    let mut text = text.to_owned();
    for doc in [b, c, m, n, r, i, o, w, x, e, f] {
        text = text.replace(doc.digest().as_str(), &format!("<{}>", doc.name));
    }
    text
}
