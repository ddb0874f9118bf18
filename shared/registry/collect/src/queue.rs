//! The due queue: reviews wait in the table, spread over shards, in the order of their time.

use std::collections::BTreeSet;

use moorage_ports::limits::BATCH_WRITE_ITEMS_MAX;
use moorage_ports::{
    Action, Durability, Expect, Fact, Item, Key, PortError, Query, Reviewed, SortRange, Timestamp, Written,
};

use crate::mutants::{Mutant, without};
use crate::reviews::Review;
use crate::steps::{Steps, version_of};

/// Reviews that are due.
pub(crate) struct Due {
    pub(crate) reviews: Vec<(Item, Reviewed)>,
    /// The key after which the shard has more that is due.
    pub(crate) after: Option<Key>,
    /// When the first that is not due yet will be, where it was seen.
    pub(crate) next: Option<Timestamp>,
}

impl Steps {
    /// The writes that ask for these reviews, each once. An unconditional put each: asked for anew, a review has
    /// a fresh version, and whoever is doing it will not take it away.
    pub(crate) fn asking(&self, reviews: impl IntoIterator<Item = Review>) -> Vec<Action> {
        let reviews: BTreeSet<Review> = reviews.into_iter().collect();
        let put = |review: Review| {
            let key = Key::review(review.due, &review.of);
            Action::Put(Item::at(key, self.fresh_version(), Fact::Review), Expect::Anything)
        };
        reviews.into_iter().map(put).collect()
    }

    /// Asks for reviews.
    ///
    /// # Errors
    /// Those of the table; some may have been asked for.
    pub async fn ask(&self, reviews: impl IntoIterator<Item = Review>) -> Result<(), PortError> {
        self.write_all(self.asking(reviews)).await
    }

    /// Writes without conditions, in batches.
    pub(crate) async fn write_all(&self, writes: Vec<Action>) -> Result<(), PortError> {
        for some in writes.chunks(BATCH_WRITE_ITEMS_MAX) {
            self.table.batch_write(some.to_vec()).await?;
        }
        Ok(())
    }

    /// One page of what is due in a shard.
    pub(crate) async fn due(
        &self,
        shard: u8,
        after: Option<&Key>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Due, PortError> {
        let mut range = SortRange::reviews(shard);
        if let Some(after) = after {
            range = range.after_key(after);
        }
        let page = self.table.query(&Query { range, limit }).await?;
        let more = page.more;
        let mut due = Due { reviews: Vec::new(), after: None, next: None };
        for item in page.items {
            let Some((at, of)) = item.key.due() else {
                return Err(PortError::Corrupt(format!("{:?} is not a review of ours", item.key)));
            };
            if at > now {
                due.next = Some(at);
                return Ok(due);
            }
            due.reviews.push((item, of));
        }
        due.after = due.reviews.last().filter(|_| more).map(|(item, _)| item.key.clone());
        Ok(due)
    }

    /// Takes a review away that was done. `false` where it was asked for anew meanwhile, and stays.
    pub(crate) async fn done(&self, review: &Item) -> Result<bool, PortError> {
        let version = version_of(review)?;
        let expect =
            if without(Mutant::ReviewFenced) { Expect::Anything } else { Expect::VersionIs(version) };
        let deleted = self.table.delete(&review.key, expect, Durability::BeforeNext).await?;
        Ok(!matches!(deleted, Written::Refused(Some(_))))
    }
}
