//! The storage ports of Moorage on one directory: an embedded database and files.
//!
//! ```text
//! moorage-data/
//!   lock           held by the process that serves the directory; says which one, and where it listens
//!   moorage.redb   facts, change feed, which bytes each object has, and the bytes of small objects
//!   blobs/         the bytes of larger ones
//! ```

mod cleaner;
mod database;
mod disk;
mod encoding;
mod error;
mod feed;
mod files;
mod lock;
mod objects;
mod open;
mod options;
mod pieces;
mod read;
mod receive;
mod rows;
mod table;
mod writer;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use moorage_ports::{Durability, PortError};

pub use disk::{Disk, DiskFile, RealDisk};
pub use error::OpenError;
pub use options::Options;

use cleaner::{CleanerTask, Pins};
use error::Stop;
use files::Files;
use lock::Lock;
use rows::{Rows, Snapshot};
use writer::{Latest, Queue};

/// Both ports on one data directory. Clones are handles of the same store; when the last one is dropped, it
/// closes.
#[derive(Clone)]
pub struct Embedded(Arc<Inner>);

struct Inner {
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

    /// Makes everything durable and stops. What is asked of the store after that, by any handle, fails as
    /// `Unavailable`. Blocks for as long as that takes.
    pub fn close(&self) {
        self.0.close();
    }

    fn snapshot(&self) -> Result<Arc<Snapshot>, PortError> {
        self.0.latest.get()
    }

    fn files(&self) -> &Arc<Files> {
        &self.0.files
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
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
