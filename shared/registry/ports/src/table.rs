//! The reference table: facts under keys, one item a fact.
//!
//! # Promises of every adapter
//!
//! **Atomicity.** One item is written whole or not at all, its condition checked in the same instant.
//! [`WriteTable::transact`] does all of its actions in one instant or none. [`WriteTable::batch_write`] is
//! *not* atomic: each of its items is a step of its own, in any order, and a failed call may have done some.
//!
//! **Visibility.** Every read is strongly consistent: it sees each write that was answered before the read
//! began. A [`ReadTable::query`] is not a snapshot: of a write that runs beside it, it may see some items
//! and not others. Readers never wait for writers.
//!
//! **Order.** Writes of one item take effect one after the other, and each condition sees the one before.
//! Nothing orders writes of different items but the answers: what begins after an answer comes after it.
//!
//! **Durability.** A write with [`Durability::OnAnswer`] has survived a power cut when it is answered, and
//! so has every write answered before it began. One with [`Durability::BeforeNext`] is visible when it is
//! answered, and has survived no later than the next write with `OnAnswer` that begins after that, whoever
//! makes it; a transaction that only checks is such a write too. So after a power cut the table is as it was at some
//! moment at or after the last `OnAnswer`.
//!
//! **Idempotence.** A write that fails with an error may have taken effect. All writes of ours can be
//! repeated: conditions are on versions that never come twice.
//!
//! **Absence.** An item that is not there has never been written, or was deleted; nothing tells which.
//! Deleting what is absent succeeds.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::blobs::Durability;
use crate::error::PortError;
use crate::facts::Item;
use crate::keys::{Key, SortRange};
use crate::value::{Timestamp, Version};

/// What must be so for a write to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expect {
    /// Whatever is there is replaced, or deleted.
    Anything,
    /// No item has this key.
    Absent,
    /// The item is there and has this version.
    VersionIs(Version),
}

/// The outcome of one conditional write.
#[derive(Clone, PartialEq, Debug)]
pub enum Written {
    Done,
    /// The condition did not hold, and nothing was written; this is the item that was there.
    Refused(Option<Box<Item>>),
}

/// One step of a transaction. No two may have the same key: a check and a write of one item are one action.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::large_enum_variant, reason = "most actions are puts, and each is moved a few times only")]
pub enum Action {
    Put(Item, Expect),
    Delete(Key, Expect),
    /// Writes nothing.
    Check(Key, Expect),
}

impl Action {
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Put(item, _) => &item.key,
            Self::Delete(key, _) | Self::Check(key, _) => key,
        }
    }

    #[must_use]
    pub fn expect(&self) -> Expect {
        match self {
            Self::Put(_, expect) | Self::Delete(_, expect) | Self::Check(_, expect) => *expect,
        }
    }
}

/// The outcome of a transaction.
#[derive(Clone, PartialEq, Debug)]
pub enum Transacted {
    Done,
    /// Some conditions did not hold, and nothing was written: which actions (by index, ascending), and the
    /// item that each of them found.
    Refused(Vec<(usize, Option<Item>)>),
}

/// A range of one partition, in ascending byte order of the sort key.
#[derive(Clone, PartialEq, Debug)]
pub struct Query {
    pub range: SortRange,
    /// Most items to answer with, at least 1.
    pub limit: usize,
}

/// Some items of a range, in order.
#[derive(Clone, PartialEq, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Whether the range may have items after the last of these. A page that stopped for its size before
    /// `limit` says so here too; an adapter may say `true` where nothing follows, never `false` where
    /// something does. Never `true` beside no items: there is always a key to go on after.
    pub more: bool,
}

/// What a page is made of: items, or their keys alone.
pub trait Keyed {
    fn key(&self) -> &Key;
}

impl Keyed for Item {
    fn key(&self) -> &Key {
        &self.key
    }
}

impl Keyed for Key {
    fn key(&self) -> &Key {
        self
    }
}

impl<T: Keyed> Page<T> {
    /// What of a range comes after this page of it; `None` after its last.
    #[must_use]
    pub fn rest(&self, of: SortRange) -> Option<SortRange> {
        self.items.last().filter(|_| self.more).map(|last| of.after_key(last.key()))
    }
}

/// Reads; strongly consistent, every one.
#[async_trait]
pub trait ReadTable: Send + Sync {
    /// The item, or `None` where there is none.
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError>;

    /// The items in the order of their keys. Not a snapshot: each is read in an instant of its own.
    ///
    /// # Errors
    /// `Misuse` with more than [`crate::limits::BATCH_GET_ITEMS_MAX`] keys or one key twice.
    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError>;

    /// One page of a range.
    async fn query(&self, query: &Query) -> Result<Page<Item>, PortError>;

    /// The same page, but only the keys: for lists where the key says it all.
    async fn query_keys(&self, query: &Query) -> Result<Page<Key>, PortError>;
}

/// The one write that a pull may make.
#[async_trait]
pub trait KeepUntil: Send + Sync {
    /// Moves the keep-until time of a node's record on and sets a condemned one back to live, giving it the
    /// version `fresh`; only if the record still is as `item` shows it (its version). Answers `Refused` with
    /// what is there otherwise. Visible when answered; durable as [`Durability::BeforeNext`].
    ///
    /// # Errors
    /// `Misuse` where `item` is not a manifest, grant or content, or is neither live nor condemned.
    async fn keep_until(&self, item: &Item, until: Timestamp, fresh: Version) -> Result<Written, PortError>;
}

/// Writes. Each of them answers `Misuse`, and writes nothing, where an item is longer than
/// [`crate::limits::ITEM_BYTES_MAX`].
#[async_trait]
pub trait WriteTable: ReadTable {
    /// Writes one item, replacing what is there, if the condition holds. An item without a version
    /// ([`Item::version`]) is at none.
    async fn put(&self, item: Item, expect: Expect, durability: Durability) -> Result<Written, PortError>;

    /// Deletes one item, if the condition holds.
    async fn delete(&self, key: &Key, expect: Expect, durability: Durability) -> Result<Written, PortError>;

    /// Puts and deletes distinct items without conditions; not atomic; durable as [`Durability::BeforeNext`].
    /// What an adapter's backend leaves undone is tried again before this answers.
    ///
    /// # Errors
    /// `Misuse` with more than [`crate::limits::BATCH_WRITE_ITEMS_MAX`] writes, one key twice, a check, or
    /// a condition.
    async fn batch_write(&self, writes: Vec<Action>) -> Result<(), PortError>;

    /// All of the actions in one instant, or none; durable as [`Durability::OnAnswer`].
    ///
    /// # Errors
    /// `Misuse` with more than [`crate::limits::TRANSACTION_ITEMS_MAX`] actions, none, or one key twice.
    async fn transact(&self, actions: Vec<Action>) -> Result<Transacted, PortError>;
}

/// A place in the change feed, in the adapter's own words.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// What one write did to one item.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    pub key: Key,
    /// `None` where the item was made.
    pub old: Option<Item>,
    /// `None` where it was deleted.
    pub new: Option<Item>,
    /// About when: not later than a second before it was made, and nothing that may decide anything. `None` where
    /// the adapter does not know. The same change, told again after a power cut, may have another.
    pub at: Option<Timestamp>,
}

/// Some changes, oldest first.
#[derive(Clone, PartialEq, Debug)]
pub struct Changes {
    pub changes: Vec<Change>,
    /// Where to go on.
    pub next: Cursor,
    /// Changes before the first of these are no longer kept: whoever needed them must audit.
    pub lost: bool,
}

/// Every change of the table, for a bounded time.
///
/// A change is in the feed exactly when its write is in the table: the two are one atomic step, though it may
/// be seen there a little later. Changes of one item come in the order they were made, nothing orders those
/// of different items; a reader that starts at a cursor it was given sees each later
/// change at least once, also after a power cut: a place in the feed is never used again, not even that of
/// a change that was lost. What [`Key::is_untold`] names is not in the feed: bodies of manifests, and what the
/// collector notes for itself. A put that changed nothing may be.
#[async_trait]
pub trait ChangeFeed: Send + Sync {
    /// At most `limit` changes after `cursor`; an empty list when there is none yet.
    /// `Cursor::default()` is the beginning of what is kept.
    async fn changes(&self, cursor: &Cursor, limit: usize) -> Result<Changes, PortError>;
}

/// Some items of a table.
#[derive(Clone, PartialEq, Debug)]
pub struct Scanned {
    pub items: Vec<Item>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

/// The whole table, from one end to the other. Nothing that serves a request may need it: it is for the audit.
#[async_trait]
pub trait ScanTable: Send + Sync {
    /// At most `limit` items (at least 1) after the place `after`; `None` is the beginning. In no order that means
    /// anything, each as it was at some instant of the call. Pages that are joined have every item that was there
    /// from before the first to after the last of them, at least once; what is made or deleted meanwhile may be in
    /// them or not. A page may be empty, or stop for its size, and be followed by more.
    ///
    /// # Errors
    /// `Misuse` for no items, or a place that this table did not answer with.
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Scanned, PortError>;
}

/// The whole table, as those who serve requests and the collector see it: none of them may scan it.
pub trait ReferenceTable: ReadTable + KeepUntil + WriteTable + ChangeFeed {}

impl<T: ReadTable + KeepUntil + WriteTable + ChangeFeed> ReferenceTable for T {}
