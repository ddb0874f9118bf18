//! What every measured store must be able to do: the part of Moorage's table port that costs anything.
//!
//! One writer at a time, any number of readers. A reader sees a state that was committed, never half of
//! a transaction; whether it waits for the writer is one of the things measured.

use anyhow::Result;

/// Whether a commit has reached the disk when it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It has: an answer may be given.
    Synced,
    /// It has not; the next synced commit makes it durable, or a crash loses it whole.
    Deferred,
}

pub trait Store: Send + Sync {
    /// Runs `work` in one write transaction and commits it. An error from `work` commits nothing.
    fn transact(
        &self,
        durability: Durability,
        work: &mut dyn FnMut(&mut dyn Transaction) -> Result<()>,
    ) -> Result<()>;

    /// One point read, in a snapshot of its own, as a request would make it.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// The first `limit` items at or after `from`, in key order, in a snapshot of its own.
    fn range(&self, from: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>>;

    /// Closes in the way that makes the next open cheapest.
    fn close(self: Box<Self>) -> Result<()>;
}

/// An open write transaction; reads see its own puts.
pub trait Transaction {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()>;
}
