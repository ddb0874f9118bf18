//! What has survived when a store is opened again.

use super::{BlobsFixture, bytes_of, listed, make, part, put};
use crate::blobs::Durability::{BeforeNext, OnAnswer};
use crate::blobs::{DeleteBlobs as _, Put, WriteBlobs as _};
use crate::contract::corner::{fresh_object, noise};
use crate::contract::expectation::Answered;
use crate::contract::{Ending, Reopened};

const LENGTHS: [usize; 4] = [0, 100, 70_000, 2 << 20];

pub async fn what_was_to_be_durable_on_answer_survives_a_power_cut<F: BlobsFixture>(fixture: &mut F) {
    for length in LENGTHS {
        let (key, bytes) = (fresh_object(), noise(length));
        make(&*fixture.store(), &key, &bytes).await;
        if fixture.reopen(Ending::PowerCut).await == Reopened::Unsupported {
            return;
        }
        let store = fixture.store();
        assert!(bytes_of(&*store, &key).await == Some(bytes), "all {length} bytes");
        assert_eq!(listed(&*store, key.as_str()).await, [key]);
    }
}

pub async fn what_was_answered_survives_an_orderly_end<F: BlobsFixture>(fixture: &mut F) {
    let store = fixture.store();
    let gone = fresh_object();
    make(&*store, &gone, &noise(100)).await;
    let mut objects = Vec::new();
    for length in LENGTHS {
        let (key, bytes) = (fresh_object(), noise(length));
        put(&*store, &key, &bytes, BeforeNext).await;
        objects.push((key, bytes));
    }
    store.delete(&gone).await.answered();
    drop(store);
    if fixture.reopen(Ending::Closed).await == Reopened::Unsupported {
        return;
    }
    let store = fixture.store();
    for (key, bytes) in objects {
        assert!(bytes_of(&*store, &key).await == Some(bytes), "all bytes of {key}");
    }
    assert_eq!(bytes_of(&*store, &gone).await, None);
}

/// Bytes that no client was told of may be lost, but never a part of them; and the key is free then.
pub async fn an_object_is_there_whole_or_not_at_all<F: BlobsFixture>(fixture: &mut F) {
    for length in LENGTHS {
        let (key, bytes) = (fresh_object(), noise(length));
        let stored = Put::Stored { size: length as u64 };
        assert_eq!(put(&*fixture.store(), &key, &bytes, BeforeNext).await, stored);
        if fixture.reopen(Ending::PowerCut).await == Reopened::Unsupported {
            return;
        }
        let store = fixture.store();
        match bytes_of(&*store, &key).await {
            Some(there) => assert!(there == bytes, "all {length} bytes"),
            None => {
                assert_eq!(listed(&*store, key.as_str()).await, []);
                make(&*store, &key, &bytes).await;
            }
        }
    }
}

/// A chunked upload goes on where it was, whatever happened to the process.
pub async fn parts_survive_and_can_be_completed<F: BlobsFixture>(fixture: &mut F) {
    for ending in [Ending::Closed, Ending::PowerCut] {
        let key = fresh_object();
        let bytes = noise(F::PART_BYTES_MIN + 1000);
        let (head, tail) = (bytes.slice(..F::PART_BYTES_MIN), bytes.slice(F::PART_BYTES_MIN..));
        let store = fixture.store();
        let id = store.open_parts(&key).await.answered();
        let first = part(&*store, &key, &id, 1, &head).await;
        drop(store);
        if fixture.reopen(ending).await == Reopened::Unsupported {
            return;
        }
        let store = fixture.store();
        assert_eq!(bytes_of(&*store, &key).await, None);
        let second = part(&*store, &key, &id, 2, &tail).await;
        drop(store);
        fixture.reopen(ending).await;
        let store = fixture.store();
        let completed = store.complete(&key, &id, &[first, second], OnAnswer).await.answered();
        assert_eq!(completed, Put::Stored { size: bytes.len() as u64 });
        drop(store);
        fixture.reopen(ending).await;
        assert_eq!(bytes_of(&*fixture.store(), &key).await, Some(bytes));
    }
}
