//! What redb makes of a power cut: the writes since the last sync may each be there, be missing, or be there
//! in part, sector by sector. Every way to commit must then open, hold every commit that was acknowledged,
//! and hold nothing of half a transaction.

use redb::{Database, ReadableDatabase, StorageBackend, TableDefinition};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::data::{Chance, mix};

const ITEMS: TableDefinition<u64, &[u8]> = TableDefinition::new("items");
const SECTOR_BYTES: usize = 512;
/// Each transaction writes this many records, which carry its number.
const RECORDS_PER_COMMIT: u64 = 5;
const COMMITS: u64 = 60;

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Debug)]
struct Disk {
    /// What the process sees.
    seen: Vec<u8>,
    /// What the last sync has made safe.
    safe: Vec<u8>,
    /// What was changed since.
    unsafe_changes: Vec<Change>,
    /// The newest commit that was acknowledged.
    acknowledged: u64,
    /// Disks as a power cut would have left them, with what was acknowledged by then.
    crashes: Vec<(Vec<u8>, u64)>,
    chance: Chance,
}

#[derive(Debug, Clone)]
struct Recorder(Arc<Mutex<Disk>>);

impl Recorder {
    fn new(image: Vec<u8>, seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Disk {
            seen: image.clone(),
            safe: image,
            unsafe_changes: Vec::new(),
            acknowledged: 0,
            crashes: Vec::new(),
            chance: Chance::new(seed),
        })))
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn apply(image: &mut Vec<u8>, change: &Change, keep_sector: &mut dyn FnMut() -> bool) {
    match change {
        Change::Length(length) => image.resize(*length, 0),
        Change::Write(offset, bytes) => {
            if image.len() < offset + bytes.len() {
                image.resize(offset + bytes.len(), 0);
            }
            for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                if keep_sector() {
                    let start = offset + index * SECTOR_BYTES;
                    image[start..start + sector.len()].copy_from_slice(sector);
                }
            }
        }
    }
}

impl Disk {
    fn change(&mut self, change: Change) {
        apply(&mut self.seen, &change, &mut || true);
        self.unsafe_changes.push(change);
        if self.chance.below(4) == 0 {
            self.crash();
        }
    }

    /// Notes the disk as it may be if the power goes now.
    fn crash(&mut self) {
        let mut image = self.safe.clone();
        for change in self.unsafe_changes.clone() {
            // 0: lost, 1: torn, otherwise whole. The file's length is a journalled change of its own.
            let fate = self.chance.below(4);
            match (&change, fate) {
                (Change::Write(..), 0) => {}
                (Change::Write(..), 1) => {
                    let chance = &mut self.chance;
                    apply(&mut image, &change, &mut || chance.below(2) == 0);
                }
                _ => apply(&mut image, &change, &mut || true),
            }
        }
        let acknowledged = self.acknowledged;
        self.crashes.push((image, acknowledged));
    }
}

impl StorageBackend for Recorder {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = offset as usize;
        out.copy_from_slice(
            self.disk().seen.get(offset..offset + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?,
        );
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk().change(Change::Length(len as usize));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.disk();
        disk.crash();
        disk.safe = disk.seen.clone();
        disk.unsafe_changes.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk().change(Change::Write(offset as usize, data.to_vec()));
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
enum Way {
    OnePhase,
    TwoPhase,
    QuickRepair,
    /// Every third commit is synced, with quick repair; the others are deferred.
    MostlyDeferred,
}

/// Commits until `COMMITS`, and returns every disk a power cut would have left.
fn record(way: Way, seed: u64) -> Vec<(Vec<u8>, u64)> {
    let recorder = Recorder::new(Vec::new(), seed);
    let database =
        Database::builder().set_cache_size(64 << 10).create_with_backend(recorder.clone()).expect("creates");
    for commit in 1..=COMMITS {
        let mut transaction = database.begin_write().expect("begins");
        let mut durable = true;
        match way {
            Way::OnePhase => {}
            Way::TwoPhase => transaction.set_two_phase_commit(true),
            Way::QuickRepair => transaction.set_quick_repair(true),
            Way::MostlyDeferred => {
                transaction.set_quick_repair(true);
                durable = commit % 3 == 0;
            }
        }
        if !durable {
            transaction.set_durability(redb::Durability::None).expect("no savepoint is open");
        }
        {
            let mut table = transaction.open_table(ITEMS).expect("opens");
            for record in 0..RECORDS_PER_COMMIT {
                let key = (record << 32) | (mix(commit * 8 + record) % 200);
                table.insert(key, vec![commit as u8; 700].as_slice()).expect("inserts");
                table.insert(record << 32 | 1000, commit.to_le_bytes().as_slice()).expect("inserts");
            }
        }
        transaction.commit().expect("commits");
        if durable {
            recorder.disk().acknowledged = commit;
        }
    }
    std::mem::take(&mut recorder.disk().crashes)
}

/// The newest commit on the disk, which must be whole.
fn newest(image: Vec<u8>) -> Result<u64, redb::Error> {
    let database = Database::builder().create_with_backend(Recorder::new(image, 0))?;
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(ITEMS) {
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(0),
        table => table?,
    };
    let mut commits = Vec::new();
    for record in 0..RECORDS_PER_COMMIT {
        let value = table.get(record << 32 | 1000)?.expect("a transaction writes every record");
        commits.push(u64::from_le_bytes(value.value().try_into().expect("eight bytes")));
    }
    commits.dedup();
    assert_eq!(commits.len(), 1, "half a transaction is there: {commits:?}");
    Ok(commits[0])
}

fn survives(way: Way) {
    let (mut crashes, mut unborn) = (0, std::collections::BTreeMap::<String, u32>::new());
    for seed in 0..4 {
        for (image, acknowledged) in record(way, seed) {
            // Before its first sync the file may be anything, and nothing was promised.
            match newest(image) {
                Ok(newest) => assert!(newest >= acknowledged, "{way:?}: {newest} of {acknowledged}"),
                Err(error) => {
                    assert!(acknowledged == 0, "{way:?}: {error} after {acknowledged} commits");
                    *unborn.entry(error.to_string()).or_default() += 1;
                }
            }
            crashes += 1;
        }
    }
    println!("{way:?}: {crashes} power cuts; while the file was being made: {unborn:?}");
}

#[test]
fn one_phase_survives_torn_writes() {
    survives(Way::OnePhase);
}

#[test]
fn two_phase_survives_torn_writes() {
    survives(Way::TwoPhase);
}

#[test]
fn quick_repair_survives_torn_writes() {
    survives(Way::QuickRepair);
}

#[test]
fn deferred_commits_survive_torn_writes() {
    survives(Way::MostlyDeferred);
}
