//! A page of a tag's history: where it pointed, and when it was deleted. One query, whatever came before; it stays when
//! the tag goes.

use moorage_oci::{Digest, RepositoryName, Tag};
use moorage_ports::facts::{TagEvent, TagHappening};
use moorage_ports::{Fact, Item, PortError, Query, SortRange, TagMoment, Timestamp};

use crate::error::RegistryError;
use crate::registry::Pull;

/// Lines in one page, whatever was asked for: about 350 KB of answer.
const LINES_IN_PAGE_MAX: usize = 1000;

/// Which lines of a history are asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TagHistoryQuery {
    pub limit: Option<usize>,
    /// Where the page before ended.
    pub after: Option<TagMoment>,
    /// Only what happened before.
    pub before: Option<Timestamp>,
    /// Only what happened after.
    pub since: Option<Timestamp>,
    /// Only what happened with this manifest.
    pub digest: Option<Digest>,
}

/// A page of a history, the newest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TagHistoryPage {
    /// May be fewer than were asked for, or none, and be followed by more.
    pub events: Vec<TagEvent>,
    /// Where the next page begins.
    pub next: Option<TagMoment>,
}

impl Pull {
    /// At most `limit` lines. A limit of 0 gives none; a tag, or a repository, that nobody knows has none.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn tag_history(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
        query: &TagHistoryQuery,
    ) -> Result<TagHistoryPage, RegistryError> {
        let limit = query.limit.unwrap_or(LINES_IN_PAGE_MAX).min(LINES_IN_PAGE_MAX);
        if limit == 0 {
            return Ok(TagHistoryPage::default());
        }
        let range = match (&query.after, query.before) {
            (None, Some(before)) => SortRange::tag_history_before(repository, tag, before),
            (after, _) => SortRange::tag_history(repository, tag, after.as_ref()),
        };
        let page = self.table.query(&Query { range, limit }).await?;
        let mut answer = TagHistoryPage::default();
        for item in page.items {
            let (moment, event) = line(item)?;
            let is_over = query.since.is_some_and(|since| event.at <= since);
            if is_over && event.happened == TagHappening::Pointed {
                // All that follows is older.
                return Ok(TagHistoryPage { next: None, ..answer });
            }
            answer.next = page.more.then_some(moment);
            let is_wanted = !is_over
                && query.before.is_none_or(|before| event.at < before)
                && query.digest.as_ref().is_none_or(|digest| event.digest == *digest);
            answer.events.extend(is_wanted.then_some(event));
        }
        Ok(answer)
    }
}

fn line(item: Item) -> Result<(TagMoment, TagEvent), PortError> {
    match (item.key.tag_history_parts(), item.fact) {
        (Some((_, moment)), Fact::TagHistory(event)) => Ok((moment, event)),
        _ => Err(PortError::Corrupt(format!("{:?} is not a line of a tag's history", item.key))),
    }
}
