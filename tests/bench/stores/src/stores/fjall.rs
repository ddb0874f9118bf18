//! fjall: a log-structured merge tree in a directory, in Rust. A synced commit appends to the journal and
//! syncs it; tables are written and merged in the background. Held to little memory: its defaults (64 MiB
//! of recent writes, 32 MiB of cache) are made for more than we allow.

use crate::store::{Durability, Store, Transaction};
use anyhow::Result;
use fjall::{
    KeyspaceCreateOptions, PersistMode, Readable, SingleWriterTxDatabase, SingleWriterTxKeyspace,
    SingleWriterWriteTx,
};
use std::path::Path;

const MEMTABLE_BYTES: u64 = 8 << 20;

pub struct Fjall {
    database: SingleWriterTxDatabase,
    items: SingleWriterTxKeyspace,
}

impl Fjall {
    pub fn open(dir: &Path, cache_mib: usize) -> Result<Self> {
        let database = SingleWriterTxDatabase::builder(dir.join("items.fjall"))
            .cache_size((cache_mib as u64) << 20)
            .max_journaling_size(64 << 20)
            .worker_threads(1)
            .open()?;
        let items = database
            .keyspace("items", || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES))?;
        Ok(Self { database, items })
    }
}

impl Store for Fjall {
    fn transact(
        &self,
        durability: Durability,
        work: &mut dyn FnMut(&mut dyn Transaction) -> Result<()>,
    ) -> Result<()> {
        let mode = match durability {
            Durability::Synced => PersistMode::SyncData,
            Durability::Deferred => PersistMode::Buffer,
        };
        let mut items =
            Items { transaction: self.database.write_tx().durability(Some(mode)), items: &self.items };
        work(&mut items)?;
        items.transaction.commit()?;
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.database.read_tx().get(&self.items, key)?.map(|value| value.to_vec()))
    }

    fn range(&self, from: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let snapshot = self.database.read_tx();
        snapshot
            .range(&self.items, from..)
            .take(limit)
            .map(|item| {
                let (key, value) = item.into_inner()?;
                Ok((key.to_vec(), value.to_vec()))
            })
            .collect()
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.database.persist(PersistMode::SyncAll)?;
        Ok(())
    }
}

struct Items<'t> {
    transaction: SingleWriterWriteTx<'t>,
    items: &'t SingleWriterTxKeyspace,
}

impl Transaction for Items<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.transaction.get(self.items, key)?.map(|value| value.to_vec()))
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.transaction.insert(self.items, key, value);
        Ok(())
    }
}
