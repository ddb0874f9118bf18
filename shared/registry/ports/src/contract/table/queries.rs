//! Queries: one partition, a range of sort keys, in byte order, page by page.

use super::TableFixture;
use crate::blobs::Durability::BeforeNext;
use crate::contract::corner::{self, Corner, LONG_REFERRER_TYPE, noise};
use crate::contract::expectation::Answered;
use crate::facts::{Fact, Item, State};
use crate::keys::{Key, SortRange};
use crate::table::{Expect, Page, Query, ReadTable, WriteTable};
use crate::value::Timestamp;

/// More than any clause has in one range.
const ALL: usize = 1000;

/// Tags in byte order, with what a case-blind, a natural or a locale's order would sort otherwise.
const IN_ORDER: [&str; 12] = ["0", "1.10", "1.9", "10", "9", "A", "Z", "_", "a", "a-b", "a.b", "aa"];

async fn put_all(table: &impl WriteTable, items: impl IntoIterator<Item = Item>) {
    for item in items {
        table.put(item, Expect::Anything, BeforeNext).await.answered();
    }
}

/// The tags of [`IN_ORDER`], put out of their order.
async fn put_tags(table: &impl WriteTable, corner: &Corner) {
    let scattered = (0..IN_ORDER.len()).map(|n| IN_ORDER[n * 5 % IN_ORDER.len()]);
    put_all(table, scattered.map(|tag| corner.tag(tag, 1))).await;
}

/// All items of a range, however many pages they take.
async fn whole(table: &impl ReadTable, range: SortRange, limit: usize) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut rest = range.clone();
    loop {
        let page = table.query(&Query { range: rest, limit }).await.answered();
        assert!(page.items.len() <= limit, "a page of {} where {limit} were asked for", page.items.len());
        items.extend(page.items.iter().cloned());
        if !page.more {
            return items;
        }
        let last = page.items.last().expect("a page that says more follows is not empty");
        rest = range.clone().after_key(&last.key);
    }
}

/// The names of tags, as one page of a range shows them.
async fn names(table: &impl ReadTable, range: SortRange) -> Vec<String> {
    let page = table.query_keys(&Query { range, limit: ALL }).await.answered();
    let name = |key: &Key| key.tag_name().expect("a range of tags has only tags").to_owned();
    page.items.iter().map(name).collect()
}

pub async fn a_query_answers_in_byte_order<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    put_tags(&*table, &corner).await;
    assert_eq!(names(&*table, corner.tags()).await, IN_ORDER);

    // Beyond ASCII, byte order is not the order of UTF-16 units: U+FF5E comes before U+1F980.
    let types = ["\u{1f980}", "z", "\u{e9}", "\u{ff5e}", "A"];
    put_all(&*table, types.map(|t| corner.referrer(t, 1))).await;
    let referrers = SortRange::referrers(&corner.repository, &corner.digest, None);
    let in_order = ["A", "z", "\u{e9}", "\u{ff5e}", "\u{1f980}"];
    assert_eq!(whole(&*table, referrers, ALL).await, in_order.map(|t| corner.referrer(t, 1)));
}

pub async fn a_query_answers_its_prefix_only<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (record, hold, body) = (corner.manifest(State::Live), corner.hold(1), corner.body(noise(10)));
    let was_held = Item::once(Key::was_held(&corner.repository, &corner.digest), Fact::WasHeld);
    let referrer = corner.referrer("a/b", 1);
    put_all(&*table, [&referrer, &was_held, &record, &hold, &body].map(Item::clone)).await;
    let holds = SortRange::holds_of_manifest(&corner.repository, &corner.digest);
    assert_eq!(whole(&*table, holds, ALL).await, [hold]);
    let both = SortRange::manifest_and_body(&corner.repository, &corner.digest);
    assert_eq!(whole(&*table, both, ALL).await, [body, record]);
    let referrers = SortRange::referrers(&corner.repository, &corner.digest, None);
    assert_eq!(whole(&*table, referrers, ALL).await, [referrer]);
}

pub async fn a_query_answers_its_partition_only<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    // Neighbours before and after, whose partition keys begin with or continue this one.
    for name in ["/a", "/b", "-a", "0"] {
        let mut neighbour = corner.clone();
        neighbour.repository = corner::repository(&format!("{}{name}", corner.repository));
        put_all(&*table, [neighbour.tag("other", 1)]).await;
    }
    let mine = corner.tag("mine", 1);
    put_all(&*table, [mine.clone()]).await;
    assert_eq!(whole(&*table, corner.tags(), ALL).await, [mine]);
}

pub async fn a_query_of_nothing_is_empty<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let query = Query { range: corner.tags(), limit: ALL };
    assert_eq!(table.query(&query).await.answered(), Page { items: vec![], more: false });
    put_all(&*table, [corner.listed(1)]).await;
    assert_eq!(table.query(&query).await.answered().items, []);
    assert_eq!(table.query_keys(&query).await.answered().items, []);
}

pub async fn a_query_begins_after_a_key<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    put_tags(&*table, &corner).await;
    for (position, tag) in IN_ORDER.iter().enumerate() {
        let after = SortRange::tags(&corner.repository, Some(tag));
        assert_eq!(names(&*table, after).await, IN_ORDER[position + 1..], "after {tag}");
    }
}

/// A list goes on after a tag that was deleted meanwhile, or never was.
pub async fn a_page_may_begin_after_what_is_no_key<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    put_tags(&*table, &corner).await;
    for (gone, next) in
        [("", 0), ("!", 0), ("1", 1), ("1.1", 1), ("B", 6), ("a-", 9), ("a\u{e9}", 12), ("zz", 12)]
    {
        let after = SortRange::tags(&corner.repository, Some(gone));
        assert_eq!(names(&*table, after).await, IN_ORDER[next..], "after {gone:?}");
    }
}

pub async fn a_query_begins_before_and_after_the_prefix<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    put_tags(&*table, &corner).await;
    put_all(&*table, [corner.listed(1)]).await;
    let before = corner.tags().after_key(&corner.listed(1).key);
    assert_eq!(names(&*table, before).await, IN_ORDER);
    let after = Key::was_tagged(&corner.repository, &corner.digest, Timestamp(1), &corner::tag("v1"));
    assert_eq!(names(&*table, corner.tags().after_key(&after)).await, [""; 0]);
}

pub async fn a_page_says_whether_more_follows<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    put_tags(&*table, &corner).await;
    for limit in 1..=IN_ORDER.len() + 1 {
        let page = table.query_keys(&Query { range: corner.tags(), limit }).await.answered();
        assert_eq!(page.items.len(), limit.min(IN_ORDER.len()), "a page of {limit} small items");
        assert!(page.more || limit >= IN_ORDER.len(), "more follows a page of {limit}");
    }
    let rest = SortRange::tags(&corner.repository, Some("zz"));
    let page = table.query_keys(&Query { range: rest, limit: 1 }).await.answered();
    assert_eq!(page, Page { items: vec![], more: false });
}

pub async fn pages_join_to_the_whole<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    put_tags(&*table, &corner).await;
    let all = whole(&*table, corner.tags(), ALL).await;
    assert_eq!(all.len(), IN_ORDER.len());
    for limit in 1..=5 {
        assert_eq!(whole(&*table, corner.tags(), limit).await, all, "in pages of {limit}");
    }
}

pub async fn a_query_of_keys_answers_the_same_page<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    put_tags(&*table, &corner).await;
    let referrers = SortRange::referrers(&corner.repository, &corner.digest, None);
    put_all(&*table, (0..9).map(|n| corner.referrer("a/b", n))).await;
    let after = SortRange::tags(&corner.repository, Some("A"));
    for range in [corner.tags(), after, referrers, corner.tags().after_key(&corner.listed(1).key)] {
        for limit in [1, 4, 9, 12, ALL] {
            let query = Query { range: range.clone(), limit };
            let items = table.query(&query).await.answered().items;
            let keys = table.query_keys(&query).await.answered().items;
            assert_eq!(items.into_iter().map(|item| item.key).collect::<Vec<_>>(), keys, "{query:?}");
        }
    }
}

/// More bytes than a backend answers in one page (DynamoDB: 1 MB).
pub async fn long_items_may_need_pages_and_lose_none<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let mut items: Vec<Item> = (0..20).map(|number| corner.long_referrer(number, 60 * 1024)).collect();
    put_all(&*table, items.clone()).await;
    items.sort_by(|a, b| a.key.cmp(&b.key));
    let range = SortRange::referrers(&corner.repository, &corner.digest, Some(LONG_REFERRER_TYPE));
    assert!(whole(&*table, range, ALL).await == items, "each referrer once, in order");
}

pub async fn types_with_one_beginning_are_told_apart<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let types = ["a/b", "a/b+json", "a/bc", "a/b#c", "a/", ""];
    put_all(&*table, types.map(|t| corner.referrer(t, 1))).await;
    for artifact_type in types {
        let range = SortRange::referrers(&corner.repository, &corner.digest, Some(artifact_type));
        assert_eq!(whole(&*table, range, ALL).await, [corner.referrer(artifact_type, 1)]);
    }
}
