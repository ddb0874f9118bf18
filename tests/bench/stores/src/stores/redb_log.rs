//! redb behind a log of our own: a commit appends its puts to the log and syncs that, then goes into redb
//! without a sync; every 4 MiB of log redb takes a synced commit with its free list saved, and the log starts
//! again from its beginning. An open replays what redb has not seen. One sync a commit, little written, no
//! walk over the file after a crash. A sketch, good enough to be measured.

use crate::data::mix;
use crate::store::{Durability, Store, Transaction};
use anyhow::Result;
use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

const ITEMS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("items");
/// The number of the last log entry that is in the items.
const APPLIED: TableDefinition<(), u64> = TableDefinition::new("applied");

/// Bounds what an open replays.
const CHECKPOINT_BYTES: u64 = 4 << 20;
/// Entries start on pages of their own, so that no write touches bytes that were promised before.
const ENTRY_ALIGNMENT: usize = 4096;
/// An entry's head: its length in bytes, its number, the checksum of what follows.
const HEAD_BYTES: usize = 24;

pub struct RedbLog {
    database: Database,
    log: Mutex<Log>,
}

struct Log {
    file: File,
    offset: u64,
    last: u64,
}

impl RedbLog {
    pub fn open(dir: &Path, cache_mib: usize) -> Result<Self> {
        let database = Database::builder().set_cache_size(cache_mib << 20).create(dir.join("items.redb"))?;
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join("items.log"))?;
        let mut log = Log { file, offset: 0, last: 0 };
        let mut transaction = database.begin_write()?;
        // The log stays where it is until the next checkpoint, so nothing needs a sync before the first read.
        transaction.set_durability(redb::Durability::None)?;
        {
            let mut items = transaction.open_table(ITEMS)?;
            let mut applied = transaction.open_table(APPLIED)?;
            log.last = applied.get(())?.map_or(0, |last| last.value());
            for entry in log.unseen()? {
                replay(&entry, &mut items)?;
                log.last += 1;
            }
            applied.insert((), log.last)?;
        }
        transaction.commit()?;
        Ok(Self { database, log: Mutex::new(log) })
    }
}

/// Ends a transaction as one after which the log is not needed.
fn checkpoint(mut transaction: redb::WriteTransaction) -> Result<()> {
    transaction.set_quick_repair(true);
    Ok(transaction.commit()?)
}

impl Log {
    /// The bodies of the entries after `last`, up to the first that is torn or from an earlier round; appends
    /// go on behind them. Where all were seen, they may begin again.
    fn unseen(&mut self) -> Result<Vec<Vec<u8>>> {
        let length = self.file.metadata()?.len();
        let (mut offset, mut number, mut bodies) = (0, None, Vec::new());
        while offset + (HEAD_BYTES as u64) <= length {
            let mut head = [0; HEAD_BYTES];
            self.file.read_exact_at(&mut head, offset)?;
            let [bytes, found, sum] = [0, 8, 16].map(|at| word(&head[at..at + 8]));
            if bytes > length - offset || number.is_some_and(|number| found != number + 1) {
                break;
            }
            let mut body = vec![0; bytes as usize];
            if self.file.read_exact_at(&mut body, offset + HEAD_BYTES as u64).is_err()
                || sum != checksum(&body, found)
            {
                break;
            }
            number = Some(found);
            if found > self.last {
                bodies.push(body);
            }
            offset += (HEAD_BYTES as u64 + bytes).next_multiple_of(ENTRY_ALIGNMENT as u64);
        }
        self.offset = if bodies.is_empty() { 0 } else { offset };
        Ok(bodies)
    }

    fn append(&mut self, body: &[u8], durability: Durability) -> Result<()> {
        let number = self.last + 1;
        let mut entry = Vec::with_capacity(HEAD_BYTES + body.len() + ENTRY_ALIGNMENT);
        for word in [body.len() as u64, number, checksum(body, number)] {
            entry.extend(word.to_le_bytes());
        }
        entry.extend(body);
        entry.resize(entry.len().next_multiple_of(ENTRY_ALIGNMENT), 0);
        self.file.write_all_at(&entry, self.offset)?;
        if durability == Durability::Synced {
            self.file.sync_data()?;
        }
        self.offset += entry.len() as u64;
        self.last = number;
        Ok(())
    }
}

fn word(bytes: &[u8]) -> u64 {
    let mut padded = [0; 8];
    padded[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(padded)
}

fn checksum(body: &[u8], number: u64) -> u64 {
    body.chunks(8).fold(mix(number), |sum, chunk| mix(sum ^ word(chunk)))
}

fn replay(mut body: &[u8], items: &mut Table<&'static [u8], &'static [u8]>) -> Result<()> {
    while body.len() >= 8 {
        let key_end = 8 + word(&body[..4]) as usize;
        let value_end = key_end + word(&body[4..8]) as usize;
        items.insert(&body[8..key_end], &body[key_end..value_end])?;
        body = &body[value_end..];
    }
    Ok(())
}

impl Store for RedbLog {
    fn transact(
        &self,
        durability: Durability,
        work: &mut dyn FnMut(&mut dyn Transaction) -> Result<()>,
    ) -> Result<()> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(redb::Durability::None)?;
        let body = {
            let mut items = Items { table: transaction.open_table(ITEMS)?, body: Vec::new() };
            work(&mut items)?;
            items.body
        };
        // In the log before it can be seen: a reader never sees what a crash may take back.
        log.append(&body, durability)?;
        transaction.open_table(APPLIED)?.insert((), log.last)?;
        transaction.commit()?;
        if log.offset >= CHECKPOINT_BYTES {
            checkpoint(self.database.begin_write()?)?;
            log.offset = 0;
        }
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

struct Items<'t> {
    table: Table<'t, &'static [u8], &'static [u8]>,
    /// The puts as the log will hold them.
    body: Vec<u8>,
}

impl Transaction for Items<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.table.get(key)?.map(|value| value.value().to_vec()))
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.body.extend((key.len() as u32).to_le_bytes());
        self.body.extend((value.len() as u32).to_le_bytes());
        self.body.extend(key);
        self.body.extend(value);
        self.table.insert(key, value)?;
        Ok(())
    }
}
