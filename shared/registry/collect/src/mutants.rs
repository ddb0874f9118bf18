//! The rules of the protocol, by name, so that the proofs can take one away and must notice.
//!
//! Where a rule is decided, the code asks [`without`]: always `false`, at compile time, unless the feature `mutants`
//! is on. What goes wrong without a rule is told at each.

/// A rule that is taken away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mutant {
    /// After a node was condemned, the collector looks for holds once more. Without: whoever put a hold between the
    /// first look and the condemnation, and saw the node live, loses it.
    SecondLook,
    /// A hold is keyed by the incarnation of its holder. Without, all are the same: what is left of, or done to, an
    /// earlier life of the holder counts for, or harms, the one that lives.
    HoldKeyedByIncarnation,
    /// What is released is the incarnation that was being deleted. Without: a slow finisher takes away the record of
    /// the next one.
    ReleaseFenced,
    /// A hold is put before the state of what it holds is read. Without: the collector's looks can both miss it.
    HoldBeforeState,
    /// Who finds a pending record joins it. Without: he replaces it, and the holds of the first are nobody's.
    JoinPending,
    /// Who finds a node that is being deleted does its remaining steps first. Without: he takes its place, and its
    /// holds or its object are forgotten.
    FinishBeforeTakeOver,
    /// A version never comes twice. Without, a record's versions are a count from 0: a slow compare-and-set succeeds
    /// on the next record of the same key.
    FreshVersions,
    /// The grant copies the object's key from the content that was seen live under its hold. Without, it was read
    /// before: of a content that may have been collected and made again.
    ObjectOfLiveContent,
    /// A superfluous object is given up in the step that makes the grant live. Without, before: if the content is
    /// collected then, the bytes that came are lost.
    LoserKeptUntilLive,
    /// An object that is in the trash is never recorded. Without: a content whose object is deleted.
    NotFromTrash,
    /// A client's delete condemns, looks, and then acts. Without: it looks only once, before.
    DeleteCondemns,
    /// A recycled node comes back through a commit of its own. Without, it is set live at once: with children in the
    /// bin.
    RecycledThroughPending,
    /// A tag's hold is keyed by the tag's version. Without: who finds it stale deletes the one that was put when the
    /// tag came back.
    TagHoldKeyedByVersion,
    /// Tags are taken away from a manifest for as long as it is recycled. Without: from one that was pushed again.
    TagsOnlyOfRecycled,
    /// A review that was done is taken away at the version that was read. Without: one that was asked for anew
    /// meanwhile goes too.
    ReviewFenced,
    /// Who lost a compare-and-set reads again and goes on. Without: the review is dropped.
    LostReadsAgain,
    /// What has time left is not condemned. Without: what HEAD promised goes.
    KeepUntilAsked,
}

impl Mutant {
    pub const ALL: [Self; 17] = [
        Self::SecondLook,
        Self::HoldKeyedByIncarnation,
        Self::ReleaseFenced,
        Self::HoldBeforeState,
        Self::JoinPending,
        Self::FinishBeforeTakeOver,
        Self::FreshVersions,
        Self::ObjectOfLiveContent,
        Self::LoserKeptUntilLive,
        Self::NotFromTrash,
        Self::DeleteCondemns,
        Self::RecycledThroughPending,
        Self::TagHoldKeyedByVersion,
        Self::TagsOnlyOfRecycled,
        Self::ReviewFenced,
        Self::LostReadsAgain,
        Self::KeepUntilAsked,
    ];
}

/// Whether this rule was taken away: never.
#[cfg(not(feature = "mutants"))]
#[must_use]
pub const fn without(_: Mutant) -> bool {
    false
}

/// Whether this rule was taken away on this thread.
#[cfg(feature = "mutants")]
#[must_use]
pub fn without(rule: Mutant) -> bool {
    TAKEN_AWAY.get() == Some(rule)
}

/// Takes a rule away from all that this thread does from now on, or gives it back.
#[cfg(feature = "mutants")]
pub fn set(rule: Option<Mutant>) {
    TAKEN_AWAY.set(rule);
}

#[cfg(feature = "mutants")]
thread_local! {
    static TAKEN_AWAY: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}
