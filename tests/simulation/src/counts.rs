//! How often each thing happened over a run: what never happened was not tested.

use std::collections::BTreeMap;

use moorage_collector::{Event, Tally};
use moorage_ports::{Transacted, Written};
use moorage_proof::gate::{Answer, Call};

use crate::world::Transition;

/// Named counts.
#[derive(Clone, Default)]
pub struct Counts(BTreeMap<String, u64>);

impl Counts {
    pub fn add(&mut self, what: impl Into<String>, count: u64) {
        *self.0.entry(what.into()).or_default() += count;
    }

    pub fn merge(&mut self, more: &Self) {
        more.0.iter().for_each(|(what, count)| self.add(what.clone(), *count));
    }

    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    pub fn tally(&mut self, tally: &Tally) {
        for event in Event::ALL {
            self.add(format!("collector: {event:?}"), tally.of(event));
        }
    }

    pub fn transition(&mut self, (kind, from, to): Transition) {
        let named =
            |state: Option<_>| state.map_or_else(|| "absent".to_owned(), |state| format!("{state:?}"));
        self.add(format!("{kind}: {} -> {}", named(from), named(to)), 1);
    }

    /// A compare-and-set that somebody else won.
    pub fn lost(&mut self, who: &str, call: &Call, answer: &Answer) {
        let kind = match (call, answer) {
            (Call::Put { .. }, Answer::Written(Written::Refused(_))) => "put",
            (Call::Delete { .. }, Answer::Written(Written::Refused(_))) => "delete",
            (Call::KeepUntil { .. }, Answer::Written(Written::Refused(_))) => "keep until",
            (Call::Transact(_), Answer::Transacted(Transacted::Refused(_))) => "transaction",
            _ => return,
        };
        self.add(format!("lost: {kind} of a {who}"), 1);
    }

    /// What must have happened, and did not.
    pub fn missing(&self) -> Vec<&'static str> {
        MUST_HAPPEN.into_iter().filter(|what| self.of(what) == 0).collect()
    }

    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(what, count)| format!("{count:>10}  {what}"))
    }
}

/// Every transition that the protocol has, every event of the collector, every kind of compare-and-set that can be
/// lost, every fault.
const MUST_HAPPEN: [&str; 60] = [
    "manifest: absent -> Pending",
    "manifest: Pending -> Live",
    "manifest: Pending -> Recycled",
    "manifest: Pending -> Deleting",
    "manifest: Live -> Condemned",
    "manifest: Condemned -> Live",
    "manifest: Condemned -> Recycled",
    "manifest: Recycled -> Pending",
    "manifest: Recycled -> Deleting",
    "manifest: Deleting -> absent",
    "grant: absent -> Pending",
    "grant: absent -> Live",
    "grant: Pending -> Live",
    "grant: Pending -> Deleting",
    "grant: Live -> Condemned",
    "grant: Condemned -> Live",
    "grant: Condemned -> Recycled",
    "grant: Condemned -> Deleting",
    "grant: Recycled -> Pending",
    "grant: Recycled -> Deleting",
    "grant: Deleting -> absent",
    "content: absent -> Live",
    "content: Live -> Condemned",
    "content: Condemned -> Live",
    "content: Condemned -> Deleting",
    "content: Deleting -> absent",
    "collector: Held",
    "collector: NotYet",
    "collector: Kept",
    "collector: Condemned",
    "collector: Rescued",
    "collector: Recycled",
    "collector: Expired",
    "collector: Deleting",
    "collector: Finished",
    "collector: DeadHold",
    "collector: Lost",
    "collector: ObjectDeleted",
    "collector: TombstoneGone",
    "collector: UploadExpired",
    "collector: ReviewStays",
    "collector: Failed",
    "lost: put of a client",
    "lost: transaction of a client",
    "lost: keep until of a client",
    "lost: put of a collector",
    "lost: delete of a collector",
    "lost: transaction of a collector",
    "fault: error before a call",
    "fault: error after a call",
    "fault: crash before a call",
    "fault: crash after a call",
    "fault: an actor sleeps",
    "script: Restore",
    "script: Purge",
    "script: Head",
    "script: Mount",
    "script: Event",
    "script: Cancel",
    "script: Chunks",
];
