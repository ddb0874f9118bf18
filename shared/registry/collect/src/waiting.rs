//! What waits to be looked at: what the queue says, and what the changes that nobody has read yet will ask for. Reads
//! only.

use std::collections::BTreeSet;

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::{Change, Cursor, Fact, Item, Key, PortError, Query, Reviewed, SortRange};

use crate::reviews::{Review, reviews};
use crate::search::searched_anew;
use crate::steps::Steps;

/// Reviews, or changes, read in one page.
const IN_PAGE_MAX: usize = 1000;

/// Who reads the table's changes, where nobody has noted how far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FeedReader {
    /// A collector that notes its place, and has read nothing yet: all of the feed is before it.
    Collector,
    /// The functions, whose place is not ours to know: they have read what there is, but for the last moments.
    Functions,
}

impl Steps {
    /// Every review that waits, or that a change which was not read yet asks for; the soonest first. In memory: about
    /// as many as things were pushed or deleted in the last days.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn waiting(&self, reader: FeedReader) -> Result<BTreeSet<Review>, PortError> {
        // First of all: what was read before this place has asked for its reviews already.
        let place = self.table.get(&Key::feed_place()).await?;
        let mut waiting = BTreeSet::new();
        for shard in 0..Reviewed::SHARDS {
            let mut range = SortRange::reviews(shard);
            loop {
                let page = self.table.query_keys(&Query { range: range.clone(), limit: IN_PAGE_MAX }).await?;
                waiting.extend(page.items.iter().filter_map(Key::due).map(|(due, of)| Review { due, of }));
                match page.rest(range) {
                    Some(rest) => range = rest,
                    None => break,
                }
            }
        }
        let now = self.now();
        let note = &mut |change: &Change| waiting.extend(reviews(change, now, &self.times));
        self.unread(place, reader, note).await?;
        Ok(waiting)
    }

    /// The manifests whose search items a change that was not read yet begins or ends.
    pub(crate) async fn waiting_for_search(
        &self,
        reader: FeedReader,
    ) -> Result<BTreeSet<(RepositoryName, Digest)>, PortError> {
        let place = self.table.get(&Key::feed_place()).await?;
        let mut waiting = BTreeSet::new();
        let note = &mut |change: &Change| waiting.extend(searched_anew(change));
        self.unread(place, reader, note).await?;
        Ok(waiting)
    }

    /// Tells `note` of each change that was not read yet, where the reader's place is known.
    async fn unread(
        &self,
        place: Option<Item>,
        reader: FeedReader,
        note: &mut (dyn FnMut(&Change) + Send),
    ) -> Result<(), PortError> {
        let mut cursor = match (place, reader) {
            (Some(Item { fact: Fact::FeedPlace { cursor }, .. }), _) => cursor,
            (_, FeedReader::Collector) => Cursor::default(),
            (_, FeedReader::Functions) => return Ok(()),
        };
        loop {
            let page = self.table.changes(&cursor, IN_PAGE_MAX).await?;
            if page.changes.is_empty() {
                return Ok(());
            }
            page.changes.iter().for_each(&mut *note);
            cursor = page.next;
        }
    }
}
