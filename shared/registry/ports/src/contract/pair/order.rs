//! An object made "before next" is durable no later than the table's next write that is durable on answer.

use super::PairFixture;
use crate::blobs::{Durability, Put, WriteBlobs as _};
use crate::contract::blobs::{bytes_of, put, stream};
use crate::contract::corner::{Corner, fresh_object, noise};
use crate::contract::expectation::Answered;
use crate::contract::{Ending, Reopened};
use crate::table::{Action, Expect, ReadTable as _, WriteTable as _};

pub async fn an_object_is_durable_with_the_next_write_of_the_table<F: PairFixture>(fixture: &mut F) {
    for in_transaction in [false, true] {
        for length in [0, 100, 70_000, 2 << 20] {
            let (key, bytes, record) = (fresh_object(), noise(length), Corner::new().tag("v1", 1));
            let store = fixture.store();
            assert_eq!(
                put(&*store.blobs, &key, &bytes, Durability::BeforeNext).await,
                Put::Stored { size: length as u64 }
            );
            if in_transaction {
                store.table.transact(vec![Action::Put(record, Expect::Absent)]).await.answered();
            } else {
                store.table.put(record, Expect::Absent, Durability::OnAnswer).await.answered();
            }
            drop(store);
            if fixture.reopen(Ending::PowerCut).await == Reopened::Unsupported {
                return;
            }
            assert_eq!(bytes_of(&*fixture.store().blobs, &key).await, Some(bytes));
        }
    }
}

pub async fn an_object_in_parts_is_durable_with_the_next_write_of_the_table<F: PairFixture>(fixture: &mut F) {
    let (key, bytes) = (fresh_object(), noise(F::PART_BYTES_MIN + 1000));
    let (head, tail) = (bytes.slice(..F::PART_BYTES_MIN), bytes.slice(F::PART_BYTES_MIN..));
    let store = fixture.store();
    let id = store.blobs.open_parts(&key).await.answered();
    let mut parts = Vec::new();
    for (number, part) in [(1, head), (2, tail)] {
        parts.extend(store.blobs.put_parts(&key, &id, number, None, stream(&part)).await.answered());
    }
    store.blobs.complete(&key, &id, &parts, Durability::BeforeNext).await.answered();
    store.table.put(Corner::new().tag("v1", 1), Expect::Absent, Durability::OnAnswer).await.answered();
    drop(store);
    if fixture.reopen(Ending::PowerCut).await == Reopened::Unsupported {
        return;
    }
    assert_eq!(bytes_of(&*fixture.store().blobs, &key).await, Some(bytes));
}

/// Both written in passing: after a power cut there may be neither, or the object alone.
pub async fn a_record_never_outlives_its_object<F: PairFixture>(fixture: &mut F) {
    let pairs: Vec<_> =
        (0..10).map(|n| (fresh_object(), noise(100 * n), Corner::new().tag("v1", 1))).collect();
    let store = fixture.store();
    for (key, bytes, record) in &pairs {
        put(&*store.blobs, key, bytes, Durability::BeforeNext).await;
        store.table.put(record.clone(), Expect::Absent, Durability::BeforeNext).await.answered();
    }
    drop(store);
    if fixture.reopen(Ending::PowerCut).await == Reopened::Unsupported {
        return;
    }
    let store = fixture.store();
    for (key, bytes, record) in pairs {
        if store.table.get(&record.key).await.answered().is_some() {
            assert_eq!(bytes_of(&*store.blobs, &key).await, Some(bytes), "the object of a record");
        }
    }
}
