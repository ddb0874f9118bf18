//! Which nodes a change asks to look at, and when.

use moorage_ports::facts::{State, TrashRecord};
use moorage_ports::{Change, Fact, Item, Reviewed, Timestamp};

use crate::times::Times;

/// Something to look at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Review {
    pub due: Timestamp,
    pub of: Reviewed,
}

/// The reviews that a change of the table asks for. A change that comes twice, late, or in another order asks
/// for the same, or for one more: a review that finds nothing to do does nothing.
#[must_use]
pub fn reviews(change: &Change, now: Timestamp, times: &Times) -> Vec<Review> {
    let Some(new) = &change.new else {
        let held = change.old.as_ref().filter(|old| old.fact == Fact::Hold).and_then(|hold| hold.key.held());
        return held.map(|of| Review { due: times.after_grace(now), of }).into_iter().collect();
    };
    let due = match &new.fact {
        Fact::Trash(trash) => Some(trash_due(trash, times)),
        Fact::Session(session) => change.old.is_none().then_some(times.after_grace(session.expires)),
        Fact::Policy(policy) => return policy_changed(change, !policy.untagged.is_keep(), now),
        fact => fact.node().and_then(|_| node_due(change.old.as_ref(), new, now, times)),
    };
    match (due, new.key.reviewed()) {
        (Some(due), Some(of)) => vec![Review { due, of }],
        _ => Vec::new(),
    }
}

/// When a node whose state changed is to be looked at.
fn node_due(old: Option<&Item>, new: &Item, now: Timestamp, times: &Times) -> Option<Timestamp> {
    let node = new.fact.node()?;
    let was = old.and_then(|old| old.fact.node());
    if was.is_some_and(|was| was.state == node.state && was.incarnation == node.incarnation) {
        return None;
    }
    Some(match node.state {
        State::Pending => node.deadline.unwrap_or(now),
        State::Live => node.keep_until,
        // Its collector may have died.
        State::Condemned => times.soon(now),
        State::Recycled | State::Deleting => now,
    })
}

fn trash_due(trash: &TrashRecord, times: &Times) -> Timestamp {
    let gone = trash.since.plus_ms(times.trash_ms);
    if trash.deleted { gone.plus_ms(times.tombstone_ms) } else { gone }
}

/// A repository that begins to recycle what nothing holds has all its manifests looked at.
fn policy_changed(change: &Change, recycles: bool, now: Timestamp) -> Vec<Review> {
    let kept = change
        .old
        .as_ref()
        .is_none_or(|old| matches!(&old.fact, Fact::Policy(old) if old.untagged.is_keep()));
    let repository = change.key.policy_of();
    match repository.filter(|_| recycles && kept) {
        Some(repository) => vec![Review { due: now, of: Reviewed::Repository(repository) }],
        None => Vec::new(),
    }
}
