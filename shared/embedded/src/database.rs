//! The database file: redb on top of [`Disk`](crate::disk::Disk), and its tables.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use redb::{Database, DatabaseError, StorageBackend, TableDefinition};

use crate::disk::{Disk, DiskFile};

/// Its name in the data directory.
pub(crate) const DATABASE_FILE: &str = "moorage.redb";

/// The tables. All of them map bytes to bytes; [`crate::encoding`] says what the bytes mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Space {
    /// The reference table: an item's key -> version and fact.
    Facts,
    /// The change feed: number of the change -> key, old and new value.
    Feed,
    /// Object key -> where its bytes are.
    Objects,
    /// Object key and parts id -> nothing; then the same, number and tag -> where the part's bytes are.
    Parts,
    /// The bytes of small parts: piece id -> bytes.
    Pieces,
    /// Every file that an object or a part names: piece id -> nothing. What the sweep asks.
    Files,
    /// Files that nothing names any more, and that may not be removed yet: piece id -> nothing.
    Doomed,
    /// Runs that have not ended cleanly, this one among them: number of the run -> nothing.
    Runs,
}

impl Space {
    pub(crate) const ALL: [Self; 8] = [
        Self::Facts,
        Self::Feed,
        Self::Objects,
        Self::Parts,
        Self::Pieces,
        Self::Files,
        Self::Doomed,
        Self::Runs,
    ];

    pub(crate) const fn table(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(match self {
            Self::Facts => "facts",
            Self::Feed => "feed",
            Self::Objects => "objects",
            Self::Parts => "parts",
            Self::Pieces => "pieces",
            Self::Files => "files",
            Self::Doomed => "doomed",
            Self::Runs => "runs",
        })
    }
}

/// Opens the database in `dir`, or makes one.
pub(crate) fn open(disk: &dyn Disk, dir: &Path, cache_bytes: usize) -> Result<Database, DatabaseError> {
    let file = disk.open(&dir.join(DATABASE_FILE))?;
    Database::builder().set_cache_size(cache_bytes).create_with_backend(Backend(file))
}

/// What redb writes to.
struct Backend(Arc<dyn DiskFile>);

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(DATABASE_FILE)
    }
}

/// Without locks: the data directory's own lock keeps every other process away.
impl StorageBackend for Backend {
    fn len(&self) -> Result<u64, io::Error> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.0.read_at(out, offset)
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.0.write_at(data, offset)
    }
}
