//! SQLite, bundled, with a write-ahead log. A synced commit appends the changed pages to the log and syncs
//! it (`synchronous=FULL`); every 1,000 pages the committing thread also moves them into the main file.

use crate::store::{Durability, Store, Transaction};
use anyhow::Result;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A table by row number, and an index by key.
    Indexed,
    /// One tree by key (`WITHOUT ROWID`).
    Clustered,
}

pub struct Sqlite {
    path: PathBuf,
    writer: Mutex<Writer>,
    /// Connections that wait for a reader; as many are made as there ever were readers at once.
    readers: Mutex<Vec<Connection>>,
    reader_cache_kib: usize,
}

struct Writer {
    connection: Connection,
    durability: Durability,
}

const GET: &str = "SELECT value FROM items WHERE key = ?1";

impl Sqlite {
    pub fn open(dir: &Path, cache_mib: usize, layout: Layout) -> Result<Self> {
        let path = dir.join("items.sqlite");
        // SQLite's caches are per connection: half for the writer, a quarter for each of two readers.
        let connection = Connection::open(&path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -((cache_mib * 512) as i64))?;
        let without_rowid = if layout == Layout::Clustered { "WITHOUT ROWID" } else { "" };
        connection.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS items (key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL) {without_rowid}"
        ))?;
        Ok(Self {
            path,
            writer: Mutex::new(Writer { connection, durability: Durability::Synced }),
            readers: Mutex::default(),
            reader_cache_kib: cache_mib * 256,
        })
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let connection = Connection::open(&self.path)?;
                connection.pragma_update(None, "query_only", true)?;
                connection.pragma_update(None, "cache_size", -(self.reader_cache_kib as i64))?;
                connection
            }
        };
        let result = work(&connection);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        result
    }
}

impl Store for Sqlite {
    fn transact(
        &self,
        durability: Durability,
        work: &mut dyn FnMut(&mut dyn Transaction) -> Result<()>,
    ) -> Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.durability != durability {
            let synchronous = match durability {
                Durability::Synced => "FULL",
                Durability::Deferred => "NORMAL",
            };
            writer.connection.pragma_update(None, "synchronous", synchronous)?;
            writer.durability = durability;
        }
        let transaction = writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        work(&mut Items(&transaction))?;
        transaction.commit()?;
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.read(|connection| {
            Ok(connection.prepare_cached(GET)?.query_row(params![key], |row| row.get(0)).optional()?)
        })
    }

    fn range(&self, from: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT key, value FROM items WHERE key >= ?1 ORDER BY key LIMIT ?2")?;
            let rows =
                statement.query_map(params![from, limit as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn close(self: Box<Self>) -> Result<()> {
        // The last connection to close folds the log into the main file.
        drop(self);
        Ok(())
    }
}

struct Items<'t>(&'t rusqlite::Transaction<'t>);

impl Transaction for Items<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.0.prepare_cached(GET)?.query_row(params![key], |row| row.get(0)).optional()?)
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        // An upsert: `INSERT OR REPLACE` would delete the row first.
        self.0
            .prepare_cached(
                "INSERT INTO items (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![key, value])?;
        Ok(())
    }
}
