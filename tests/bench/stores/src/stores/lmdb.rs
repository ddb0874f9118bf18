//! LMDB through heed: a copy-on-write B-tree in one mapped file. With `longer-keys` a key may have 1,984
//! bytes (511 without). It has no cache of its own: the mapped pages are the kernel's.

use crate::probe;
use crate::store::{Durability, Store, Transaction};
use anyhow::Result;
use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, FlagSetMode, RwTxn, WithoutTls};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Address space, not memory: the file may grow up to here, and must be given a bound at the open.
const MAP_BYTES: usize = 64 << 30;

type Items = Database<'static, Bytes, Bytes>;

pub struct Lmdb {
    environment: Env<WithoutTls>,
    items: Items,
    /// Whether the environment syncs, which is a property of all its transactions.
    durability: Mutex<Durability>,
}

impl Lmdb {
    pub fn open(dir: &Path) -> Result<Self> {
        // SAFETY: nobody else opens or changes the file while it is mapped.
        let environment =
            unsafe { EnvOpenOptions::new().read_txn_without_tls().map_size(MAP_BYTES).open(dir)? };
        let items = environment
            .create_databases_and_commit(environment.write_txn()?, |opener, transaction| {
                opener.create_database(transaction, None).map(CommitOrAbort::<_, ()>::Commit)
            })?
            .unwrap_commit();
        Ok(Self { environment, items, durability: Mutex::new(Durability::Synced) })
    }
}

impl Store for Lmdb {
    fn transact(
        &self,
        durability: Durability,
        work: &mut dyn FnMut(&mut dyn Transaction) -> Result<()>,
    ) -> Result<()> {
        let mut current = self.durability.lock().unwrap_or_else(PoisonError::into_inner);
        if *current != durability {
            let mode = match durability {
                Durability::Synced => FlagSetMode::Disable,
                Durability::Deferred => FlagSetMode::Enable,
            };
            // SAFETY: no write transaction is open, since the lock is held. Without syncs a crash of
            // the machine may destroy the whole file, not only lose the last commits.
            unsafe { self.environment.set_flags(EnvFlags::NO_SYNC, mode)? };
            *current = durability;
        }
        let mut transaction = self.environment.write_txn()?;
        work(&mut OpenItems { transaction: &mut transaction, items: self.items })?;
        transaction.commit()?;
        if durability == Durability::Synced {
            // The meta page goes through a descriptor opened with O_DSYNC.
            probe::count_sync();
        }
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let transaction = self.environment.read_txn()?;
        Ok(self.items.get(&transaction, key)?.map(<[u8]>::to_vec))
    }

    fn range(&self, from: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let transaction = self.environment.read_txn()?;
        let range = (std::ops::Bound::Included(from), std::ops::Bound::Unbounded);
        self.items
            .range(&transaction, &range)?
            .take(limit)
            .map(|item| {
                let (key, value) = item?;
                Ok((key.to_vec(), value.to_vec()))
            })
            .collect()
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.environment.force_sync()?;
        self.environment.prepare_for_closing().wait();
        Ok(())
    }
}

struct OpenItems<'t, 'e> {
    transaction: &'t mut RwTxn<'e>,
    items: Items,
}

impl Transaction for OpenItems<'_, '_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.items.get(self.transaction, key)?.map(<[u8]>::to_vec))
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        Ok(self.items.put(self.transaction, key, value)?)
    }
}
