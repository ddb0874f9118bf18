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
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
