//! Opens a data directory: takes its lock, reads which format it has, and begins a run.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use moorage_ports::Context;

use crate::begin::begin;
use crate::cleaner::{Cleaner, Pins};
use crate::database;
use crate::disk::{Disk, RealDisk};
use crate::error::OpenError;
use crate::files::{BLOBS_DIR, Files};
use crate::journal;
use crate::latest::Latest;
use crate::lock::Lock;
use crate::queue::Queue;
use crate::writer::Writer;
use crate::{Embedded, Inner, Options};

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
        create_dir_all(&*disk, dir).map_err(failed)?;
        let lock = Lock::take(dir)?;
        let database = database::open(&*disk, dir, options.cache_bytes)
            .map_err(|e| OpenError::Database { dir: dir.to_owned(), reason: e.to_string() })?;
        let journal = journal::open(&*disk, dir).map_err(failed)?;
        disk.create_dir(&dir.join(BLOBS_DIR)).map_err(failed)?;
        disk.sync_dir(dir).map_err(failed)?;
        let begun = begin(&database, journal, options.journal_rows_max, context)
            .map_err(|e| e.into_open_error(dir))?;

        let latest = Latest::default();
        latest.set(Some(begun.snapshot));
        let (cleaner_tasks, tasks) = std::sync::mpsc::channel();
        let files = Arc::new(Files::new(dir, Arc::clone(&disk), begun.run, cleaner_tasks.clone()));
        let left_over = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            database,
            latest: latest.clone(),
            disk: Arc::clone(&disk),
            dir: dir.to_owned(),
            feed: begun.feed,
            clock: context.clock.clone(),
            feed_changes_max: options.feed_changes_max,
            run: begun.run,
            cleaner: cleaner_tasks.clone(),
            left_over: Arc::clone(&left_over),
            journal: begun.journal,
            doomed: Vec::new(),
            failed: None,
        };
        let (queue, writer_thread) = Queue::start(writer).map_err(failed)?;
        let pins = Pins::default();
        let stopping = Arc::new(AtomicBool::new(false));
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
            clock: context.clock.clone(),
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

/// Makes the directory and those above it that are not there, durably.
fn create_dir_all(disk: &dyn Disk, dir: &Path) -> std::io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_dir_all(disk, parent)?;
    disk.create_dir(dir)?;
    disk.sync_dir(parent)
}
