//! The blob store on S3.
//!
//! One call of the port is one call of S3, but for what is too long for one, which goes out in parts.
//!
//! Who checks what:
//! - every request's body is in memory when it is signed, so that its SHA-256 is part of the signature
//!   (`x-amz-content-sha256`): S3 refuses a part, or anything else, that was damaged on its way;
//! - an object that fits one request is sent with `x-amz-checksum-sha256`, the digest: S3 refuses any other bytes.
//!   Of a sha512 digest our own hash is compared before anything is sent, and Amazon's S3 is given
//!   `x-amz-checksum-sha512` too (one request takes one checksum; other engines may not know this one);
//! - an object in parts has no checksum of the whole at S3, only one of its parts' checksums: the bytes are hashed
//!   here as they pass, and the object is completed only if they are those of the digest;
//! - the SDK's own CRCs are off (`WhenRequired`): they would check the same bytes for the third time, and be one
//!   more header that a signed URL demands.
//!
//! Durability: S3's answer means that the write is durable, so that `BeforeNext` and `OnAnswer` are one.

mod client;
mod complete;
mod cutter;
mod delete;
mod error;
mod intake;
mod parts;
mod pieces;
mod put;
mod read;
mod room;
mod sender;
pub(crate) mod setup;
mod times;
mod tries;

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use moorage_oci::Digest;
use moorage_ports::{
    ByteStream, Context, DeleteBlobs, Durability, Object, ObjectKey, Part, PartsId, PortError, Put,
    ReadBlobs, Timestamp, WriteBlobs,
};

use self::cutter::Cut;
use self::room::Room;
use self::times::Times;

/// A bucket in S3, or in what speaks as it does. Cheap to clone; clones share the memory that uploads may take.
#[derive(Clone)]
pub struct Blobs {
    client: aws_sdk_s3::Client,
    signer: aws_sdk_s3::Client,
    bucket: Arc<str>,
    context: Context,
    times: Times,
    /// Whether this is Amazon's own S3, which takes more than others do.
    amazon: bool,
    cut: Cut,
    room: Room,
}

impl Blobs {
    /// The bucket of this name. Makes no call: whether it is there is for [`setup::check_bucket`] to say.
    ///
    /// Where `sdk` has an endpoint (`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`) that is not Amazon's, the bucket is
    /// part of the path, else of the host's name. An operation time-out that `sdk` has is the longest that any
    /// call takes; without one, it depends on the call and its bytes.
    #[must_use]
    pub fn new(sdk: &SdkConfig, bucket: impl Into<String>, context: Context) -> Self {
        let bucket: String = bucket.into();
        Self {
            client: client::client(sdk),
            signer: client::signer(sdk),
            bucket: bucket.into(),
            context,
            times: Times::of(sdk),
            amazon: client::is_amazon(sdk),
            cut: Cut::default(),
            room: Room::default(),
        }
    }

    /// Another smallest part than S3's 5 MiB, for an engine that takes it: a test can then come to several parts
    /// with fewer bytes.
    #[must_use]
    pub fn with_part_bytes_min(mut self, bytes: usize) -> Self {
        self.cut = Cut::with(bytes, self.cut.part_bytes);
        self
    }

    /// Another usual size of a part than 8 MiB: a test can then have streams cut with fewer bytes.
    #[must_use]
    pub fn with_part_bytes(mut self, bytes: usize) -> Self {
        self.cut = Cut::with(self.cut.part_bytes_min, bytes);
        self
    }
}

#[async_trait]
impl ReadBlobs for Blobs {
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Option<Object>, PortError> {
        self.get_object(key, range).await
    }

    async fn signed_url(&self, key: &ObjectKey) -> Result<Option<String>, PortError> {
        self.presign(key).await.map(Some)
    }
}

#[async_trait]
impl WriteBlobs for Blobs {
    fn part_bytes_min(&self) -> usize {
        self.cut.part_bytes_min
    }

    async fn size(&self, key: &ObjectKey) -> Result<Option<u64>, PortError> {
        self.head(key).await
    }

    async fn put(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        size: Option<u64>,
        body: ByteStream,
        _durability: Durability,
    ) -> Result<Put, PortError> {
        self.put_object(key, digest, size, body).await
    }

    async fn open_parts(&self, key: &ObjectKey) -> Result<PartsId, PortError> {
        self.open(key).await
    }

    async fn put_parts(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        first: u32,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<Vec<Part>, PortError> {
        self.upload_parts(key, id, first, size, body).await
    }

    async fn put_part_of(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        number: u32,
        from: &ObjectKey,
        size: u64,
    ) -> Result<Part, PortError> {
        self.copy_part(key, id, number, from, size).await
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        parts: &[Part],
        _durability: Durability,
    ) -> Result<Put, PortError> {
        self.complete_named(key, id, parts).await
    }

    async fn abort(&self, key: &ObjectKey, id: &PartsId) -> Result<(), PortError> {
        self.give_up(key, id).await
    }
}

#[async_trait]
impl DeleteBlobs for Blobs {
    async fn delete(&self, key: &ObjectKey) -> Result<(), PortError> {
        self.delete_object(key).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<ObjectKey>, PortError> {
        self.list_objects(prefix, after, limit).await
    }

    async fn made_at(&self, key: &ObjectKey) -> Result<Option<Timestamp>, PortError> {
        self.last_modified(key).await
    }
}
