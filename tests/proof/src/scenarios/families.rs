//! Indexes with their children, subjects with their referrers.

use super::{Scenario, keeps, recycles};
use crate::cast::{collect_grant, collect_manifest, delete, delete_tag, push, upload};
use crate::content::{Things, things};

pub(super) fn all() -> Vec<Scenario> {
    let Things { b, c, m, r, i, o, .. } = &things();
    vec![
        Scenario::new(
            "an index is pushed while its child goes",
            vec![recycles(), upload(b), push(m, None)],
            vec![push(i, Some("i")), collect_manifest(m), collect_manifest(m), collect_grant(b)],
        ),
        Scenario::new(
            "an index is deleted, its child pushed",
            vec![recycles(), upload(b), push(m, None), push(i, Some("i"))],
            vec![delete(i), push(m, None), collect_manifest(i), collect_manifest(m)],
        ),
        Scenario::new(
            "an index is deleted with its child",
            vec![recycles(), upload(b), push(m, None), push(i, Some("i"))],
            vec![delete(i), delete(m), push(i, None), collect_manifest(i)],
        ),
        Scenario::new(
            "a nested index",
            vec![recycles(), upload(b), push(m, None), push(i, Some("i"))],
            vec![
                push(o, Some("o")),
                delete_tag("i"),
                collect_manifest(i),
                collect_manifest(m),
                collect_grant(b),
            ],
        ),
        Scenario::new(
            "a nested index goes",
            vec![recycles(), upload(b), push(m, None), push(i, None), push(o, Some("o"))],
            vec![delete_tag("o"), collect_manifest(o), collect_manifest(i), push(i, None)],
        ),
        Scenario::new(
            "a referrer before its subject",
            vec![recycles(), upload(b), upload(c)],
            vec![push(r, None), push(m, Some("t")), collect_manifest(r), collect_grant(c)],
        ),
        Scenario::new(
            "a referrer while its subject is deleted",
            vec![recycles(), upload(b), upload(c), push(m, Some("t"))],
            vec![push(r, None), delete(m), collect_manifest(m), collect_manifest(r)],
        ),
        Scenario::new(
            "a referrer that is deleted and pushed again",
            vec![recycles(), upload(b), upload(c), push(m, Some("t")), push(r, None)],
            vec![push(r, None), delete(r), collect_manifest(r), collect_manifest(r)],
        ),
        Scenario::new(
            "a subject and its referrer, kept untagged",
            vec![keeps(), upload(b), upload(c), push(m, Some("t")), push(r, None)],
            vec![delete(m), push(m, None), collect_manifest(r)],
        ),
        Scenario::new(
            "a subject and its referrer, kept untagged, two collectors",
            vec![keeps(), upload(b), upload(c), push(m, Some("t")), push(r, None)],
            vec![delete(m), push(m, None), collect_manifest(m), collect_manifest(r)],
        )
        .large(),
    ]
}
