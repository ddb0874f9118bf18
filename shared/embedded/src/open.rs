//! Opens a data directory: takes its lock, reads which format it has, and begins a run.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use moorage_ports::facts::FORMAT;
use moorage_ports::{Context, Fact, Item, Key};
use redb::Database;

use crate::cleaner::{Cleaner, Pins};
use crate::database::{self, Space};
use crate::disk::{Disk, RealDisk};
use crate::error::{OpenError, Stop, corrupt};
use crate::feed::{FeedEnds, decode_number};
use crate::files::{BLOBS_DIR, Files};
use crate::lock::Lock;
use crate::rows::{Rows, Snapshot};
use crate::writer::{Effects, Latest, Writer};
use crate::{Embedded, Inner, Options, encoding};

impl Embedded {
    /// Opens the data in `dir`, and makes the directory where there is none.
    ///
    /// # Errors
    /// `Served` where another process has it; `Newer` where a newer Moorage wrote it.
    pub fn open(dir: &Path, options: Options, context: &Context) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(RealDisk), dir, options, context)
    }

    /// The same, with all that must be durable going through `disk`.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
        context: &Context,
    ) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Disk { path: dir.to_owned(), source };
        std::fs::create_dir_all(dir).map_err(failed)?;
        let lock = Lock::take(dir)?;
        let database = database::open(&*disk, dir, options.cache_bytes)
            .map_err(|e| OpenError::Database { dir: dir.to_owned(), reason: e.to_string() })?;
        let begun = begin(&database, dir, context)?;
        disk.create_dir(&dir.join(BLOBS_DIR)).map_err(failed)?;
        disk.sync_dir(dir).map_err(failed)?;

        let latest = Latest::default();
        latest.set(Some(begun.snapshot));
        let (cleaner_tasks, tasks) = std::sync::mpsc::channel();
        let files = Arc::new(Files::new(dir, Arc::clone(&disk), begun.run, cleaner_tasks.clone()));
        let writer = Writer {
            database,
            latest: latest.clone(),
            disk: Arc::clone(&disk),
            feed: begun.feed,
            feed_changes_max: options.feed_changes_max,
            run: begun.run,
            cleaner: cleaner_tasks.clone(),
            effects: Effects::default(),
            unsynced: false,
            failed: None,
        };
        let (queue, writer_thread) = writer.start().map_err(failed)?;
        let pins = Pins::default();
        let stopping = Arc::new(AtomicBool::new(false));
        let left_over = Arc::new(AtomicBool::new(false));
        let cleaner = Cleaner {
            dir: dir.to_owned(),
            disk,
            latest: latest.clone(),
            queue: queue.clone(),
            pins: pins.clone(),
            stopping: Arc::clone(&stopping),
            left_over: Arc::clone(&left_over),
            unclean_runs: begun.unclean_runs,
        };
        let cleaner_thread = std::thread::Builder::new()
            .name("moorage-cleaner".to_owned())
            .spawn(move || cleaner.run(&tasks))
            .map_err(failed)?;
        Ok(Self(Arc::new(Inner {
            options,
            latest,
            queue,
            files,
            pins,
            cleaner_tasks,
            stopping,
            left_over,
            threads: Mutex::new(Some((cleaner_thread, writer_thread))),
            lock,
        })))
    }
}

/// A run that has begun.
struct Begun {
    run: u64,
    unclean_runs: Vec<u64>,
    feed: FeedEnds,
    snapshot: Snapshot,
}

/// A row of `Runs` says this while the run goes on, and for ever if it did not end cleanly.
const OPEN: &[u8] = &[0];
/// The run has ended, and left nothing behind. Such a row stays until the next run has its number.
pub(crate) const ENDED_CLEANLY: &[u8] = &[1];

/// Checks the format, and writes down that a run has begun: its number, and the items that every registry
/// has. Durable before anything else is done, so that no two runs have one number.
fn begin(database: &Database, dir: &Path, context: &Context) -> Result<Begun, OpenError> {
    let failed = |reason: String| OpenError::Database { dir: dir.to_owned(), reason };
    let mut transaction = database.begin_write().map_err(|e| failed(e.to_string()))?;
    transaction.set_quick_repair(true);
    let mut rows = Rows::new(&transaction, FeedEnds::default());
    let outcome = begin_run(&mut rows, context);
    let (feed, _) = rows.finish();
    let (run, unclean_runs) = match outcome {
        Ok(begun) => begun,
        Err(Refusal::Newer(found)) => {
            return Err(OpenError::Newer { dir: dir.to_owned(), found, known: FORMAT });
        }
        Err(Refusal::Stop(Stop::Refuse(error))) => return Err(failed(error.to_string())),
        Err(Refusal::Stop(Stop::Fail(error))) => return Err(failed(error.to_string())),
    };
    transaction.commit().map_err(|e| failed(e.to_string()))?;
    let snapshot = Snapshot::new(database).map_err(|e| failed(e.to_string()))?;
    Ok(Begun { run, unclean_runs, feed, snapshot })
}

/// Why nothing was begun, and nothing written.
enum Refusal {
    /// The data has this format.
    Newer(u32),
    Stop(Stop),
}

impl<E: Into<Stop>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Stop(error.into())
    }
}

fn begin_run(rows: &mut Rows<'_>, context: &Context) -> Result<(u64, Vec<u64>), Refusal> {
    rows.find_feed_ends()?;
    if let Some(item) = item(rows, &Key::format())? {
        match item.fact {
            Fact::Format { number } if number <= FORMAT => {}
            Fact::Format { number } => return Err(Refusal::Newer(number)),
            _ => return Err(corrupt("the format").into()),
        }
    } else {
        put_item(rows, Item::once(Key::format(), Fact::Format { number: FORMAT }))?;
    }
    for space in Space::ALL {
        rows.make(space)?;
    }
    if item(rows, &Key::upload_secret())?.is_none() {
        let key = format!("{}{}", context.random.nonce(), context.random.nonce());
        put_item(rows, Item::once(Key::upload_secret(), Fact::UploadSecret { key }))?;
    }
    let mut run = 0;
    let mut unclean_runs = Vec::new();
    for (number, state) in rows.with_prefix(Space::Runs, &[])? {
        run = decode_number(&number)?;
        if state == ENDED_CLEANLY {
            rows.delete(Space::Runs, &number)?;
        } else {
            unclean_runs.push(run);
        }
    }
    run += 1;
    rows.put(Space::Runs, &run.to_be_bytes(), OPEN)?;
    Ok((run, unclean_runs))
}

fn item(rows: &mut Rows<'_>, key: &Key) -> Result<Option<Item>, Stop> {
    let value = rows.get(Space::Facts, &encoding::key(key)?)?;
    Ok(value.map(|value| encoding::decode_item(key.clone(), &value)).transpose()?)
}

fn put_item(rows: &mut Rows<'_>, item: Item) -> Result<(), Stop> {
    let key = encoding::key(&item.key)?;
    let value = encoding::value(&item, key.len())?;
    Ok(rows.change_fact(&key, Some(&value))?)
}
