//! Manifests that go into the recycle bin and come out of it.

use super::{HOUR_MS, Scenario, recycles};
use crate::cast::{
    collect_grant, collect_manifest, collector, delete, delete_blob, purge, push, restore, upload,
};
use crate::content::{Things, things};
use crate::role::Role;

pub(super) fn all() -> Vec<Scenario> {
    let Things { b, m, i, .. } = &things();
    let in_the_bin = || vec![recycles(), upload(b), push(m, Some("t")), delete(m)];
    let both_in_the_bin =
        || vec![recycles(), upload(b), push(m, None), push(i, Some("t")), delete(i), delete(m)];
    vec![
        Scenario::new(
            "restore, expiry and purge",
            in_the_bin(),
            vec![restore(m), collect_manifest(m), purge(m), collect_grant(b)],
        ),
        Scenario::new(
            "restore and push",
            in_the_bin(),
            vec![restore(m), push(m, None), collect_manifest(m), collect_grant(b)],
        ),
        Scenario::new(
            "restore of a manifest whose blob was deleted",
            vec![recycles(), upload(b), push(m, Some("t")), delete(m), delete_blob(b)],
            vec![restore(m), collector(&[collect_manifest(m), collect_grant(b)]), push(m, None)],
        ),
        Scenario::new(
            "restore of a manifest whose blob was deleted, two collectors",
            vec![recycles(), upload(b), push(m, Some("t")), delete(m), delete_blob(b)],
            vec![restore(m), collect_manifest(m), collect_grant(b), push(m, None)],
        )
        .large(),
        Scenario::new(
            "a blob is deleted while its manifest is restored",
            in_the_bin(),
            vec![restore(m), delete_blob(b), collect_manifest(m), collect_grant(b)],
        ),
        Scenario::new(
            "an index and its child are restored",
            both_in_the_bin(),
            vec![restore(i), collect_manifest(i), collect_manifest(m)],
        ),
        Scenario::new(
            "an index is restored while its child is",
            both_in_the_bin(),
            vec![restore(i), restore(m), collect_manifest(i), collect_manifest(m)],
        )
        .large(),
        Scenario::new(
            "an index is pushed while its child is in the bin",
            both_in_the_bin(),
            vec![push(i, None), push(m, None), collect_manifest(m)],
        ),
        Scenario::new(
            "an index is pushed while its child is in the bin, two collectors",
            both_in_the_bin(),
            vec![push(i, None), push(m, None), collect_manifest(i), collect_manifest(m)],
        )
        .large(),
        Scenario::new(
            "an index is restored, and purged with its child",
            both_in_the_bin(),
            vec![restore(i), purge(i), purge(m), collect_manifest(m)],
        ),
        Scenario::new(
            "a restorer died",
            in_the_bin(),
            vec![push(m, None), collect_manifest(m), Role::clock(HOUR_MS)],
        )
        .dead(restore(m), 3),
        Scenario::new(
            "a restorer died, and a collector of the grant",
            in_the_bin(),
            vec![push(m, None), collect_manifest(m), collect_grant(b), Role::clock(HOUR_MS)],
        )
        .dead(restore(m), 3)
        .large(),
    ]
}
