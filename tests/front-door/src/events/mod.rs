//! Events nobody waits for: of objects, of the table's stream, of the schedule. Rough: late, out of order, twice.

pub(crate) mod asynchronous;
mod batch;
pub(crate) mod stream;

use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counted since the start; one for each event or record.
#[derive(Debug, Default)]
pub(crate) struct EventCounts {
    pub(crate) pending: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    /// Given up: what Lambda puts into the on-failure destination.
    pub(crate) failed: AtomicU64,
    /// Of those given up, the ones that the stream's mapping found too old.
    pub(crate) too_old: AtomicU64,
    /// Not for the function, by the mapping's filter. They are in none of the others.
    pub(crate) filtered: AtomicU64,
}

impl EventCounts {
    pub(crate) fn state(&self) -> Value {
        json!({
            "pending": self.pending.load(Relaxed),
            "delivered": self.delivered.load(Relaxed),
            "duplicates": self.duplicates.load(Relaxed),
            "failed": self.failed.load(Relaxed),
            "too_old": self.too_old.load(Relaxed),
            "filtered": self.filtered.load(Relaxed),
        })
    }
}
