//! Scans: all that is there, page by page. Other clauses may use the same table, so each looks for its own items.

use super::TableFixture;
use crate::blobs::Durability;
use crate::contract::corner::Corner;
use crate::contract::expectation::{Answered, is_misuse};
use crate::facts::Item;
use crate::keys::Key;
use crate::table::{Cursor, Expect, ScanTable, WriteTable};

/// The items of a corner's repository that a scan in pages of `limit` finds, in the order of their keys; `between`
/// runs once, after the first page.
async fn scanned<S: ScanTable>(
    table: &S,
    corner: &Corner,
    limit: usize,
    between: impl AsyncFnOnce(),
) -> Vec<Item> {
    let partition = corner.tag_key("v1").partition().to_owned();
    let mut between = Some(between);
    let (mut found, mut after): (Vec<Item>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = table.scan(after.as_ref(), limit).await.answered();
        assert!(page.items.len() <= limit, "{} items in a page of {limit}", page.items.len());
        found.extend(page.items.into_iter().filter(|item| item.key.partition() == partition));
        if let Some(between) = between.take() {
            between().await;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found
}

/// Some items of one repository, in the order of their keys.
async fn put_some(table: &impl WriteTable, corner: &Corner) -> Vec<Item> {
    let mut items: Vec<Item> = (0..7).map(|n| corner.tag(&format!("v{n}"), n)).collect();
    items.extend((0..5).map(|n| corner.listed(n)));
    for item in &items {
        table.put(item.clone(), Expect::Anything, Durability::BeforeNext).await.answered();
    }
    items.sort_by(|a, b| a.key.cmp(&b.key));
    items
}

pub async fn a_scan_has_every_item_as_it_is<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let items = put_some(&*table, &corner).await;
    assert_eq!(scanned(&*table, &corner, 1000, async || {}).await, items);
    let changed = corner.tag("v3", 33);
    table.put(changed.clone(), Expect::Anything, Durability::BeforeNext).await.answered();
    let now = scanned(&*table, &corner, 1000, async || {}).await;
    assert_eq!(now.iter().find(|item| item.key == changed.key), Some(&changed));
}

pub async fn a_page_of_a_scan_is_no_longer_than_asked_for<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let items = put_some(&*table, &corner).await;
    assert!(table.scan(None, 1).await.answered().next.is_some(), "more follows one of twelve");
    for limit in [7, 100] {
        assert_eq!(scanned(&*table, &corner, limit, async || {}).await, items, "in pages of {limit}");
    }
}

/// Whatever is made, changed and deleted beside it while the scan is under way.
pub async fn a_scan_has_what_was_there_all_the_time<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let items = put_some(&*table, &corner).await;
    let beside = async || {
        table.delete(&items[0].key, Expect::Anything, Durability::BeforeNext).await.answered();
        let new = corner.tag("v1-new", 1);
        table.put(new, Expect::Anything, Durability::BeforeNext).await.answered();
    };
    let found: Vec<Key> =
        scanned(&*table, &corner, 9, beside).await.into_iter().map(|item| item.key).collect();
    for item in &items[1..] {
        assert!(found.contains(&item.key), "{:?} was there all the time", item.key);
    }
}

pub async fn what_was_deleted_is_in_no_scan<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let items = put_some(&*table, &corner).await;
    for item in &items {
        table.delete(&item.key, Expect::Anything, Durability::BeforeNext).await.answered();
    }
    assert_eq!(scanned(&*table, &corner, 1000, async || {}).await, []);
}

pub async fn a_misused_scan_is_turned_away<F: TableFixture>(fixture: &F) {
    let table = fixture.store();
    is_misuse(&table.scan(None, 0).await);
    is_misuse(&table.scan(Some(&Cursor("nobody answered with this".to_owned())), 10).await);
}
