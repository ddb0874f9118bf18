//! The rows of the database, as one group of the writer changes them and as readers see them.

use std::ops::Bound;
use std::sync::OnceLock;

use redb::{
    AccessGuard, Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable,
    ReadableTableMetadata, StorageError, Table, TableError, WriteTransaction,
};

use crate::database::{FEED_TRIMMED, Space};
use crate::encoding;
use crate::error::{Stop, corrupt};
use crate::feed::{FeedState, decode_number};
use crate::journal::{Changes, RowChange};
use crate::pieces::PieceId;

type WriteTable<'t> = Table<'t, &'static [u8], &'static [u8]>;
type ReadTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// A row's key and value.
type Row = (Vec<u8>, Vec<u8>);

/// The rows inside one write transaction.
pub(crate) struct Rows<'t> {
    transaction: &'t WriteTransaction,
    tables: [Option<WriteTable<'t>>; Space::ALL.len()],
    feed: FeedState,
    /// What was changed, for the journal.
    changes: Changes,
    /// Files that no row names any more: to remove once that is durable.
    pub(crate) doomed: Vec<PieceId>,
}

impl<'t> Rows<'t> {
    pub(crate) fn new(transaction: &'t WriteTransaction, feed: FeedState) -> Self {
        Self {
            transaction,
            tables: Default::default(),
            feed,
            changes: Changes::default(),
            doomed: Vec::new(),
        }
    }

    /// What was changed so far.
    pub(crate) fn changes(&self) -> &Changes {
        &self.changes
    }

    /// All is done that was to do.
    pub(crate) fn finish(self) -> Done {
        Done { feed: self.feed, changes: self.changes, doomed: self.doomed }
    }

    fn table(&mut self, space: Space) -> Result<&mut WriteTable<'t>, StorageError> {
        let slot = &mut self.tables[space as usize];
        if slot.is_none() {
            *slot = Some(self.transaction.open_table(space.table()).map_err(table_failed)?);
        }
        Ok(slot.as_mut().expect("it was just opened"))
    }

    /// Makes the table, if it is not there: readers can't.
    pub(crate) fn make(&mut self, space: Space) -> Result<(), StorageError> {
        self.table(space).map(drop)
    }

    /// Takes up the feed where its rows end.
    pub(crate) fn find_feed(&mut self) -> Result<(), Stop> {
        let feed = self.table(Space::Feed)?;
        let newest = feed.last()?.map(|(number, _)| decode_number(number.value())).transpose()?;
        let kept = feed.len()?;
        self.feed.find(kept, newest);
        Ok(())
    }

    /// What changes from now on is of this run.
    pub(crate) fn enter_run(&mut self, run: u64) {
        self.feed.enter_run(run);
    }

    /// What was changed until now is in the journal already.
    pub(crate) fn forget_changes(&mut self) {
        self.changes = Changes::default();
    }

    pub(crate) fn get(&mut self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.table(space)?.get(key)?.map(|value| value.value().to_vec()))
    }

    pub(crate) fn has(&mut self, space: Space, key: &[u8]) -> Result<bool, StorageError> {
        Ok(self.table(space)?.get(key)?.is_some())
    }

    pub(crate) fn put(&mut self, space: Space, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        self.changes.push(&RowChange { space: space as u8, key, value: Some(value) });
        self.table(space)?.insert(key, value)?;
        Ok(())
    }

    /// Deletes the row, if there is one.
    pub(crate) fn delete(&mut self, space: Space, key: &[u8]) -> Result<(), StorageError> {
        let was_there = self.table(space)?.remove(key)?.is_some();
        if was_there {
            self.changes.push(&RowChange { space: space as u8, key, value: None });
        }
        Ok(())
    }

    /// Makes a change of the journal once more.
    pub(crate) fn replay(&mut self, change: &RowChange<'_>) -> Result<(), Stop> {
        let space = Space::ALL.into_iter().find(|space| *space as u8 == change.space);
        match (space.ok_or_else(|| corrupt("a change of the journal"))?, change.value) {
            (Space::Facts, value) => self.change_fact(change.key, value)?,
            (space, Some(value)) => self.put(space, change.key, value)?,
            (space, None) => self.delete(space, change.key)?,
        }
        Ok(())
    }

    /// The rows whose keys begin with `prefix`.
    pub(crate) fn with_prefix(&mut self, space: Space, prefix: &[u8]) -> Result<Vec<Row>, StorageError> {
        let to = encoding::after_prefix(prefix.to_vec());
        let to = if prefix.is_empty() { Bound::Unbounded } else { Bound::Excluded(&to[..]) };
        let range = self.table(space)?.range::<&[u8]>((Bound::Included(prefix), to))?;
        range.map(|row| row.map(|(key, value)| (key.value().to_vec(), value.value().to_vec()))).collect()
    }

    /// Puts or (`None`) deletes an item of the reference table, and says so in the feed, whose rows follow
    /// from the others and are not in the journal.
    pub(crate) fn change_fact(&mut self, key: &[u8], new: Option<&[u8]>) -> Result<(), StorageError> {
        self.changes.push(&RowChange { space: Space::Facts as u8, key, value: new });
        let facts = self.table(Space::Facts)?;
        let old = match new {
            Some(new) => facts.insert(key, new)?,
            None => facts.remove(key)?,
        };
        let old = old.map(|old| old.value().to_vec());
        let nothing_to_tell = old.is_none() && new.is_none();
        if nothing_to_tell || encoding::is_untold(key) {
            return Ok(());
        }
        let change = encoding::change(key, old.as_deref(), new, self.feed.now);
        let number = self.feed.append();
        self.table(Space::Feed)?.insert(&number.to_be_bytes()[..], &change[..])?;
        Ok(())
    }

    /// Takes the oldest changes away, while more than `changes_max` are kept.
    pub(crate) fn trim_feed(&mut self, changes_max: u64) -> Result<(), StorageError> {
        let mut trimmed = None;
        while self.feed.oldest_must_go(changes_max) {
            trimmed = self.table(Space::Feed)?.pop_first()?.map(|(number, _)| number.value().to_vec());
        }
        if let Some(trimmed) = trimmed {
            self.table(Space::Meta)?.insert(FEED_TRIMMED, &trimmed[..])?;
        }
        Ok(())
    }
}

/// What a group has done.
pub(crate) struct Done {
    /// Where the feed ends now.
    pub(crate) feed: FeedState,
    pub(crate) changes: Changes,
    pub(crate) doomed: Vec<PieceId>,
}

/// The rows as some commit left them; later ones change nothing here.
pub(crate) struct Snapshot {
    transaction: ReadTransaction,
    tables: [OnceLock<ReadTable>; Space::ALL.len()],
}

impl Snapshot {
    /// The rows as they are now.
    pub(crate) fn new(database: &Database) -> Result<Self, redb::Error> {
        Ok(Self { transaction: database.begin_read()?, tables: Default::default() })
    }

    fn table(&self, space: Space) -> Result<&ReadTable, redb::Error> {
        let slot = &self.tables[space as usize];
        if let Some(table) = slot.get() {
            return Ok(table);
        }
        let table = self.transaction.open_table(space.table())?;
        Ok(slot.get_or_init(|| table))
    }

    pub(crate) fn get(
        &self,
        space: Space,
        key: &[u8],
    ) -> Result<Option<AccessGuard<'_, &'static [u8]>>, redb::Error> {
        Ok(self.table(space)?.get(key)?)
    }

    pub(crate) fn range(
        &self,
        space: Space,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<redb::Range<'_, &'static [u8], &'static [u8]>, redb::Error> {
        Ok(ReadableTable::range::<&[u8]>(self.table(space)?, (from, to))?)
    }
}

fn table_failed(error: TableError) -> StorageError {
    match error {
        TableError::Storage(error) => error,
        other => StorageError::Corrupted(other.to_string()),
    }
}
