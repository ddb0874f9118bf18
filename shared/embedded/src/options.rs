//! What can be chosen.

/// Each default is explained where it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes of the database that are kept in memory.
    pub cache_bytes: usize,
    /// Blobs of at most so many bytes are kept in the database, longer ones in files.
    pub inline_blob_bytes_max: usize,
    /// Rows that may change before the database is made durable as a whole: what a start after a crash has
    /// to do once more.
    pub journal_rows_max: usize,
    /// Changes that the change feed keeps.
    pub feed_changes_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            // What is not here is in the page cache of the system, a few microseconds away.
            cache_bytes: 8 * 1024 * 1024,
            // Two to three times as many a second as in files, of 16 KiB as of 64 KiB, with one client as with
            // eight: one sync instead of two.
            inline_blob_bytes_max: 64 * 1024,
            // At most 12 ms of work at a start (30 us a row, cold caches, a million items), and a checkpoint that
            // holds writers up for 10 to 18 ms; twice as many rows, twice as long, and 4 % more writes a second.
            journal_rows_max: 400,
            feed_changes_max: 1_000_000,
        }
    }
}
