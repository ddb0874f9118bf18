//! Broken blob stores.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use moorage_oci::{Algorithm, Digest};
use moorage_ports::contract::blobs::clauses;
use moorage_ports::{
    ByteStream, DeleteBlobs, Durability, Object, ObjectKey, Part, PartsId, PortError, Put, ReadBlobs,
    Timestamp, WriteBlobs,
};

use super::{Broken, BrokenFixture, OF_BLOBS, assert_catches};

/// Makes the defects of a blob store, and a test for each that names the clause which catches it.
macro_rules! defects {
    ($($file:ident::$clause:ident catches { $($defect:ident as $test:ident),* $(,)? })*) => {
        #[derive(Clone, Copy, PartialEq, Debug)]
        pub(super) enum Defect { $($($defect,)*)* }

        $($(
            #[test]
            fn $test() {
                let name = concat!(stringify!($file), "::", stringify!($clause));
                let break_it = || OF_BLOBS.set(Some(Defect::$defect));
                assert_catches(&clauses::<BrokenFixture<Defect>>(), name, break_it);
            }
        )*)*
    };
}

defects! {
    puts::a_put_where_an_object_is_changes_nothing catches { PutReplaces as a_put_that_replaces }
    puts::of_many_puts_of_one_key_one_stores catches { EachPutStores as a_put_that_always_says_stored }
    puts::a_digest_mismatch_leaves_nothing catches { MismatchIsStored as a_mismatch_that_is_stored }
    puts::a_sha512_digest_is_checked catches { Sha512IsTrusted as a_sha512_that_is_trusted }
    puts::a_wrong_number_of_bytes_leaves_nothing catches { SizeIsIgnored as a_size_that_is_ignored }
    puts::a_failing_stream_leaves_nothing catches { FailedStreamIsStored as a_failed_stream_that_is_stored }
    puts::a_put_given_up_leaves_nothing catches { WritesInPlace as a_put_that_writes_in_place }
    puts::an_empty_object_is_an_object catches { EmptyIsAbsent as an_empty_object_that_is_none }
    puts::a_large_object_comes_in_odd_chunks catches { EmptyChunkEnds as an_empty_chunk_that_ends_the_stream }
    reads::a_range_answers_exactly_its_bytes catches {
        RangeEndsLate as a_range_that_ends_late,
        RangeSaysItsOwnSize as a_range_that_says_its_own_size,
    }
    parts::nothing_is_visible_before_the_end catches { PartsAreVisible as parts_that_are_visible }
    parts::parts_make_one_object_in_their_order catches { PartsAsTheyCame as parts_as_they_came }
    parts::a_wrong_tag_is_refused_and_the_right_ones_still_count catches { TagsAreIgnored as tags_that_are_ignored }
    parts::completing_twice_changes_nothing catches { CompletingTwiceStores as completing_twice_that_says_another_size }
    parts::many_bytes_may_be_many_parts catches { LongBodiesAreCut as a_long_body_that_is_cut }
    parts::an_object_may_become_a_part catches { PartOfMovesIt as an_object_that_is_moved_into_a_part }
    parts::a_size_is_that_of_the_whole_object catches { SizeOfNothing as a_size_where_nothing_is }
    parts::aborting_gives_the_parts_up catches { AbortDoesNothing as an_abort_that_does_nothing }
    parts::aborting_after_the_end_does_nothing catches { AbortDeletes as an_abort_that_deletes }
    lists::a_list_answers_in_byte_order catches {
        ListBackwards as a_list_backwards,
        ListByDirectory as a_list_by_directory,
    }
    lists::a_list_begins_after_a_key catches { ListBeginsAtItsKey as a_list_that_begins_at_its_key }
    lists::a_list_is_no_longer_than_asked_for catches { ListIgnoresLimits as a_list_without_limits }
    lists::a_prefix_may_end_anywhere catches { PrefixIsADirectory as a_prefix_taken_for_a_directory }
    ages::an_object_was_made_when_it_came catches { ForgetsWhenItWasMade as a_store_that_forgets_when_an_object_was_made }
    deletes::a_delete_takes_one_object_only catches { DeleteTakesAll as a_delete_that_takes_all_below }
    deletes::a_deleted_object_is_gone catches { DeleteDoesNothing as a_delete_that_does_nothing }
    durability::what_was_to_be_durable_on_answer_survives_a_power_cut catches {
        AnswersBeforeItIsDurable as an_answer_before_it_is_durable,
    }
}

impl super::Defect for Defect {
    fn of_this_thread() -> Option<Self> {
        OF_BLOBS.get()
    }
}

impl Broken<Defect> {
    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// Stores bytes under a key, whatever their digest.
    async fn store(&self, key: &ObjectKey, bytes: Bytes) -> Result<Put, PortError> {
        let digest = Digest::sha256(&bytes);
        WriteBlobs::put(&*self.memory, key, &digest, None, one_chunk(bytes), Durability::OnAnswer).await
    }
}

fn one_chunk(bytes: Bytes) -> ByteStream {
    stream::iter([Ok(bytes)]).boxed()
}

/// What comes before the end, or before an error.
async fn what_comes(mut body: ByteStream) -> Bytes {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = body.try_next().await {
        bytes.extend_from_slice(&chunk);
    }
    bytes.into()
}

#[async_trait]
impl ReadBlobs for Broken<Defect> {
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Option<Object>, PortError> {
        let Some(whole) = ReadBlobs::get(&*self.memory, key, None).await? else { return Ok(None) };
        if self.has(Defect::EmptyIsAbsent) && whole.size == 0 {
            return Ok(None);
        }
        let Some(mut range) = range else { return Ok(Some(whole)) };
        if self.has(Defect::RangeEndsLate) && range.end < whole.size {
            range.end += 1;
        }
        let length = range.end - range.start;
        let mut object = ReadBlobs::get(&*self.memory, key, Some(range)).await?;
        match &mut object {
            Some(object) if self.has(Defect::RangeSaysItsOwnSize) => object.size = length,
            _ => {}
        }
        Ok(object)
    }

    async fn signed_url(&self, _key: &ObjectKey) -> Result<Option<String>, PortError> {
        Ok(None)
    }
}

#[async_trait]
impl WriteBlobs for Broken<Defect> {
    fn part_bytes_min(&self) -> usize {
        self.memory.part_bytes_min()
    }

    async fn size(&self, key: &ObjectKey) -> Result<Option<u64>, PortError> {
        if self.has(Defect::SizeOfNothing) {
            return Ok(Some(self.memory.size(key).await?.unwrap_or(0)));
        }
        self.memory.size(key).await
    }

    async fn put(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        mut size: Option<u64>,
        mut body: ByteStream,
        mut durability: Durability,
    ) -> Result<Put, PortError> {
        let memory = &*self.memory;
        match self.defect {
            Some(Defect::PutReplaces) => DeleteBlobs::delete(memory, key).await?,
            Some(Defect::Sha512IsTrusted) if digest.algorithm() == Algorithm::Sha512 => {
                return self.store(key, what_comes(body).await).await;
            }
            Some(Defect::MismatchIsStored) => {
                let bytes = what_comes(body).await;
                self.store(key, bytes.clone()).await?;
                body = one_chunk(bytes);
            }
            Some(Defect::SizeIsIgnored) => size = None,
            Some(Defect::FailedStreamIsStored) => return self.store(key, what_comes(body).await).await,
            Some(Defect::WritesInPlace) => {
                let first = body.try_next().await?.unwrap_or_default();
                self.store(key, first.clone()).await?;
                let rest = what_comes(body).await;
                DeleteBlobs::delete(memory, key).await?;
                body = one_chunk([first, rest].concat().into());
            }
            Some(Defect::EmptyChunkEnds) => {
                let until_empty = body.take_while(|chunk| {
                    std::future::ready(chunk.as_ref().map_or(true, |chunk| !chunk.is_empty()))
                });
                body = until_empty.boxed();
            }
            Some(Defect::AnswersBeforeItIsDurable) => durability = Durability::BeforeNext,
            _ => {}
        }
        match WriteBlobs::put(memory, key, digest, size, body, durability).await? {
            Put::AlreadyThere if self.has(Defect::EachPutStores) => {
                Ok(Put::Stored { size: size.unwrap_or(0) })
            }
            put => Ok(put),
        }
    }

    async fn open_parts(&self, key: &ObjectKey) -> Result<PartsId, PortError> {
        self.memory.open_parts(key).await
    }

    async fn put_parts(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        first: u32,
        size: Option<u64>,
        mut body: ByteStream,
    ) -> Result<Vec<Part>, PortError> {
        if self.has(Defect::PartsAreVisible) {
            let bytes = what_comes(body).await;
            self.store(key, bytes.clone()).await?;
            body = one_chunk(bytes);
        }
        if self.has(Defect::LongBodiesAreCut) {
            let bytes = what_comes(body).await;
            let kept = bytes.slice(..bytes.len().min(1 << 20));
            return self.memory.put_parts(key, id, first, None, one_chunk(kept)).await;
        }
        self.memory.put_parts(key, id, first, size, body).await
    }

    async fn put_part_of(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        number: u32,
        from: &ObjectKey,
        size: u64,
    ) -> Result<Part, PortError> {
        let part = self.memory.put_part_of(key, id, number, from, size).await?;
        if self.has(Defect::PartOfMovesIt) {
            DeleteBlobs::delete(&*self.memory, from).await?;
        }
        Ok(part)
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        parts: &[Part],
        durability: Durability,
    ) -> Result<Put, PortError> {
        let mut parts = parts.to_vec();
        match self.defect {
            Some(Defect::PartsAsTheyCame) => parts.sort_by_key(|part| part.tag.parse::<u64>().ok()),
            // The memory's tags count up: the two of the clause are the first that it gave.
            Some(Defect::TagsAreIgnored) => {
                for part in &mut parts {
                    part.tag = (part.number + 1).to_string();
                }
            }
            _ => {}
        }
        match self.memory.complete(key, id, &parts, durability).await? {
            Put::AlreadyThere if self.has(Defect::CompletingTwiceStores) => {
                Ok(Put::Stored { size: 1 + parts.iter().map(|part| part.size).sum::<u64>() })
            }
            put => Ok(put),
        }
    }

    async fn abort(&self, key: &ObjectKey, id: &PartsId) -> Result<(), PortError> {
        match self.defect {
            Some(Defect::AbortDoesNothing) => return Ok(()),
            Some(Defect::AbortDeletes) => DeleteBlobs::delete(&*self.memory, key).await?,
            _ => {}
        }
        self.memory.abort(key, id).await
    }
}

#[async_trait]
impl DeleteBlobs for Broken<Defect> {
    async fn delete(&self, key: &ObjectKey) -> Result<(), PortError> {
        match self.defect {
            Some(Defect::DeleteDoesNothing) => return Ok(()),
            Some(Defect::DeleteTakesAll) => {
                for below in self.memory.list(key.as_str(), None, usize::MAX).await? {
                    DeleteBlobs::delete(&*self.memory, &below).await?;
                }
            }
            _ => {}
        }
        DeleteBlobs::delete(&*self.memory, key).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<ObjectKey>, PortError> {
        let limit = if self.has(Defect::ListIgnoresLimits) { usize::MAX } else { limit };
        let mut keys = self.memory.list(prefix, after, limit).await?;
        match (self.defect, after) {
            (Some(Defect::ListBackwards), _) => keys.reverse(),
            (Some(Defect::ListByDirectory), _) => keys.sort_by_key(path),
            (Some(Defect::ListBeginsAtItsKey), Some(after)) => keys.insert(0, after.clone()),
            (Some(Defect::PrefixIsADirectory), _) if !prefix.ends_with('/') => keys.clear(),
            _ => {}
        }
        Ok(keys)
    }

    async fn made_at(&self, key: &ObjectKey) -> Result<Option<Timestamp>, PortError> {
        let made = self.memory.made_at(key).await?;
        Ok(made.filter(|_| !self.has(Defect::ForgetsWhenItWasMade)))
    }
}

fn path(key: &ObjectKey) -> Vec<String> {
    key.as_str().split('/').map(str::to_owned).collect()
}
