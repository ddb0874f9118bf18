//! Reviews come from those who follow the change feed, several at once: each reads every change, some twice, and
//! may die before or after he has noted how far he came.

use super::{Scenario, keeps, recycles};
use crate::cast::{collect_manifest, delete, delete_tag, follow, push, upload, work};
use crate::content::{Things, things};
use crate::role::Role;

pub(super) fn all() -> Vec<Scenario> {
    let Things { b, m, .. } = &things();
    vec![
        Scenario::new(
            "two follow the feed while a tag is deleted",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![delete_tag("t"), follow(), follow()],
        )
        .feed_is_followed()
        .strict(),
        Scenario::new(
            "one follows the feed while another works",
            vec![recycles(), upload(b), push(m, Some("t")), follow()],
            vec![delete_tag("t"), follow(), Role::sequence(&[follow(), work()])],
        )
        .feed_is_followed(),
        Scenario::new(
            "the feed is followed late",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![delete(m), collect_manifest(m), follow()],
        )
        .feed_is_followed(),
        Scenario::new(
            "the feed is followed where untagged manifests are kept",
            vec![keeps(), upload(b), push(m, Some("t"))],
            vec![push(m, None), delete(m), follow()],
        )
        .feed_is_followed(),
    ]
}
