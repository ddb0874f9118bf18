//! Properties of a search, against the plain way: look at everything, and sort what is searched for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::contract::Memory;
use moorage_ports::counting::{Counting, counting};
use moorage_ports::facts::{ManifestRecord, Node, SearchedRecord, State};
use moorage_ports::limits::BATCH_WRITE_ITEMS_MAX;
use moorage_ports::testing_context::TestContext;
use moorage_ports::{
    Action, Expect, Fact, Incarnation, Item, Key, Nonce, SearchPlace, SearchScope, SearchTerm, Timestamp,
    Version, WriteTable,
};
use proptest::prelude::*;
use proptest::test_runner::Config;

use super::merge::Merge;
use super::page::LOOKED_AT_IN_PAGE_MAX;
use super::{Lead, NamedValue, SearchPage, SearchQuery};
use crate::registry::{Common, Pull};
use crate::settings::Settings;
use crate::upload::TokenSecret;

fn config(cases: u32) -> Config {
    Config { failure_persistence: None, ..Config::with_cases(cases) }
}

/// Reads lists as an adapter would that answers at most `cut` items, and says that there may be more wherever it does not
/// know.
fn walk(lists: &[Vec<u16>], wanted: &[usize], cut: usize) -> Vec<u16> {
    let mut merge = Merge::of(lists.len());
    let mut walked = Vec::new();
    let mut pages = wanted.iter().cycle();
    while !merge.is_over() {
        let page = *pages.next().expect("there is always one more");
        let end = walked.len() + page;
        loop {
            walked.extend(std::iter::from_fn(|| merge.next()).take(end - walked.len()));
            if walked.len() == end || merge.is_over() {
                break;
            }
            let missing = end - walked.len();
            let parts = merge.parts(missing);
            assert!(!parts.is_empty(), "what is not over goes on");
            for part in parts {
                let even = missing / lists.len();
                let is_its_share = part.limit <= missing && part.limit <= even + 2 * even.isqrt() + 4;
                assert!(part.limit > 0 && (is_its_share || lists.len() == 1), "{part:?} of {missing}");
                let rest = lists[part.list]
                    .iter()
                    .copied()
                    .filter(|item| part.after.is_none_or(|after| *item > after));
                let items: Vec<u16> = rest.take(part.limit.min(cut)).collect();
                let more = items.len() == part.limit.min(cut);
                merge.add(part.list, items, more);
            }
        }
    }
    walked
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn lists_are_read_as_one(
        items in prop::collection::btree_map(any::<u16>(), 0..8_usize, 0..300),
        lists in 1..=8_usize,
        wanted in prop::collection::vec(1..40_usize, 1..5),
        cut in 1..30_usize,
    ) {
        let mut parted = vec![Vec::new(); lists];
        items.iter().for_each(|(item, list)| parted[list % lists].push(*item));
        prop_assert_eq!(walk(&parted, &wanted, cut), items.into_keys().collect::<Vec<_>>());
    }
}

#[test]
fn a_page_is_mostly_read_in_one_round() {
    let spread = |item: u16| usize::from(item.wrapping_mul(40_503) >> 13);
    let mut lists = vec![Vec::new(); 8];
    (0..5000_u16).for_each(|item| lists[spread(item)].push(item));
    for wanted in [1_usize, 2, 3, 4, 10, 50, 100] {
        let mut merge = Merge::of(8);
        let mut read = 0;
        for part in merge.parts(wanted) {
            merge.add(part.list, lists[part.list][..part.limit].to_vec(), true);
            read += part.limit;
        }
        let certain = std::iter::from_fn(|| merge.next()).take(wanted).count();
        assert_eq!(certain, wanted, "{read} read");
        assert!(read <= 8 * wanted.min(4) + 3 * wanted, "{read} read for {wanted}");
    }
}

/// A manifest of a property: all that a search may go by, from few values, so that some meet.
#[derive(Clone, Debug)]
struct Made {
    repository: u8,
    number: u8,
    pushed: u8,
    artifact_type: u8,
    annotation: u8,
    label: u8,
    is: Is,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Is {
    There,
    InTheBin,
    Gone,
    /// In another life than the one that its items are of.
    Again,
    /// There, and an entry is left of an earlier push.
    PushedAgain,
}

fn made() -> impl Strategy<Value = Made> {
    let is = prop_oneof![
        4 => Just(Is::There),
        1 => Just(Is::InTheBin),
        1 => Just(Is::Gone),
        1 => Just(Is::Again),
        1 => Just(Is::PushedAgain),
    ];
    (0..3_u8, any::<u8>(), 0..20_u8, 0..3_u8, 0..3_u8, 0..2_u8, is).prop_map(
        |(repository, number, pushed, artifact_type, annotation, label, is)| Made {
            repository,
            number,
            pushed,
            artifact_type,
            annotation,
            label,
            is,
        },
    )
}

fn repository(number: u8) -> RepositoryName {
    // One that is another's beginning, and goes on with what sorts before a slash.
    ["a", "a-b", "a/b"][usize::from(number)].parse().expect("a name")
}

fn type_named(number: u8) -> String {
    format!("application/vnd.example.t{number}")
}

impl Made {
    fn place(&self) -> SearchPlace {
        SearchPlace {
            pushed: Timestamp(1_000_000 + u64::from(self.pushed)),
            repository: repository(self.repository),
            digest: Digest::sha256(&[self.number]),
        }
    }

    fn items(&self) -> Vec<Item> {
        let place = self.place();
        let incarnation = |life| Incarnation(Nonce(life));
        let record = ManifestRecord {
            node: Node {
                state: if self.is == Is::InTheBin { State::Recycled } else { State::Live },
                incarnation: incarnation(if self.is == Is::Again { 2 } else { 1 }),
                keep_until: Timestamp(0),
                deadline: None,
                from_bin: false,
            },
            media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
            size: 1,
            object: None,
            subject: None,
            artifact_type: Some(type_named(self.artifact_type)),
            pushed: Some(place.pushed),
            recycled: None,
            unheld: None,
        };
        let (annotation, label) = (self.annotation.to_string(), self.label.to_string());
        let terms = vec![
            SearchTerm::all(),
            SearchTerm::artifact_type(&type_named(self.artifact_type)),
            SearchTerm::annotation("a", &annotation),
        ];
        let searched = SearchedRecord {
            incarnation: incarnation(1),
            pushed: place.pushed,
            media_type: record.media_type.clone(),
            size: record.size,
            artifact_type: record.artifact_type.clone(),
            platforms: Vec::new(),
            annotations: BTreeMap::from([("a".to_owned(), annotation)]),
            labels: BTreeMap::from([("l".to_owned(), label)]),
            left_out: false,
            terms,
        };
        let mut places = vec![place.clone()];
        if self.is == Is::PushedAgain {
            places.push(SearchPlace { pushed: Timestamp(999_999), ..place.clone() });
        }
        let mut items = Vec::new();
        for at in &places {
            for term in &searched.terms {
                for scope in [
                    SearchScope::shard_of(&at.repository, &at.digest),
                    SearchScope::Repository(&at.repository),
                ] {
                    items.push(Item::once(Key::search_entry(scope, term, at), Fact::SearchEntry));
                }
            }
        }
        if self.is != Is::Gone {
            let key = Key::manifest(&place.repository, &place.digest);
            items.push(Item::at(key, Version(Nonce(1)), Fact::Manifest(record)));
        }
        let key = Key::searched(&place.repository, &place.digest);
        items.push(Item::at(key, Version(Nonce(1)), Fact::Searched(searched)));
        items
    }

    fn is_searched_for(&self, query: &SearchQuery) -> bool {
        let place = self.place();
        matches!(self.is, Is::There | Is::PushedAgain)
            && query.repository.as_ref().is_none_or(|it| *it == place.repository)
            && query.artifact_type.as_ref().is_none_or(|it| *it == type_named(self.artifact_type))
            && query.annotations.iter().all(|it| *it == named("a", self.annotation))
            && query.labels.iter().all(|it| *it == named("l", self.label))
            && query.since.is_none_or(|since| place.pushed > since)
            && query.before.is_none_or(|before| place.pushed < before)
    }
}

fn named(name: &str, value: u8) -> NamedValue {
    NamedValue::parse(&format!("{name}={value}")).expect("it has both")
}

fn query() -> impl Strategy<Value = SearchQuery> {
    let time = || prop::option::of((0..20_u64).prop_map(|ms| Timestamp(1_000_000 + ms)));
    let some = |most: u8| prop::option::of(0..most);
    let lead =
        prop::option::of(prop::sample::select(vec![Lead::Annotation, Lead::Type, Lead::Platform, Lead::All]));
    (some(3), some(3), some(3), some(2), lead, time(), time(), 1..30_usize).prop_map(
        |(repository_at, type_at, annotation, label, lead, since, before, limit)| SearchQuery {
            repository: repository_at.map(repository),
            artifact_type: type_at.map(type_named),
            platform: None,
            annotations: annotation.map(|value| named("a", value)).into_iter().collect(),
            labels: label.map(|value| named("l", value)).into_iter().collect(),
            lead,
            since,
            before,
            limit: Some(limit),
            after: None,
        },
    )
}

async fn filled(items: Vec<Item>) -> Arc<Counting<Memory>> {
    let table = Arc::new(counting(Arc::new(Memory::default())));
    for some in items.chunks(BATCH_WRITE_ITEMS_MAX) {
        let puts = some.iter().cloned().map(|item| Action::Put(item, Expect::Anything)).collect();
        table.batch_write(puts).await.expect("it can be written");
    }
    table
}

fn pull(table: &Arc<Counting<Memory>>, settings: Settings) -> Pull {
    let common = Common {
        context: TestContext::new(0).context(),
        settings: Arc::new(settings),
        secret: TokenSecret::new("of this test"),
    };
    Pull::new(table.clone(), table.clone(), common)
}

/// Every page, as somebody who follows the links sees them.
async fn pages(pull: &Pull, mut query: SearchQuery) -> Vec<SearchPage> {
    let mut pages = Vec::new();
    loop {
        let page = pull.search(&query).await.expect("it can be searched");
        query.after = page.next.clone();
        pages.push(page);
        if query.after.is_none() {
            return pages;
        }
    }
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn a_search_finds_what_is_there_each_once_the_newest_first(
        all in prop::collection::vec(made(), 0..120),
        query in query(),
    ) {
        let mut seen = BTreeSet::new();
        let all: Vec<Made> = all.into_iter().filter(|it| seen.insert((it.repository, it.number))).collect();
        let mut expected: Vec<SearchPlace> =
            all.iter().filter(|it| it.is_searched_for(&query)).map(Made::place).collect();
        // As the table sorts them.
        expected.sort_by_key(SearchPlace::to_string);
        let limit = query.limit.expect("there is one");
        let pages = run(async {
            let table = filled(all.iter().flat_map(Made::items).collect()).await;
            pages(&pull(&table, Settings::default()), query).await
        });
        for page in &pages {
            prop_assert!(page.results.len() <= limit);
        }
        let found: Vec<SearchPlace> = pages
            .into_iter()
            .flat_map(|page| page.results)
            .map(|it| SearchPlace { pushed: it.searched.pushed, repository: it.repository, digest: it.digest })
            .collect();
        prop_assert_eq!(found, expected);
    }
}

/// Candidates of which none is searched for: a page stops after so many of them, and says where to go on.
#[tokio::test]
async fn a_page_looks_at_so_many_and_no_more() {
    let one = |number: u16| {
        let place = SearchPlace {
            pushed: Timestamp(u64::from(number)),
            repository: repository(0),
            digest: Digest::sha256(&number.to_be_bytes()),
        };
        let scope = SearchScope::Repository(&place.repository);
        Item::once(Key::search_entry(scope, &SearchTerm::all(), &place), Fact::SearchEntry)
    };
    let table = filled((0..1200).map(one).collect()).await;
    let query = SearchQuery { repository: Some(repository(0)), limit: Some(1), ..SearchQuery::default() };
    let before = table.ledger().snapshot();
    let pages = pages(&pull(&table, Settings::default()), query).await;
    let calls = table.ledger().snapshot() - before;
    assert_eq!(pages.len(), 1200 / LOOKED_AT_IN_PAGE_MAX + 1);
    assert!(pages.iter().all(|page| page.results.is_empty()));
    // Few at first, then more and more.
    assert_eq!(calls.to_string(), "78 table (45 batch_get of 2400, 33 query)");
}

/// As many as an answer can have, however much is said of each.
#[tokio::test]
async fn a_page_is_not_too_long() {
    let long = |number| {
        let made = Made {
            repository: 0,
            number,
            pushed: 0,
            artifact_type: 0,
            annotation: 0,
            label: 0,
            is: Is::There,
        };
        let mut items = made.items();
        let of_it = items.iter_mut().find_map(|item| match &mut item.fact {
            Fact::Searched(searched) => Some(searched),
            _ => None,
        });
        of_it.expect("it is said what it is").labels.insert("long".to_owned(), "x".repeat(8 * 1024));
        items
    };
    let table = filled((0..100).flat_map(long).collect()).await;
    let pages = pages(&pull(&table, Settings::default()), SearchQuery::default()).await;
    let lengths: Vec<usize> = pages.iter().map(|page| page.results.len()).collect();
    assert_eq!(lengths, [64, 36]);
}

#[tokio::test]
async fn a_registry_without_search() {
    let table = filled(Vec::new()).await;
    let pull = pull(&table, Settings { search: false, ..Settings::default() });
    let refused = pull.search(&SearchQuery::default()).await.expect_err("it is off");
    assert!(matches!(refused, crate::RegistryError::NotSearched));
}

#[test]
fn a_platform_has_two_or_three_parts() {
    for text in ["linux/amd64", "linux/arm/v7"] {
        assert!(text.parse::<super::Platform>().is_ok(), "{text}");
    }
    for text in ["", "linux", "/", "linux/", "/amd64", "linux/arm/", "a/b/c/d"] {
        assert!(text.parse::<super::Platform>().is_err(), "{text}");
    }
}

#[test]
fn a_named_value_has_both() {
    for text in ["a=b", "a=", "a=b=c"] {
        assert!(NamedValue::parse(text).is_some(), "{text}");
    }
    for text in ["", "a", "=b", "="] {
        assert!(NamedValue::parse(text).is_none(), "{text}");
    }
}
