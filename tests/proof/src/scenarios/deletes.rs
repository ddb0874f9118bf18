//! Clients that delete what others push.

use super::{CALLS, Scenario, a_push_that_was_answered_has_its_tag, recycles};
use crate::cast::{
    collect_content, collect_grant, collect_manifest, delete, delete_blob, push, push_tags, upload,
};
use crate::content::{Things, things};
use crate::role::Role;

pub(super) fn all() -> Vec<Scenario> {
    let Things { b, m, .. } = &things();
    let tags: Vec<String> = (0..32).map(|at| format!("a{at:02}")).collect();
    vec![
        Scenario::new(
            "delete and push",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![push(m, Some("t")), delete(m), collect_manifest(m), collect_grant(b)],
        )
        .in_the_end(a_push_that_was_answered_has_its_tag),
        Scenario::new(
            "two deletes and a push",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![push(m, Some("t")), Role::sequence(&[delete(m), delete(m)])],
        )
        .in_the_end(a_push_that_was_answered_has_its_tag),
        Scenario::new(
            "two deletes at once, and a push",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![push(m, Some("t")), delete(m), delete(m)],
        )
        .large()
        .in_the_end(a_push_that_was_answered_has_its_tag),
        Scenario::new(
            "two deletes, a push and a collector",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![push(m, Some("t")), delete(m), delete(m), collect_manifest(m)],
        )
        .in_the_end(a_push_that_was_answered_has_its_tag)
        .large(),
        Scenario::new(
            "a blob is deleted while a manifest of it is pushed",
            vec![recycles(), upload(b)],
            vec![push(m, None), delete_blob(b), collect_grant(b), collect_content(b)],
        ),
        Scenario::new(
            "a blob is deleted twice while a manifest of it is pushed",
            vec![recycles(), upload(b)],
            vec![push(m, None), delete_blob(b), Role::sequence(&[upload(b), delete_blob(b)])],
        )
        .calls(CALLS),
        Scenario::new(
            "a blob is deleted twice and uploaded while a manifest of it is pushed",
            vec![recycles(), upload(b)],
            vec![push(m, None), delete_blob(b), delete_blob(b), upload(b)],
        )
        .large(),
        Scenario::new(
            "a delete that died with tags left, and a push",
            vec![recycles(), upload(b), push_tags(m, tags.clone()), push(m, Some("t"))],
            vec![push(m, Some("t")), collect_manifest(m)],
        )
        .dead(delete(m), 4)
        .in_the_end(a_push_that_was_answered_has_its_tag),
        Scenario::new(
            "a delete that died with tags left, and a push, two collectors",
            vec![recycles(), upload(b), push_tags(m, tags), push(m, Some("t"))],
            vec![push(m, Some("t")), collect_manifest(m), collect_grant(b)],
        )
        .dead(delete(m), 4)
        .in_the_end(a_push_that_was_answered_has_its_tag)
        .large(),
    ]
}
