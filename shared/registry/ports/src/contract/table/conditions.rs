//! One item at a time: it is written whole or not at all, its condition checked in the same instant.

use super::TableFixture;
use crate::blobs::Durability::{BeforeNext, OnAnswer};
use crate::contract::corner::{Corner, version};
use crate::contract::expectation::{Answered, REFUSED_BY_NOTHING, refused_by};
use crate::table::{Expect, ReadTable, WriteTable, Written};

fn version_of(item: &crate::Item) -> Expect {
    Expect::VersionIs(item.version.expect("the clause gave its item a version"))
}

pub async fn a_put_without_a_condition_makes_and_replaces<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    for size in [1, 2] {
        let item = corner.tag("v1", size);
        assert_eq!(table.put(item.clone(), Expect::Anything, OnAnswer).await.answered(), Written::Done);
        assert_eq!(table.get(&item.key).await.answered(), Some(item));
    }
}

pub async fn put_where_nothing_is_makes_the_item<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let item = corner.tag("v1", 1);
    assert_eq!(table.get(&item.key).await.answered(), None);
    assert_eq!(table.put(item.clone(), Expect::Absent, OnAnswer).await.answered(), Written::Done);
    assert_eq!(table.get(&item.key).await.answered(), Some(item));
}

pub async fn put_where_nothing_may_be_is_refused_with_what_is_there<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let first = corner.tag("v1", 1);
    table.put(first.clone(), Expect::Absent, OnAnswer).await.answered();
    for durability in [OnAnswer, BeforeNext] {
        let second = table.put(corner.tag("v1", 2), Expect::Absent, durability).await.answered();
        assert_eq!(second, refused_by(&first));
        assert_eq!(table.get(&first.key).await.answered().as_ref(), Some(&first));
    }
}

pub async fn put_on_a_version_replaces_it<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (first, second) = (corner.tag("v1", 1), corner.tag("v1", 2));
    table.put(first.clone(), Expect::Absent, OnAnswer).await.answered();
    assert_eq!(table.put(second.clone(), version_of(&first), OnAnswer).await.answered(), Written::Done);
    assert_eq!(table.get(&first.key).await.answered(), Some(second));
}

pub async fn put_on_another_version_is_refused_with_what_is_there<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let first = corner.tag("v1", 1);
    table.put(first.clone(), Expect::Absent, OnAnswer).await.answered();
    let other = Expect::VersionIs(version());
    let second = table.put(corner.tag("v1", 2), other, OnAnswer).await.answered();
    assert_eq!(second, refused_by(&first));
    assert_eq!(table.get(&first.key).await.answered(), Some(first));
}

pub async fn put_on_a_version_is_refused_where_nothing_is<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let item = corner.tag("v1", 1);
    let put = table.put(item.clone(), Expect::VersionIs(version()), OnAnswer).await.answered();
    assert_eq!(put, REFUSED_BY_NOTHING);
    assert_eq!(table.get(&item.key).await.answered(), None);
}

/// A fact that is written once has no version to be at.
pub async fn what_has_no_version_is_refused_by_none<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let hold = corner.hold(1);
    table.put(hold.clone(), Expect::Absent, OnAnswer).await.answered();
    let some_version = Expect::VersionIs(version());
    assert_eq!(table.put(hold.clone(), some_version, OnAnswer).await.answered(), refused_by(&hold));
    assert_eq!(table.delete(&hold.key, some_version, OnAnswer).await.answered(), refused_by(&hold));
    assert_eq!(table.get(&hold.key).await.answered(), Some(hold));
}

pub async fn deleting_a_version_deletes_it<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let item = corner.tag("v1", 1);
    table.put(item.clone(), Expect::Absent, OnAnswer).await.answered();
    assert_eq!(table.delete(&item.key, version_of(&item), OnAnswer).await.answered(), Written::Done);
    assert_eq!(table.get(&item.key).await.answered(), None);
}

pub async fn deleting_another_version_is_refused_with_what_is_there<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let item = corner.tag("v1", 1);
    let other = Expect::VersionIs(version());
    assert_eq!(table.delete(&item.key, other, OnAnswer).await.answered(), REFUSED_BY_NOTHING);
    table.put(item.clone(), Expect::Absent, OnAnswer).await.answered();
    assert_eq!(table.delete(&item.key, other, OnAnswer).await.answered(), refused_by(&item));
    assert_eq!(table.get(&item.key).await.answered(), Some(item));
}

pub async fn a_delete_where_absence_is_expected_is_refused_by_what_is_there<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let item = corner.tag("v1", 1);
    assert_eq!(table.delete(&item.key, Expect::Absent, OnAnswer).await.answered(), Written::Done);
    table.put(item.clone(), Expect::Absent, OnAnswer).await.answered();
    assert_eq!(table.delete(&item.key, Expect::Absent, OnAnswer).await.answered(), refused_by(&item));
    assert_eq!(table.get(&item.key).await.answered(), Some(item));
}

pub async fn deleting_what_is_absent_succeeds<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    for durability in [OnAnswer, BeforeNext] {
        let deleted = table.delete(&corner.tag_key("v1"), Expect::Anything, durability).await.answered();
        assert_eq!(deleted, Written::Done);
    }
}

pub async fn repeating_an_unconditional_write_changes_nothing_more<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let item = corner.tag("v1", 1);
    for _ in 0..2 {
        assert_eq!(table.put(item.clone(), Expect::Anything, BeforeNext).await.answered(), Written::Done);
        assert_eq!(table.get(&item.key).await.answered().as_ref(), Some(&item));
    }
    for _ in 0..2 {
        assert_eq!(table.delete(&item.key, Expect::Anything, BeforeNext).await.answered(), Written::Done);
        assert_eq!(table.get(&item.key).await.answered(), None);
    }
}

/// Who does not know whether a write took effect repeats it, and sees its own version there.
pub async fn repeating_a_conditional_put_is_refused_with_its_own_effect<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (first, second) = (corner.tag("v1", 1), corner.tag("v1", 2));
    for (item, expect) in [(&first, Expect::Absent), (&second, version_of(&first))] {
        assert_eq!(table.put(item.clone(), expect, OnAnswer).await.answered(), Written::Done);
        assert_eq!(table.put(item.clone(), expect, OnAnswer).await.answered(), refused_by(item));
    }
    assert_eq!(table.get(&first.key).await.answered(), Some(second));
}

/// An old compare-and-set cannot hit a record that was deleted and made again.
pub async fn a_version_made_anew_is_not_the_old_one<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (old, anew) = (corner.tag("v1", 1), corner.tag("v1", 1));
    table.put(old.clone(), Expect::Absent, OnAnswer).await.answered();
    table.delete(&old.key, version_of(&old), OnAnswer).await.answered();
    table.put(anew.clone(), Expect::Absent, OnAnswer).await.answered();
    assert_eq!(
        table.put(corner.tag("v1", 3), version_of(&old), OnAnswer).await.answered(),
        refused_by(&anew)
    );
    assert_eq!(table.delete(&old.key, version_of(&old), OnAnswer).await.answered(), refused_by(&anew));
}
