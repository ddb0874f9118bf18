//! What there is to push: few things that overlap, so that clients meet.

use std::fmt::Write as _;
use std::sync::OnceLock;

use bytes::Bytes;
use moorage_oci::{Digest, Reference, RepositoryName, Tag};

/// A blob.
pub struct Blob {
    pub digest: Digest,
    pub bytes: Bytes,
}

/// A manifest, and what it names, by index into the universe.
pub struct Manifest {
    pub digest: Digest,
    pub bytes: Bytes,
    pub blobs: Vec<usize>,
    pub children: Vec<usize>,
    pub subject: Option<usize>,
}

/// The type under which referrers are listed.
pub const ARTIFACT_TYPE: &str = "application/vnd.moorage.signature";

/// Everything that clients push. The same for each seed.
pub struct Universe {
    pub repositories: Vec<RepositoryName>,
    pub tags: Vec<Tag>,
    pub blobs: Vec<Blob>,
    /// Children and subjects come before whoever names them.
    pub manifests: Vec<Manifest>,
}

impl Universe {
    pub fn get() -> &'static Self {
        static UNIVERSE: OnceLock<Universe> = OnceLock::new();
        UNIVERSE.get_or_init(Self::new)
    }

    fn new() -> Self {
        let parsed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let repositories = parsed(&["app", "base"]);
        let tags = parsed(&["one", "two"]);
        let blob = |name: &str| Blob {
            digest: Digest::sha256(name.as_bytes()),
            bytes: Bytes::copy_from_slice(name.as_bytes()),
        };
        let mut universe = Self {
            repositories: repositories.iter().map(|r| r.parse().expect("a name")).collect(),
            tags: tags.iter().map(|t| t.parse().expect("a tag")).collect(),
            blobs: ["zero", "first", "second", "third"].map(blob).into(),
            manifests: Vec::new(),
        };
        universe.image(&[0, 2], None);
        universe.image(&[0, 1], None);
        universe.image(&[2, 3], None);
        universe.index(&[0, 1], "platforms");
        universe.index(&[3, 2], "nested");
        universe.image(&[0, 3], Some(0));
        universe.image(&[2], Some(3));
        universe
    }

    fn image(&mut self, blobs: &[usize], subject: Option<usize>) {
        let described = |blob: usize| {
            let Blob { digest, bytes } = &self.blobs[blob];
            let size = bytes.len();
            format!(
                r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{digest}","size":{size}}}"#
            )
        };
        let layers: Vec<String> = blobs[1..].iter().map(|blob| described(*blob)).collect();
        let mut json = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[{}]"#,
            described(blobs[0]).replace("layer.v1.tar", "config.v1+json"),
            layers.join(",")
        );
        if let Some(subject) = subject {
            let named = self.described(subject);
            write!(json, r#","artifactType":"{ARTIFACT_TYPE}","subject":{named}"#)
                .expect("a string takes it");
        }
        json.push('}');
        self.add(json, blobs.to_vec(), Vec::new(), subject);
    }

    fn index(&mut self, children: &[usize], name: &str) {
        let entries: Vec<String> = children.iter().map(|child| self.described(*child)).collect();
        let json = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{}],"annotations":{{"name":"{name}"}}}}"#,
            entries.join(",")
        );
        self.add(json, Vec::new(), children.to_vec(), None);
    }

    fn described(&self, manifest: usize) -> String {
        let Manifest { digest, bytes, children, .. } = &self.manifests[manifest];
        let kind = if children.is_empty() { "manifest" } else { "index" };
        let size = bytes.len();
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.{kind}.v1+json","digest":"{digest}","size":{size}}}"#
        )
    }

    fn add(&mut self, json: String, blobs: Vec<usize>, children: Vec<usize>, subject: Option<usize>) {
        let bytes = Bytes::from(json);
        self.manifests.push(Manifest { digest: Digest::sha256(&bytes), bytes, blobs, children, subject });
    }

    pub fn by_digest(&self, manifest: usize) -> Reference {
        Reference::Digest(self.manifests[manifest].digest.clone())
    }
}
