//! A disk on which the process is killed.

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use moorage_embedded::{Disk, DiskFile, RealDisk};

/// When within an operation that writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum When {
    Before,
    /// Some of the bytes are written.
    Midway,
    After,
}

/// The operation at which the process is killed, counted from 1: `7 midway`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Death {
    pub(crate) operation: usize,
    pub(crate) when: When,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.operation, self.when)
    }
}

impl FromStr for Death {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (operation, when) = text.split_once(' ').ok_or("a number and a word")?;
        let operation = operation.parse().map_err(|error| format!("{operation}: {error}"))?;
        let when = match when {
            "Before" => When::Before,
            "Midway" => When::Midway,
            "After" => When::After,
            other => return Err(format!("no such moment: {other}")),
        };
        Ok(Self { operation, when })
    }
}

/// The disk of this machine, until then. Nothing is synced: what was written outlives the process.
#[derive(Debug)]
pub(crate) struct DyingDisk(Arc<Fate>);

impl DyingDisk {
    pub(crate) fn new(death: Death) -> Self {
        Self(Arc::new(Fate { death, operations: AtomicUsize::new(0) }))
    }
}

#[derive(Debug)]
struct Fate {
    death: Death,
    /// That write, until now.
    operations: AtomicUsize,
}

impl Fate {
    fn meet<T>(&self, operation: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.meet_halfway(operation, || Ok(()))
    }

    /// `half` is done in place of an operation in which the process is killed.
    fn meet_halfway<T>(
        &self,
        operation: impl FnOnce() -> io::Result<T>,
        half: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<T> {
        let this = self.operations.fetch_add(1, Ordering::SeqCst) + 1;
        if this < self.death.operation {
            return operation();
        }
        match self.death.when {
            When::Before => {}
            When::Midway => half()?,
            When::After => _ = operation()?,
        }
        die()
    }
}

/// By a signal that cannot be handled, and leaves no core file.
fn die() -> ! {
    let killed = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    unreachable!("nobody survives this: {killed:?}")
}

impl Disk for DyingDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.meet(|| RealDisk.create_dir(path))
    }

    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.0.meet(|| RealDisk.create_new(path))?;
        Ok(Arc::new(DyingFile { file, fate: Arc::clone(&self.0) }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = if path.exists() { RealDisk.open(path) } else { self.0.meet(|| RealDisk.open(path)) }?;
        Ok(Arc::new(DyingFile { file, fate: Arc::clone(&self.0) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.meet(|| RealDisk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.meet(|| RealDisk.remove(path))
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        RealDisk.free_bytes(path)
    }
}

#[derive(Debug)]
struct DyingFile {
    file: Arc<dyn DiskFile>,
    fate: Arc<Fate>,
}

impl DiskFile for DyingFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let half = || self.file.write_at(&bytes[..bytes.len() / 2], offset);
        self.fate.meet_halfway(|| self.file.write_at(bytes, offset), half)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.fate.meet(|| self.file.set_len(bytes))
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
}
