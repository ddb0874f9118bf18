//! The history of tags: a line for each time one was pointed somewhere, or deleted; written from the change feed.
//!
//! It decides nothing. A change that is lost is a line that is missing; one that is told twice, late or in another
//! order gives the same lines.

use std::collections::BTreeMap;

use moorage_oci::RepositoryName;
use moorage_ports::facts::{TagEvent, TagHappening};
use moorage_ports::limits::BATCH_WRITE_ITEMS_MAX;
use moorage_ports::{
    Action, Change, Durability, Expect, Fact, Item, Key, PortError, Query, SortRange, TagMoment, Timestamp,
};

use crate::steps::Steps;

/// How long a line is kept: a year.
pub const TAG_HISTORY_MS: u64 = 365 * 24 * 60 * 60 * 1000;

/// For each line that is written, so many others of the repository are looked at, and go if they are too old. More
/// than one, so that the old ones become fewer.
const OLD_LINES_PER_LINE: usize = 8;
/// Lines looked at in one query.
const OLD_LINES_IN_QUERY_MAX: usize = 1000;

/// The line that a change of the table adds to a tag's history. `now` is a deletion's time where the change does not
/// say its own.
#[must_use]
pub fn tag_history(change: &Change, now: Timestamp) -> Option<Item> {
    let item = change.new.as_ref().or(change.old.as_ref())?;
    let Fact::Tag(tag) = &item.fact else { return None };
    let (repository, name) = (item.key.repository()?, item.key.tag_name()?.parse().ok()?);
    let version = item.version?;
    let (happened, pointed_at, at) = if change.new.is_some() {
        // Without it, an older version wrote the tag, and nobody knows when.
        let since = tag.since?;
        (TagHappening::Pointed, since, since)
    } else {
        // What an older version wrote is older than all that has a time.
        let since = tag.since.unwrap_or_default();
        // The feed's clock is another one, and may show whole seconds only.
        (TagHappening::Deleted, since, change.at.unwrap_or(now).max(since))
    };
    let key = Key::tag_history(&repository, &name, &TagMoment { pointed_at, version, happened });
    let event = TagEvent {
        happened,
        at,
        digest: tag.digest.clone(),
        media_type: tag.media_type.clone(),
        size: tag.size,
    };
    Some(Item::once(key, Fact::TagHistory(event)))
}

impl Steps {
    /// Writes the lines that these changes add to the histories of tags; and has some go that are too old, wherever
    /// they stand: who tags a lot has old lines looked for a lot.
    pub(crate) async fn write_tag_history(&self, changes: &[Change]) -> Result<(), PortError> {
        let now = self.now();
        // Each once: a batch must not have a key twice.
        let lines: BTreeMap<Key, Item> = changes
            .iter()
            .filter_map(|change| tag_history(change, now))
            .map(|line| (line.key.clone(), line))
            .collect();
        let mut written: BTreeMap<RepositoryName, (Key, usize)> = BTreeMap::new();
        for key in lines.keys() {
            if let Some(repository) = key.repository() {
                let (last, lines) = written.entry(repository).or_insert_with(|| (key.clone(), 0));
                (*last, *lines) = (key.clone(), *lines + 1);
            }
        }
        let (deleted, pointed): (Vec<Item>, Vec<Item>) = lines.into_values().partition(is_deletion);
        self.write_all(pointed.into_iter().map(|line| Action::Put(line, Expect::Anything)).collect()).await?;
        for line in deleted {
            // Told again, it may have another time: the first that was written stays.
            self.table.put(line, Expect::Absent, Durability::BeforeNext).await?;
        }
        for (repository, (last, lines)) in written {
            self.forget_old_lines(&repository, &last, lines, now).await?;
        }
        Ok(())
    }

    /// Removes what is too old of the lines that come after `last`, or of the first of all where nothing comes after.
    async fn forget_old_lines(
        &self,
        repository: &RepositoryName,
        last: &Key,
        lines: usize,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let limit = (lines * OLD_LINES_PER_LINE).min(OLD_LINES_IN_QUERY_MAX);
        let range = SortRange::tag_histories(repository);
        let mut page = self.table.query(&Query { range: range.clone().after_key(last), limit }).await?;
        if page.items.is_empty() {
            page = self.table.query(&Query { range, limit }).await?;
        }
        let old = page.items.into_iter().filter(
            |item| matches!(&item.fact, Fact::TagHistory(event) if now.since_ms(event.at) > TAG_HISTORY_MS),
        );
        let old: Vec<Action> = old.map(|item| Action::Delete(item.key, Expect::Anything)).collect();
        for some in old.chunks(BATCH_WRITE_ITEMS_MAX) {
            self.table.batch_write(some.to_vec()).await?;
        }
        Ok(())
    }
}

fn is_deletion(line: &Item) -> bool {
    matches!(&line.fact, Fact::TagHistory(event) if event.happened == TagHappening::Deleted)
}
