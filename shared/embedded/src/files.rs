//! Files of blobs: where they lie, and how one is made.
//!
//! `blobs/<run>/<shard>/<number>`, all in hexadecimal. A file is written under its final name and never
//! renamed: what makes it part of an object is the object's row alone. Names are never used again, since
//! each run of the process has a number of its own. A shard has up to 65,536 files, which keeps
//! directories at a size that every file system and every tool likes.

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

/// Makes files with fresh names.
pub(crate) struct Files {
    blobs: PathBuf,
    disk: Arc<dyn Disk>,
    run: u64,
    next: AtomicU64,
    shards: Mutex<Shards>,
    cleaner: Sender<CleanerTask>,
}

impl Files {
    /// Those of the run with this number.
    pub(crate) fn new(dir: &Path, disk: Arc<dyn Disk>, run: u64, cleaner: Sender<CleanerTask>) -> Self {
        Self {
            blobs: dir.join(BLOBS_DIR),
            disk,
            run,
            next: AtomicU64::new(0),
            shards: Mutex::default(),
            cleaner,
        }
    }

    /// A name that no piece has, or had.
    pub(crate) fn fresh_id(&self) -> PieceId {
        PieceId { run: self.run, number: self.next.fetch_add(1, Ordering::Relaxed) }
    }

    pub(crate) fn path(&self, id: PieceId) -> PathBuf {
        path(&self.blobs, id)
    }

    /// Makes an empty file. Blocks.
    pub(crate) fn create(self: &Arc<Self>) -> io::Result<Draft> {
        let id = self.fresh_id();
        self.make_shard(id.number >> SHARD_BITS)?;
        let file = self.disk.create_new(&self.path(id))?;
        Ok(Draft { id, file, size: 0, files: Arc::clone(self), kept: false })
    }

    fn make_shard(&self, shard: u64) -> io::Result<()> {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        if shards.closed {
            return Err(io::Error::other("the store is closed"));
        }
        if shard < shards.made {
            return Ok(());
        }
        let run = run_dir(&self.blobs, self.run);
        if shards.made == 0 {
            self.disk.create_dir(&run)?;
            self.disk.sync_dir(&self.blobs)?;
        }
        for shard in shards.made..=shard {
            self.disk.create_dir(&shard_dir(&self.blobs, self.run, shard))?;
        }
        self.disk.sync_dir(&run)?;
        shards.made = shard + 1;
        Ok(())
    }

    /// Makes no more files. Answers whether some that were made are still drafts.
    pub(crate) fn close(self: &Arc<Self>) -> bool {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        Arc::strong_count(self) > 1
    }
}

/// Directories of files.
#[derive(Default)]
struct Shards {
    /// How many there are, and are after a power cut.
    made: u64,
    closed: bool,
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

    /// The directory that names the file: to sync before the file's row.
    pub(crate) fn dir(&self) -> PathBuf {
        shard_of(&self.files.blobs, self.id)
    }

    /// Writes more bytes at the end. Blocks.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(bytes, self.size)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Makes the bytes durable. Blocks.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// A row names the file now, or is about to: from here on only a row's end, or the sweep, removes it.
    pub(crate) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // A cleaner that has stopped leaves it to the sweep of the next start.
            let _ = self.files.cleaner.send(CleanerTask::Discard(self.id));
        }
    }
}
