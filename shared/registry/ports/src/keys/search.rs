//! The keys of search items: what leads to a manifest by one of the things it can be found by, the newest first.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use moorage_oci::{Digest, RepositoryName};
use serde::{Deserialize, Serialize};

use super::reviewed::spread;
use super::{ALONE, DUE_DIGITS, DUE_MAX, Key, SortRange};
use crate::value::Timestamp;

const SEARCH: &str = "search#";
const SEARCH_IN: &str = "search-in#";
const SEARCHED: &str = "searched#";

/// What stands in a partition's key of a value that is longer, in bytes: its sha256.
const VALUE_IN_KEY_BYTES_MAX: usize = 255;

/// Bytes of the longest annotation, name and value together, that a manifest can be found by.
const LEADING_ANNOTATION_BYTES_MAX: usize = 256;

/// One thing that a manifest can be found by. As text as a key has it: `all`, `type#…`, `platform#…`,
/// `annotation#…`; a value of more than 255 bytes, or with a control character, is there as its sha256.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SearchTerm(String);

impl SearchTerm {
    /// Every manifest has it.
    #[must_use]
    pub fn all() -> Self {
        Self("all".to_owned())
    }

    /// An artifact type, as [`crate::facts::ManifestRecord::artifact_type`] has it.
    #[must_use]
    pub fn artifact_type(artifact_type: &str) -> Self {
        Self::of("type", artifact_type)
    }

    /// `<os>/<architecture>`, and nothing more.
    #[must_use]
    pub fn platform(platform: &str) -> Self {
        Self::of("platform", platform)
    }

    #[must_use]
    pub fn annotation(name: &str, value: &str) -> Self {
        Self::of("annotation", &format!("{name}={value}"))
    }

    /// Whether an annotation is one of those that a manifest can be found by: it is short enough to be a key, and not
    /// another one for each.
    #[must_use]
    pub fn annotation_leads(name: &str, value: &str) -> bool {
        /// `org.opencontainers.image.created` is a time, mostly of its own.
        const OF_EACH_ITS_OWN: &str = "org.opencontainers.image.created";
        name.len() + value.len() <= LEADING_ANNOTATION_BYTES_MAX && name != OF_EACH_ITS_OWN
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(kind: &str, value: &str) -> Self {
        // A client may write anything; not every storage takes a zero byte in a partition's key.
        if value.len() > VALUE_IN_KEY_BYTES_MAX || value.contains(char::is_control) {
            return Self(format!("{kind}#{}", Digest::sha256(value.as_bytes())));
        }
        Self(format!("{kind}#{value}"))
    }
}

/// Where manifests are looked for: in one repository, or in a shard of all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SearchScope<'a> {
    /// One of the shards of the whole registry, from 0 to [`SearchScope::SHARDS`] (exclusive).
    Shard(u8),
    Repository(&'a RepositoryName),
}

impl<'a> SearchScope<'a> {
    /// Into so many partitions each term of the whole registry is spread: what is pushed now is all written at their
    /// ends. A reader asks all of them.
    pub const SHARDS: u8 = 8;

    /// The shard that a manifest is in.
    #[must_use]
    pub fn shard_of(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::Shard(spread(format!("{repository}#{digest}").as_bytes()) % Self::SHARDS)
    }

    fn partition(self, term: &SearchTerm) -> String {
        match self {
            Self::Shard(shard) => format!("{SEARCH}{shard}#{}", term.0),
            Self::Repository(repository) => format!("{SEARCH_IN}{repository}#{}", term.0),
        }
    }
}

/// Where a manifest stands among those that have a term, the newest first: the same place under every term, and in
/// every shard.
///
/// As text, in a key and in a link: `98235841599999#library/app#sha256:9f86…`. The time is what is left of the last
/// millisecond that a key can have, so that the newest comes first.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SearchPlace {
    pub pushed: Timestamp,
    pub repository: RepositoryName,
    pub digest: Digest,
}

/// The order of the keys.
impl Ord for SearchPlace {
    fn cmp(&self, other: &Self) -> Ordering {
        // No character of a name comes before the `#` that ends it.
        let by_time = other.pushed.cmp(&self.pushed);
        let by_name = || self.repository.as_str().cmp(other.repository.as_str());
        by_time.then_with(by_name).then_with(|| self.digest.as_str().cmp(other.digest.as_str()))
    }
}

impl PartialOrd for SearchPlace {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for SearchPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DUE_DIGITS$}#{}#{}", left(self.pushed), self.repository, self.digest)
    }
}

/// The text is no place in a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a place in a search")]
pub struct InvalidSearchPlace;

impl FromStr for SearchPlace {
    type Err = InvalidSearchPlace;

    fn from_str(text: &str) -> Result<Self, InvalidSearchPlace> {
        let mut parts = text.splitn(3, '#');
        let mut part = || parts.next().ok_or(InvalidSearchPlace);
        let (left, repository, digest) = (part()?, part()?, part()?);
        if left.len() != DUE_DIGITS || !left.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidSearchPlace);
        }
        let left: u64 = left.parse().map_err(|_| InvalidSearchPlace)?;
        Ok(Self {
            pushed: Timestamp(DUE_MAX - left),
            repository: repository.parse().map_err(|_| InvalidSearchPlace)?,
            digest: digest.parse().map_err(|_| InvalidSearchPlace)?,
        })
    }
}

fn left(time: Timestamp) -> u64 {
    DUE_MAX - time.0.min(DUE_MAX)
}

impl Key {
    /// A manifest can be found by this term, in its repository (`search-in#library/app#all / …`) or in a shard of all:
    /// `search#1#type#application/spdx+json / 98235841599999#library/app#sha256:9f86…`
    #[must_use]
    pub fn search_entry(scope: SearchScope<'_>, term: &SearchTerm, place: &SearchPlace) -> Self {
        Self::new(scope.partition(term), place.to_string())
    }

    /// What is said of a manifest to whoever searches, and what it can be found by:
    /// `searched#library/app#sha256:9f86… / self`.
    #[must_use]
    pub fn searched(repository: &RepositoryName, digest: &Digest) -> Self {
        Self::new(format!("{SEARCHED}{repository}#{digest}"), ALONE)
    }

    /// Where it leads, where this is the key of an entry of a search.
    #[must_use]
    pub fn search_place(&self) -> Option<SearchPlace> {
        let is_entry = self.partition.starts_with(SEARCH) || self.partition.starts_with(SEARCH_IN);
        self.sort.parse().ok().filter(|_| is_entry)
    }

    /// The repository and the digest, where this is the key of what is said of a manifest to whoever searches.
    #[must_use]
    pub fn searched_manifest(&self) -> Option<(RepositoryName, Digest)> {
        let (repository, digest) = self.partition.strip_prefix(SEARCHED)?.rsplit_once('#')?;
        Some((repository.parse().ok()?, digest.parse().ok()?))
    }

    pub(super) fn is_of_search(&self) -> bool {
        [SEARCH, SEARCH_IN, SEARCHED].iter().any(|prefix| self.partition.starts_with(prefix))
    }
}

impl SortRange {
    /// The manifests with a term, the newest first, after this place.
    #[must_use]
    pub fn search(scope: SearchScope<'_>, term: &SearchTerm, after: Option<&SearchPlace>) -> Self {
        let mut range = Self::new(scope.partition(term), "");
        range.after = after.map(SearchPlace::to_string);
        range
    }

    /// The manifests with a term that were pushed before this time, the newest first.
    #[must_use]
    pub fn search_before(scope: SearchScope<'_>, term: &SearchTerm, before: Timestamp) -> Self {
        let mut range = Self::search(scope, term, None);
        // Each of this very millisecond is less than this: no repository's name begins with a `~`.
        range.after = Some(format!("{:0DUE_DIGITS$}#~", left(before)));
        range
    }
}
