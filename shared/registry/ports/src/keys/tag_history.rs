//! The keys of a tag's history: one line for each time it was pointed somewhere or deleted, the newest first.

use std::fmt;
use std::str::FromStr;

use moorage_oci::{RepositoryName, Tag};

use super::{DUE_DIGITS, DUE_MAX, Key, SortRange, repository_partition};
use crate::facts::TagHappening;
use crate::value::{Timestamp, Version};

const TAG_HISTORY: &str = "tag-history#";

/// Where a line stands in its tag's history. Follows from the change alone: from when the tag was pointed there, and
/// from the version of the record that was put, or deleted. So a change that is told twice is one line, two moves in
/// one millisecond are two, and a deletion follows what it deleted whatever the clocks show.
///
/// As text, in a key and in a link: `98235841599999#<version>#pointed`. The time is what is left of the last
/// millisecond that a key can have, so that the newest comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TagMoment {
    pub pointed_at: Timestamp,
    pub version: Version,
    pub happened: TagHappening,
}

impl fmt::Display for TagMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = DUE_MAX - self.pointed_at.0.min(DUE_MAX);
        write!(f, "{left:0DUE_DIGITS$}#{}#{}", self.version.0, self.happened.as_str())
    }
}

/// The text is no place in a tag's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a place in a tag's history")]
pub struct InvalidMoment;

impl FromStr for TagMoment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        let mut parts = text.split('#');
        let mut part = || parts.next().ok_or(InvalidMoment);
        let (left, version, happened) = (part()?, part()?, part()?);
        if left.len() != DUE_DIGITS || !left.bytes().all(|b| b.is_ascii_digit()) || parts.next().is_some() {
            return Err(InvalidMoment);
        }
        let left: u64 = left.parse().map_err(|_| InvalidMoment)?;
        let all = [TagHappening::Deleted, TagHappening::Pointed];
        Ok(Self {
            pointed_at: Timestamp(DUE_MAX - left),
            version: Version(version.parse().map_err(|_| InvalidMoment)?),
            happened: all.into_iter().find(|one| one.as_str() == happened).ok_or(InvalidMoment)?,
        })
    }
}

impl Key {
    /// A line of a tag's history: `repo#library/app / tag-history#v1#98235841599999#<version of the tag>#pointed`.
    #[must_use]
    pub fn tag_history(repository: &RepositoryName, tag: &Tag, moment: &TagMoment) -> Self {
        Self::new(repository_partition(repository), format!("{TAG_HISTORY}{tag}#{moment}"))
    }

    /// The tag and the place, where this is the key of a line of a tag's history.
    #[must_use]
    pub fn tag_history_parts(&self) -> Option<(Tag, TagMoment)> {
        let (tag, moment) = self.sort.strip_prefix(TAG_HISTORY)?.split_once('#')?;
        Some((tag.parse().ok()?, moment.parse().ok()?))
    }
}

impl SortRange {
    /// A tag's history, the newest first, after a line of it.
    #[must_use]
    pub fn tag_history(repository: &RepositoryName, tag: &Tag, after: Option<&TagMoment>) -> Self {
        let range = Self::new(repository_partition(repository), format!("{TAG_HISTORY}{tag}#"));
        match after {
            Some(moment) => range.after_key(&Key::tag_history(repository, tag, moment)),
            None => range,
        }
    }

    /// A tag's history, from what it was pointed to before this time.
    #[must_use]
    pub fn tag_history_before(repository: &RepositoryName, tag: &Tag, before: Timestamp) -> Self {
        let mut range = Self::tag_history(repository, tag, None);
        // Every line of this moment or a later one is less than this: no version is written with a `~`.
        let left = DUE_MAX - before.0.min(DUE_MAX);
        range.after = Some(format!("{}{left:0DUE_DIGITS$}#~", range.prefix));
        range
    }

    /// The histories of all tags of a repository.
    #[must_use]
    pub fn tag_histories(repository: &RepositoryName) -> Self {
        Self::new(repository_partition(repository), TAG_HISTORY)
    }
}
