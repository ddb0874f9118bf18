//! The blob store: immutable objects under keys that are used once.
//!
//! # Promises of every adapter
//!
//! **Create-only.** An object is made, never changed or overwritten: making one where one is answers
//! `AlreadyThere` and changes nothing.
//!
//! **All or nothing.** An object is there with all of its bytes, or not at all: no reader, and no restart
//! after a crash or a power cut, ever sees a part of one.
//!
//! **Visibility.** A read that begins after the answer of a write sees it.
//!
//! **Durability.** As in the table, and in one order with it: what was made with
//! [`Durability::BeforeNext`] has survived a power cut no later than the next write of the table with
//! [`Durability::OnAnswer`] that begins after the answer. So a record never outlives its object.
//!
//! **Absence.** No object has this key: it was never made, or was deleted.

use std::ops::Range;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use moorage_oci::Digest;
use serde::{Deserialize, Serialize};

use crate::error::PortError;
use crate::object_keys::ObjectKey;
use crate::value::Timestamp;

/// From when on a write survives a power cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// It has when it is answered.
    OnAnswer,
    /// It has when the next write of the table with `OnAnswer`, begun after this answer, is answered. For
    /// steps that no client is told of on their own.
    BeforeNext,
}

/// How long a signed URL is good for. A client asks for it and begins to read at once; an object that is
/// given up stays for at least as long.
pub const SIGNED_URL_LIFE: Duration = Duration::from_secs(20 * 60);

/// Bytes as they come: an error ends the stream.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, PortError>> + Send>>;

/// A whole object, or a range of one.
pub struct Object {
    /// Bytes of the whole object.
    pub size: u64,
    /// The bytes that were asked for.
    pub body: ObjectBody,
}

/// Bytes that are at hand, or that come.
pub enum ObjectBody {
    Bytes(Bytes),
    Stream(ByteStream),
}

/// The outcome of making an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Put {
    Stored {
        /// Bytes of the object.
        size: u64,
    },
    /// An object has this key; nothing was written. Its bytes were made under the same digest.
    AlreadyThere,
    /// The bytes are not those of the digest, and nothing was stored.
    DigestMismatch,
}

/// An object in the making; the name that the store gave it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartsId(pub String);

/// A part that was stored: the next bytes of an object in the making.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Part {
    /// Position among the parts, from 1.
    pub number: u32,
    /// Bytes.
    pub size: u64,
    /// The store's name for exactly these bytes: a part of the same number that came later has another.
    pub tag: String,
}

/// Reads.
#[async_trait]
pub trait ReadBlobs: Send + Sync {
    /// The object's bytes, or those of `range` (from inclusive, to exclusive, at least one byte and all of
    /// them within the object), or `None` where there is no object.
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Option<Object>, PortError>;

    /// A URL under which a client can read the object, or a range of it, by itself for [`SIGNED_URL_LIFE`];
    /// `None` where the store can sign none. Makes no call to the store, and does not look whether there is
    /// an object.
    async fn signed_url(&self, key: &ObjectKey) -> Result<Option<String>, PortError>;
}

/// Writes.
#[async_trait]
pub trait WriteBlobs: ReadBlobs {
    /// Bytes that every part of an object but its last must have, at least 1. S3: 5 MiB.
    fn part_bytes_min(&self) -> usize;

    /// Bytes of the object, or `None` where there is none.
    async fn size(&self, key: &ObjectKey) -> Result<Option<u64>, PortError>;

    /// Makes an object from `body`, if its bytes are those of `digest`: the store itself checks that.
    /// `size`, where the sender said it, is the number of bytes. Given up before it is answered, it may have
    /// stored the whole object if the stream had ended, and has stored nothing otherwise.
    ///
    /// # Errors
    /// `Body` when the stream ends with an error, or not after `size` bytes; nothing is stored then.
    async fn put(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        size: Option<u64>,
        body: ByteStream,
        durability: Durability,
    ) -> Result<Put, PortError>;

    /// Begins an object that comes in parts. Nothing is visible under `key` before [`Self::complete`].
    async fn open_parts(&self, key: &ObjectKey) -> Result<PartsId, PortError>;

    /// Stores bytes, at least one, as the next part or, where they are many, as several, numbered upwards
    /// from `first`: each of at least [`Self::part_bytes_min`] bytes, unless there are fewer in all, which
    /// then can only be the last of the object. A number that comes again may replace the part that had it,
    /// or stand beside it: only the tags named at the end count. Durable as [`Durability::OnAnswer`].
    ///
    /// # Errors
    /// `Body` as in [`Self::put`], where there are no bytes, and where they need more than
    /// [`crate::limits::UPLOAD_PARTS_MAX`] numbers; parts that were stored before count only if they are named.
    async fn put_parts(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        first: u32,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<Vec<Part>, PortError>;

    /// Stores the bytes of the object `from`, which are `size`, as one part, which can only be the last where
    /// they are fewer than [`Self::part_bytes_min`]. Otherwise as [`Self::put_parts`].
    ///
    /// # Errors
    /// `Body` where the object in the making is completed or given up; `Corrupt` where there is no `from`.
    async fn put_part_of(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        number: u32,
        from: &ObjectKey,
        size: u64,
    ) -> Result<Part, PortError>;

    /// Makes the object of exactly these parts, at least one, in this order, their numbers ascending.
    /// `AlreadyThere` where an object has the key, this one or another; one that was completed of the same
    /// parts may be answered as `Stored` once more.
    ///
    /// # Errors
    /// `Body` where one of the parts is not (or no longer) the one of that number and tag, as all of them
    /// after [`Self::abort`]; nothing is made then, and the right parts still count.
    async fn complete(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        parts: &[Part],
        durability: Durability,
    ) -> Result<Put, PortError>;

    /// Gives up an object in the making and frees its parts. Done already, or completed: does nothing.
    async fn abort(&self, key: &ObjectKey, id: &PartsId) -> Result<(), PortError>;
}

/// What only the collector may do.
#[async_trait]
pub trait DeleteBlobs: Send + Sync {
    /// Deletes the object; does nothing where there is none. Readers that have begun may still finish.
    async fn delete(&self, key: &ObjectKey) -> Result<(), PortError>;

    /// At most `limit` keys that begin with `prefix`, after `after`, in byte order.
    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<ObjectKey>, PortError>;

    /// When the object was made, by the store's own clock, to the second; `None` where there is none, or where the
    /// store does not know (a wrapper that does not ask). One call: for objects that nobody seems to name.
    async fn made_at(&self, _key: &ObjectKey) -> Result<Option<Timestamp>, PortError> {
        Ok(None)
    }
}

/// The whole store.
pub trait BlobStore: WriteBlobs + DeleteBlobs {}

impl<T: WriteBlobs + DeleteBlobs> BlobStore for T {}
