//! What a repository's owner chose: tags that don't move, a time for what nothing holds, a time in the bin.

use moorage_ports::Reviewed;
use moorage_ports::facts::{ImmutableTags, Untagged};

use super::{
    CALLS, FEW_CALLS, HOUR_MS, Scenario, a_push_that_was_answered_has_its_tag, recycles, recycles_after,
    target, was_done,
};
use crate::cast::{collect, collect_manifest, delete, delete_tag, policy, push, restore, upload};
use crate::content::{Things, here, tag, things};
use crate::invariants::Wrongs;
use crate::role::{Outcome, Role};
use crate::world::World;

/// The first two pushed `m` and `n` as `t`, which does not move: whoever was told so, and only he, has it.
fn who_was_answered_has_the_tag(world: &World, outcomes: &[&Outcome]) -> Wrongs {
    let Things { m, n, .. } = things();
    let told: Vec<_> = outcomes.iter().zip([m, n]).filter(|(outcome, _)| was_done(Some(outcome))).collect();
    let now = target(world, &tag("t"));
    match &told[..] {
        [] => vec!["nobody was told that the tag is there".to_owned()],
        [(_, doc)] if now == Some(doc.digest()) => Wrongs::new(),
        others => vec![format!("{} were told that the tag is theirs; it points to {now:?}", others.len())],
    }
}

/// The first pushed `m` as `u`, which nobody takes away.
fn m_is_tagged(world: &World, outcomes: &[&Outcome]) -> Wrongs {
    let now = target(world, &tag("u"));
    if was_done(outcomes.first().copied()) && now != Some(things().m.digest()) {
        return vec![format!("m was pushed as u, which points to {now:?}")];
    }
    Wrongs::new()
}

pub(super) fn all() -> Vec<Scenario> {
    let Things { b, m, n, .. } = &things();
    let twice = |doc| collect("m, twice", Reviewed::Manifest(here(), doc), 2);
    let immutable = || policy(Untagged::Recycle { after_ms: 0 }, Some(ImmutableTags { except: Vec::new() }));
    vec![
        Scenario::new(
            "two pushers of one immutable tag",
            vec![immutable(), upload(b), push(m, Some("m"))],
            vec![push(m, Some("t")), push(n, Some("t")), collect_manifest(n)],
        )
        .in_the_end(who_was_answered_has_the_tag),
        Scenario::new(
            "two pushers of one immutable tag, of what was not there",
            vec![immutable(), upload(b), push(m, Some("m"))],
            vec![push(m, Some("t")), push(n, Some("t")), delete_tag("m"), collect_manifest(m)],
        )
        .in_the_end(who_was_answered_has_the_tag),
        Scenario::new(
            "a manifest is tagged when its time without a tag ends",
            vec![recycles_after(HOUR_MS), upload(b), push(m, Some("t"))],
            vec![push(m, Some("u")), delete_tag("t"), twice(m.digest()), Role::clock(HOUR_MS)],
        )
        .calls(CALLS)
        .in_the_end(m_is_tagged),
        Scenario::new(
            "a manifest is pushed when its time without a tag ends, two collectors",
            vec![recycles_after(HOUR_MS), upload(b), push(m, None)],
            vec![push(m, Some("u")), twice(m.digest()), collect_manifest(m), Role::clock(HOUR_MS)],
        )
        .calls(FEW_CALLS)
        .in_the_end(m_is_tagged),
        Scenario::new(
            "a manifest is restored when its time in the bin ends",
            vec![recycles(), upload(b), push(m, Some("t")), delete(m)],
            vec![restore(m), collect_manifest(m), collect_manifest(m), Role::clock(HOUR_MS)],
        )
        .calls(FEW_CALLS)
        .recycle(HOUR_MS)
        .in_the_end(a_push_that_was_answered_has_its_tag),
        Scenario::new(
            "a manifest is restored and deleted when its time in the bin ends",
            vec![recycles(), upload(b), push(m, Some("t")), delete(m)],
            vec![restore(m), delete(m), collect_manifest(m), Role::clock(HOUR_MS)],
        )
        .calls(FEW_CALLS)
        .recycle(HOUR_MS),
    ]
}
