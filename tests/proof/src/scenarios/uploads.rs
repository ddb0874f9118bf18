//! Blobs that are uploaded and mounted while they are collected.

use super::{CALLS, FEW_CALLS, Scenario, TURNS, recycles, token};
use crate::cast::{
    close_upload, collect_content, collect_grant, collect_manifest, collector, delete, delete_blob, mount,
    push, upload, upload_not_refused,
};
use crate::content::{Things, things};
use crate::role::Role;

pub(super) fn all() -> Vec<Scenario> {
    let Things { b, m, n, .. } = &things();
    vec![
        Scenario::new(
            "two uploads",
            vec![],
            vec![upload(b), upload(b), collect_grant(b), collect_content(b)],
        )
        .calls(TURNS),
        Scenario::new(
            "an upload of what is about to go",
            vec![upload(b)],
            vec![upload(b), collector(&[collect_grant(b), collect_content(b)]), collect_content(b)],
        )
        .calls(CALLS),
        Scenario::new(
            "an upload of what is about to go, three collectors",
            vec![upload(b)],
            vec![upload(b), collect_grant(b), collect_content(b), collect_content(b)],
        )
        .large(),
        Scenario::new(
            "an upload whose own content stays",
            vec![upload(b)],
            vec![upload_not_refused(b), collect_grant(b), collect_content(b)],
        ),
        Scenario::new(
            "an upload and two collectors of the content",
            vec![upload(b)],
            vec![upload(b), upload(b), collect_grant(b), collect_content(b), collect_content(b)],
        )
        .large(),
        Scenario::new(
            "a PUT that is sent twice",
            vec![],
            vec![
                close_upload(b, token()),
                close_upload(b, token()),
                Role::sequence(&[upload(b), collect_grant(b), collect_content(b)]),
            ],
        )
        .calls(FEW_CALLS),
        Scenario::new(
            "a PUT that is sent twice, two collectors",
            vec![],
            vec![
                close_upload(b, token()),
                close_upload(b, token()),
                upload(b),
                collect_grant(b),
                collect_content(b),
            ],
        )
        .large(),
        Scenario::new(
            "an upload after another's grant",
            vec![upload(b)],
            vec![upload(b), collect_grant(b), collector(&[collect_grant(b), collect_content(b)])],
        )
        .calls(FEW_CALLS),
        Scenario::new(
            "an upload after another's grant, three collectors",
            vec![upload(b)],
            vec![upload(b), collect_grant(b), collect_grant(b), collect_content(b)],
        )
        .large(),
        Scenario::new(
            "a mount while its source is deleted",
            vec![upload(b)],
            vec![mount(b), delete_blob(b), collect_content(b), collect_content(b)],
        ),
        Scenario::new(
            "two mounts while their source is deleted",
            vec![upload(b)],
            vec![mount(b), mount(b), Role::sequence(&[delete_blob(b), collect_content(b)])],
        ),
        Scenario::new(
            "a mount of a content that is made again",
            vec![upload(b)],
            vec![mount(b), Role::sequence(&[delete_blob(b), collect_content(b)]), upload(b)],
        )
        .calls(CALLS),
        Scenario::new(
            "a mount of a content that is made again, each by himself",
            vec![upload(b)],
            vec![mount(b), delete_blob(b), collect_content(b), upload(b)],
        )
        .large(),
        Scenario::new(
            "a slow collector of a grant that is made again",
            vec![recycles(), upload(b)],
            vec![
                collect_grant(b),
                Role::sequence(&[collect_grant(b), upload(b), collect_grant(b)]),
                push(m, None),
            ],
        )
        .dead(collect_grant(b), 3),
        Scenario::new(
            "an upload while its layer's manifest is deleted",
            vec![recycles(), upload(b), push(n, Some("n"))],
            vec![
                upload(b),
                push(m, None),
                Role::sequence(&[delete(n), collect_manifest(n), collect_grant(b)]),
            ],
        ),
        Scenario::new(
            "an upload while its layer's manifest is deleted, each by himself",
            vec![recycles(), upload(b), push(n, Some("n"))],
            vec![upload(b), push(m, None), delete(n), collect_manifest(n), collect_grant(b)],
        )
        .large(),
    ]
}
