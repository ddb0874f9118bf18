//! What the collector looks at, and how a review's key says it.

use std::fmt;
use std::str::FromStr;

use moorage_oci::{Digest, RepositoryName};

use super::{ALONE, BLOB, CONTENT, HELD, Holder, Key, RECORD, SortRange, TRASH, UPLOAD};
use crate::object_keys::ObjectKey;
use crate::value::Nonce;

/// What a review looks at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reviewed {
    Manifest(RepositoryName, Digest),
    Grant(RepositoryName, Digest),
    Content(Digest),
    Upload(Nonce),
    /// An object in the trash.
    Object(ObjectKey),
    /// All manifests of a repository whose policy changed.
    Repository(RepositoryName),
}

impl Reviewed {
    /// Over how many partitions reviews are spread. May grow: who looks for what is due asks all.
    pub const SHARDS: u8 = 16;

    /// The key of the record that is looked at.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Manifest(repository, digest) => Key::manifest(repository, digest),
            Self::Grant(repository, digest) => Key::grant(repository, digest),
            Self::Content(digest) => Key::content(digest),
            Self::Upload(id) => Key::upload(*id),
            Self::Object(object) => Key::trash(object),
            Self::Repository(repository) => Key::policy(repository),
        }
    }

    /// What holds it, where it is a node.
    #[must_use]
    pub fn holds(&self) -> Option<SortRange> {
        match self {
            Self::Manifest(repository, digest) => Some(SortRange::holds_of_manifest(repository, digest)),
            Self::Grant(repository, digest) => Some(SortRange::holds_of_grant(repository, digest)),
            Self::Content(digest) => Some(SortRange::holds_of_content(digest)),
            Self::Upload(_) | Self::Object(_) | Self::Repository(_) => None,
        }
    }

    pub(super) fn shard(&self) -> u8 {
        spread(self.to_string().as_bytes()) % Self::SHARDS
    }
}

/// One byte of a sum over all bytes: FNV-1a, which spreads text well and never changes.
pub(super) fn spread(bytes: &[u8]) -> u8 {
    let hash =
        bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    (hash ^ (hash >> 16)).to_le_bytes()[0]
}

/// `grant#library/app#sha256:9f86…`
impl fmt::Display for Reviewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest(repository, digest) => write!(f, "manifest#{repository}#{digest}"),
            Self::Grant(repository, digest) => write!(f, "grant#{repository}#{digest}"),
            Self::Content(digest) => write!(f, "content#{digest}"),
            Self::Upload(id) => write!(f, "upload#{id}"),
            Self::Object(object) => write!(f, "object#{object}"),
            Self::Repository(repository) => write!(f, "repository#{repository}"),
        }
    }
}

/// The text names nothing that can be reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it names nothing that the collector looks at")]
pub struct InvalidReviewed;

impl FromStr for Reviewed {
    type Err = InvalidReviewed;

    fn from_str(text: &str) -> Result<Self, InvalidReviewed> {
        let parse = || {
            let (kind, rest) = text.split_once('#')?;
            let in_repository = || {
                let (repository, digest) = rest.rsplit_once('#')?;
                Some((repository.parse().ok()?, digest.parse().ok()?))
            };
            Some(match kind {
                "manifest" => {
                    in_repository().map(|(repository, digest)| Self::Manifest(repository, digest))?
                }
                "grant" => in_repository().map(|(repository, digest)| Self::Grant(repository, digest))?,
                "content" => Self::Content(rest.parse().ok()?),
                "upload" => Self::Upload(rest.parse().ok()?),
                "object" => Self::Object(ObjectKey::from_stored(rest)),
                "repository" => Self::Repository(rest.parse().ok()?),
                _ => return None,
            })
        };
        parse().ok_or(InvalidReviewed)
    }
}

impl Key {
    /// What a review of this record looks at, where it is the key of such a record.
    #[must_use]
    pub fn reviewed(&self) -> Option<Reviewed> {
        if let Some((repository, digest)) = self.granted() {
            return Some(Reviewed::Grant(repository, digest));
        }
        if self.sort == RECORD {
            return self.manifest_named().map(|(repository, digest)| Reviewed::Manifest(repository, digest));
        }
        if self.sort == CONTENT {
            return Some(Reviewed::Content(self.partition.strip_prefix(BLOB)?.parse().ok()?));
        }
        if self.sort != ALONE {
            return None;
        }
        if let Some(id) = self.partition.strip_prefix(UPLOAD) {
            return Some(Reviewed::Upload(id.parse().ok()?));
        }
        self.partition.strip_prefix(TRASH).map(|object| Reviewed::Object(ObjectKey::from_stored(object)))
    }

    /// What is held, where this is the key of a hold.
    #[must_use]
    pub fn held(&self) -> Option<Reviewed> {
        if let Some((repository, digest)) = self.manifest_named() {
            return self.sort.starts_with(HELD).then_some(Reviewed::Manifest(repository, digest));
        }
        let digest = self.partition.strip_prefix(BLOB)?.parse().ok()?;
        match self.holder()? {
            Holder::Manifest(repository, ..) => Some(Reviewed::Grant(repository, digest)),
            Holder::Grant(..) => Some(Reviewed::Content(digest)),
            _ => None,
        }
    }
}
