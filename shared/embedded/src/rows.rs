//! The rows of the database, as one group of the writer changes them and as readers see them.

use std::ops::Bound;
use std::sync::OnceLock;

use redb::{
    AccessGuard, Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, StorageError,
    Table, TableError, WriteTransaction,
};

use crate::database::Space;
use crate::encoding;
use crate::error::Stop;
use crate::feed::FeedEnds;
use crate::writer::Effects;

type WriteTable<'t> = Table<'t, &'static [u8], &'static [u8]>;
type ReadTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// The rows inside one write transaction.
pub(crate) struct Rows<'t> {
    transaction: &'t WriteTransaction,
    tables: [Option<WriteTable<'t>>; Space::ALL.len()],
    feed: FeedEnds,
    pub(crate) effects: Effects,
}

impl<'t> Rows<'t> {
    pub(crate) fn new(transaction: &'t WriteTransaction, feed: FeedEnds) -> Self {
        Self { transaction, tables: Default::default(), feed, effects: Effects::default() }
    }

    /// All is done that was to do: where the feed ends now, and what else is left to do.
    pub(crate) fn finish(self) -> (FeedEnds, Effects) {
        (self.feed, self.effects)
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
    pub(crate) fn find_feed_ends(&mut self) -> Result<(), Stop> {
        let feed = self.table(Space::Feed)?;
        let (oldest, newest) = (feed.first()?, feed.last()?);
        let ends = FeedEnds::of_keys(
            oldest.as_ref().map(|(key, _)| key.value()),
            newest.as_ref().map(|(key, _)| key.value()),
        )?;
        drop((oldest, newest));
        self.feed = ends;
        Ok(())
    }

    pub(crate) fn get(&mut self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.table(space)?.get(key)?.map(|value| value.value().to_vec()))
    }

    pub(crate) fn put(&mut self, space: Space, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        self.table(space)?.insert(key, value)?;
        Ok(())
    }

    /// Deletes the row. Answers whether there was one.
    pub(crate) fn delete(&mut self, space: Space, key: &[u8]) -> Result<bool, StorageError> {
        Ok(self.table(space)?.remove(key)?.is_some())
    }

    /// The rows whose keys begin with `prefix`.
    pub(crate) fn with_prefix(
        &mut self,
        space: Space,
        prefix: &[u8],
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StorageError> {
        let to = encoding::after_prefix(prefix.to_vec());
        let to = if prefix.is_empty() { Bound::Unbounded } else { Bound::Excluded(&to[..]) };
        let range = self.table(space)?.range::<&[u8]>((Bound::Included(prefix), to))?;
        range.map(|row| row.map(|(key, value)| (key.value().to_vec(), value.value().to_vec()))).collect()
    }

    /// Puts or (`None`) deletes an item of the reference table, and says so in the feed.
    pub(crate) fn change_fact(&mut self, key: &[u8], new: Option<&[u8]>) -> Result<(), StorageError> {
        let facts = self.table(Space::Facts)?;
        let old = match new {
            Some(new) => facts.insert(key, new)?,
            None => facts.remove(key)?,
        };
        let old = old.map(|old| old.value().to_vec());
        let nothing_to_tell = old.as_deref().or(new).is_none_or(encoding::is_body);
        if nothing_to_tell {
            return Ok(());
        }
        let change = encoding::change(key, old.as_deref(), new);
        let number = self.feed.append();
        self.put(Space::Feed, &number.to_be_bytes(), &change)
    }

    /// Takes the oldest changes away, while more than `changes_max` are kept.
    pub(crate) fn trim_feed(&mut self, changes_max: u64) -> Result<(), StorageError> {
        while let Some(number) = self.feed.take_oldest(changes_max) {
            self.delete(Space::Feed, &number.to_be_bytes())?;
        }
        Ok(())
    }
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
