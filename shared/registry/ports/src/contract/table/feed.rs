//! The change feed: exactly the writes of the table, in the order they were made.

use std::time::Duration;

use super::TableFixture;
use crate::blobs::Durability::{BeforeNext, OnAnswer};
use crate::context::Context;
use crate::contract::corner::{Corner, noise, version};
use crate::contract::expectation::Answered;
use crate::facts::{Fact, Item, State};
use crate::keys::Key;
use crate::table::{Action, Change, ChangeFeed, Cursor, Expect, KeepUntil, WriteTable};
use crate::value::Timestamp;

/// Changes in a page, where the clause is not about pages.
const PAGE: usize = 1000;

/// The end of the feed as it is now.
pub(super) async fn end(feed: &impl ChangeFeed) -> Cursor {
    let mut cursor = Cursor::default();
    loop {
        let page = feed.changes(&cursor, PAGE).await.answered();
        if page.changes.is_empty() {
            return page.next;
        }
        cursor = page.next;
    }
}

/// The changes of these keys after a cursor: at least `expected` of them, for which a late feed is waited
/// for, and all that have come by then.
async fn changes_of<F: TableFixture>(
    fixture: &F,
    mut cursor: Cursor,
    keys: &[&Key],
    expected: usize,
) -> Vec<Change> {
    let (table, clock) = (fixture.store(), Context::system().clock);
    let patience = clock.monotonic() + F::FEED_DELAY_MAX;
    let mut mine: Vec<Change> = Vec::new();
    loop {
        let page = table.changes(&cursor, PAGE).await.answered();
        assert!(!page.lost, "changes that were just made are kept");
        cursor = page.next;
        if page.changes.is_empty() {
            if mine.len() >= expected || clock.monotonic() >= patience {
                return mine;
            }
            clock.sleep(Duration::from_millis(20)).await;
        }
        for mut change in page.changes {
            // Nothing is promised of it.
            change.at = None;
            // At least once: the same change may come again.
            if keys.contains(&&change.key) && mine.last() != Some(&change) {
                mine.push(change);
            }
        }
    }
}

fn made(new: &Item) -> Change {
    Change { key: new.key.clone(), old: None, new: Some(new.clone()), at: None }
}

fn replaced(old: &Item, new: &Item) -> Change {
    Change { key: new.key.clone(), old: Some(old.clone()), new: Some(new.clone()), at: None }
}

fn deleted(old: &Item) -> Change {
    Change { key: old.key.clone(), old: Some(old.clone()), new: None, at: None }
}

pub async fn each_write_is_in_the_feed_with_what_was_and_what_is<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (first, second) = (corner.tag("v1", 1), corner.tag("v1", 2));
    for durability in [OnAnswer, BeforeNext] {
        let start = end(&*table).await;
        table.put(first.clone(), Expect::Absent, durability).await.answered();
        table.put(second.clone(), Expect::Anything, durability).await.answered();
        table.delete(&second.key, Expect::Anything, durability).await.answered();
        let changes = changes_of(fixture, start, &[&first.key], 3).await;
        assert_eq!(changes, [made(&first), replaced(&first, &second), deleted(&second)]);
    }
}

pub async fn refused_writes_are_not_in_the_feed<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let item = corner.tag("v1", 1);
    let elsewhere = corner.tag("elsewhere", 1);
    let start = end(&*table).await;
    table.put(item.clone(), Expect::Absent, OnAnswer).await.answered();
    // None of these takes effect.
    let at_another = Expect::VersionIs(version());
    table.put(corner.tag("v1", 2), Expect::Absent, OnAnswer).await.answered();
    table.put(corner.tag("v1", 2), at_another, OnAnswer).await.answered();
    table.delete(&item.key, at_another, OnAnswer).await.answered();
    let refused = vec![
        Action::Put(elsewhere.clone(), Expect::Absent),
        Action::Put(corner.tag("v1", 2), Expect::Absent),
    ];
    table.transact(refused).await.answered();
    table.transact(vec![Action::Check(item.key.clone(), Expect::Anything)]).await.answered();
    table.delete(&elsewhere.key, Expect::Anything, OnAnswer).await.answered();
    // These do, on the same items, so that they come after whatever came before.
    table.delete(&item.key, Expect::Anything, OnAnswer).await.answered();
    table.put(elsewhere.clone(), Expect::Absent, OnAnswer).await.answered();
    let mut changes = changes_of(fixture, start, &[&item.key, &elsewhere.key], 3).await;
    changes.sort_by_key(|change| change.key == elsewhere.key);
    assert_eq!(changes, [made(&item), deleted(&item), made(&elsewhere)]);
}

pub async fn writes_of_batches_and_transactions_are_in_the_feed<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (old, new, hold, listed) =
        (corner.tag("v1", 1), corner.tag("v1", 2), corner.hold(1), corner.listed(1));
    let start = end(&*table).await;
    let put = |item: &Item| Action::Put(item.clone(), Expect::Anything);
    table.batch_write(vec![put(&old), put(&hold)]).await.answered();
    let actions = vec![
        put(&new),
        Action::Delete(hold.key.clone(), Expect::Anything),
        Action::Put(listed.clone(), Expect::Absent),
        Action::Check(corner.tag_key("absent"), Expect::Absent),
    ];
    table.transact(actions).await.answered();
    table.batch_write(vec![Action::Delete(listed.key.clone(), Expect::Anything)]).await.answered();

    let keys = [&old.key, &hold.key, &listed.key];
    let mut changes = changes_of(fixture, start, &keys, 6).await;
    // Between items nothing orders the changes of one call; each item's own stay in their order.
    changes.sort_by_key(|change| keys.iter().position(|key| **key == change.key));
    let expected =
        [made(&old), replaced(&old, &new), made(&hold), deleted(&hold), made(&listed), deleted(&listed)];
    assert_eq!(changes, expected);
}

pub async fn keeping_is_in_the_feed<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let condemned = corner.grant(State::Condemned);
    let start = end(&*table).await;
    table.put(condemned.clone(), Expect::Absent, OnAnswer).await.answered();
    table.keep_until(&condemned, Timestamp(9_000), version()).await.answered();
    let kept = crate::ReadTable::get(&*table, &condemned.key).await.answered().expect("it was kept");
    let changes = changes_of(fixture, start, &[&kept.key], 2).await;
    assert_eq!(changes, [made(&condemned), replaced(&condemned, &kept)]);
}

/// Bytes of manifests would be most of a feed, and nobody who reads it needs them.
pub async fn bodies_are_not_in_the_feed<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let start = end(&*table).await;
    let (manifest, body) = (corner.manifest(State::Pending), corner.body(noise(2000)));
    table.put(body.clone(), Expect::Absent, OnAnswer).await.answered();
    table.batch_write(vec![Action::Put(corner.body(noise(10)), Expect::Anything)]).await.answered();
    let together = vec![
        Action::Delete(body.key.clone(), Expect::Anything),
        Action::Put(manifest.clone(), Expect::Absent),
    ];
    table.transact(together).await.answered();
    let changes = changes_of(fixture, start, &[&manifest.key, &body.key], 1).await;
    assert_eq!(changes, [made(&manifest)]);
}

pub async fn changes_of_one_item_come_in_their_order<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let start = end(&*table).await;
    // Several writers, so that the feed cannot lean on one of them.
    let write = |writer: u64| {
        let (table, corner) = (std::sync::Arc::clone(&table), corner.clone());
        tokio::spawn(async move {
            for step in 0..10 {
                table
                    .put(corner.tag("v1", writer * 100 + step), Expect::Anything, BeforeNext)
                    .await
                    .answered();
            }
        })
    };
    for writer in (0..4).map(write).collect::<Vec<_>>() {
        writer.await.expect("each writer comes to its end");
    }
    let changes = changes_of(fixture, start, &[&corner.tag_key("v1")], 40).await;
    assert_eq!(changes.len(), 40);
    let mut before: Option<Item> = None;
    for change in changes {
        assert_eq!(change.old, before, "each change begins where the one before it ended");
        before = change.new;
    }
    let there = crate::ReadTable::get(&*table, &corner.tag_key("v1")).await.answered();
    assert_eq!(there, before, "the last change is what is there");
    assert!(matches!(there.map(|item| item.fact), Some(Fact::Tag(_))));
}

/// The tags of a clause, made one after the other; and where the feed ended before.
async fn five_tags<F: TableFixture>(fixture: &F, corner: &Corner) -> (Cursor, Vec<Item>) {
    let table = fixture.store();
    let start = end(&*table).await;
    let items: Vec<Item> = (0..5).map(|n| corner.tag(&format!("v{n}"), n)).collect();
    for item in &items {
        table.put(item.clone(), Expect::Absent, BeforeNext).await.answered();
    }
    let keys: Vec<&Key> = items.iter().map(|item| &item.key).collect();
    let changes = changes_of(fixture, start.clone(), &keys, items.len()).await;
    assert_eq!(changes.len(), items.len());
    (start, items)
}

pub async fn a_page_of_changes_is_no_longer_than_asked_for<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (start, items) = five_tags(fixture, &corner).await;
    for limit in [1, 2, 5] {
        let (mut cursor, mut seen) = (start.clone(), 0);
        while seen < items.len() {
            let page = table.changes(&cursor, limit).await.answered();
            assert!((1..=limit).contains(&page.changes.len()), "{} changes of {limit}", page.changes.len());
            assert_ne!(page.next, cursor, "a page of changes moves on");
            cursor = page.next;
            seen += page.changes.iter().filter(|c| items.iter().any(|item| item.key == c.key)).count();
        }
    }
}

pub async fn a_cursor_resumes_where_it_was_given<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (start, items) = five_tags(fixture, &corner).await;
    let keys: Vec<&Key> = items.iter().map(|item| &item.key).collect();
    let whole = changes_of(fixture, start.clone(), &keys, items.len()).await;
    let (mut cursor, mut seen) = (start.clone(), 0);
    while seen < whole.len() {
        let page = table.changes(&cursor, 2).await.answered();
        cursor = page.next;
        seen += page.changes.iter().filter(|change| keys.contains(&&change.key)).count();
        for _ in 0..2 {
            let rest = changes_of(fixture, cursor.clone(), &keys, whole.len() - seen).await;
            assert_eq!(rest, whole[seen..]);
        }
    }
}

pub async fn a_reader_at_the_end_sees_what_comes_later<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let mut cursor = end(&*table).await;
    for size in 0..3 {
        let item = corner.tag(&format!("v{size}"), size);
        table.put(item.clone(), Expect::Absent, OnAnswer).await.answered();
        assert_eq!(changes_of(fixture, cursor.clone(), &[&item.key], 1).await, [made(&item)]);
        cursor = end(&*table).await;
        assert_eq!(changes_of(fixture, cursor.clone(), &[&item.key], 0).await, []);
    }
}
