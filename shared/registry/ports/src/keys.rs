//! The keys of the reference table. The one place that builds them: a [`Key`] can be made nowhere else.
//!
//! A key has a partition and a sort part. `<repo>` may contain `/`, never `#`. An artifact type may contain
//! anything: over 255 bytes, or with a `#`, its sha256 stands in the key.

use std::fmt;

use moorage_oci::{Digest, RepositoryName, Tag};

use crate::object_keys::ObjectKey;
use crate::value::{Incarnation, Nonce, Version};

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
        Self::new(repository_partition(repository), "policy")
    }

    /// A tag: `repo#library/app / tag#v1`.
    #[must_use]
    pub fn tag(repository: &RepositoryName, tag: &Tag) -> Self {
        Self::new(repository_partition(repository), format!("{TAG}{tag}"))
    }

    /// An entry in the list of a repository's manifests: `repo#library/app / manifest#sha256:9f86…`.
    #[must_use]
    pub fn listed(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::new(repository_partition(repository), format!("manifest#{digest}"))
    }

    /// A manifest's record: `manifest#library/app#sha256:9f86… / 0#self`.
    #[must_use]
    pub fn manifest(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::new(manifest_partition(repository, digest), "0#self")
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

    /// A tag holds a manifest: `manifest#library/app#sha256:9f86… / held#tag#v1#<version of the tag>`.
    #[must_use]
    pub fn held_by_tag(repository: &RepositoryName, held: &Digest, tag: &Tag, version: Version) -> Self {
        Self::new(manifest_partition(repository, held), format!("held#tag#{tag}#{}", version.0))
    }

    /// An index holds a manifest: `manifest#library/app#sha256:9f86… / held#index#sha256:abcd…#<incarnation>`.
    #[must_use]
    pub fn held_by_index(
        repository: &RepositoryName,
        held: &Digest,
        index: &Digest,
        incarnation: Incarnation,
    ) -> Self {
        Self::new(manifest_partition(repository, held), format!("held#index#{index}#{}", incarnation.0))
    }

    /// The repository's policy keeps a manifest: `manifest#library/app#sha256:9f86… / held#kept#<incarnation>`.
    #[must_use]
    pub fn held_by_policy(repository: &RepositoryName, held: &Digest, incarnation: Incarnation) -> Self {
        Self::new(manifest_partition(repository, held), format!("held#kept#{}", incarnation.0))
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

    /// A tag that a recycled manifest had: `manifest#library/app#sha256:9f86… / was-tagged#v1`.
    #[must_use]
    pub fn was_tagged(repository: &RepositoryName, digest: &Digest, tag: &Tag) -> Self {
        Self::new(manifest_partition(repository, digest), format!("was-tagged#{tag}"))
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
        Self::new(blob_partition(digest), "content")
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
        Self::new(blob_partition(held), format!("held#{repository}#{manifest}#{}", incarnation.0))
    }

    /// A grant holds its content: `blob#sha256:9f86… / held-content#library/app#<incarnation>`.
    #[must_use]
    pub fn held_by_grant(repository: &RepositoryName, held: &Digest, incarnation: Incarnation) -> Self {
        Self::new(blob_partition(held), format!("held-content#{repository}#{}", incarnation.0))
    }

    /// An upload session: `upload#<id> / self`.
    #[must_use]
    pub fn upload(id: Nonce) -> Self {
        Self::new(format!("upload#{id}"), "self")
    }

    /// An object that nobody names any more: `trash#uploads/0123… / self`.
    #[must_use]
    pub fn trash(object: &ObjectKey) -> Self {
        Self::new(format!("trash#{object}"), "self")
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

    /// The holder's tag and the tag's version, where this is the key of a tag's hold.
    #[must_use]
    pub fn holding_tag(&self) -> Option<(&str, &str)> {
        self.sort.strip_prefix("held#tag#")?.rsplit_once('#')
    }

    /// The holder's digest and incarnation, where this is the key of an index's hold.
    #[must_use]
    pub fn holding_index(&self) -> Option<(&str, &str)> {
        self.sort.strip_prefix("held#index#")?.rsplit_once('#')
    }

    /// The repository, manifest and incarnation of the holder, where this is the key of a manifest's hold
    /// under a grant.
    #[must_use]
    pub fn holding_manifest(&self) -> Option<(&str, &str, &str)> {
        let (holder, incarnation) = self.sort.strip_prefix("held#")?.rsplit_once('#')?;
        let (repository, manifest) = holder.rsplit_once('#')?;
        Some((repository, manifest, incarnation))
    }
}

const BODY: &str = "0#body";
const BLOB: &str = "blob#";
const MANIFEST: &str = "manifest#";
const TAG: &str = "tag#";
const REFERRER: &str = "referrer#";
const REMOTE_IN: &str = "remote-in#";
const GRANT: &str = "grant#";

/// Artifact types longer than this, in bytes, are hashed in a key.
const TYPE_IN_KEY_BYTES_MAX: usize = 255;

fn repository_partition(repository: &RepositoryName) -> String {
    format!("repo#{repository}")
}

fn manifest_partition(repository: &RepositoryName, digest: &Digest) -> String {
    format!("{MANIFEST}{repository}#{digest}")
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
        Self::new(manifest_partition(repository, digest), "held#")
    }

    /// What holds a repository's grant.
    #[must_use]
    pub fn holds_of_grant(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::new(blob_partition(digest), format!("held#{repository}#"))
    }

    /// What holds a blob's content.
    #[must_use]
    pub fn holds_of_content(digest: &Digest) -> Self {
        Self::new(blob_partition(digest), "held-content#")
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
