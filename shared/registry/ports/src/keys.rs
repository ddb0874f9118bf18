//! The keys of the reference table. The one place that builds them: a [`Key`] can be made nowhere else.
//!
//! A key has a partition and a sort part. `<repo>` may contain `/`, never `#`. An artifact type may contain
//! anything: over 255 bytes, or with a `#`, its sha256 stands in the key.

mod event;
mod holder;
mod reviewed;
mod search;
mod tag_history;
mod types;

use std::fmt;

use moorage_oci::{Digest, RepositoryName, Tag};

use crate::object_keys::ObjectKey;
use crate::value::{Incarnation, Nonce, Timestamp, Version};

pub use holder::Holder;
pub use reviewed::Reviewed;
pub use search::{InvalidSearchPlace, SearchPlace, SearchScope, SearchTerm};
pub use tag_history::TagMoment;
pub use types::TypesOf;

/// The key of one item.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    partition: String,
    sort: String,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}", self.partition, self.sort)
    }
}

impl Key {
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition
    }

    #[must_use]
    pub fn sort(&self) -> &str {
        &self.sort
    }

    /// A key as an adapter reads it back from its store.
    #[must_use]
    pub fn from_stored(partition: &str, sort: &str) -> Self {
        Self { partition: partition.to_owned(), sort: sort.to_owned() }
    }

    fn new(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self { partition: partition.into(), sort: sort.into() }
    }

    /// The format of the data: `moorage / format`.
    #[must_use]
    pub fn format() -> Self {
        Self::new("moorage", "format")
    }

    /// The key that upload tokens are signed with: `moorage / upload-secret`.
    #[must_use]
    pub fn upload_secret() -> Self {
        Self::new("moorage", "upload-secret")
    }

    /// A repository's name, in the catalog: `catalog / library/app`.
    #[must_use]
    pub fn catalog(repository: &RepositoryName) -> Self {
        Self::new("catalog", repository.as_str())
    }

    /// A repository's policy: `repo#library/app / policy`.
    #[must_use]
    pub fn policy(repository: &RepositoryName) -> Self {
        Self::new(repository_partition(repository), POLICY)
    }

    /// A tag: `repo#library/app / tag#v1`.
    #[must_use]
    pub fn tag(repository: &RepositoryName, tag: &Tag) -> Self {
        Self::new(repository_partition(repository), format!("{TAG}{tag}"))
    }

    /// An entry in the list of a repository's manifests: `repo#library/app / manifest#sha256:9f86…`.
    #[must_use]
    pub fn listed(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::new(repository_partition(repository), format!("{LISTED}{digest}"))
    }

    /// A manifest's record: `manifest#library/app#sha256:9f86… / 0#self`.
    #[must_use]
    pub fn manifest(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::new(manifest_partition(repository, digest), RECORD)
    }

    /// A manifest's bytes, while they fit an item: `manifest#library/app#sha256:9f86… / 0#body`.
    #[must_use]
    pub fn body(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::new(manifest_partition(repository, digest), BODY)
    }

    /// Whether this is the key of a manifest's bytes.
    #[must_use]
    pub fn is_body(&self) -> bool {
        self.sort == BODY
    }

    /// Whether the change feed leaves this item out: bytes of manifests, and what the collector writes for
    /// itself, which would make it read its own writes for ever.
    #[must_use]
    pub fn is_untold(&self) -> bool {
        let is_of_the_collector = self.partition.starts_with(REVIEW) || *self == Self::feed_place();
        self.is_body() || is_of_the_collector || self.is_of_search() || self.is_of_events()
    }

    /// How far the collector has read the change feed: `moorage / feed-place`.
    #[must_use]
    pub fn feed_place() -> Self {
        Self::new("moorage", "feed-place")
    }

    /// A review that is due at some time: `review#0 / 01764158400000#grant#library/app#sha256:9f86…`. The shard
    /// follows from what is reviewed; the time is in milliseconds, of 14 digits, so that the soonest comes first.
    #[must_use]
    pub fn review(due: Timestamp, of: &Reviewed) -> Self {
        Self::new(review_partition(of.shard()), format!("{:0DUE_DIGITS$}#{of}", due.0.min(DUE_MAX)))
    }

    /// When it is due and what it looks at, where this is the key of a review.
    #[must_use]
    pub fn due(&self) -> Option<(Timestamp, Reviewed)> {
        self.partition.strip_prefix(REVIEW)?;
        let (due, of) = self.sort.split_once('#')?;
        Some((Timestamp(due.parse().ok()?), of.parse().ok()?))
    }

    /// An entry in the list of a repository's recycle bin:
    /// `repo#library/app / recycled#01764158400000#sha256:9f86…`, the oldest first.
    #[must_use]
    pub fn recycled(repository: &RepositoryName, since: Timestamp, digest: &Digest) -> Self {
        let sort = format!("{RECYCLED}{:0DUE_DIGITS$}#{digest}", since.0.min(DUE_MAX));
        Self::new(repository_partition(repository), sort)
    }

    /// Since when it is there, and what, where this is the key of an entry of a recycle bin.
    #[must_use]
    pub fn recycled_parts(&self) -> Option<(Timestamp, Digest)> {
        let (since, digest) = self.sort.strip_prefix(RECYCLED)?.split_once('#')?;
        Some((Timestamp(since.parse().ok()?), digest.parse().ok()?))
    }

    /// A tag holds a manifest: `manifest#library/app#sha256:9f86… / held#tag#v1#<version of the tag>`.
    #[must_use]
    pub fn held_by_tag(repository: &RepositoryName, held: &Digest, tag: &Tag, version: Version) -> Self {
        Self::new(manifest_partition(repository, held), format!("{HELD}tag#{tag}#{}", version.0))
    }

    /// An index holds a manifest: `manifest#library/app#sha256:9f86… / held#index#sha256:abcd…#<incarnation>`.
    #[must_use]
    pub fn held_by_index(
        repository: &RepositoryName,
        held: &Digest,
        index: &Digest,
        incarnation: Incarnation,
    ) -> Self {
        Self::new(manifest_partition(repository, held), format!("{HELD}index#{index}#{}", incarnation.0))
    }

    /// The repository's policy keeps a manifest: `manifest#library/app#sha256:9f86… / held#kept#<incarnation>`.
    #[must_use]
    pub fn held_by_policy(repository: &RepositoryName, held: &Digest, incarnation: Incarnation) -> Self {
        Self::new(manifest_partition(repository, held), format!("{HELD}kept#{}", incarnation.0))
    }

    /// An index held this manifest at some time: `manifest#library/app#sha256:9f86… / was-held`.
    #[must_use]
    pub fn was_held(repository: &RepositoryName, held: &Digest) -> Self {
        Self::new(manifest_partition(repository, held), "was-held")
    }

    /// An index names this digest as remote:
    /// `manifest#library/app#sha256:9f86… / remote-in#sha256:abcd…#<incarnation>`.
    #[must_use]
    pub fn remote_in(
        repository: &RepositoryName,
        named: &Digest,
        index: &Digest,
        incarnation: Incarnation,
    ) -> Self {
        Self::new(manifest_partition(repository, named), format!("{REMOTE_IN}{index}#{}", incarnation.0))
    }

    /// A tag that a manifest had when it was recycled:
    /// `manifest#library/app#sha256:9f86… / was-tagged#01764158400000#v1`. What an earlier stay in the bin left
    /// there has another time.
    #[must_use]
    pub fn was_tagged(repository: &RepositoryName, digest: &Digest, since: Timestamp, tag: &Tag) -> Self {
        Self::new(manifest_partition(repository, digest), format!("{}{tag}", was_tagged_prefix(since)))
    }

    /// The tag, where this is the key of one that a recycled manifest had.
    #[must_use]
    pub fn former_tag(&self) -> Option<Tag> {
        self.sort.strip_prefix(WAS_TAGGED)?.split_once('#')?.1.parse().ok()
    }

    /// A referrer, under its subject:
    /// `manifest#library/app#sha256:9f86… / referrer#application/spdx+json#sha256:abcd…`.
    #[must_use]
    pub fn referrer(
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: &str,
        referrer: &Digest,
    ) -> Self {
        let sort = format!("{REFERRER}{}#{referrer}", type_in_key(artifact_type));
        Self::new(manifest_partition(repository, subject), sort)
    }

    /// A referrer's key from its sort part, as a list that is read page by page hands it out.
    #[must_use]
    pub fn referrer_at(repository: &RepositoryName, subject: &Digest, sort: &str) -> Option<Self> {
        sort.starts_with(REFERRER).then(|| Self::new(manifest_partition(repository, subject), sort))
    }

    /// A blob's content: `blob#sha256:9f86… / content`.
    #[must_use]
    pub fn content(digest: &Digest) -> Self {
        Self::new(blob_partition(digest), CONTENT)
    }

    /// A repository may read a blob: `blob#sha256:9f86… / grant#library/app`.
    #[must_use]
    pub fn grant(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::new(blob_partition(digest), format!("{GRANT}{repository}"))
    }

    /// A manifest holds a grant: `blob#sha256:9f86… / held#library/app#sha256:abcd…#<incarnation>`.
    #[must_use]
    pub fn held_by_manifest(
        repository: &RepositoryName,
        held: &Digest,
        manifest: &Digest,
        incarnation: Incarnation,
    ) -> Self {
        Self::new(blob_partition(held), format!("{HELD}{repository}#{manifest}#{}", incarnation.0))
    }

    /// A grant holds its content: `blob#sha256:9f86… / held-content#library/app#<incarnation>`.
    #[must_use]
    pub fn held_by_grant(repository: &RepositoryName, held: &Digest, incarnation: Incarnation) -> Self {
        Self::new(blob_partition(held), format!("{HELD_CONTENT}{repository}#{}", incarnation.0))
    }

    /// An upload session: `upload#<id> / self`.
    #[must_use]
    pub fn upload(id: Nonce) -> Self {
        Self::new(format!("{UPLOAD}{id}"), ALONE)
    }

    /// An object that nobody names any more: `trash#uploads/0123… / self`.
    #[must_use]
    pub fn trash(object: &ObjectKey) -> Self {
        Self::new(format!("{TRASH}{object}"), ALONE)
    }

    /// The tag's name, where this is the key of a tag.
    #[must_use]
    pub fn tag_name(&self) -> Option<&str> {
        self.sort.strip_prefix(TAG)
    }

    /// The repository's name, where this is the key of a catalog entry.
    #[must_use]
    pub fn catalog_name(&self) -> Option<&str> {
        (self.partition == "catalog").then_some(self.sort.as_str())
    }

    /// The repository, where this is the key of its policy.
    #[must_use]
    pub fn policy_of(&self) -> Option<RepositoryName> {
        let repository = self.partition.strip_prefix(REPOSITORY).filter(|_| self.sort == POLICY)?;
        repository.parse().ok()
    }

    /// The repository, where this is the key of something that lies under it.
    #[must_use]
    pub fn repository(&self) -> Option<RepositoryName> {
        self.partition.strip_prefix(REPOSITORY)?.parse().ok()
    }

    /// The manifest, where this is the key of an entry in the list of a repository's manifests.
    #[must_use]
    pub fn listed_digest(&self) -> Option<Digest> {
        self.sort.strip_prefix(LISTED).filter(|_| self.partition.starts_with(REPOSITORY))?.parse().ok()
    }

    /// The referrer, where this is the key of one under its subject.
    #[must_use]
    pub fn referrer_digest(&self) -> Option<Digest> {
        self.sort.strip_prefix(REFERRER)?.rsplit_once('#')?.1.parse().ok()
    }

    /// The repository and the blob, where this is the key of a grant.
    #[must_use]
    pub fn granted(&self) -> Option<(RepositoryName, Digest)> {
        let digest = self.partition.strip_prefix(BLOB)?;
        Some((self.sort.strip_prefix(GRANT)?.parse().ok()?, digest.parse().ok()?))
    }

    /// The repository and the digest, where this is the key of anything under a manifest.
    #[must_use]
    pub fn manifest_named(&self) -> Option<(RepositoryName, Digest)> {
        let (repository, digest) = self.partition.strip_prefix(MANIFEST)?.rsplit_once('#')?;
        Some((repository.parse().ok()?, digest.parse().ok()?))
    }

    /// The index, where this is the key of an entry that an index names as remote.
    #[must_use]
    pub fn naming_index(&self) -> Option<Digest> {
        self.sort.strip_prefix(REMOTE_IN)?.rsplit_once('#')?.0.parse().ok()
    }
}

const BODY: &str = "0#body";
const POLICY: &str = "policy";
const BLOB: &str = "blob#";
const MANIFEST: &str = "manifest#";
const TAG: &str = "tag#";
const REFERRER: &str = "referrer#";
const REMOTE_IN: &str = "remote-in#";
const GRANT: &str = "grant#";
const HELD: &str = "held#";
const HELD_CONTENT: &str = "held-content#";
const UPLOAD: &str = "upload#";
const TRASH: &str = "trash#";
const REPOSITORY: &str = "repo#";
const CONTENT: &str = "content";
const RECORD: &str = "0#self";
const ALONE: &str = "self";
const REVIEW: &str = "review#";
const RECYCLED: &str = "recycled#";
const WAS_TAGGED: &str = "was-tagged#";
const LISTED: &str = "manifest#";

/// Digits of a time in a key: enough for some thousand years of milliseconds.
const DUE_DIGITS: usize = 14;
const DUE_MAX: u64 = 10_u64.pow(14) - 1;

/// Artifact types longer than this, in bytes, are hashed in a key.
const TYPE_IN_KEY_BYTES_MAX: usize = 255;

fn repository_partition(repository: &RepositoryName) -> String {
    format!("{REPOSITORY}{repository}")
}

fn manifest_partition(repository: &RepositoryName, digest: &Digest) -> String {
    format!("{MANIFEST}{repository}#{digest}")
}

fn review_partition(shard: u8) -> String {
    format!("{REVIEW}{shard}")
}

fn was_tagged_prefix(since: Timestamp) -> String {
    format!("{WAS_TAGGED}{:0DUE_DIGITS$}#", since.0.min(DUE_MAX))
}

fn blob_partition(digest: &Digest) -> String {
    format!("{BLOB}{digest}")
}

fn type_in_key(artifact_type: &str) -> String {
    if artifact_type.len() > TYPE_IN_KEY_BYTES_MAX || artifact_type.contains('#') {
        Digest::sha256(artifact_type.as_bytes()).to_string()
    } else {
        artifact_type.to_owned()
    }
}

/// Items of one partition whose sort key begins with a prefix, from `after` (exclusive) on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SortRange {
    partition: String,
    prefix: String,
    after: Option<String>,
}

impl SortRange {
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// What each sort key begins with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The sort key after which the range begins. It may lie before the first key with the prefix, and
    /// after the last.
    #[must_use]
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The same range, but only what comes after `key`.
    #[must_use]
    pub fn after_key(mut self, key: &Key) -> Self {
        self.after = Some(key.sort.clone());
        self
    }

    fn new(partition: String, prefix: impl Into<String>) -> Self {
        Self { partition, prefix: prefix.into(), after: None }
    }

    /// A manifest's record and its bytes: one read for both.
    #[must_use]
    pub fn manifest_and_body(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::new(manifest_partition(repository, digest), "0#")
    }

    /// What holds a manifest.
    #[must_use]
    pub fn holds_of_manifest(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::new(manifest_partition(repository, digest), HELD)
    }

    /// What holds a repository's grant.
    #[must_use]
    pub fn holds_of_grant(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::new(blob_partition(digest), format!("{HELD}{repository}#"))
    }

    /// What holds a blob's content.
    #[must_use]
    pub fn holds_of_content(digest: &Digest) -> Self {
        Self::new(blob_partition(digest), HELD_CONTENT)
    }

    /// The reviews of one shard, the soonest first.
    #[must_use]
    pub fn reviews(shard: u8) -> Self {
        Self::new(review_partition(shard), "")
    }

    /// The manifests of a repository, live or not.
    #[must_use]
    pub fn listed(repository: &RepositoryName) -> Self {
        Self::new(repository_partition(repository), LISTED)
    }

    /// A repository's recycle bin, the oldest first.
    #[must_use]
    pub fn recycled(repository: &RepositoryName) -> Self {
        Self::new(repository_partition(repository), RECYCLED)
    }

    /// The tags that a manifest had when it was recycled at `since`; without a time, whenever it was.
    #[must_use]
    pub fn was_tagged(repository: &RepositoryName, digest: &Digest, since: Option<Timestamp>) -> Self {
        let prefix = since.map_or_else(|| WAS_TAGGED.to_owned(), was_tagged_prefix);
        Self::new(manifest_partition(repository, digest), prefix)
    }

    /// The grants of a blob: which repositories may read it.
    #[must_use]
    pub fn grants(digest: &Digest) -> Self {
        Self::new(blob_partition(digest), GRANT)
    }

    /// The referrers of a digest, of one artifact type or of all, after a referrer's key in base form.
    #[must_use]
    pub fn referrers(repository: &RepositoryName, subject: &Digest, artifact_type: Option<&str>) -> Self {
        let prefix =
            artifact_type.map_or_else(|| REFERRER.to_owned(), |t| format!("{REFERRER}{}#", type_in_key(t)));
        Self::new(manifest_partition(repository, subject), prefix)
    }

    /// The indexes that name a digest as remote.
    #[must_use]
    pub fn remote_in(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::new(manifest_partition(repository, digest), REMOTE_IN)
    }

    /// A repository's tags after `last`, which need not be one: a page may go on after a tag that is gone.
    #[must_use]
    pub fn tags(repository: &RepositoryName, last: Option<&str>) -> Self {
        let mut range = Self::new(repository_partition(repository), TAG);
        range.after = last.map(|l| format!("{TAG}{l}"));
        range
    }

    /// The names of the catalog after `last`, which need not be one.
    #[must_use]
    pub fn catalog(last: Option<&str>) -> Self {
        let mut range = Self::new("catalog".to_owned(), "");
        range.after = last.map(str::to_owned);
        range
    }
}
