//! An object that comes in parts.

use bytes::Bytes;

use super::{BlobsFixture, bytes_of, chunks, failing, listed, make, only, part, put, stream};
use crate::blobs::Durability::{BeforeNext, OnAnswer};
use crate::blobs::{Part, PartsId, Put, WriteBlobs};
use crate::contract::corner::{fresh_object, noise};
use crate::contract::expectation::{Answered, is_body_error};
use crate::object_keys::ObjectKey;

/// Bytes of a part that others may follow, `n` telling it from others by its length.
fn part_bytes<F: BlobsFixture>(n: usize) -> Bytes {
    noise(F::PART_BYTES_MIN.max(500) + n)
}

/// An object in the making, with two parts stored: its name, its parts, and the bytes it will have.
async fn two_parts<F: BlobsFixture>(store: &F::Store, key: &ObjectKey) -> (PartsId, Vec<Part>, Bytes) {
    let id = store.open_parts(key).await.answered();
    let bytes = [part_bytes::<F>(1), noise(2)];
    let mut parts = Vec::new();
    for (number, bytes) in (1..).zip(&bytes) {
        parts.push(part(store, key, &id, number, bytes).await);
    }
    (id, parts, bytes.concat().into())
}

fn stored(bytes: &Bytes) -> Put {
    Put::Stored { size: bytes.len() as u64 }
}

pub async fn parts_make_one_object_in_their_order<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    for durability in [OnAnswer, BeforeNext] {
        let key = fresh_object();
        let bytes = [part_bytes::<F>(1), part_bytes::<F>(2), noise(3)];
        let id = store.open_parts(&key).await.answered();
        // They may come in any order, and their number of bytes need not be said.
        let third = part(&*store, &key, &id, 3, &bytes[2]).await;
        let first = store.put_parts(&key, &id, 1, None, stream(&bytes[0])).await.answered();
        let first = only(first, 1, &bytes[0]);
        let second = part(&*store, &key, &id, 2, &bytes[1]).await;
        let whole = bytes.concat().into();
        let parts = [first, second, third];
        assert_eq!(store.complete(&key, &id, &parts, durability).await.answered(), stored(&whole));
        assert!(bytes_of(&*store, &key).await == Some(whole), "the parts in their order");
        assert_eq!(listed(&*store, key.as_str()).await, [key]);
    }
}

pub async fn nothing_is_visible_before_the_end<F: BlobsFixture>(fixture: &F) {
    let (store, key) = (fixture.store(), fresh_object());
    let (id, parts, bytes) = two_parts::<F>(&store, &key).await;
    assert_eq!(bytes_of(&*store, &key).await, None);
    assert_eq!(listed(&*store, key.as_str()).await, []);
    assert_eq!(store.complete(&key, &id, &parts, OnAnswer).await.answered(), stored(&bytes));
    assert_eq!(bytes_of(&*store, &key).await, Some(bytes));
}

pub async fn only_the_named_parts_count<F: BlobsFixture>(fixture: &F) {
    let (store, key) = (fixture.store(), fresh_object());
    let id = store.open_parts(&key).await.answered();
    let bytes = [part_bytes::<F>(1), part_bytes::<F>(2), noise(3)];
    let mut parts = Vec::new();
    for (number, bytes) in (1..).zip(&bytes) {
        parts.push(part(&*store, &key, &id, number, bytes).await);
    }
    parts.remove(1);
    let whole: Bytes = [&bytes[0][..], &bytes[2][..]].concat().into();
    assert_eq!(store.complete(&key, &id, &parts, OnAnswer).await.answered(), stored(&whole));
    assert!(bytes_of(&*store, &key).await == Some(whole), "the first and the third, without the second");
}

/// A client repeats a chunk, or two send one at the same time. The tag of the later counts; that of the
/// earlier may count too, for the earlier's bytes, but never for the later's.
pub async fn a_part_that_is_sent_again_replaces_or_is_refused<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    for take_later in [true, false] {
        let key = fresh_object();
        let id = store.open_parts(&key).await.answered();
        let (earlier_bytes, later_bytes) = (noise(700), noise(700));
        let earlier = part(&*store, &key, &id, 1, &earlier_bytes).await;
        let later = part(&*store, &key, &id, 1, &later_bytes).await;
        assert_ne!(earlier.tag, later.tag);
        if take_later {
            assert_eq!(store.complete(&key, &id, &[later], OnAnswer).await.answered(), stored(&later_bytes));
            assert_eq!(bytes_of(&*store, &key).await, Some(later_bytes));
        } else {
            match store.complete(&key, &id, &[earlier], OnAnswer).await {
                Ok(Put::Stored { .. }) => assert_eq!(bytes_of(&*store, &key).await, Some(earlier_bytes)),
                refused => {
                    is_body_error(&refused);
                    assert_eq!(bytes_of(&*store, &key).await, None);
                }
            }
        }
    }
}

pub async fn a_wrong_tag_is_refused_and_the_right_ones_still_count<F: BlobsFixture>(fixture: &F) {
    let (store, key) = (fixture.store(), fresh_object());
    let (id, parts, bytes) = two_parts::<F>(&store, &key).await;
    for wrong in ["0123456789abcdef0123456789abcdef", "../../1", ""] {
        for at in 0..parts.len() {
            let mut named = parts.clone();
            named[at].tag = wrong.to_owned();
            is_body_error(&store.complete(&key, &id, &named, OnAnswer).await);
            assert_eq!(bytes_of(&*store, &key).await, None);
        }
    }
    let mut one_too_many = parts.clone();
    one_too_many.push(Part { number: 3, ..parts[1].clone() });
    is_body_error(&store.complete(&key, &id, &one_too_many, OnAnswer).await);
    assert_eq!(store.complete(&key, &id, &parts, OnAnswer).await.answered(), stored(&bytes));
    assert_eq!(bytes_of(&*store, &key).await, Some(bytes));
}

pub async fn a_part_with_another_number_of_bytes_is_not_stored<F: BlobsFixture>(fixture: &F) {
    let (store, key) = (fixture.store(), fresh_object());
    let id = store.open_parts(&key).await.answered();
    let bytes = noise(1000);
    for said in [999, 1001, 0] {
        is_body_error(&store.put_parts(&key, &id, 1, Some(said), stream(&bytes)).await);
    }
    for size in [None, Some(1000), Some(1001)] {
        is_body_error(&store.put_parts(&key, &id, 1, size, failing(&bytes)).await);
    }
    for size in [None, Some(0)] {
        is_body_error(&store.put_parts(&key, &id, 1, size, stream(&Bytes::new())).await);
    }
    // And after all that the part can still come.
    let part = part(&*store, &key, &id, 1, &bytes).await;
    assert_eq!(store.complete(&key, &id, &[part], OnAnswer).await.answered(), stored(&bytes));
    assert_eq!(bytes_of(&*store, &key).await, Some(bytes));
}

/// A store may repeat its answer, or say that the object is there.
pub async fn completing_twice_changes_nothing<F: BlobsFixture>(fixture: &F) {
    let (store, key) = (fixture.store(), fresh_object());
    let (id, parts, bytes) = two_parts::<F>(&store, &key).await;
    assert_eq!(store.complete(&key, &id, &parts, OnAnswer).await.answered(), stored(&bytes));
    for durability in [OnAnswer, BeforeNext] {
        let again = store.complete(&key, &id, &parts, durability).await.answered();
        assert!(again == Put::AlreadyThere || again == stored(&bytes), "{again:?}");
        assert_eq!(bytes_of(&*store, &key).await.as_ref(), Some(&bytes));
    }
}

/// Create-only holds for every way to make an object.
pub async fn a_completed_object_is_never_replaced<F: BlobsFixture>(fixture: &F) {
    let (store, by_put, by_parts) = (fixture.store(), fresh_object(), fresh_object());

    let (id, parts, _) = two_parts::<F>(&store, &by_put).await;
    let first = noise(100);
    assert_eq!(put(&*store, &by_put, &first, OnAnswer).await, stored(&first));
    assert_eq!(store.complete(&by_put, &id, &parts, OnAnswer).await.answered(), Put::AlreadyThere);
    assert_eq!(bytes_of(&*store, &by_put).await, Some(first));

    let (id, parts, first) = two_parts::<F>(&store, &by_parts).await;
    assert_eq!(store.complete(&by_parts, &id, &parts, OnAnswer).await.answered(), stored(&first));
    assert_eq!(put(&*store, &by_parts, &noise(100), OnAnswer).await, Put::AlreadyThere);
    assert_eq!(bytes_of(&*store, &by_parts).await, Some(first));
}

pub async fn of_many_that_complete_one_key_one_stores<F: BlobsFixture>(fixture: &F) {
    let (store, key) = (fixture.store(), fresh_object());
    let mut making = Vec::new();
    for _ in 0..4 {
        making.push(two_parts::<F>(&store, &key).await);
    }
    let racers = making.into_iter().map(|(id, parts, bytes)| {
        let (store, key) = (store.clone(), key.clone());
        tokio::spawn(async move { (store.complete(&key, &id, &parts, OnAnswer).await.answered(), bytes) })
    });
    let mut winners = Vec::new();
    for racer in racers.collect::<Vec<_>>() {
        match racer.await.expect("each racer comes to its end") {
            (Put::Stored { .. }, bytes) => winners.push(bytes),
            (other, _) => assert_eq!(other, Put::AlreadyThere),
        }
    }
    assert_eq!(winners.len(), 1, "one of them stored");
    assert_eq!(bytes_of(&*store, &key).await, winners.pop());
}

/// Two in the making, even under one key, have names and parts of their own.
pub async fn two_in_the_making_do_not_meet<F: BlobsFixture>(fixture: &F) {
    let (store, key, other) = (fixture.store(), fresh_object(), fresh_object());
    let (mine, my_parts, bytes) = two_parts::<F>(&store, &key).await;
    let (beside, _, _) = two_parts::<F>(&store, &key).await;
    let (elsewhere, their_parts, their_bytes) = two_parts::<F>(&store, &other).await;
    assert!(mine != beside && mine != elsewhere, "each has a name of its own");
    store.abort(&key, &beside).await.answered();
    assert_eq!(store.complete(&key, &mine, &my_parts, OnAnswer).await.answered(), stored(&bytes));
    assert_eq!(bytes_of(&*store, &key).await, Some(bytes));
    let completed = store.complete(&other, &elsewhere, &their_parts, OnAnswer).await.answered();
    assert_eq!(completed, stored(&their_bytes));
    assert_eq!(bytes_of(&*store, &other).await, Some(their_bytes));
}

pub async fn aborting_gives_the_parts_up<F: BlobsFixture>(fixture: &F) {
    let (store, key) = (fixture.store(), fresh_object());
    let (id, parts, _) = two_parts::<F>(&store, &key).await;
    for _ in 0..2 {
        store.abort(&key, &id).await.answered();
        is_body_error(&store.complete(&key, &id, &parts, OnAnswer).await);
        assert_eq!(bytes_of(&*store, &key).await, None);
        assert_eq!(listed(&*store, key.as_str()).await, []);
    }
    let unused = store.open_parts(&key).await.answered();
    store.abort(&key, &unused).await.answered();
}

pub async fn aborting_after_the_end_does_nothing<F: BlobsFixture>(fixture: &F) {
    let (store, key) = (fixture.store(), fresh_object());
    let (id, parts, bytes) = two_parts::<F>(&store, &key).await;
    assert_eq!(store.complete(&key, &id, &parts, OnAnswer).await.answered(), stored(&bytes));
    for _ in 0..2 {
        store.abort(&key, &id).await.answered();
        assert_eq!(bytes_of(&*store, &key).await.as_ref(), Some(&bytes));
    }
}

/// One stream may become several parts, and what comes after it goes on behind the last of them.
pub async fn many_bytes_may_be_many_parts<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    let border = F::PART_BYTES_MIN.max(1000);
    for (length, said) in [(border, true), (2 * border + 1, false), (5 * border - 1, true), (40 << 20, false)]
    {
        let (key, bytes, rest) = (fresh_object(), noise(length), noise(7));
        let id = store.open_parts(&key).await.answered();
        let size = said.then_some(length as u64);
        let pieces = bytes.chunks(300_001).map(Bytes::copy_from_slice).collect();
        let mut parts = store.put_parts(&key, &id, 1, size, chunks(pieces)).await.answered();
        for (number, part) in (1..).zip(&parts) {
            assert_eq!(part.number, number);
            assert!(part.size >= F::PART_BYTES_MIN as u64, "others may follow a part of {} bytes", part.size);
        }
        assert_eq!(parts.iter().map(|part| part.size).sum::<u64>(), length as u64);
        parts.push(part(&*store, &key, &id, parts.len() as u32 + 1, &rest).await);
        let whole = [&bytes[..], &rest[..]].concat().into();
        assert_eq!(store.complete(&key, &id, &parts, OnAnswer).await.answered(), stored(&whole));
        assert!(bytes_of(&*store, &key).await == Some(whole), "{length} bytes and a few more");
    }
}

pub async fn an_object_may_become_a_part<F: BlobsFixture>(fixture: &F) {
    let (store, key, from) = (fixture.store(), fresh_object(), fresh_object());
    let (first, tail) = (part_bytes::<F>(1), noise(77));
    make(&*store, &from, &tail).await;
    let id = store.open_parts(&key).await.answered();
    let first_part = part(&*store, &key, &id, 1, &first).await;
    // Whoever lost the answer asks again.
    for _ in 0..2 {
        let last = store.put_part_of(&key, &id, 2, &from, 77).await.answered();
        assert_eq!((last.number, last.size), (2, 77));
    }
    let last = store.put_part_of(&key, &id, 2, &from, 77).await.answered();
    let whole = [&first[..], &tail[..]].concat().into();
    let parts = [first_part, last];
    assert_eq!(store.complete(&key, &id, &parts, OnAnswer).await.answered(), stored(&whole));
    assert!(bytes_of(&*store, &key).await == Some(whole), "the first part, and the object behind it");
    assert_eq!(bytes_of(&*store, &from).await, Some(tail), "the object is there still");
    is_body_error(&store.put_part_of(&key, &id, 2, &from, 77).await);
}

pub async fn a_size_is_that_of_the_whole_object<F: BlobsFixture>(fixture: &F) {
    let (store, by_put, by_parts) = (fixture.store(), fresh_object(), fresh_object());
    assert_eq!(store.size(&by_put).await.answered(), None);
    make(&*store, &by_put, &noise(123)).await;
    assert_eq!(store.size(&by_put).await.answered(), Some(123));
    let (id, parts, bytes) = two_parts::<F>(&store, &by_parts).await;
    assert_eq!(store.size(&by_parts).await.answered(), None);
    store.complete(&by_parts, &id, &parts, OnAnswer).await.answered();
    assert_eq!(store.size(&by_parts).await.answered(), Some(bytes.len() as u64));
}
