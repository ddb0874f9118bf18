//! Which scenario shows what goes wrong without a rule.

use moorage_collector::mutants::Mutant;

/// For each rule that can be taken away, a scenario that must notice.
pub const CAUGHT_BY: [(Mutant, &str); 17] = [
    (Mutant::SecondLook, "two pushers"),
    (Mutant::HoldKeyedByIncarnation, "two uploads"),
    (Mutant::ReleaseFenced, "two uploads"),
    (Mutant::HoldBeforeState, "two pushers"),
    (Mutant::JoinPending, "two pushers of a manifest whose layer stays"),
    (Mutant::FinishBeforeTakeOver, "a tag moves away and back, two collectors"),
    (Mutant::FreshVersions, "a slow collector of a grant that is made again"),
    (Mutant::ObjectOfLiveContent, "a mount of a content that is made again"),
    (Mutant::LoserKeptUntilLive, "an upload whose own content stays"),
    (Mutant::NotFromTrash, "a PUT that is sent twice, two collectors"),
    (Mutant::DeleteCondemns, "a blob is deleted while a manifest of it is pushed"),
    (Mutant::RecycledThroughPending, "an index is pushed while its child is in the bin"),
    (Mutant::TagHoldKeyedByVersion, "a tag moves away and back, two collectors"),
    (Mutant::TagsOnlyOfRecycled, "a delete that died with tags left, and a push"),
    (Mutant::ReviewFenced, "reviews are asked for while they are done"),
    (Mutant::LostReadsAgain, "HEAD of a blob while its review is done"),
    (Mutant::KeepUntilAsked, "HEAD of a blob, then a push"),
];
