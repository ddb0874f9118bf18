//! Manifests that are pushed, and tags that move.

use super::{HOUR_MS, Scenario, TURNS, keeps, recycles};
use crate::cast::{
    collect_content, collect_grant, collect_manifest, delete, delete_tag, move_tag, push, upload,
};
use crate::content::{Things, things};
use crate::role::Role;

pub(super) fn all() -> Vec<Scenario> {
    let Things { b, m, n, .. } = &things();
    vec![
        Scenario::new(
            "two pushers",
            vec![recycles(), upload(b)],
            vec![push(m, None), push(m, None), collect_grant(b), collect_manifest(m)],
        ),
        Scenario::new(
            "two pushers of a manifest whose layer stays",
            vec![recycles(), upload(b), push(n, Some("n"))],
            vec![push(m, Some("t")), push(m, Some("t")), collect_grant(b), collect_manifest(m)],
        )
        .strict(),
        Scenario::new(
            "a pusher and three collectors",
            vec![recycles(), upload(b)],
            vec![push(m, None), collect_grant(b), collect_grant(b), collect_content(b)],
        ),
        Scenario::new(
            "overlapping manifests",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![delete(m), push(n, Some("n")), collect_manifest(m), collect_grant(b), collect_content(b)],
        ),
        Scenario::new(
            "a tag moves away and back",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![move_tag(&[n, m], "t"), collect_manifest(m), collect_manifest(n)],
        ),
        Scenario::new(
            "a tag moves away and back, two collectors",
            vec![recycles(), upload(b), push(n, Some("n")), push(m, Some("t"))],
            vec![move_tag(&[n, m], "t"), collect_manifest(m), collect_manifest(m)],
        )
        .calls(TURNS),
        Scenario::new(
            "a tag moves away and back, three collectors",
            vec![recycles(), upload(b), push(n, Some("n")), push(m, Some("t"))],
            vec![move_tag(&[n, m], "t"), collect_manifest(m), collect_manifest(m), collect_grant(b)],
        )
        .large(),
        Scenario::new(
            "a tag is deleted while it moves",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![push(n, Some("t")), delete_tag("t"), collect_manifest(m), collect_manifest(n)],
        ),
        Scenario::new(
            "a tag moves where untagged manifests are kept",
            vec![keeps(), upload(b), push(m, Some("t"))],
            vec![push(n, Some("t")), delete(m), collect_manifest(m), collect_manifest(n)],
        ),
        Scenario::new(
            "a pusher died",
            vec![recycles(), upload(b)],
            vec![push(m, None), collect_manifest(m), Role::clock(HOUR_MS)],
        )
        .dead(push(m, None), 3),
        Scenario::new(
            "a pusher died, and a collector of the grant",
            vec![recycles(), upload(b)],
            vec![push(m, None), collect_manifest(m), collect_grant(b), Role::clock(HOUR_MS)],
        )
        .dead(push(m, None), 3)
        .large(),
        Scenario::new(
            "three pushers",
            vec![recycles(), upload(b)],
            vec![push(m, None), push(m, None), push(m, None), collect_grant(b), collect_manifest(m)],
        )
        .large(),
    ]
}
