//! A store that wants long parts, as S3 does, on one that takes any.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use moorage_oci::Digest;
use moorage_ports::{
    BlobStore, ByteStream, DeleteBlobs, Durability, Object, ObjectKey, Part, PartsId, PortError, Put,
    ReadBlobs, Timestamp, WriteBlobs,
};

pub(crate) struct LongParts {
    inner: Arc<dyn BlobStore>,
    part_bytes_min: usize,
}

impl LongParts {
    pub(crate) fn new(inner: Arc<dyn BlobStore>, part_bytes_min: usize) -> Self {
        Self { inner, part_bytes_min }
    }
}

#[async_trait]
impl ReadBlobs for LongParts {
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Option<Object>, PortError> {
        self.inner.get(key, range).await
    }

    async fn signed_url(&self, key: &ObjectKey) -> Result<Option<String>, PortError> {
        self.inner.signed_url(key).await
    }
}

#[async_trait]
impl WriteBlobs for LongParts {
    fn part_bytes_min(&self) -> usize {
        self.part_bytes_min
    }

    async fn size(&self, key: &ObjectKey) -> Result<Option<u64>, PortError> {
        self.inner.size(key).await
    }

    async fn put(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        size: Option<u64>,
        body: ByteStream,
        durability: Durability,
    ) -> Result<Put, PortError> {
        self.inner.put(key, digest, size, body, durability).await
    }

    async fn open_parts(&self, key: &ObjectKey) -> Result<PartsId, PortError> {
        self.inner.open_parts(key).await
    }

    async fn put_parts(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        first: u32,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<Vec<Part>, PortError> {
        self.inner.put_parts(key, id, first, size, body).await
    }

    async fn put_part_of(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        number: u32,
        from: &ObjectKey,
        size: u64,
    ) -> Result<Part, PortError> {
        self.inner.put_part_of(key, id, number, from, size).await
    }

    /// As S3 with its `EntityTooSmall`.
    async fn complete(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        parts: &[Part],
        durability: Durability,
    ) -> Result<Put, PortError> {
        let short = |part: &&Part| part.size < self.part_bytes_min as u64;
        if let Some(part) = parts.split_last().and_then(|(_, others)| others.iter().find(short)) {
            return Err(PortError::Misuse(format!("a short part before the last: {part:?}")));
        }
        self.inner.complete(key, id, parts, durability).await
    }

    async fn abort(&self, key: &ObjectKey, id: &PartsId) -> Result<(), PortError> {
        self.inner.abort(key, id).await
    }
}

#[async_trait]
impl DeleteBlobs for LongParts {
    async fn delete(&self, key: &ObjectKey) -> Result<(), PortError> {
        self.inner.delete(key).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<ObjectKey>, PortError> {
        self.inner.list(prefix, after, limit).await
    }

    async fn made_at(&self, key: &ObjectKey) -> Result<Option<Timestamp>, PortError> {
        self.inner.made_at(key).await
    }
}
