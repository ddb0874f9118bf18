//! The change feed: an outbox in the same transaction as the changes, kept for a bounded number of them.

use std::ops::Bound;

use async_trait::async_trait;
use moorage_ports::{ChangeFeed, Changes, Cursor, PortError};

use crate::Embedded;
use crate::database::Space;
use crate::encoding;
use crate::error::{corrupt, read_failed};

/// A page of the feed stops after this many bytes: the next one goes on.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// For each change that is made, at most so many old ones are taken away: a feed whose bound was lowered
/// shrinks while it is used, and no commit has to do it all.
const TRIMMED_PER_CHANGE: u64 = 2;

/// The numbers of the changes that are kept: those from `oldest` to before `next`. The first change ever
/// has number 1, since a cursor is the number of the last change seen, and 0 means none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FeedEnds {
    oldest: u64,
    next: u64,
    /// How many old ones may still be taken away in this group.
    to_trim: u64,
}

impl Default for FeedEnds {
    fn default() -> Self {
        Self { oldest: 1, next: 1, to_trim: 0 }
    }
}

impl FeedEnds {
    /// Those of a feed whose oldest and newest change have these keys, or that has none.
    pub(crate) fn of_keys(oldest: Option<&[u8]>, newest: Option<&[u8]>) -> Result<Self, PortError> {
        let oldest = oldest.map(decode_number).transpose()?;
        let newest = newest.map(decode_number).transpose()?;
        Ok(Self { oldest: oldest.unwrap_or(1), next: newest.map_or(1, |newest| newest + 1), to_trim: 0 })
    }

    /// The number of a new change.
    pub(crate) fn append(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        self.to_trim += TRIMMED_PER_CHANGE;
        number
    }

    /// The number of the oldest change, if it is time for it to go. The newest one always stays: the count
    /// goes on from it after a restart.
    pub(crate) fn take_oldest(&mut self, changes_max: u64) -> Option<u64> {
        let too_many = self.next - self.oldest > changes_max.max(1);
        if !too_many || self.to_trim == 0 {
            self.to_trim = 0;
            return None;
        }
        self.to_trim -= 1;
        self.oldest += 1;
        Some(self.oldest - 1)
    }
}

/// A number as a key: eight bytes, big end first.
pub(crate) fn decode_number(key: &[u8]) -> Result<u64, PortError> {
    key.try_into().map(u64::from_be_bytes).map_err(|_| corrupt("a number"))
}

#[async_trait]
impl ChangeFeed for Embedded {
    async fn changes(&self, cursor: Cursor, limit: usize) -> Result<Changes, PortError> {
        let snapshot = self.snapshot()?;
        let after = cursor.0.to_be_bytes();
        let rows =
            snapshot.range(Space::Feed, Bound::Excluded(&after), Bound::Unbounded).map_err(read_failed)?;
        let mut page = Changes { changes: Vec::new(), next: cursor, lost: false };
        let mut bytes = 0;
        for row in rows.take(limit) {
            let (number, change) = row.map_err(read_failed)?;
            let number = decode_number(number.value())?;
            // A reader that begins has lost nothing that it ever was promised.
            if page.changes.is_empty() && cursor != Cursor::default() {
                page.lost = number > cursor.0 + 1;
            }
            bytes += change.value().len();
            page.changes.push(encoding::decode_change(change.value())?);
            page.next = Cursor(number);
            if bytes > PAGE_BYTES_MAX {
                break;
            }
        }
        Ok(page)
    }
}
