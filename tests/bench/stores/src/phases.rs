//! What is measured. Each phase runs in a process of its own, so that its memory and its open are its own,
//! and answers with a flat map of named figures (`_us`, `_ms`, `_mib`, `_per_s` say the unit).

use crate::data::{self, Chance, mix};
use crate::group::{self, Committer, Outcome};
use crate::store::{Durability, Store};
use crate::{probe, stores};
use anyhow::{Result, ensure};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

pub type Figures = BTreeMap<String, f64>;

pub struct Setup {
    pub store: String,
    pub dir: PathBuf,
    pub records: u64,
    pub seconds: f64,
    pub cache_mib: usize,
    /// Makes this process's requests differ from every other's.
    pub salt: u64,
}

impl Setup {
    fn open(&self) -> Result<Box<dyn Store>> {
        stores::open(&self.store, &self.dir, self.cache_mib)
    }

    fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_secs_f64(self.seconds)
    }

    fn serial(&self, thread: u64, count: u64) -> u64 {
        mix(self.salt ^ mix(thread)) ^ count
    }
}

/// Durations of one kind of operation.
struct Latencies {
    ns: Vec<u64>,
    started: Instant,
}

impl Latencies {
    fn new() -> Self {
        Self { ns: Vec::new(), started: Instant::now() }
    }

    fn measure<T>(&mut self, operation: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let result = operation()?;
        self.ns.push(start.elapsed().as_nanos() as u64);
        Ok(result)
    }

    fn report(mut self, name: &str, figures: &mut Figures) {
        let elapsed = self.started.elapsed().as_secs_f64();
        let count = self.ns.len();
        self.ns.sort_unstable();
        let at = |part: f64| self.ns[((count - 1) as f64 * part) as usize] as f64 / 1000.0;
        figures.insert(format!("{name}_per_s"), count as f64 / elapsed);
        figures.insert(format!("{name}_p50_us"), at(0.5));
        figures.insert(format!("{name}_p99_us"), at(0.99));
        figures.insert(format!("{name}_max_us"), at(1.0));
    }
}

fn memory(name: &str, figures: &mut Figures) {
    figures.insert(format!("{name}_anon_mib"), probe::memory_kib("RssAnon") / 1024.0);
    figures.insert(format!("{name}_mapped_mib"), probe::memory_kib("RssFile") / 1024.0);
}

fn disk_bytes(dir: &Path) -> Result<f64> {
    let mut bytes = 0.0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        // Blocks, not length: some files have holes.
        bytes +=
            if metadata.is_dir() { disk_bytes(&entry.path())? } else { metadata.blocks() as f64 * 512.0 };
    }
    Ok(bytes)
}

/// Stores the records, 2,000 to a transaction.
pub fn load(setup: &Setup) -> Result<Figures> {
    const RECORDS_PER_TRANSACTION: u64 = 2000;
    let started = Instant::now();
    let store = setup.open()?;
    let mut bytes = 0;
    let mut number = 0;
    while number < setup.records {
        let end = (number + RECORDS_PER_TRANSACTION).min(setup.records);
        let durability = if end.is_multiple_of(100_000) || end == setup.records {
            Durability::Synced
        } else {
            Durability::Deferred
        };
        store.transact(durability, &mut |transaction| {
            for number in number..end {
                let (key, value) = data::record(number);
                bytes += key.len() + value.len();
                transaction.put(&key, &value)?;
            }
            Ok(())
        })?;
        number = end;
    }
    let mut figures = Figures::new();
    memory("loaded", &mut figures);
    store.close()?;
    figures.insert("load_s".into(), started.elapsed().as_secs_f64());
    figures.insert("data_mib".into(), bytes as f64 / 1048576.0);
    figures.insert("disk_mib".into(), disk_bytes(&setup.dir)? / 1048576.0);
    Ok(figures)
}

/// Opens and reads one record.
pub fn open(setup: &Setup) -> Result<Figures> {
    let mut figures = Figures::new();
    let started = Instant::now();
    let store = setup.open()?;
    figures.insert("open_ms".into(), started.elapsed().as_secs_f64() * 1000.0);
    let found = store.get(&data::record(mix(setup.salt) % setup.records).0)?;
    figures.insert("first_read_ms".into(), started.elapsed().as_secs_f64() * 1000.0);
    ensure!(found.is_some(), "a record that was loaded is not there");
    memory("open", &mut figures);
    store.close()?;
    Ok(figures)
}

fn get_until(store: &dyn Store, setup: &Setup, thread: u64, deadline: Instant) -> Result<Latencies> {
    let mut chance = Chance::new(setup.salt ^ thread);
    let mut latencies = Latencies::new();
    while Instant::now() < deadline {
        let key = data::record(chance.below(setup.records)).0;
        let found = latencies.measure(|| store.get(&key))?;
        ensure!(found.is_some(), "a record that was loaded is not there");
    }
    Ok(latencies)
}

/// Point reads and ranges with nobody writing, and the memory they leave behind.
pub fn reads(setup: &Setup) -> Result<Figures> {
    let mut figures = Figures::new();
    let store = setup.open()?;
    let store = &*store;
    // Not counted: brings the file into the page cache and fills the store's own.
    get_until(store, setup, 9, setup.deadline())?;
    get_until(store, setup, 0, setup.deadline())?.report("get", &mut figures);
    memory("gets", &mut figures);

    let deadline = setup.deadline();
    let two = std::thread::scope(|scope| {
        let threads = [1, 2].map(|thread| scope.spawn(move || get_until(store, setup, thread, deadline)));
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a reader panicked"))
            .collect::<Result<Vec<_>>>()
    })?;
    let mut both = Latencies { ns: Vec::new(), started: two[0].started };
    both.ns.extend(two.iter().flat_map(|one| &one.ns));
    both.report("get2", &mut figures);

    let mut chance = Chance::new(setup.salt ^ 3);
    let mut ranges = |name: &str, limit: usize, from: &mut dyn FnMut(&mut Chance) -> Vec<u8>| -> Result<()> {
        let mut latencies = Latencies::new();
        let deadline = setup.deadline();
        while Instant::now() < deadline {
            let from = from(&mut chance);
            let items = latencies.measure(|| store.range(&from, limit))?;
            ensure!(items.len() == limit, "a range of {limit} gave {}", items.len());
        }
        latencies.report(name, &mut figures);
        Ok(())
    };
    ranges("range2", 2, &mut |chance| data::manifest_key(setup.records, chance))?;
    let starts = data::big_partition_len(setup.records) - 1000;
    ranges("page100", 100, &mut |chance| data::big_partition_key(chance.below(starts)))?;
    ranges("page1000", 1000, &mut |chance| data::big_partition_key(chance.below(starts)))?;
    memory("reads", &mut figures);

    // A commit may leave a store in a state that reads pay for.
    commit_once(store, Durability::Synced, setup, setup.serial(14, 0), false)?;
    get_until(store, setup, 5, setup.deadline())?.report("get_after_commit", &mut figures);
    commit_once(store, Durability::Deferred, setup, setup.serial(14, 1), false)?;
    get_until(store, setup, 6, setup.deadline())?.report("get_after_deferred", &mut figures);
    Ok(figures)
}

fn commit_once(
    store: &dyn Store,
    durability: Durability,
    setup: &Setup,
    serial: u64,
    with_blob: bool,
) -> Result<()> {
    let puts = data::request(setup.records, serial, with_blob);
    store.transact(durability, &mut |transaction| {
        ensure!(group::apply(transaction, &puts)? == Outcome::Committed, "a condition did not hold");
        Ok(())
    })
}

fn commit_until(
    store: &dyn Store,
    durability: Durability,
    setup: &Setup,
    thread: u64,
    with_blob: bool,
    go_on: impl Fn() -> bool,
) -> Result<Latencies> {
    let mut latencies = Latencies::new();
    let mut count = 0;
    while go_on() {
        // The request is made outside of the clock: it costs as much as a fast commit.
        let puts = data::request(setup.records, setup.serial(thread, count), with_blob);
        latencies.measure(|| {
            store.transact(durability, &mut |transaction| {
                ensure!(group::apply(transaction, &puts)? == Outcome::Committed, "a condition did not hold");
                Ok(())
            })
        })?;
        count += 1;
    }
    Ok(latencies)
}

/// What the disk takes for the least that a store can do: append 4 KiB, sync. Without it a row of commits
/// says nothing, on a machine that others use too.
fn disk(setup: &Setup, figures: &mut Figures) -> Result<()> {
    let path = setup.dir.join("disk-probe");
    let file = File::create(&path)?;
    let mut latencies = Latencies::new();
    for page in 0..200 {
        file.write_all_at(&[7; 4096], page * 4096)?;
        latencies.measure(|| Ok(file.sync_data()?))?;
    }
    latencies.report("disk", figures);
    std::fs::remove_file(&path)?;
    Ok(())
}

/// One client that commits without a pause: synced, with a small blob, and deferred.
pub fn commits(setup: &Setup) -> Result<Figures> {
    let mut figures = Figures::new();
    disk(setup, &mut figures)?;
    let store = setup.open()?;
    let store = &*store;
    for (name, thread, with_blob) in [("commit", 10, false), ("blob_commit", 11, true)] {
        let deadline = setup.deadline();
        let (syncs, written, cpu_us) = (probe::syncs(), probe::written_bytes(), probe::cpu_us());
        let latencies =
            commit_until(store, Durability::Synced, setup, thread, with_blob, || Instant::now() < deadline)?;
        let count = latencies.ns.len() as f64;
        figures.insert(format!("{name}_cpu_us"), (probe::cpu_us() - cpu_us) / count);
        figures.insert(format!("{name}_syncs"), (probe::syncs() - syncs) as f64 / count);
        figures.insert(format!("{name}_kib"), (probe::written_bytes() - written) / 1024.0 / count);
        latencies.report(name, &mut figures);
    }
    memory("commits", &mut figures);

    let before = disk_bytes(&setup.dir)?;
    let deadline = setup.deadline();
    let deferred = commit_until(store, Durability::Deferred, setup, 12, false, || Instant::now() < deadline)?;
    let count = deferred.ns.len() as f64;
    deferred.report("deferred", &mut figures);
    memory("deferred", &mut figures);
    let started = Instant::now();
    commit_once(store, Durability::Synced, setup, setup.serial(13, 0), false)?;
    figures.insert("deferred_then_synced_ms".into(), started.elapsed().as_secs_f64() * 1000.0);
    figures.insert("deferred_growth_kib".into(), (disk_bytes(&setup.dir)? - before) / 1024.0 / count);
    Ok(figures)
}

/// Eight clients through the group commit.
pub fn group_commits(setup: &Setup) -> Result<Figures> {
    const CLIENTS: u64 = 8;
    let mut figures = Figures::new();
    let store = setup.open()?;
    let store = &*store;
    let (committer, queue) = Committer::new();
    let deadline = setup.deadline();
    let (started, cpu_us) = (Instant::now(), probe::cpu_us());
    let (transactions, latencies) = std::thread::scope(|scope| -> Result<_> {
        let server = scope.spawn(move || group::run(store, &queue));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let committer = committer.clone();
                scope.spawn(move || -> Result<Vec<u64>> {
                    let mut latencies = Latencies::new();
                    let mut count = 0;
                    while Instant::now() < deadline {
                        let puts = data::request(setup.records, setup.serial(20 + client, count), false);
                        let outcome = latencies.measure(|| committer.commit(puts))?;
                        ensure!(outcome == Outcome::Committed, "a condition did not hold");
                        count += 1;
                    }
                    Ok(latencies.ns)
                })
            })
            .collect();
        drop(committer);
        let mut ns = Vec::new();
        for client in clients {
            ns.extend(client.join().expect("a client panicked")?);
        }
        Ok((server.join().expect("the committer panicked")?, ns))
    })?;
    figures.insert("group8_cpu_us".into(), (probe::cpu_us() - cpu_us) / latencies.len() as f64);
    figures.insert("group8_requests_per_sync".into(), latencies.len() as f64 / transactions as f64);
    Latencies { ns: latencies, started }.report("group8", &mut figures);
    Ok(figures)
}

/// Point reads while somebody commits without a pause: the tail shows whether readers wait for the writer.
pub fn reads_beside_writer(setup: &Setup) -> Result<Figures> {
    let mut figures = Figures::new();
    let store = setup.open()?;
    let store = &*store;
    get_until(store, setup, 9, setup.deadline())?;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| -> Result<()> {
        let writer =
            scope.spawn(|| commit_until(store, Durability::Synced, setup, 30, false, || !stop.load(Relaxed)));
        let reader = get_until(store, setup, 4, setup.deadline());
        stop.store(true, Relaxed);
        writer.join().expect("the writer panicked")?.report("commit_beside_reader", &mut figures);
        reader?.report("get_beside_writer", &mut figures);
        Ok(())
    })?;
    Ok(figures)
}

/// Commits until it is killed. Says `go` once it has written enough to be worth killing.
pub fn write_until_killed(setup: &Setup) -> Result<Figures> {
    const COMMITS_FIRST: u64 = 200;
    let store = setup.open()?;
    for count in 0.. {
        if count == COMMITS_FIRST {
            println!("go");
            std::io::stdout().flush()?;
        }
        commit_once(&*store, Durability::Synced, setup, setup.serial(40, count), false)?;
    }
    Ok(Figures::new())
}
