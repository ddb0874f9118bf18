//! Reading the table's change feed: each change asks for its reviews, and what it adds to the history of tags, to
//! what is searched, and to the events of the registry is written or told.

use moorage_ports::{Change, Cursor, Durability, Expect, Fact, Item, Key, PortError};

use crate::collector::Collector;
use crate::reviews::reviews;

/// Changes read in one page.
const CHANGES_IN_PAGE_MAX: usize = 1000;

impl Collector {
    /// Asks for the reviews of some changes, writes what they add to the histories of tags and to what is searched, and
    /// tells the events; whatever handed them over.
    ///
    /// # Errors
    /// Those of the table; the changes are to be handed over again then.
    pub async fn heed(&self, changes: &[Change]) -> Result<(), PortError> {
        let now = self.steps.now();
        self.steps.ask(changes.iter().flat_map(|change| reviews(change, now, &self.steps.times))).await?;
        // Each is done even where another can't be: none waits for the other.
        let history = self.steps.write_tag_history(changes).await;
        let search = if self.is_searched { self.steps.write_search(changes).await } else { Ok(()) };
        let told = self.tell(changes).await;
        history.and(search).and(told)
    }

    /// Reads the feed to its end from where it was read last, and answers how many changes there were. Any
    /// number of processes may follow one table: a change that is read twice asks for the same twice.
    ///
    /// # Errors
    /// Those of the table; what was read so far is noted.
    pub async fn follow(&self) -> Result<usize, PortError> {
        let mut cursor = match self.place() {
            Some(cursor) => cursor,
            None => match self.steps.table.get(&Key::feed_place()).await? {
                Some(Item { fact: Fact::FeedPlace { cursor }, .. }) => cursor,
                _ => Cursor::default(),
            },
        };
        let mut read = 0;
        loop {
            let page = self.steps.table.changes(&cursor, CHANGES_IN_PAGE_MAX).await?;
            if page.lost {
                tracing::warn!("changes of the table were lost before they were read: run `moorage audit`");
            }
            self.heed(&page.changes).await?;
            cursor = page.next;
            // A place that nothing was read before need not be noted: reading from the one before is as good.
            if !page.changes.is_empty() {
                read += page.changes.len();
                let place = Item::once(Key::feed_place(), Fact::FeedPlace { cursor: cursor.clone() });
                self.steps.table.put(place, Expect::Anything, Durability::BeforeNext).await?;
            }
            self.set_place(cursor.clone());
            if page.changes.is_empty() {
                return Ok(read);
            }
        }
    }
}
