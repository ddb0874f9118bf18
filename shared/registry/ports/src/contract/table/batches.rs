//! Batches: one call, each item for itself.

use super::TableFixture;
use crate::blobs::Durability::BeforeNext;
use crate::contract::corner::{Corner, noise, version};
use crate::contract::expectation::{Answered, is_misuse};
use crate::facts::Item;
use crate::keys::Key;
use crate::limits::{BATCH_GET_ITEMS_MAX, BATCH_WRITE_ITEMS_MAX, INLINE_BODY_BYTES_MAX};
use crate::table::{Action, Expect, ReadTable, WriteTable};

fn put(item: &Item) -> Action {
    Action::Put(item.clone(), Expect::Anything)
}

fn keys(items: &[Item]) -> Vec<Key> {
    items.iter().map(|item| item.key.clone()).collect()
}

/// Items of a clause, in one partition and then in another.
fn holds(corner: &Corner, number: usize) -> Vec<Item> {
    (0..number).map(|n| if n % 2 == 0 { corner.hold(n) } else { corner.listed(n) }).collect()
}

async fn put_all(table: &impl WriteTable, items: &[Item]) {
    for some in items.chunks(BATCH_WRITE_ITEMS_MAX) {
        table.batch_write(some.iter().map(put).collect()).await.answered();
    }
}

pub async fn batch_get_answers_in_the_order_of_its_keys<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (first, second, third) = (corner.tag("b", 1), corner.tag("a", 2), corner.hold(3));
    put_all(&*table, &[first.clone(), second.clone(), third.clone()]).await;
    let asked = [&third.key, &corner.tag_key("none"), &first.key, &corner.tag_key("nor-this"), &second.key];
    let answer = table.batch_get(&asked.map(Key::clone)).await.answered();
    assert_eq!(answer, [Some(third), None, Some(first), None, Some(second)]);
}

pub async fn batch_get_takes_a_hundred_keys<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let items = holds(&corner, BATCH_GET_ITEMS_MAX);
    put_all(&*table, &items).await;
    let answer = table.batch_get(&keys(&items)).await.answered();
    assert_eq!(answer, items.into_iter().map(Some).collect::<Vec<_>>());
}

/// More bytes than a backend answers in one go (DynamoDB: 16 MB): the adapter asks for the rest.
pub async fn a_large_batch_get_is_answered_whole<F: TableFixture>(fixture: &F) {
    let table = fixture.store();
    let bytes = noise(INLINE_BODY_BYTES_MAX);
    let items: Vec<Item> = (0..48).map(|_| Corner::new().body(bytes.clone())).collect();
    for item in &items {
        table.put(item.clone(), Expect::Anything, BeforeNext).await.answered();
    }
    let answer = table.batch_get(&keys(&items)).await.answered();
    assert!(answer.into_iter().eq(items.into_iter().map(Some)), "each body, in the order of the keys");
}

pub async fn a_misused_batch_get_is_turned_away<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let too_many = keys(&holds(&corner, BATCH_GET_ITEMS_MAX + 1));
    is_misuse(&table.batch_get(&too_many).await);
    let twice = [corner.tag_key("a"), corner.tag_key("b"), corner.tag_key("a")];
    is_misuse(&table.batch_get(&twice).await);
}

pub async fn a_batch_of_nothing_is_done<F: TableFixture>(fixture: &F) {
    let table = fixture.store();
    assert_eq!(table.batch_get(&[]).await.answered(), []);
    table.batch_write(Vec::new()).await.answered();
}

pub async fn batch_write_puts_and_deletes<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (replaced, gone, kept) = (corner.tag("replaced", 1), corner.tag("gone", 1), corner.tag("kept", 1));
    put_all(&*table, &[replaced.clone(), gone.clone(), kept.clone()]).await;
    let (anew, made) = (corner.tag("replaced", 2), corner.hold(1));
    let writes = vec![
        put(&anew),
        Action::Delete(gone.key.clone(), Expect::Anything),
        put(&made),
        Action::Delete(corner.tag_key("never-was"), Expect::Anything),
    ];
    table.batch_write(writes).await.answered();
    let answer = table.batch_get(&keys(&[replaced, gone, kept.clone(), made.clone()])).await.answered();
    assert_eq!(answer, [Some(anew), None, Some(kept), Some(made)]);
}

pub async fn batch_write_takes_twenty_five_items<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let items = holds(&corner, BATCH_WRITE_ITEMS_MAX);
    table.batch_write(items.iter().map(put).collect()).await.answered();
    let answer = table.batch_get(&keys(&items)).await.answered();
    assert_eq!(answer, items.into_iter().map(Some).collect::<Vec<_>>());
}

pub async fn a_misused_batch_write_writes_nothing<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let items = holds(&corner, BATCH_WRITE_ITEMS_MAX + 1);
    let [first, second, ..] = &items[..] else { unreachable!("the clause made more than two") };
    let at_version = Expect::VersionIs(version());
    let misuses = [
        items.iter().map(put).collect(),
        vec![put(first), put(second), put(first)],
        vec![put(first), Action::Delete(first.key.clone(), Expect::Anything)],
        vec![put(first), Action::Check(second.key.clone(), Expect::Anything)],
        vec![put(first), Action::Put(second.clone(), Expect::Absent)],
        vec![put(first), Action::Delete(second.key.clone(), at_version)],
    ];
    for misuse in misuses {
        is_misuse(&table.batch_write(misuse).await);
        assert_eq!(table.batch_get(&keys(&items[..2])).await.answered(), [None, None]);
    }
}

pub async fn repeating_a_batch_write_changes_nothing_more<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (made, gone) = (corner.tag("made", 1), corner.tag("gone", 1));
    put_all(&*table, std::slice::from_ref(&gone)).await;
    for _ in 0..2 {
        let writes = vec![put(&made), Action::Delete(gone.key.clone(), Expect::Anything)];
        table.batch_write(writes).await.answered();
        let answer = table.batch_get(&[made.key.clone(), gone.key.clone()]).await.answered();
        assert_eq!(answer, [Some(made.clone()), None]);
    }
}
