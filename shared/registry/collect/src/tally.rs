//! How often each thing happened that a collector does: for logs, and for tests that must have seen all of it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// One thing that a collector did, or that happened to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Event {
    /// A node was held when it was looked at.
    Held,
    /// Nothing held a node, but its time had not come.
    NotYet,
    /// The policy keeps a manifest from now on.
    Kept,
    Condemned,
    /// The second look found a hold that the first had not.
    Rescued,
    Recycled,
    /// A node that was pending for too long was given up.
    Expired,
    Deleting,
    /// A node's record is gone.
    Finished,
    /// A hold that nobody has was removed.
    DeadHold,
    /// Another was faster to change a record.
    Lost,
    /// Tags of a recycled manifest were taken away.
    Untagged,
    ObjectDeleted,
    /// A tombstone's time was over.
    TombstoneGone,
    UploadExpired,
    /// A review was asked for anew while it was being done.
    ReviewStays,
    /// Something could not be done and will be tried again.
    Failed,
}

impl Event {
    pub const ALL: [Self; 17] = [
        Self::Held,
        Self::NotYet,
        Self::Kept,
        Self::Condemned,
        Self::Rescued,
        Self::Recycled,
        Self::Expired,
        Self::Deleting,
        Self::Finished,
        Self::DeadHold,
        Self::Lost,
        Self::Untagged,
        Self::ObjectDeleted,
        Self::TombstoneGone,
        Self::UploadExpired,
        Self::ReviewStays,
        Self::Failed,
    ];
}

/// How often each event happened.
#[derive(Debug, Default)]
pub struct Tally([AtomicU64; Event::ALL.len()]);

impl Tally {
    pub fn note(&self, event: Event) {
        self.0[event as usize].fetch_add(1, Ordering::Relaxed);
    }

    #[must_use]
    pub fn of(&self, event: Event) -> u64 {
        self.0[event as usize].load(Ordering::Relaxed)
    }
}

/// `Condemned 3, Finished 2`; `nothing` where nothing happened.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for event in Event::ALL.into_iter().filter(|event| self.of(*event) > 0) {
            write!(f, "{between}{event:?} {}", self.of(event))?;
            between = ", ";
        }
        if between.is_empty() { f.write_str("nothing") } else { Ok(()) }
    }
}
