//! Where objects lie. The one place that builds their keys.
//!
//! A key belongs to one attempt to make an object and is never used for another, so that deleting an old
//! object can never delete a fresh one.

use std::fmt;

use moorage_oci::{Digest, RepositoryName};
use serde::{Deserialize, Serialize};

use crate::value::{Incarnation, Nonce};

/// The key of an object in the blob store.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// A blob whose digest is known when its bytes come:
    /// `sha256:9f86…/library/app/0123456789abcdef0123456789abcdef`.
    #[must_use]
    pub fn blob(digest: &Digest, repository: &RepositoryName, upload: Nonce) -> Self {
        Self(format!("{digest}/{repository}/{upload}"))
    }

    /// A blob whose digest is known when its last bytes have come: `uploads/0123456789abcdef0123456789abcdef`.
    #[must_use]
    pub fn upload(nonce: Nonce) -> Self {
        Self(format!("uploads/{nonce}"))
    }

    /// The last bytes of an upload, until more come: `tails/0123456789abcdef0123456789abcdef`. Never a blob, so
    /// that a rule of the bucket may expire what is old there.
    #[must_use]
    pub fn tail(nonce: Nonce) -> Self {
        Self(format!("tails/{nonce}"))
    }

    /// The bytes of a manifest that is too long for an item:
    /// `manifests/sha256:9f86…/library/app/0123456789abcdef0123456789abcdef`.
    #[must_use]
    pub fn manifest(digest: &Digest, repository: &RepositoryName, incarnation: Incarnation) -> Self {
        Self(format!("manifests/{digest}/{repository}/{}", incarnation.0))
    }

    /// A key as a store lists it, or as a record names it.
    #[must_use]
    pub fn from_stored(key: &str) -> Self {
        Self(key.to_owned())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it may have been built here: whatever else is in a bucket is not ours to delete.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        let nonce = |rest: &str| rest.parse::<Nonce>().is_ok();
        self.blob_parts().is_some()
            || self.0.strip_prefix("uploads/").is_some_and(nonce)
            || self.0.strip_prefix("tails/").is_some_and(nonce)
            || self
                .0
                .strip_prefix("manifests/")
                .is_some_and(|rest| Self::from_stored(rest).blob_parts().is_some())
    }

    /// What a key of [`Self::blob`] was built of; `None` for any other key.
    #[must_use]
    pub fn blob_parts(&self) -> Option<(Digest, RepositoryName, Nonce)> {
        let (digest, rest) = self.0.split_once('/')?;
        let (repository, upload) = rest.rsplit_once('/')?;
        Some((digest.parse().ok()?, repository.parse().ok()?, upload.parse().ok()?))
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blobs_key_is_read_back() {
        let digest = Digest::sha256(b"test");
        for name in ["app", "library/app", "a/blobs/uploads/b"] {
            let parts = (digest.clone(), name.parse().expect("it is a name"), Nonce(7));
            assert_eq!(ObjectKey::blob(&parts.0, &parts.1, parts.2).blob_parts(), Some(parts));
        }
    }

    #[test]
    fn other_keys_have_no_such_parts() {
        let (digest, name) = (Digest::sha256(b"test"), "app".parse().expect("it is a name"));
        let ours = [
            ObjectKey::upload(Nonce(7)),
            ObjectKey::tail(Nonce(7)),
            ObjectKey::manifest(&digest, &name, Incarnation(Nonce(7))),
        ];
        let foreign = ["", "/", "a/b/c", "sha256:00/app/00000000000000000000000000000007"];
        let short = format!("{digest}/00000000000000000000000000000007");
        let no_nonce = format!("{digest}/app/photo.jpg");
        let foreign = foreign.into_iter().chain([short.as_str(), &no_nonce, "tails/x", "manifests/"]);
        let foreign: Vec<_> = foreign.map(ObjectKey::from_stored).collect();
        for key in ours.iter().chain(&foreign) {
            assert_eq!(key.blob_parts(), None, "{key}");
        }
        assert!(ours.iter().all(ObjectKey::is_ours) && ObjectKey::blob(&digest, &name, Nonce(7)).is_ours());
        assert!(!foreign.iter().any(ObjectKey::is_ours));
    }
}
