//! What manifests need, and what they only name: several layers, layers that may be missing or elsewhere, remote
//! entries of an index.

use moorage_ports::Key;

use super::{Scenario, is_readable, is_there_if_first_was_done, recycles, was_done};
use crate::cast::{
    collect_content, collect_grant, collect_manifest, collector, delete, delete_tag, push, upload,
};
use crate::content::{Things, here, things};
use crate::invariants::Wrongs;
use crate::role::{Outcome, Role};
use crate::world::World;

/// `b` came after the manifest that needs it, which holds it from its first moment.
fn b_is_held(world: &World, outcomes: &[&Outcome]) -> Wrongs {
    is_there_if_first_was_done(world, outcomes, &things().b)
}

/// The same, where the manifest may do without it.
fn e_is_held(world: &World, outcomes: &[&Outcome]) -> Wrongs {
    is_there_if_first_was_done(world, outcomes, &things().e)
}

/// The first role pushed an index by a tag that stays: whatever became of what it only names.
fn x_is_there(world: &World, outcomes: &[&Outcome]) -> Wrongs {
    let is_there = is_readable(world, &Key::manifest(&here(), &things().x.digest()));
    if was_done(outcomes.first().copied()) && is_there {
        return Wrongs::new();
    }
    vec![format!("x needs nothing: {:?}, there: {is_there}", outcomes.first())]
}

pub(super) fn all() -> Vec<Scenario> {
    let Things { b, c, m, w, x, e, f, .. } = &things();
    vec![
        Scenario::new(
            "a manifest of two layers, one uploaded when it was missing",
            vec![recycles(), upload(b)],
            vec![
                Role::sequence(&[push(w, Some("w")), upload(c), push(w, Some("w"))]),
                collector(&[collect_grant(b), collect_grant(c), collect_content(c)]),
            ],
        ),
        Scenario::new(
            "a manifest of two layers, pushed while one is uploaded",
            vec![recycles(), upload(b)],
            vec![push(w, None), upload(c), collector(&[collect_grant(b), collect_grant(c)])],
        ),
        Scenario::new(
            "a manifest of two layers, and another of one of them",
            vec![recycles(), upload(b), upload(c), push(w, Some("w"))],
            vec![
                push(m, None),
                delete_tag("w"),
                collect_manifest(w),
                collector(&[collect_grant(c), collect_grant(b)]),
            ],
        ),
        Scenario::new(
            "a layer comes after its manifest, where that is allowed",
            vec![recycles(), push(m, Some("t"))],
            vec![upload(b), collect_grant(b), collect_content(b)],
        )
        .missing_is_allowed()
        .in_the_end(b_is_held),
        Scenario::new(
            "a manifest is pushed before its layer, where that is allowed",
            vec![recycles()],
            vec![upload(b), push(m, Some("t")), collector(&[collect_grant(b), collect_content(b)])],
        )
        .missing_is_allowed(),
        Scenario::new(
            "a foreign layer comes after its manifest",
            vec![recycles(), push(f, Some("f"))],
            vec![upload(e), collect_grant(e), collect_content(e)],
        )
        .in_the_end(e_is_held),
        Scenario::new(
            "a foreign layer comes while its manifest goes",
            vec![recycles(), push(f, Some("f"))],
            vec![upload(e), delete(f), collector(&[collect_manifest(f), collect_grant(e)])],
        ),
        Scenario::new(
            "an index names what is being deleted as remote",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![push(x, Some("x")), delete(m), collector(&[collect_manifest(m), collect_grant(b)])],
        )
        .strict()
        .in_the_end(x_is_there),
        Scenario::new(
            "an index of a remote entry goes, the entry is pushed",
            vec![recycles(), upload(b), push(x, Some("x"))],
            vec![push(m, None), delete_tag("x"), collect_manifest(x), collect_manifest(m)],
        )
        .strict(),
    ]
}
