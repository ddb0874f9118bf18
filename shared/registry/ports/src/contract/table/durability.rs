//! What has survived when a store is opened again.

use std::collections::BTreeMap;

use super::TableFixture;
use super::feed::end;
use crate::blobs::Durability::{BeforeNext, OnAnswer};
use crate::contract::corner::{Corner, noise, version};
use crate::contract::expectation::Answered;
use crate::contract::{Ending, Reopened};
use crate::facts::{Item, State};
use crate::keys::Key;
use crate::table::{Action, Change, ChangeFeed, Cursor, Expect, KeepUntil, ReadTable, WriteTable};
use crate::value::Timestamp;

async fn put_before_next(table: &impl WriteTable, item: &Item) {
    table.put(item.clone(), Expect::Anything, BeforeNext).await.answered();
}

/// Writes of every kind that need not be durable when they are answered; the items that are there then.
async fn write_in_passing(table: &(impl WriteTable + KeepUntil), corner: &Corner) -> Vec<Item> {
    let condemned = corner.grant(State::Condemned);
    let (plain, batched, gone) = (corner.tag("plain", 1), corner.hold(1), corner.tag("gone", 1));
    put_before_next(table, &condemned).await;
    put_before_next(table, &gone).await;
    put_before_next(table, &plain).await;
    table.delete(&gone.key, Expect::Anything, BeforeNext).await.answered();
    table.batch_write(vec![Action::Put(batched.clone(), Expect::Anything)]).await.answered();
    table.keep_until(&condemned, Timestamp(9_000), version()).await.answered();
    let kept = table.get(&condemned.key).await.answered().expect("it was kept");
    assert_ne!(kept, condemned);
    vec![kept, plain, batched]
}

async fn assert_there(table: &impl ReadTable, items: &[Item]) {
    for item in items {
        assert_eq!(table.get(&item.key).await.answered().as_ref(), Some(item));
    }
}

pub async fn what_was_to_be_durable_on_answer_survives_a_power_cut<F: TableFixture>(fixture: &mut F) {
    let corner = Corner::new();
    let (put, replaced, gone) = (corner.tag("put", 1), corner.tag("replaced", 1), corner.tag("gone", 1));
    let (anew, in_transaction, body) = (corner.tag("replaced", 2), corner.hold(1), corner.body(noise(5000)));
    // Each step that is not the last would be carried by the next; so each of them is the last once.
    for last in 0..5 {
        let table = fixture.store();
        for step in 0..=last {
            match step {
                0 => _ = table.put(put.clone(), Expect::Anything, OnAnswer).await.answered(),
                1 => {
                    let puts = [&replaced, &gone].map(|i| Action::Put(i.clone(), Expect::Anything));
                    table.transact(puts.to_vec()).await.answered();
                }
                2 => _ = table.put(anew.clone(), Expect::Anything, OnAnswer).await.answered(),
                3 => _ = table.delete(&gone.key, Expect::Anything, OnAnswer).await.answered(),
                _ => {
                    let puts = [&in_transaction, &body].map(|i| Action::Put(i.clone(), Expect::Anything));
                    table.transact(puts.to_vec()).await.answered();
                }
            }
        }
        drop(table);
        if fixture.reopen(Ending::PowerCut).await == Reopened::Unsupported {
            return;
        }
        let table = fixture.store();
        let gone_is_there = (1..3).contains(&last);
        assert_eq!(table.get(&gone.key).await.answered().is_some(), gone_is_there, "after step {last}");
        let replaced_now = [None, Some(&replaced), Some(&anew), Some(&anew), Some(&anew)][last];
        assert_eq!(table.get(&replaced.key).await.answered().as_ref(), replaced_now, "after step {last}");
        assert_there(&*table, std::slice::from_ref(&put)).await;
        if last == 4 {
            assert_there(&*table, &[in_transaction.clone(), body.clone()]).await;
        }
    }
}

pub async fn a_write_on_answer_takes_along_what_was_answered_before<F: TableFixture>(fixture: &mut F) {
    for carrier in 0..3 {
        let corner = Corner::new();
        let table = fixture.store();
        let mut items = write_in_passing(&*table, &corner).await;
        // Of another item, in another partition.
        let last = Corner::new().tag("last", 1);
        match carrier {
            0 => _ = table.put(last.clone(), Expect::Absent, OnAnswer).await.answered(),
            1 => _ = table.transact(vec![Action::Put(last.clone(), Expect::Absent)]).await.answered(),
            // Which writes nothing.
            _ => _ = table.transact(vec![Action::Check(last.key.clone(), Expect::Anything)]).await.answered(),
        }
        items.extend((carrier < 2).then_some(last));
        drop(table);
        if fixture.reopen(Ending::PowerCut).await == Reopened::Unsupported {
            return;
        }
        let table = fixture.store();
        assert_there(&*table, &items).await;
        assert_eq!(table.get(&corner.tag_key("gone")).await.answered(), None);
    }
}

/// The table is as it was at some moment: a later write is never there without an earlier one.
pub async fn a_power_cut_takes_the_latest_writes_first<F: TableFixture>(fixture: &mut F) {
    let table = fixture.store();
    let corner = Corner::new();
    table.put(corner.tag("first", 1), Expect::Absent, OnAnswer).await.answered();
    let items: Vec<Item> = (0..20).map(|n| Corner::new().tag(&format!("v{n}"), n)).collect();
    for item in &items {
        put_before_next(&*table, item).await;
    }
    drop(table);
    if fixture.reopen(Ending::PowerCut).await == Reopened::Unsupported {
        return;
    }
    let table = fixture.store();
    assert!(table.get(&corner.tag_key("first")).await.answered().is_some());
    let keys: Vec<Key> = items.iter().map(|item| item.key.clone()).collect();
    let found = table.batch_get(&keys).await.answered();
    let there = found.iter().take_while(|item| item.is_some()).count();
    assert!(found[there..].iter().all(Option::is_none), "after the first {there}, none is there");
    assert_there(&*table, &items[..there]).await;
}

pub async fn what_was_answered_survives_an_orderly_end<F: TableFixture>(fixture: &mut F) {
    let corner = Corner::new();
    let table = fixture.store();
    let items = write_in_passing(&*table, &corner).await;
    let cursor = end(&*table).await;
    drop(table);
    if fixture.reopen(Ending::Closed).await == Reopened::Unsupported {
        return;
    }
    let table = fixture.store();
    assert_there(&*table, &items).await;
    assert_eq!(table.get(&corner.tag_key("gone")).await.answered(), None);
    // And the feed goes on where it ended.
    let later = corner.tag("later", 1);
    table.put(later.clone(), Expect::Absent, OnAnswer).await.answered();
    let changes = table.changes(&cursor, 10).await.answered();
    assert!(!changes.lost);
    assert!(changes.changes.iter().any(|change| change.new.as_ref() == Some(&later)), "{changes:?}");
}

pub async fn the_feed_and_the_table_tell_the_same_after_a_power_cut<F: TableFixture>(fixture: &mut F) {
    let corner = Corner::new();
    let table = fixture.store();
    let first = corner.tag("first", 1);
    table.put(first.clone(), Expect::Absent, OnAnswer).await.answered();
    let items = write_in_passing(&*table, &corner).await;
    table.put(corner.tag("first", 2), Expect::Anything, OnAnswer).await.answered();
    put_before_next(&*table, &corner.tag("first", 3)).await;
    put_before_next(&*table, &corner.tag("second", 1)).await;
    drop(table);
    if fixture.reopen(Ending::PowerCut).await == Reopened::Unsupported {
        return;
    }
    let table = fixture.store();
    let mut keys: Vec<Key> = items.into_iter().map(|item| item.key).collect();
    keys.extend(["gone", "first", "second"].map(|tag| corner.tag_key(tag)));
    let told = replay(&*table).await;
    for key in keys {
        assert_eq!(told.get(&key), table.get(&key).await.answered().as_ref(), "{key:?}");
    }
}

/// What is there, by the feed alone.
async fn replay(feed: &impl ChangeFeed) -> BTreeMap<Key, Item> {
    let mut told = BTreeMap::new();
    let mut cursor = Cursor::default();
    loop {
        let page = feed.changes(&cursor, 1000).await.answered();
        if page.changes.is_empty() {
            return told;
        }
        for Change { key, new, .. } in page.changes {
            match new {
                Some(item) => _ = told.insert(key, item),
                None => _ = told.remove(&key),
            }
        }
        cursor = page.next;
    }
}

/// Places of changes that a power cut took are not given again: a reader that saw them would not see what
/// came in their place.
pub async fn a_cursor_from_before_a_power_cut_misses_no_later_change<F: TableFixture>(fixture: &mut F) {
    let corner = Corner::new();
    let table = fixture.store();
    table.put(corner.tag("first", 1), Expect::Absent, OnAnswer).await.answered();
    for size in 0..5 {
        put_before_next(&*table, &corner.tag("in-passing", size)).await;
    }
    let cursor = end(&*table).await;
    drop(table);
    if fixture.reopen(Ending::PowerCut).await == Reopened::Unsupported {
        return;
    }
    let table = fixture.store();
    let later = corner.tag("later", 1);
    table.put(later.clone(), Expect::Absent, OnAnswer).await.answered();
    let changes = table.changes(&cursor, 10).await.answered();
    assert!(changes.changes.iter().any(|change| change.new.as_ref() == Some(&later)), "{changes:?}");
}
