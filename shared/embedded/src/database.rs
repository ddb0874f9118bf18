//! The database file: redb on top of [`Disk`], and its tables.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use redb::{Database, DatabaseError, StorageBackend, TableDefinition};

use crate::disk::{Disk, DiskFile};

/// Its name in the data directory.
pub(crate) const DATABASE_FILE: &str = "moorage.redb";

/// A new database has this name until redb can open it: dying in between, redb leaves a file that it refuses.
const UNFINISHED_FILE: &str = "moorage.redb.new";

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
    /// This run, and those that have not ended cleanly: number of the run -> how it stands.
    Runs,
    /// [`JOURNAL_APPLIED`] and [`FEED_TRIMMED`].
    Meta,
}

/// The number of the last record of the journal that the database has.
pub(crate) const JOURNAL_APPLIED: &[u8] = b"journal-applied";
/// The number of the last change that is kept no longer.
pub(crate) const FEED_TRIMMED: &[u8] = b"feed-trimmed";

impl Space {
    pub(crate) const ALL: [Self; 9] = [
        Self::Facts,
        Self::Feed,
        Self::Objects,
        Self::Parts,
        Self::Pieces,
        Self::Files,
        Self::Doomed,
        Self::Runs,
        Self::Meta,
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
            Self::Meta => "meta",
        })
    }
}

/// Opens the database in `dir`, or makes one.
pub(crate) fn open(disk: &dyn Disk, dir: &Path, cache_bytes: usize) -> Result<Database, DatabaseError> {
    let path = dir.join(DATABASE_FILE);
    let open = |file| Database::builder().set_cache_size(cache_bytes).create_with_backend(Backend(file));
    if path.exists() {
        return open(disk.open(&path)?);
    }
    let unfinished = dir.join(UNFINISHED_FILE);
    disk.remove(&unfinished)?;
    let database = open(disk.create_new(&unfinished)?)?;
    disk.rename(&unfinished, &path)?;
    disk.sync_dir(dir)?;
    Ok(database)
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
        self.0.size()
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
