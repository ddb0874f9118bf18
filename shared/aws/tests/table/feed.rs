//! What happens to a stream's shards: they split, lose their oldest records, and are replaced. The contract says
//! the rest.

use std::collections::BTreeMap;
use std::time::Duration;

use moorage_aws::Table;
use moorage_engines::streams::Streams;
use moorage_ports::testing_context::TestContext;
use moorage_ports::{Change, ChangeFeed, Changes, Cursor, PortError};
use serde_json::Value;

use crate::script::{self, item_json, refused};

/// A table with streams that the test arranges.
struct Feed {
    streams: Streams,
    table: Table,
    test: TestContext,
}

impl Feed {
    fn new() -> Self {
        let (streams, test) = (Streams::new(), TestContext::new(1));
        let table = Table::new(&streams.sdk_config(), "registry", test.context());
        Self { streams, table, test }
    }

    /// Another process: it remembers nothing.
    fn restarted(self) -> Self {
        let table = Table::new(&self.streams.sdk_config(), "registry", self.test.context());
        Self { table, ..self }
    }

    /// Changes of items, by their numbers.
    fn insert(&self, shard: &str, items: impl IntoIterator<Item = u128>) {
        for item in items {
            let image: Value = serde_json::from_str(&item_json(item)).expect("it is JSON");
            self.streams.insert(shard, &image);
        }
    }

    async fn page(&self, cursor: &Cursor, limit: usize) -> Changes {
        self.table.changes(cursor, limit).await.expect("it is answered")
    }

    /// All that comes after a cursor in pages of this length: numbers, how the feed goes on, and whether any
    /// page said that changes were lost.
    async fn rest(&self, cursor: &Cursor, limit: usize) -> (Vec<u128>, Cursor, bool) {
        let (mut all, mut cursor, mut lost) = (Vec::new(), cursor.clone(), false);
        loop {
            let page = self.page(&cursor, limit).await;
            (cursor, lost) = (page.next, lost || page.lost);
            if page.changes.is_empty() {
                return (all, cursor, lost);
            }
            all.extend(numbers(&page.changes));
        }
    }
}

fn numbers(changes: &[Change]) -> Vec<u128> {
    let number = |change: &Change| change.new.as_ref().and_then(|item| item.version).map(|v| v.0.0);
    changes.iter().filter_map(number).collect()
}

const BEGINNING: fn() -> Cursor = Cursor::default;

/// `a` splits into `b` and `c`, and they into one each; numbers with one last digit stand for one item.
async fn changes_of_split_shards(listing: &[&str], limit: usize) -> Vec<u128> {
    let feed = Feed::new();
    let parents = BTreeMap::from([("b", "a"), ("c", "a"), ("d", "b"), ("e", "c")]);
    for shard in listing {
        feed.streams.open(shard, parents.get(shard).copied());
    }
    for (shard, changes) in
        [("a", [11, 12, 21, 22]), ("b", [31, 41, 51, 61]), ("c", [32, 42, 52, 62]), ("d", [71, 81, 91, 101])]
    {
        feed.insert(shard, changes);
    }
    feed.insert("e", [72, 82]);
    for closed in ["a", "b", "c"] {
        feed.streams.close(closed);
    }
    let (all, _, lost) = feed.rest(&BEGINNING(), limit).await;
    assert!(!lost);
    all
}

#[tokio::test]
async fn children_are_read_after_the_end_of_their_parents() {
    for listing in [["a", "b", "c", "d", "e"], ["e", "d", "c", "b", "a"], ["d", "a", "c", "e", "b"]] {
        for limit in [1, 3, 1000] {
            let all = changes_of_split_shards(&listing, limit).await;
            assert_eq!(all.len(), 18, "{listing:?}, {limit}: {all:?}");
            for item in [1, 2] {
                let of_item: Vec<u128> = all.iter().copied().filter(|n| n % 10 == item).collect();
                assert!(of_item.is_sorted(), "{listing:?}, {limit}: {all:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_shard_that_splits_while_it_is_read_loses_nothing() {
    let feed = Feed::new();
    feed.streams.open("a", None);
    feed.insert("a", [1, 2]);
    let (first, cursor, _) = feed.rest(&BEGINNING(), 1).await;
    feed.insert("a", [3]);
    feed.streams.close("a");
    feed.streams.open("b", Some("a"));
    feed.insert("b", [4]);
    let (second, cursor, _) = feed.rest(&cursor, 1).await;
    // The parent goes first, being older.
    feed.streams.forget("a");
    feed.insert("b", [5]);
    let feed = feed.restarted();
    let (third, cursor, lost) = feed.rest(&cursor, 1).await;
    assert_eq!((first, second, third, lost), (vec![1, 2], vec![3, 4], vec![5], false));
    assert_eq!(feed.rest(&cursor, 1).await.0, []);
}

#[tokio::test]
async fn trimmed_records_are_said_to_be_lost_once() {
    for restarts in [false, true] {
        let mut feed = Feed::new();
        feed.streams.open("a", None);
        feed.insert("a", 1..=5);
        let page = feed.page(&BEGINNING(), 2).await;
        assert_eq!((numbers(&page.changes), page.lost), (vec![1, 2], false));
        feed.streams.trim("a", 4);
        if restarts {
            feed = feed.restarted();
        }
        let page = feed.page(&page.next, 2).await;
        assert_eq!((numbers(&page.changes), page.lost), (vec![5], true), "restarts: {restarts}");
        let page = feed.page(&page.next, 2).await;
        assert_eq!((numbers(&page.changes), page.lost), (vec![], false));
    }
}

#[tokio::test]
async fn a_shard_that_went_unread_is_said_to_be_lost() {
    for (read, lost) in [(1, true), (3, false)] {
        let feed = Feed::new();
        feed.streams.open("a", None);
        feed.insert("a", 1..=2);
        feed.streams.close("a");
        feed.streams.open("b", Some("a"));
        let page = feed.page(&BEGINNING(), read).await;
        feed.streams.forget("a");
        feed.insert("b", [3]);
        let page = feed.restarted().page(&page.next, 5).await;
        assert_eq!((numbers(&page.changes), page.lost), (vec![3], lost));
    }
}

/// A reader that was away for longer than records are kept may find shards of which it knows nothing, and that
/// have lost records already.
#[tokio::test]
async fn who_was_away_for_more_than_a_day_is_told() {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    for (hours, lost) in [(23, false), (25, true)] {
        let feed = Feed::new();
        feed.streams.open("a", None);
        let (_, cursor, _) = feed.rest(&BEGINNING(), 5).await;
        feed.insert("a", 1..=2);
        feed.test.clock.advance(HOUR * hours);
        feed.streams.trim("a", usize::from(lost));
        let feed = feed.restarted();
        let page = feed.page(&cursor, 5).await;
        assert_eq!((page.changes.len(), page.lost), (if lost { 1 } else { 2 }, lost));
        assert!(!feed.page(&page.next, 5).await.lost);
    }
}

#[tokio::test]
async fn expired_iterators_are_taken_anew() {
    let feed = Feed::new();
    feed.streams.open("a", None);
    let taken = || {
        let operations = feed.streams.operations();
        operations.iter().filter(|operation| *operation == "GetShardIterator").count()
    };
    let mut cursor = feed.page(&BEGINNING(), 5).await.next;
    for (change, expires, taken_by_then) in [(1, true, 2), (2, false, 2), (3, true, 3), (4, true, 4)] {
        if expires {
            feed.streams.expire_iterators();
        }
        feed.insert("a", [change]);
        let page = feed.page(&cursor, 5).await;
        assert_eq!((numbers(&page.changes), page.lost), (vec![change], false));
        assert_eq!(taken(), taken_by_then, "one that is not too old is remembered");
        cursor = page.next;
    }
}

/// "It might take multiple calls to get to a portion of the shard that contains stream records" (API reference,
/// `GetRecords`).
#[tokio::test]
async fn records_that_lie_apart_are_reached() {
    for (is_open, quiet, empty_pages) in [(true, 2, 2), (false, 20, 0), (false, 250, 1)] {
        let feed = Feed::new();
        feed.streams.open("a", None);
        feed.insert("a", [1]);
        feed.streams.keep_quiet("a", quiet);
        if !is_open {
            feed.streams.close("a");
        }
        let mut cursor = BEGINNING();
        for _ in 0..empty_pages {
            let page = feed.page(&cursor, 5).await;
            assert_eq!((numbers(&page.changes), page.lost), (vec![], false), "{quiet}");
            cursor = page.next;
        }
        assert_eq!(numbers(&feed.page(&cursor, 5).await.changes), [1], "{quiet}");
    }
}

#[tokio::test]
async fn no_shard_waits_for_the_end_of_another() {
    let feed = Feed::new();
    for (shard, changes) in [("a", 1..=50), ("b", 101..=101), ("c", 201..=250)] {
        feed.streams.open(shard, None);
        feed.insert(shard, changes);
    }
    let (mut cursor, mut seen) = (BEGINNING(), Vec::new());
    for _ in 0..3 {
        let page = feed.page(&cursor, 1).await;
        seen.extend(numbers(&page.changes));
        cursor = page.next;
    }
    seen.sort_unstable();
    assert_eq!(seen, [1, 101, 201]);
}

#[tokio::test]
async fn a_stream_that_took_anothers_place_is_read_next() {
    for earlier_is_kept in [true, false] {
        let feed = Feed::new();
        feed.streams.open("a", None);
        feed.insert("a", [1]);
        let (_, cursor, _) = feed.rest(&BEGINNING(), 5).await;
        feed.streams.switch_off();
        feed.streams.switch_on();
        if !earlier_is_kept {
            feed.streams.forget_earlier_streams();
        }
        feed.streams.open("b", None);
        feed.insert("b", [3]);
        let (changes, cursor, lost) = feed.rest(&cursor, 5).await;
        assert_eq!((changes, lost), (vec![3], true), "nobody kept what changed in between");
        feed.insert("b", [4]);
        let (changes, _, lost) = feed.rest(&cursor, 5).await;
        assert_eq!((changes, lost), (vec![4], false));
    }
}

#[tokio::test]
async fn a_stream_that_is_off_is_read_to_its_end_and_then_said() {
    let feed = Feed::new();
    feed.streams.open("a", None);
    feed.insert("a", [1, 2]);
    let page = feed.page(&BEGINNING(), 1).await;
    feed.streams.switch_off();
    let page = feed.page(&page.next, 1).await;
    assert_eq!(numbers(&page.changes), [2]);
    let off = feed.table.changes(&page.next, 1).await;
    assert!(
        matches!(&off, Err(PortError::Unavailable(why)) if why.contains("NEW_AND_OLD_IMAGES")),
        "{off:?}"
    );
}

#[tokio::test]
async fn a_cursor_of_something_else_is_corrupt() {
    let page = Feed::new().table.changes(&Cursor("17".to_owned()), 1).await;
    assert!(matches!(page, Err(PortError::Corrupt(_))), "{page:?}");
}

#[tokio::test]
async fn too_many_readers_are_throttled() {
    let (table, script) = script::table(vec![refused("LimitExceededException")]);
    let page = table.changes(&BEGINNING(), 1).await;
    assert!(matches!(page, Err(PortError::Throttled(_))), "{page:?}");
    assert_eq!(script.requests().len(), 3);
}
