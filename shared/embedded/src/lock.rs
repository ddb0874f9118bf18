//! The lock of the data directory: one process has it, and says which one it is.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::error::OpenError;

/// Its name in the data directory. The kernel lets the lock go with the process that has it, however that
/// ends; the file stays.
pub(crate) const LOCK_FILE: &str = "lock";

/// Held until it is let go, or as long as it lives.
pub(crate) struct Lock(Mutex<Option<File>>);

impl Lock {
    pub(crate) fn take(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(LOCK_FILE);
        let failed = |source| OpenError::Disk { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(failed)?;
                return Err(OpenError::Served { dir: dir.to_owned(), holder: described(&holder) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let lock = Self(Mutex::new(Some(file)));
        lock.write(&std::process::id().to_string()).map_err(failed)?;
        Ok(lock)
    }

    /// Says at which address this process listens.
    pub(crate) fn announce(&self, address: &str) -> io::Result<()> {
        self.write(&format!("{} {address}", std::process::id()))
    }

    /// Lets another process have the directory. Says so to the kernel: closing the file is not enough while
    /// a child of this process, forked by another thread and not yet started, has a copy of it.
    pub(crate) fn let_go(&self) {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(error)) = held.map(|file| file.unlock()) {
            tracing::warn!(%error, "the lock of the data directory could not be let go");
        }
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = held.as_mut() else { return Ok(()) };
        file.seek(SeekFrom::Start(0))?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// `123 http://127.0.0.1:5000` in words.
fn described(holder: &str) -> String {
    match holder.split_once(' ') {
        Some((pid, address)) => format!("process {pid} at {address}"),
        None if holder.is_empty() => "another process".to_owned(),
        None => format!("process {holder}"),
    }
}
