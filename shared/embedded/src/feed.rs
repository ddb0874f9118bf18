//! The change feed: an outbox in the same transaction as the changes, kept for a bounded number of them.

use std::ops::Bound;

use async_trait::async_trait;
use moorage_ports::{ChangeFeed, Changes, Cursor, PortError, Timestamp};

use crate::Embedded;
use crate::database::{FEED_TRIMMED, Space};
use crate::encoding;
use crate::error::{corrupt, read_failed};

/// A page of the feed stops after this many bytes: the next one goes on.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// For each change that is made, at most so many old ones are taken away: a feed whose bound was lowered
/// shrinks while it is used, and no commit has to do it all.
const TRIMMED_PER_CHANGE: u64 = 2;

/// Changes of one run, as a power of two, before it takes numbers of the next.
const RUN_BITS: u32 = 38;

/// How many changes are kept, and the number of the next one.
///
/// Numbers go up, with gaps: each run begins above all that an earlier one may have given, since changes
/// that a power cut undid may have been read. 0 is no change's number: a cursor is that of the last change
/// that was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct FeedState {
    kept: u64,
    next: u64,
    /// How many old ones may still be taken away in this group.
    to_trim: u64,
    /// When the changes of this group are made. Those that a start finds in the journal have its time.
    pub(crate) now: Timestamp,
}

impl FeedState {
    /// Before the feed was looked at.
    pub(crate) fn unknown(now: Timestamp) -> Self {
        Self { now, ..Self::default() }
    }

    /// Of a feed with so many changes, the newest of which has this number.
    pub(crate) fn find(&mut self, kept: u64, newest: Option<u64>) {
        (self.kept, self.next, self.to_trim) = (kept, newest.map_or(1, |newest| newest + 1), 0);
    }

    /// The next change is of this run.
    pub(crate) fn enter_run(&mut self, run: u64) {
        self.next = self.next.max(run << RUN_BITS);
    }

    /// The number of a new change.
    pub(crate) fn append(&mut self) -> u64 {
        self.kept += 1;
        self.next += 1;
        self.to_trim += TRIMMED_PER_CHANGE;
        self.next - 1
    }

    /// Whether it is time for the oldest change to go; it is counted as gone then.
    pub(crate) fn oldest_must_go(&mut self, changes_max: u64) -> bool {
        let must_go = self.kept > changes_max && self.to_trim > 0;
        if must_go {
            self.kept -= 1;
            self.to_trim -= 1;
        } else {
            self.to_trim = 0;
        }
        must_go
    }
}

/// A number as a key: eight bytes, big end first.
pub(crate) fn decode_number(key: &[u8]) -> Result<u64, PortError> {
    key.try_into().map(u64::from_be_bytes).map_err(|_| corrupt("a number"))
}

#[async_trait]
impl ChangeFeed for Embedded {
    async fn changes(&self, cursor: &Cursor, limit: usize) -> Result<Changes, PortError> {
        let snapshot = self.snapshot()?;
        let seen = place_of(cursor)?;
        let trimmed = snapshot.get(Space::Meta, FEED_TRIMMED).map_err(read_failed)?;
        let trimmed = trimmed.map(|number| decode_number(number.value())).transpose()?;
        // A reader that begins has lost nothing that it ever was promised.
        let lost = seen > 0 && trimmed.is_some_and(|trimmed| seen < trimmed);
        let mut page = Changes { changes: Vec::new(), next: cursor.clone(), lost };
        let after = seen.to_be_bytes();
        let rows =
            snapshot.range(Space::Feed, Bound::Excluded(&after), Bound::Unbounded).map_err(read_failed)?;
        let mut bytes = 0;
        for row in rows.take(limit) {
            let (number, change) = row.map_err(read_failed)?;
            let number = decode_number(number.value())?;
            bytes += change.value().len();
            page.changes.push(encoding::decode_change(change.value())?);
            page.next = Cursor(number.to_string());
            if bytes > PAGE_BYTES_MAX {
                break;
            }
        }
        Ok(page)
    }
}

/// The number of the last change that was seen: 0 before the first.
fn place_of(cursor: &Cursor) -> Result<u64, PortError> {
    if cursor.0.is_empty() {
        return Ok(0);
    }
    cursor.0.parse().map_err(|_| PortError::Misuse(format!("`{}` is no place in this feed", cursor.0)))
}
