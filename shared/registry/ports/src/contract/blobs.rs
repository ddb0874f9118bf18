//! The clauses of the blob store's contract. Each is named by what it holds an adapter to.

pub mod ages;
pub mod deletes;
pub mod durability;
pub mod lists;
pub mod parts;
pub mod puts;
pub mod reads;

use std::ops::Range;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use moorage_oci::Digest;

use super::expectation::Answered;
use super::{Clause, Fixture};
use crate::blobs::{BlobStore, ByteStream, Durability, Object, ObjectBody, Part, Put, ReadBlobs, WriteBlobs};
use crate::error::PortError;
use crate::object_keys::ObjectKey;

/// A fixture whose store is a blob store.
pub trait BlobsFixture: Fixture<Store: BlobStore> {}

impl<F: Fixture<Store: BlobStore>> BlobsFixture for F {}

/// Every clause by its name (`puts::an_empty_object_is_an_object`), for a fixture.
#[must_use]
pub fn clauses<F: BlobsFixture>() -> Vec<(&'static str, Clause<F>)> {
    crate::__blobs_clauses!(__contract_names[F])
}

/// Makes a test of each clause of the blob store's contract, for a fixture.
#[macro_export]
macro_rules! blobs_contract {
    ($fixture:ty) => {
        $crate::__blobs_clauses!(__contract_tests[$fixture]);
    };
}

/// The list of the clauses. A test shows that none is missing.
#[doc(hidden)]
#[macro_export]
macro_rules! __blobs_clauses {
    ($then:ident $arguments:tt) => {
        $crate::$then! {
            $arguments blobs:
            ages {
                an_object_was_made_when_it_came,
                nothing_was_made_where_nothing_is,
            }
            deletes {
                a_deleted_object_is_gone,
                a_delete_takes_one_object_only,
                a_reader_that_has_begun_finishes,
                deleting_what_is_absent_succeeds,
            }
            durability {
                an_object_is_there_whole_or_not_at_all,
                parts_survive_and_can_be_completed,
                what_was_answered_survives_an_orderly_end,
                what_was_to_be_durable_on_answer_survives_a_power_cut,
            }
            lists {
                a_list_answers_in_byte_order,
                a_list_answers_its_prefix_only,
                a_list_begins_after_a_key,
                a_list_is_no_longer_than_asked_for,
                a_list_shows_finished_objects_only,
                a_prefix_may_end_anywhere,
            }
            parts {
                a_completed_object_is_never_replaced,
                a_part_that_is_sent_again_replaces_or_is_refused,
                a_part_with_another_number_of_bytes_is_not_stored,
                a_size_is_that_of_the_whole_object,
                a_wrong_tag_is_refused_and_the_right_ones_still_count,
                aborting_after_the_end_does_nothing,
                aborting_gives_the_parts_up,
                an_object_may_become_a_part,
                completing_twice_changes_nothing,
                many_bytes_may_be_many_parts,
                nothing_is_visible_before_the_end,
                of_many_that_complete_one_key_one_stores,
                only_the_named_parts_count,
                parts_make_one_object_in_their_order,
                two_in_the_making_do_not_meet,
            }
            puts {
                a_digest_mismatch_leaves_nothing,
                a_failing_stream_leaves_nothing,
                a_key_may_begin_with_another,
                a_large_object_comes_in_odd_chunks,
                a_put_given_up_leaves_nothing,
                a_put_where_an_object_is_changes_nothing,
                a_sha512_digest_is_checked,
                a_wrong_number_of_bytes_leaves_nothing,
                an_empty_object_is_an_object,
                an_object_is_visible_when_it_is_answered,
                long_keys_are_keys,
                of_many_puts_of_one_key_one_stores,
            }
            reads {
                a_range_answers_exactly_its_bytes,
                a_range_may_span_parts,
                many_may_read_at_once,
                what_was_never_made_is_absent,
            }
        }
    };
}

/// Bytes as one chunk, or as none where there are none.
pub(super) fn stream(bytes: &Bytes) -> ByteStream {
    chunks(if bytes.is_empty() { vec![] } else { vec![bytes.clone()] })
}

fn chunks(chunks: Vec<Bytes>) -> ByteStream {
    stream::iter(chunks.into_iter().map(Ok)).boxed()
}

/// Some bytes, and then the connection is gone.
fn failing(bytes: &Bytes) -> ByteStream {
    let gone = PortError::Body("the connection was closed".to_owned());
    stream::iter([Ok(bytes.clone()), Err(gone)]).boxed()
}

/// Some bytes, and then nothing for ever; says on `stalled` when it has come to that.
fn stalling(bytes: &Bytes, stalled: tokio::sync::oneshot::Sender<()>) -> ByteStream {
    let for_ever = async move {
        // Who waits for it may be gone.
        let _ = stalled.send(());
        std::future::pending().await
    };
    stream::iter([Ok(bytes.clone())]).chain(stream::once(for_ever)).boxed()
}

/// Puts bytes under their own sha256, their number said.
pub(super) async fn put(
    store: &impl WriteBlobs,
    key: &ObjectKey,
    bytes: &Bytes,
    durability: Durability,
) -> Put {
    let size = Some(bytes.len() as u64);
    store.put(key, &Digest::sha256(bytes), size, stream(bytes), durability).await.answered()
}

/// Puts bytes and counts on it.
async fn make(store: &impl WriteBlobs, key: &ObjectKey, bytes: &Bytes) {
    let put = put(store, key, bytes, Durability::OnAnswer).await;
    assert_eq!(put, Put::Stored { size: bytes.len() as u64 });
}

/// Stores one part and counts on it.
async fn part(
    store: &impl WriteBlobs,
    key: &ObjectKey,
    id: &crate::PartsId,
    number: u32,
    bytes: &Bytes,
) -> Part {
    let size = Some(bytes.len() as u64);
    only(store.put_parts(key, id, number, size, stream(bytes)).await.answered(), number, bytes)
}

/// The one part that so few bytes are.
fn only(mut parts: Vec<Part>, number: u32, bytes: &Bytes) -> Part {
    let part = parts.pop().expect("bytes make a part");
    assert_eq!(parts, [], "so few bytes make one part");
    assert_eq!((part.number, part.size), (number, bytes.len() as u64));
    part
}

/// The whole object, or `None` where there is none.
pub(super) async fn bytes_of(store: &impl ReadBlobs, key: &ObjectKey) -> Option<Bytes> {
    let object = store.get(key, None).await.answered()?;
    let size = object.size;
    let bytes = read(object).await;
    assert_eq!(bytes.len() as u64, size, "a whole object has as many bytes as it says");
    Some(bytes)
}

/// These bytes of an object that is there, and the size that was said beside them.
async fn range_of(store: &impl ReadBlobs, key: &ObjectKey, range: Range<u64>) -> (Bytes, u64) {
    let object = store.get(key, Some(range)).await.answered().expect("the object is there");
    let size = object.size;
    (read(object).await, size)
}

/// The bytes that an object was asked for.
async fn read(object: Object) -> Bytes {
    match object.body {
        ObjectBody::Bytes(bytes) => bytes,
        ObjectBody::Stream(stream) => {
            let chunks: Vec<Bytes> = stream.try_collect().await.answered();
            chunks.concat().into()
        }
    }
}

/// The only keys of a prefix that a clause has to itself.
async fn listed(store: &impl BlobStore, prefix: &str) -> Vec<ObjectKey> {
    store.list(prefix, None, 1000).await.answered()
}
