//! redb: a copy-on-write B-tree in one file, in Rust. Three ways to commit are measured: one sync, and a
//! walk over the whole file at the open after a crash; two syncs, and the same walk; two syncs with the
//! free list saved each time ("quick repair"), and no walk.

use crate::store::{Durability, Store, Transaction};
use anyhow::Result;
use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition};
use std::path::Path;

const ITEMS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("items");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    OnePhase,
    TwoPhase,
    QuickRepair,
}

pub struct Redb {
    database: Database,
    commit: Commit,
}

impl Redb {
    pub fn open(dir: &Path, cache_mib: usize, commit: Commit) -> Result<Self> {
        let database = Database::builder().set_cache_size(cache_mib << 20).create(dir.join("items.redb"))?;
        Ok(Self { database, commit })
    }
}

impl Store for Redb {
    fn transact(
        &self,
        durability: Durability,
        work: &mut dyn FnMut(&mut dyn Transaction) -> Result<()>,
    ) -> Result<()> {
        let mut transaction = self.database.begin_write()?;
        match durability {
            Durability::Synced => transaction.set_durability(redb::Durability::Immediate)?,
            Durability::Deferred => transaction.set_durability(redb::Durability::None)?,
        }
        match self.commit {
            Commit::OnePhase => {}
            Commit::TwoPhase => transaction.set_two_phase_commit(true),
            Commit::QuickRepair => transaction.set_quick_repair(true),
        }
        work(&mut Items(transaction.open_table(ITEMS)?))?;
        transaction.commit()?;
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let table = self.database.begin_read()?.open_table(ITEMS)?;
        Ok(table.get(key)?.map(|value| value.value().to_vec()))
    }

    fn range(&self, from: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let table = self.database.begin_read()?.open_table(ITEMS)?;
        let mut items = Vec::with_capacity(limit);
        for item in table.range(from..)?.take(limit) {
            let (key, value) = item?;
            items.push((key.value().to_vec(), value.value().to_vec()));
        }
        Ok(items)
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.database.close()?)
    }
}

struct Items<'t>(Table<'t, &'static [u8], &'static [u8]>);

impl Transaction for Items<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.0.get(key)?.map(|value| value.value().to_vec()))
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.0.insert(key, value)?;
        Ok(())
    }
}
