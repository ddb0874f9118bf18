//! What can be chosen.

/// Each default is explained where it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes of the database that are kept in memory.
    pub cache_bytes: usize,
    /// Blobs of at most so many bytes are kept in the database, longer ones in files.
    pub inline_blob_bytes_max: usize,
    /// Changes that the change feed keeps.
    pub feed_changes_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            // What is not here is in the page cache of the system, a few microseconds away.
            cache_bytes: 8 * 1024 * 1024,
            inline_blob_bytes_max: 16 * 1024,
            feed_changes_max: 1_000_000,
        }
    }
}
