//! Files of blobs: where they lie, and how one is made.
//!
//! `blobs/<run>/<shard>/<number>`, all in hexadecimal. A file is written under its final name and never
//! renamed: what makes it part of an object is the object's row alone. Names are never used again, since
//! each run of the process has a number of its own. A shard has up to 65,536 files, which keeps
//! directories at a size that every file system and every tool likes.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cleaner::CleanerTask;
use crate::disk::{Disk, DiskFile};
use crate::pieces::PieceId;

/// The directory of all blobs' files, in the data directory.
pub(crate) const BLOBS_DIR: &str = "blobs";

/// Files of one directory, as a power of two.
const SHARD_BITS: u32 = 16;

/// A long file is synced whenever so many bytes more were written, so that the last sync, which the client
/// waits for, is a short one, and nobody else's sync waits for a long one.
const SYNC_EACH_BYTES: u64 = 16 * 1024 * 1024;
/// Blobs are refused while less is free: enough is left for records, those of the collector among them, which
/// makes room.
const FREE_BYTES_MIN: u64 = 128 * 1024 * 1024;
/// Files that are made ahead, at most.
const AHEAD_MAX: usize = 16;

/// Makes files with fresh names.
///
/// A file's bytes are of no use unless its directory is synced too. So files are made ahead, a few at a
/// time, with one sync of the directory for all of them; an upload then has only its bytes to sync.
pub(crate) struct Files {
    blobs: PathBuf,
    disk: Arc<dyn Disk>,
    run: u64,
    next: AtomicU64,
    made: Mutex<Made>,
    cleaner: Sender<CleanerTask>,
}

/// What was made, and is there after a power cut.
#[derive(Default)]
struct Made {
    /// Directories of files: how many there are.
    shards: u64,
    /// Files that nobody has yet.
    ahead: VecDeque<(PieceId, Arc<dyn DiskFile>)>,
    /// How many were made last time.
    batch: usize,
    closed: bool,
}

impl Files {
    /// Those of the run with this number.
    pub(crate) fn new(dir: &Path, disk: Arc<dyn Disk>, run: u64, cleaner: Sender<CleanerTask>) -> Self {
        let blobs = dir.join(BLOBS_DIR);
        Self { blobs, disk, run, next: AtomicU64::new(0), made: Mutex::default(), cleaner }
    }

    /// A name that no piece has, or had.
    pub(crate) fn fresh_id(&self) -> PieceId {
        PieceId { run: self.run, number: self.next.fetch_add(1, Ordering::Relaxed) }
    }

    pub(crate) fn path(&self, id: PieceId) -> PathBuf {
        path(&self.blobs, id)
    }

    /// Whether so many bytes more leave the disk as much room as the rest of the store needs.
    pub(crate) fn check_room(&self, bytes: u64) -> io::Result<()> {
        let free = self.disk.free_bytes(&self.blobs)?;
        if free < FREE_BYTES_MIN.saturating_add(bytes) {
            let why = format!("{free} bytes are free, and {FREE_BYTES_MIN} are kept free for the records");
            return Err(io::Error::new(io::ErrorKind::StorageFull, why));
        }
        Ok(())
    }

    /// An empty file. Blocks.
    pub(crate) fn create(self: &Arc<Self>) -> io::Result<Draft> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.closed {
            return Err(io::Error::other("the store is closed"));
        }
        if made.ahead.is_empty() {
            // None of them may be used whose directory could not be synced.
            self.make_ahead(&mut made).inspect_err(|_| self.discard_ahead(&mut made))?;
        }
        let (id, file) = made.ahead.pop_front().ok_or_else(|| io::Error::other("no file was made"))?;
        Ok(Draft { id, file, size: 0, synced: 0, files: Arc::clone(self), kept: false })
    }

    /// Makes twice as many as the last time: few where few are used.
    fn make_ahead(&self, made: &mut Made) -> io::Result<()> {
        made.batch = (made.batch * 2).clamp(1, AHEAD_MAX);
        let mut dirs = BTreeSet::new();
        for _ in 0..made.batch {
            let id = self.fresh_id();
            self.make_shards(made, id.number >> SHARD_BITS)?;
            made.ahead.push_back((id, self.disk.create_new(&self.path(id))?));
            dirs.insert(shard_of(&self.blobs, id));
        }
        dirs.iter().try_for_each(|dir| self.disk.sync_dir(dir))
    }

    fn discard_ahead(&self, made: &mut Made) {
        for (id, _) in made.ahead.drain(..) {
            self.discard(id);
        }
    }

    fn make_shards(&self, made: &mut Made, last: u64) -> io::Result<()> {
        if last < made.shards {
            return Ok(());
        }
        let run = run_dir(&self.blobs, self.run);
        if made.shards == 0 {
            self.disk.create_dir(&run)?;
            self.disk.sync_dir(&self.blobs)?;
        }
        for shard in made.shards..=last {
            self.disk.create_dir(&shard_dir(&self.blobs, self.run, shard))?;
        }
        self.disk.sync_dir(&run)?;
        made.shards = last + 1;
        Ok(())
    }

    /// Makes no more files, and gives up those that nobody has. Answers whether there still are drafts.
    pub(crate) fn close(self: &Arc<Self>) -> bool {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.closed = true;
        self.discard_ahead(&mut made);
        Arc::strong_count(self) > 1
    }

    fn discard(&self, id: PieceId) {
        // A cleaner that has stopped leaves it to the sweep of the next start.
        let _ = self.cleaner.send(CleanerTask::Discard(id));
    }
}

pub(crate) fn run_dir(blobs: &Path, run: u64) -> PathBuf {
    blobs.join(format!("{run:x}"))
}

fn shard_dir(blobs: &Path, run: u64, shard: u64) -> PathBuf {
    run_dir(blobs, run).join(format!("{shard:x}"))
}

/// The directory of a piece's file.
pub(crate) fn shard_of(blobs: &Path, id: PieceId) -> PathBuf {
    shard_dir(blobs, id.run, id.number >> SHARD_BITS)
}

/// The file of a piece.
pub(crate) fn path(blobs: &Path, id: PieceId) -> PathBuf {
    shard_of(blobs, id).join(format!("{:x}", id.number))
}

/// A file that no row names yet. Dropped before it is kept, it is removed.
pub(crate) struct Draft {
    id: PieceId,
    file: Arc<dyn DiskFile>,
    size: u64,
    /// Bytes that are durable.
    synced: u64,
    files: Arc<Files>,
    kept: bool,
}

impl Draft {
    pub(crate) fn id(&self) -> PieceId {
        self.id
    }

    /// Bytes written.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Writes more bytes at the end. Blocks.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(bytes, self.size)?;
        self.size += bytes.len() as u64;
        if self.size - self.synced >= SYNC_EACH_BYTES {
            self.sync()?;
            self.files.check_room(0)?;
        }
        Ok(())
    }

    /// Makes the bytes durable, as the file is already. Blocks.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.synced = self.size;
        Ok(())
    }

    /// A row names the file now, or is about to: from here on only a row's end, or the sweep, removes it.
    pub(crate) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            self.files.discard(self.id);
        }
    }
}
