//! The storage ports of Moorage on one directory: an embedded database, a journal, and files.
//!
//! ```text
//! moorage-data/
//!   lock           held by the process that serves the directory; says which one, and where it listens
//!   moorage.redb   facts, change feed, where each object's bytes are, and the bytes of small ones
//!   journal        what was written since the database was last made durable as a whole
//!   blobs/         the bytes of larger objects, one file each (or one a part)
//! ```
//!
//! # How a write goes
//!
//! One thread writes, for everybody at once (`writer.rs`): it does what waits in one transaction of the
//! database, appends the changed rows to the journal, syncs that once if somebody asked for it, shows the
//! transaction to readers, and answers. So an acknowledged step costs one sync, and clients share it. The
//! bytes of a larger blob are written and synced before, in threads of their own; a blob of few bytes goes
//! with its row. An object is there from the moment its row is, so nothing is renamed, and nothing is ever
//! half there. The change feed's rows follow from the facts', in the same transaction.
//!
//! # How a read goes
//!
//! On the task that asks: the newest snapshot of the database is at hand, a read of it takes two or three
//! microseconds, and it waits for no write and no sync. Bytes of a file that are in the page cache are read
//! there too (`reader.rs`).
//!
//! # Why redb, and why a journal before it
//!
//! Measured with a million items (redb 4.6.0, an ext4 disk with a sync of 100 us, two cores):
//!
//! | | syncs a commit | written a commit | first read after a kill |
//! |---|---|---|---|
//! | redb, one phase | 1 | 59 KiB | 0.6 s; 5 to 8 s with a cold page cache |
//! | redb, `quick_repair` | 2 | 191 KiB, and more as the file grows | 4 to 11 ms |
//! | redb behind the journal | 1 | a few hundred bytes | 1 ms, and 30 us for each row in the journal, at most 400 |
//!
//! Of the other stores, fjall opens in 500 ms and takes 192 MiB, LMDB's keys are too short (511 bytes, ours
//! reach 3 KB), and SQLite costs a C compiler and a second copy of each page in its own log. What the journal
//! costs is one file of code (`journal.rs`), and a checkpoint every 400 rows, which holds writers (never
//! readers) up for 10 to 18 ms at that size, and 3 ms in a small store.
//!
//! # Power cuts
//!
//! All that must be durable goes through [`Disk`], so a test records it, drops what was not synced at any
//! point, and looks at what is left (`testing`, behind the feature of that name). Taking any one kind of sync
//! away makes that test fail. A failed sync ends all writing until a restart: nobody knows what is on the
//! disk then.

mod begin;
mod cleaner;
mod database;
mod disk;
mod encoding;
mod error;
mod feed;
mod files;
mod journal;
mod latest;
mod lock;
mod objects;
mod open;
mod options;
mod pieces;
mod queue;
mod read;
mod reader;
mod receive;
mod rows;
mod scan;
mod table;
#[cfg(feature = "testing")]
pub mod testing;
mod writer;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use moorage_ports::{Clock, Durability, PortError, Timestamp};

pub use disk::{Disk, DiskFile, RealDisk};
pub use error::OpenError;
pub use options::Options;

use cleaner::{CleanerTask, Pins};
use error::Stop;
use files::Files;
use latest::Latest;
use lock::Lock;
use queue::Queue;
use rows::{Rows, Snapshot};

/// Both ports on one data directory. Clones are handles of the same store; when the last one is dropped, it
/// closes.
#[derive(Clone)]
pub struct Embedded(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    options: Options,
    latest: Latest,
    queue: Queue,
    files: Arc<Files>,
    pins: Pins,
    cleaner_tasks: Sender<CleanerTask>,
    stopping: Arc<AtomicBool>,
    left_over: Arc<AtomicBool>,
    /// The cleaner's and the writer's; none once the store is closed.
    threads: Mutex<Option<(JoinHandle<()>, JoinHandle<()>)>>,
    lock: Lock,
}

impl Embedded {
    /// Writes into the lock at which address this process serves the directory, for whoever is refused.
    ///
    /// # Errors
    /// The lock's file cannot be written.
    pub fn announce(&self, address: &str) -> io::Result<()> {
        self.0.lock.announce(address)
    }

    /// Makes everything durable, stops, and lets go of the directory. What is asked of the store after that, by any handle, fails as
    /// `Unavailable`. Blocks for as long as that takes.
    pub fn close(&self) {
        self.0.close();
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn snapshot(&self) -> Result<Arc<Snapshot>, PortError> {
        self.0.latest.get()
    }

    fn files(&self) -> &Arc<Files> {
        &self.0.files
    }

    fn pins(&self) -> &Pins {
        &self.0.pins
    }

    fn tell_cleaner(&self, task: CleanerTask) {
        // A cleaner that has stopped leaves it to the next start.
        let _ = self.0.cleaner_tasks.send(task);
    }

    fn inline_blob_bytes_max(&self) -> usize {
        self.0.options.inline_blob_bytes_max
    }

    async fn step<T, W>(&self, durability: Durability, bytes: usize, work: W) -> Result<T, PortError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Rows<'_>) -> Result<T, Stop> + Send + 'static,
    {
        self.0.queue.step(durability, bytes, work).await
    }
}

impl Inner {
    /// In the order in which one leaves work for the next: what is durable lets files be removed, what is
    /// removed deletes rows.
    fn close(&self) {
        let Some((cleaner, writer)) = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take()
        else {
            return;
        };
        self.stopping.store(true, Ordering::Relaxed);
        self.queue.flush();
        let drafts_left = self.files.close();
        // A thread that panicked has left what it did not do to the next start.
        let _ = self.cleaner_tasks.send(CleanerTask::Stop);
        let cleaned = cleaner.join().is_ok();
        let clean = cleaned && !drafts_left && !self.left_over.load(Ordering::Relaxed);
        self.queue.close(clean);
        let _ = writer.join();
        self.lock.let_go();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
