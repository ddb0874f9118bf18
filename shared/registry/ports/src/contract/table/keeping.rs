//! Keep until: the one write that a pull may make.

use super::TableFixture;
use crate::blobs::Durability::OnAnswer;
use crate::contract::corner::{Corner, version};
use crate::contract::expectation::{Answered, REFUSED_BY_NOTHING, is_misuse, refused_by};
use crate::facts::{Item, State};
use crate::table::{Expect, KeepUntil, ReadTable, WriteTable, Written};
use crate::value::{Timestamp, Version};

const UNTIL: Timestamp = Timestamp(1_893_456_000_000);

/// The three kinds of nodes.
fn nodes(corner: &Corner, state: State) -> [Item; 3] {
    [corner.manifest(state), corner.grant(state), corner.content(state)]
}

/// The item as keeping has to leave it: nothing else changes.
fn kept(item: &Item, fresh: Version) -> Item {
    let mut kept = item.clone();
    kept.version = Some(fresh);
    let node = kept.fact.node_mut().expect("the clause keeps a node");
    node.keep_until = UNTIL;
    node.state = State::Live;
    kept
}

async fn put(table: &impl WriteTable, item: &Item) {
    table.put(item.clone(), Expect::Anything, OnAnswer).await.answered();
}

pub async fn keeping_moves_the_time_and_renews_the_version<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    for item in nodes(&corner, State::Live) {
        put(&*table, &item).await;
        let fresh = version();
        assert_eq!(table.keep_until(&item, UNTIL, fresh).await.answered(), Written::Done);
        assert_eq!(table.get(&item.key).await.answered(), Some(kept(&item, fresh)));
    }
}

pub async fn keeping_a_condemned_node_sets_it_back_to_live<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    for item in nodes(&corner, State::Condemned) {
        put(&*table, &item).await;
        let fresh = version();
        assert_eq!(table.keep_until(&item, UNTIL, fresh).await.answered(), Written::Done);
        assert_eq!(table.get(&item.key).await.answered(), Some(kept(&item, fresh)));
    }
}

pub async fn keeping_is_refused_on_another_version<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    for state in [State::Live, State::Condemned] {
        // As it was read, and what it has become since: also something that can't be kept.
        for (read, since) in nodes(&corner, state).into_iter().zip(nodes(&corner, State::Deleting)) {
            put(&*table, &since).await;
            assert_eq!(table.keep_until(&read, UNTIL, version()).await.answered(), refused_by(&since));
            assert_eq!(table.get(&since.key).await.answered(), Some(since));
        }
    }
}

pub async fn keeping_is_refused_where_nothing_is<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    for item in nodes(&corner, State::Live) {
        assert_eq!(table.keep_until(&item, UNTIL, version()).await.answered(), REFUSED_BY_NOTHING);
        assert_eq!(table.get(&item.key).await.answered(), None);
    }
}

pub async fn only_nodes_are_kept<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    for item in [corner.tag("v1", 1), corner.hold(1), corner.listed(1)] {
        put(&*table, &item).await;
        is_misuse(&table.keep_until(&item, UNTIL, version()).await);
        assert_eq!(table.get(&item.key).await.answered(), Some(item));
    }
}

pub async fn only_what_readers_see_is_kept<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    for state in [State::Pending, State::Recycled, State::Deleting] {
        for item in nodes(&corner, state) {
            put(&*table, &item).await;
            is_misuse(&table.keep_until(&item, UNTIL, version()).await);
            assert_eq!(table.get(&item.key).await.answered(), Some(item));
        }
    }
}
