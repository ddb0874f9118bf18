//! Whether a hold is real: the decision that everything rests on, as a pure function.

use moorage_oci::Digest;
use moorage_ports::facts::{ManifestRecord, State};
use moorage_ports::{Fact, Holder, Incarnation, Item};

use crate::mutants::{Mutant, without};

/// What a hold lies under, as far as the decision needs it.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// The digest of the node.
    pub digest: &'a Digest,
    /// `None` where its record is not there.
    pub state: Option<State>,
    pub incarnation: Option<Incarnation>,
    /// Whether the policy of its repository keeps manifests that nothing else holds.
    pub policy_keeps: bool,
}

/// Whether `holder` still holds, seeing the holder's record as it is now (for [`Holder::Kept`] there is none).
///
/// A holder that is on its way out (`deleting`) holds no more, and an earlier life of it never does.
#[must_use]
pub fn is_real(holder: &Holder, held: Held<'_>, record: Option<&Item>) -> bool {
    match holder {
        // The bin is left by a push or a restore, never by a tag or the policy.
        Holder::Tag(..) | Holder::Kept(_) if held.state == Some(State::Recycled) => false,
        Holder::Kept(incarnation) => held.policy_keeps && held.incarnation == Some(*incarnation),
        Holder::Tag(_, version) => record.is_some_and(|tag| {
            (tag.version == Some(*version) || without(Mutant::TagHoldKeyedByVersion))
                && matches!(&tag.fact, Fact::Tag(target) if target.digest == *held.digest)
        }),
        Holder::Index(_, incarnation)
        | Holder::Manifest(_, _, incarnation)
        | Holder::Grant(_, incarnation) => record
            .and_then(|record| record.fact.node())
            .is_some_and(|node| node.incarnation == *incarnation && node.state != State::Deleting),
    }
}

/// Whether its subject holds a referrer. In the bin it is held by nothing but an index.
#[must_use]
pub fn is_held_by_subject(referrer: &ManifestRecord, subject: Option<&Item>) -> bool {
    let subject = subject.and_then(|subject| subject.fact.node());
    referrer.node.state != State::Recycled && subject.is_some_and(|node| node.state != State::Deleting)
}
