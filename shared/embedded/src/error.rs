//! How opening fails, and what a failure of the disk or of the database is to the callers of a port.

use std::io;
use std::path::PathBuf;

use moorage_ports::PortError;
use redb::StorageError;

/// Why a data directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{} is already served by {holder}; management commands go through it", dir.display())]
    Served { dir: PathBuf, holder: String },
    /// An older binary must not touch what it does not understand.
    #[error("{} was written by a newer Moorage (format {found}, this one reads up to {known}): use that one", dir.display())]
    Newer { dir: PathBuf, found: u32, known: u32 },
    #[error("cannot use {}: {source}", path.display())]
    Disk { path: PathBuf, source: io::Error },
    #[error("cannot open the database in {}: {reason}", dir.display())]
    Database { dir: PathBuf, reason: String },
}

/// Why a step of the writer was not done.
pub(crate) enum Stop {
    /// The step refuses, and has written nothing. The others of its group go on.
    Refuse(PortError),
    /// The database failed: nothing of the whole group is done.
    Fail(StorageError),
}

impl From<PortError> for Stop {
    fn from(error: PortError) -> Self {
        Self::Refuse(error)
    }
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Self {
        Self::Fail(error)
    }
}

/// A failure that each of a whole group is told of, and everybody who comes after.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Full(String),
    Unavailable(String),
    Corrupt(String),
}

impl Failure {
    pub(crate) fn to_port(&self) -> PortError {
        match self {
            Self::Full(why) => PortError::Full(why.clone()),
            Self::Unavailable(why) => PortError::Unavailable(why.clone()),
            Self::Corrupt(why) => PortError::Corrupt(why.clone()),
        }
    }

    /// What everybody is told who comes later.
    pub(crate) fn after_failure(&self) -> Self {
        let (Self::Full(why) | Self::Unavailable(why) | Self::Corrupt(why)) = self;
        Self::Unavailable(format!("nothing is written until a restart, because a write failed: {why}"))
    }
}

impl From<&io::Error> for Failure {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// A failed read of the database.
pub(crate) fn read_failed(error: impl Into<redb::Error>) -> PortError {
    match error.into() {
        redb::Error::Corrupted(why) => PortError::Corrupt(why),
        other => PortError::Unavailable(other.to_string()),
    }
}

/// A failed operation on a blob's file.
pub(crate) fn disk_failed(error: &io::Error) -> PortError {
    Failure::from(error).to_port()
}

/// Bytes in the database that are not what this code writes.
pub(crate) fn corrupt(what: &str) -> PortError {
    PortError::Corrupt(format!("{what} in the database has a form that this version does not know"))
}

/// The store was closed.
pub(crate) fn closed() -> PortError {
    PortError::Unavailable("the store is closed".to_owned())
}
