//! A disk that does everything, and remembers it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::power_cut::{Remains, Unsynced};
use crate::database::DATABASE_FILE;
use crate::disk::{Disk, DiskFile, RealDisk};
use crate::files::BLOBS_DIR;
use crate::journal::JOURNAL_FILE;

/// One thing that was done. Paths are below the root; a file is known by the operation that made it.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    CreateDir(PathBuf),
    CreateFile(PathBuf),
    Rename { file: usize, from: PathBuf, to: PathBuf },
    Remove(PathBuf),
    Write { file: usize, offset: u64, bytes: Vec<u8> },
    SetLen { file: usize, bytes: u64 },
    SyncFile { file: usize },
    SyncDir(PathBuf),
}

/// What a sync is for. Each kind must be missed when it is taken away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncKind {
    /// The database file.
    Database,
    /// The journal.
    Journal,
    /// The bytes of a blob's file.
    BlobData,
    /// The directory that names the blob's file.
    ShardDir,
    /// The directory that names a run's shards.
    RunDir,
    /// The directory that names the runs.
    BlobsDir,
    /// The data directory.
    DataDir,
    /// The directory that names the data directory.
    ParentDir,
}

impl SyncKind {
    pub const ALL: [Self; 8] = [
        Self::Database,
        Self::Journal,
        Self::BlobData,
        Self::ShardDir,
        Self::RunDir,
        Self::BlobsDir,
        Self::DataDir,
        Self::ParentDir,
    ];

    fn of_file(path: &Path) -> Self {
        match path.file_name() {
            Some(name) if name.to_string_lossy().starts_with(DATABASE_FILE) => Self::Database,
            Some(name) if name == JOURNAL_FILE => Self::Journal,
            _ => Self::BlobData,
        }
    }

    fn of_dir(path: &Path) -> Self {
        let below_blobs = path.iter().skip_while(|name| *name != BLOBS_DIR).count();
        match below_blobs {
            1 => Self::BlobsDir,
            2 => Self::RunDir,
            3 => Self::ShardDir,
            _ if path.as_os_str().is_empty() => Self::ParentDir,
            _ => Self::DataDir,
        }
    }
}

/// The disk of this machine, remembering all that is done below one directory. Operations of several
/// threads happen one after the other, in the order they are remembered.
#[derive(Debug)]
pub struct Recorder {
    root: PathBuf,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    operations: Vec<Operation>,
    syncs: Vec<SyncKind>,
    /// A kind of sync that does nothing and says that it did.
    skipped: Option<SyncKind>,
    /// A kind of sync that fails.
    failing: Option<(SyncKind, io::ErrorKind)>,
    /// What is free, if not what the disk says.
    free_bytes: Option<u64>,
}

impl Recorder {
    /// Watches what is done below `root`. What is there already is durable.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn new(root: &Path) -> io::Result<Arc<Self>> {
        let recorder = Self { root: root.to_owned(), log: Mutex::default() };
        recorder.take_in(root)?;
        Ok(Arc::new(recorder))
    }

    fn take_in(&self, dir: &Path) -> io::Result<()> {
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            let below_root = self.below_root(&path);
            if path.is_dir() {
                self.log().operations.push(Operation::CreateDir(below_root));
                self.take_in(&path)?;
            } else {
                let bytes = std::fs::read(&path)?;
                let operations = &mut self.log().operations;
                let file = operations.len();
                operations.push(Operation::CreateFile(below_root));
                operations.push(Operation::Write { file, offset: 0, bytes });
                operations.push(Operation::SyncFile { file });
            }
        }
        self.log().operations.push(Operation::SyncDir(self.below_root(dir)));
        Ok(())
    }

    /// From now on all syncs of this kind do nothing, and say that they did.
    pub fn skip(&self, kind: SyncKind) {
        self.log().skipped = Some(kind);
    }

    /// From now on all syncs of this kind fail; `None`: none do.
    pub fn fail(&self, failing: Option<(SyncKind, io::ErrorKind)>) {
        self.log().failing = failing;
    }

    /// Lets nothing be done to the disk until what this gives is dropped.
    #[must_use]
    pub fn pause(&self) -> impl Sized + '_ {
        self.log()
    }

    /// From now on so many bytes are free.
    pub fn set_free_bytes(&self, bytes: u64) {
        self.log().free_bytes = Some(bytes);
    }

    /// How many syncs of this kind there were until now.
    #[must_use]
    pub fn syncs(&self, kind: SyncKind) -> usize {
        self.log().syncs.iter().filter(|done| **done == kind).count()
    }

    /// How many operations there were until now.
    #[must_use]
    pub fn position(&self) -> usize {
        self.log().operations.len()
    }

    /// The positions right after each sync: between two of them, nothing more becomes durable.
    #[must_use]
    pub fn positions_after_syncs(&self) -> Vec<usize> {
        let log = self.log();
        let is_sync =
            |operation: &Operation| matches!(operation, Operation::SyncFile { .. } | Operation::SyncDir(_));
        (1..=log.operations.len()).filter(|position| is_sync(&log.operations[position - 1])).collect()
    }

    /// What is there after a power cut at a position.
    #[must_use]
    pub fn after_power_cut(&self, position: usize, unsynced: Unsynced) -> Remains {
        Remains::of(&self.log().operations[..position], unsynced)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn below_root(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).expect("everything is done below the root").to_owned()
    }
}

impl Log {
    /// The operation that made the file that has this name now.
    fn id(&self, path: &Path) -> usize {
        let named = self.operations.iter().enumerate().rev().find_map(|(at, operation)| match operation {
            Operation::CreateFile(made) if made == path => Some(at),
            Operation::Rename { file, to, .. } if to == path => Some(*file),
            _ => None,
        });
        named.expect("every file was made while being watched")
    }

    fn sync(
        &mut self,
        kind: SyncKind,
        operation: Operation,
        sync: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        if let Some((failing, error)) = self.failing
            && failing == kind
        {
            return Err(error.into());
        }
        if self.skipped == Some(kind) {
            return Ok(());
        }
        sync()?;
        self.syncs.push(kind);
        self.operations.push(operation);
        Ok(())
    }
}

impl Disk for Arc<Recorder> {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut log = self.log();
        if !path.is_dir() {
            RealDisk.create_dir(path)?;
            log.operations.push(Operation::CreateDir(self.below_root(path)));
        }
        Ok(())
    }

    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut log = self.log();
        let file = RealDisk.create_new(path)?;
        let path = self.below_root(path);
        log.operations.push(Operation::CreateFile(path.clone()));
        Ok(Arc::new(RecordedFile { recorder: Arc::clone(self), file, path, id: log.operations.len() - 1 }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        if !path.exists() {
            return self.create_new(path);
        }
        let file = RealDisk.open(path)?;
        let path = self.below_root(path);
        let id = self.log().id(&path);
        Ok(Arc::new(RecordedFile { recorder: Arc::clone(self), file, path, id }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut log = self.log();
        RealDisk.rename(from, to)?;
        let (from, to) = (self.below_root(from), self.below_root(to));
        let file = log.id(&from);
        log.operations.push(Operation::Rename { file, from, to });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut log = self.log();
        if path.exists() {
            RealDisk.remove(path)?;
            log.operations.push(Operation::Remove(self.below_root(path)));
        }
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let below_root = self.below_root(path);
        let kind = SyncKind::of_dir(&below_root);
        self.log().sync(kind, Operation::SyncDir(below_root), || RealDisk.sync_dir(path))
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        self.log().free_bytes.map_or_else(|| RealDisk.free_bytes(path), Ok)
    }
}

#[derive(Debug)]
struct RecordedFile {
    recorder: Arc<Recorder>,
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    /// The operation that made it.
    id: usize,
}

impl DiskFile for RecordedFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut log = self.recorder.log();
        self.file.write_at(bytes, offset)?;
        log.operations.push(Operation::Write { file: self.id, offset, bytes: bytes.to_vec() });
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut log = self.recorder.log();
        self.file.set_len(bytes)?;
        log.operations.push(Operation::SetLen { file: self.id, bytes });
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let kind = SyncKind::of_file(&self.path);
        self.recorder.log().sync(kind, Operation::SyncFile { file: self.id }, || self.file.sync_data())
    }
}
