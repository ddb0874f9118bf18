//! The disk, as far as durability depends on it: every write, sync, creation and removal goes through here.
//!
//! So a test can record them all, drop what was not yet synced at any point, and start again from what a
//! power cut would have left. Reads of blobs do not pass here: they change nothing. Neither does the lock,
//! which means nothing after a power cut.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// What changes files and directories.
///
/// As on a POSIX file system, nothing is durable of itself: what was written to a file is after its
/// [`DiskFile::sync_data`], and that a file or directory is there (or gone) after [`Disk::sync_dir`] of the
/// directory that names it.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Makes a directory, in one that is there. Does nothing where it is already.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes an empty file to write. Fails where there is one.
    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file to read and write, and makes it where there is none.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name in its directory, in one instant. It may be open.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Does nothing where there is none.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes durable which files and directories this directory has.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Bytes that can still be written, in the file system of `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}

/// One open file.
pub trait DiskFile: fmt::Debug + Send + Sync {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Fills `buffer`, or fails.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Bytes.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file, or makes it longer by zeros.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Makes durable what was written, and the file's length.
    fn sync_data(&self) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Debug, Default, Clone, Copy)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        match std::fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
