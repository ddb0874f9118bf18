//! What HEAD promised, and reviews that are asked for while they are done.

use moorage_ports::Reviewed;

use super::{GRACE_MS, HOUR_MS, Scenario, recycles};
use crate::cast::{
    collect, collect_content, collect_grant, collect_manifest, delete_blob, delete_tag, head, head_and_push,
    head_manifest_and_push, mount, push, upload, work,
};
use crate::content::{Things, here, things};
use crate::role::Role;

pub(super) fn all() -> Vec<Scenario> {
    let Things { b, m, i, .. } = &things();
    vec![
        Scenario::new(
            "HEAD of a blob, then a push",
            vec![recycles(), upload(b)],
            vec![head_and_push(b, m, GRACE_MS), collect_grant(b), collect_content(b), Role::clock(GRACE_MS)],
        )
        .grace(GRACE_MS)
        .later(2 * GRACE_MS),
        Scenario::new(
            "HEAD of a blob, then a push, three collectors",
            vec![recycles(), upload(b)],
            vec![
                head_and_push(b, m, GRACE_MS),
                collect_grant(b),
                collect_grant(b),
                collect_content(b),
                Role::clock(GRACE_MS),
            ],
        )
        .grace(GRACE_MS)
        .later(2 * GRACE_MS)
        .large(),
        Scenario::new(
            "HEAD of a manifest, then a push",
            vec![recycles(), upload(b), push(m, None)],
            vec![
                head_manifest_and_push(m, i, GRACE_MS),
                collect("m, twice", Reviewed::Manifest(here(), m.digest()), 2),
                Role::clock(GRACE_MS),
            ],
        )
        .grace(GRACE_MS)
        .later(2 * GRACE_MS),
        Scenario::new(
            "HEAD of a manifest, then a push, two collectors",
            vec![recycles(), upload(b), push(m, None)],
            vec![
                head_manifest_and_push(m, i, GRACE_MS),
                collect("m, twice", Reviewed::Manifest(here(), m.digest()), 2),
                collect_manifest(m),
                Role::clock(GRACE_MS),
            ],
        )
        .grace(GRACE_MS)
        .later(2 * GRACE_MS)
        .large(),
        Scenario::new(
            "reviews are asked for while they are done",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![work(), delete_tag("t")],
        )
        // The review that the push asked for in case it died is asked for again, for the same time.
        .later(HOUR_MS)
        .reviews_are_read(),
        Scenario::new(
            "HEAD of a blob while its review is done",
            vec![upload(b)],
            vec![work(), head(b), collect_content(b)],
        )
        .grace(GRACE_MS)
        .later(2 * GRACE_MS)
        .reviews_are_read(),
        Scenario::new(
            "a review is asked for again while it is done",
            vec![upload(b), mount(b)],
            vec![work(), delete_blob(b), mount(b)],
        )
        .reviews_are_read(),
    ]
}
