//! What the items of the reference table say. One item a fact; attribute names are readable in a console.

mod search;
mod types;

use bytes::Bytes;
use moorage_oci::{Descriptor, Digest, HashState, RepositoryName};
use serde::{Deserialize, Serialize};

use crate::blobs::{Part, PartsId};
use crate::events::Event;
use crate::keys::Key;
use crate::object_keys::ObjectKey;
use crate::table::Cursor;
use crate::value::{Incarnation, Timestamp, Version};

pub use search::SearchedRecord;
pub use types::{AllowedTypes, Enforcement, RegistryPolicy, TypePolicy, TypeRecord, UnknownTypes};

/// The format of the data that this code reads and writes. Goes up when an older binary could not.
pub const FORMAT: u32 = 1;

/// One item: a fact under its key. `version` is there on every record that changes.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    pub key: Key,
    pub version: Option<Version>,
    pub fact: Fact,
}

impl Item {
    /// A fact that is written once.
    #[must_use]
    pub fn once(key: Key, fact: Fact) -> Self {
        Self { key, version: None, fact }
    }

    /// A record, at a version that was never used before.
    #[must_use]
    pub fn at(key: Key, version: Version, fact: Fact) -> Self {
        Self { key, version: Some(version), fact }
    }
}

/// Every kind of fact.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// The format of the data.
    Format {
        number: u32,
    },
    /// What upload tokens are signed with, in hexadecimal.
    UploadSecret {
        key: String,
    },
    /// A repository has, or had, a manifest.
    Catalog,
    Policy(Policy),
    RegistryPolicy(RegistryPolicy),
    /// The definition of an artifact type.
    Type(TypeRecord),
    Tag(TagRecord),
    /// What once happened to a tag. Decides nothing.
    TagHistory(TagEvent),
    /// A repository has this manifest.
    Listed,
    Manifest(ManifestRecord),
    /// A manifest's bytes, exactly as they came.
    #[serde(skip)]
    Body(Bytes),
    /// The key says who holds what.
    Hold,
    /// The manifest was in an index.
    WasHeld,
    /// The key says which index; its entry says where the manifest lives.
    RemoteIn {
        urls: Vec<String>,
    },
    /// A tag that a recycled manifest had.
    WasTagged,
    Referrer(ReferrerRecord),
    Content(ContentRecord),
    Grant(GrantRecord),
    Session(SessionRecord),
    Trash(TrashRecord),
    /// Something is to be looked at; the key says what and when.
    Review,
    /// A manifest is in its repository's recycle bin.
    Recycled,
    /// How far the collector has read the change feed.
    FeedPlace {
        cursor: Cursor,
    },
    /// The key says what can be found by what.
    SearchEntry,
    /// What is said of a manifest to whoever searches.
    Searched(SearchedRecord),
    /// Something happened, and somebody is to be told.
    Event(Event),
}

impl Fact {
    /// What every node's record has, where this is one.
    #[must_use]
    pub fn node(&self) -> Option<&Node> {
        match self {
            Self::Manifest(ManifestRecord { node, .. })
            | Self::Content(ContentRecord { node, .. })
            | Self::Grant(GrantRecord { node, .. }) => Some(node),
            _ => None,
        }
    }

    /// The same, to change it.
    pub fn node_mut(&mut self) -> Option<&mut Node> {
        match self {
            Self::Manifest(ManifestRecord { node, .. })
            | Self::Content(ContentRecord { node, .. })
            | Self::Grant(GrantRecord { node, .. }) => Some(node),
            _ => None,
        }
    }
}

/// Where a node is in its life.
///
/// `Pending -> Live -> Condemned -> Deleting -> (gone)`; a manifest, and a grant that a client deleted, go
/// `Condemned -> Recycled -> Deleting`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Being made: its holds are being put. Not there for readers.
    Pending,
    /// There.
    Live,
    /// There, for every reader; about to go, unless somebody holds it.
    Condemned,
    /// In the recycle bin: not there for readers, its holds kept.
    Recycled,
    /// Going: only a new incarnation can bring it back.
    Deleting,
}

impl State {
    /// Whether readers see the node.
    #[must_use]
    pub fn is_readable(self) -> bool {
        matches!(self, Self::Live | Self::Condemned)
    }
}

/// What every node's record has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Node {
    pub state: State,
    pub incarnation: Incarnation,
    /// The collector does not condemn the node before.
    pub keep_until: Timestamp,
    /// A pending node that is not live by then is given up.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deadline: Option<Timestamp>,
    /// A pending node that came out of the recycle bin, and falls back into it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub from_bin: bool,
}

/// A manifest in a repository.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ManifestRecord {
    pub node: Node,
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// Where the bytes are, when they don't fit an item.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub object: Option<ObjectKey>,
    /// What this manifest refers to, and under which type it is listed there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<Subject>,
    /// Its artifact type, where it has one: as the rules of types resolve it, which a list of referrers does not go by.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub artifact_type: Option<String>,
    /// Since when it is there: a stay in the recycle bin changes nothing. `None` while it is pending, and where an older
    /// version wrote it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pushed: Option<Timestamp>,
    /// Since when it is in the recycle bin; also while it is being brought out of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recycled: Option<Timestamp>,
    /// Since when nothing holds it, where the policy recycles what nothing has held for a time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unheld: Option<Timestamp>,
}

/// The subject of a referrer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Subject {
    pub digest: Digest,
    /// As the listing filters by it; empty where the referrer has none.
    pub artifact_type: String,
    /// Whether the subject was there when the referrer became live.
    pub was_there: bool,
}

/// A tag, and what it points to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TagRecord {
    pub digest: Digest,
    pub media_type: String,
    /// Bytes of the manifest.
    pub size: u64,
    /// Since when it points there, and never before it pointed elsewhere. `None` where an older version wrote it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<Timestamp>,
}

/// One line of a tag's history.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TagEvent {
    pub happened: TagHappening,
    /// A deletion's is that of the change feed ([`crate::Change::at`]), else when the change was read.
    pub at: Timestamp,
    /// What the tag points to from then on, or pointed to until then.
    pub digest: Digest,
    pub media_type: String,
    /// Bytes of the manifest.
    pub size: u64,
}

/// What can happen to a tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagHappening {
    /// It was made, or moved.
    Pointed,
    /// It was deleted, by itself or with its manifest.
    Deleted,
}

impl TagHappening {
    /// As a key has it. Of one version the deletion, which is newer, comes first.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Pointed => "pointed",
        }
    }
}

/// One entry of the referrers list of a subject.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ReferrerRecord {
    pub digest: Digest,
    /// `None` where it is too long for the listing, which then reads the manifest itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub descriptor: Option<Descriptor>,
}

/// The bytes of a blob, whichever repositories may read them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ContentRecord {
    pub node: Node,
    pub object: ObjectKey,
    /// Bytes.
    pub size: u64,
}

/// A repository may read a blob. Names the content's object, so that a read needs no other item.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GrantRecord {
    pub node: Node,
    /// `None` while the grant is pending: it is copied from the content when that was seen live under the
    /// grant's hold, never earlier.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub object: Option<ObjectKey>,
    /// Bytes.
    pub size: u64,
}

/// An upload, from its first PATCH on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SessionRecord {
    pub repository: RepositoryName,
    /// After this the upload's token is out of date, and the record may go.
    pub expires: Timestamp,
    pub progress: Progress,
}

/// How far an upload has come.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    Open(OpenUpload),
    /// These bytes are, or are about to be, the blob of this digest: nothing can be added to them, and
    /// nothing else becomes of them.
    Closing {
        upload: OpenUpload,
        digest: Digest,
    },
    /// Cancelled, or given up: the token is used up.
    Closed,
}

/// The bytes of an upload that came so far.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OpenUpload {
    /// What is made of the parts, or of the tail where there are none.
    pub object: ObjectKey,
    /// `None` before the first part.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parts_id: Option<PartsId>,
    pub parts: Vec<Part>,
    /// The last bytes, while they are too few for a part.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tail: Option<Tail>,
    /// Bytes received.
    pub received: u64,
    pub hash: HashState,
}

/// The last bytes of an upload, in an object of their own until more come.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Tail {
    pub object: ObjectKey,
    /// Bytes; fewer than a part has.
    pub size: u64,
}

/// An object to delete; afterwards a tombstone, so that its key is never recorded again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TrashRecord {
    /// When it was given up.
    pub since: Timestamp,
    /// An object that never was completed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parts_id: Option<PartsId>,
    /// The object is gone: this is the tombstone.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub deleted: bool,
}

/// A repository's policy.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, Default)]
pub struct Policy {
    /// Whether the repository's name is in the catalog already.
    pub in_catalog: bool,
    /// What becomes of manifests that nothing holds.
    #[serde(skip_serializing_if = "Untagged::is_keep", default)]
    pub untagged: Untagged,
    /// Whether a tag stays where it was first pointed to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub immutable_tags: Option<ImmutableTags>,
    /// Which artifact types may be pushed, as far as the registry's policy does not hold.
    #[serde(skip_serializing_if = "TypePolicy::is_silent", default)]
    pub types: TypePolicy,
    /// Fresh whenever a definition of the repository's own is put or deleted; `None` while it never had one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub definitions: Option<Version>,
}

/// Tags are made once and never moved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, Default)]
pub struct ImmutableTags {
    /// Those that may move all the same; `*` stands for any characters, `?` for one.
    pub except: Vec<String>,
}

/// What becomes of manifests that lose their last tag, or were pushed without one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Untagged {
    /// They stay.
    #[default]
    Keep,
    /// They go into the recycle bin when nothing has held them for so long.
    Recycle { after_ms: u64 },
}

impl Untagged {
    #[must_use]
    pub fn is_keep(&self) -> bool {
        *self == Self::Keep
    }
}
