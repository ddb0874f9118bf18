//! What becomes of a live manifest that nothing holds, as a pure function: for the collector that does it, and for
//! those who say what it will do.

use moorage_ports::Timestamp;
use moorage_ports::facts::{ManifestRecord, Untagged};

use crate::look::Around;

/// What the policy of its repository says of a manifest that nothing holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WhenUnheld {
    /// It never had a holder, and such manifests are kept.
    Kept,
    /// It goes when its time is up, as it would under any policy: it has lost its holder.
    Goes,
    /// It goes when nothing has held it for so many milliseconds; since when, where that was noted.
    GoesAfter { after_ms: u64, since: Option<Timestamp> },
}

/// Under `keep`, what never had a holder stays: only what was the child of an index, or a referrer, leaves with its
/// holder. Under `recycle` it waits for as long as the policy says; what left an index, or its subject, leaves as it
/// does under `keep`.
pub(crate) fn when_unheld(record: &ManifestRecord, around: &Around) -> WhenUnheld {
    let had_holder = around.was_held || record.subject.as_ref().is_some_and(|subject| subject.was_there);
    match around.policy.untagged {
        _ if had_holder => WhenUnheld::Goes,
        Untagged::Keep => WhenUnheld::Kept,
        Untagged::Recycle { after_ms } => WhenUnheld::GoesAfter { after_ms, since: record.unheld },
    }
}
