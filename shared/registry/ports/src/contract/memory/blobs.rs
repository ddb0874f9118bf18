//! The blob store.

use std::ops::{Bound, Range};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use moorage_oci::Digest;

use super::{Memory, Undo, World};
use crate::blobs::{
    ByteStream, DeleteBlobs, Durability, Object, ObjectBody, Part, PartsId, Put, ReadBlobs, WriteBlobs,
};
use crate::context::Context;
use crate::error::PortError;
use crate::object_keys::ObjectKey;
use crate::value::Timestamp;

#[async_trait]
impl ReadBlobs for Memory {
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Option<Object>, PortError> {
        let Some(bytes) = self.world().objects.get(key).cloned() else { return Ok(None) };
        let asked = match range {
            Some(Range { start, end }) => bytes.slice(to_usize(start)..to_usize(end)),
            None => bytes.clone(),
        };
        Ok(Some(Object { size: bytes.len() as u64, body: ObjectBody::Bytes(asked) }))
    }

    async fn signed_url(&self, _key: &ObjectKey) -> Result<Option<String>, PortError> {
        Ok(None)
    }
}

#[async_trait]
impl WriteBlobs for Memory {
    fn part_bytes_min(&self) -> usize {
        1
    }

    async fn size(&self, key: &ObjectKey) -> Result<Option<u64>, PortError> {
        Ok(self.world().objects.get(key).map(|bytes| bytes.len() as u64))
    }

    async fn put(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        size: Option<u64>,
        body: ByteStream,
        durability: Durability,
    ) -> Result<Put, PortError> {
        let bytes = whole(size, body).await?;
        if Digest::of(digest.algorithm(), &bytes) != *digest {
            return Ok(Put::DigestMismatch);
        }
        Ok(self.world().create(key, bytes, durability))
    }

    async fn open_parts(&self, _key: &ObjectKey) -> Result<PartsId, PortError> {
        let mut world = self.world();
        let id = world.fresh_name();
        world.parts.insert(id.clone(), Default::default());
        Ok(PartsId(id))
    }

    async fn put_parts(
        &self,
        _key: &ObjectKey,
        id: &PartsId,
        first: u32,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<Vec<Part>, PortError> {
        let bytes = whole(size, body).await?;
        if bytes.is_empty() {
            return Err(no_part("a part of no bytes"));
        }
        Ok(vec![self.world().put_part(id, first, bytes)?])
    }

    async fn put_part_of(
        &self,
        _key: &ObjectKey,
        id: &PartsId,
        number: u32,
        from: &ObjectKey,
        size: u64,
    ) -> Result<Part, PortError> {
        let mut world = self.world();
        let bytes = world.objects.get(from).filter(|bytes| bytes.len() as u64 == size).cloned();
        let bytes = bytes.ok_or_else(|| PortError::Corrupt(format!("no object {from} of {size} bytes")))?;
        world.put_part(id, number, bytes)
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        parts: &[Part],
        durability: Durability,
    ) -> Result<Put, PortError> {
        let mut world = self.world();
        if world.objects.contains_key(key) {
            return Ok(Put::AlreadyThere);
        }
        let stored = world.parts.get(&id.0).ok_or_else(|| no_part("no such object in the making"))?;
        let mut whole = Vec::new();
        for part in parts {
            match stored.get(&part.tag) {
                Some((number, bytes)) if *number == part.number => whole.extend_from_slice(bytes),
                _ => return Err(no_part("no such part")),
            }
        }
        let put = world.create(key, whole.into(), durability);
        if let Some(parts) = world.parts.remove(&id.0)
            && durability == Durability::BeforeNext
        {
            world.undo.push(Undo::Parts(id.0.clone(), parts));
        }
        Ok(put)
    }

    async fn abort(&self, _key: &ObjectKey, id: &PartsId) -> Result<(), PortError> {
        self.world().parts.remove(&id.0);
        Ok(())
    }
}

#[async_trait]
impl DeleteBlobs for Memory {
    async fn delete(&self, key: &ObjectKey) -> Result<(), PortError> {
        self.world().objects.remove(key);
        Ok(())
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<ObjectKey>, PortError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let world = self.world();
        let later = world.objects.range::<ObjectKey, _>((start, Bound::Unbounded)).map(|(key, _)| key);
        Ok(later.filter(|key| key.as_str().starts_with(prefix)).take(limit).cloned().collect())
    }

    async fn made_at(&self, key: &ObjectKey) -> Result<Option<Timestamp>, PortError> {
        let world = self.world();
        Ok(world.made.get(key).copied().filter(|_| world.objects.contains_key(key)))
    }
}

impl World {
    fn put_part(&mut self, id: &PartsId, number: u32, bytes: Bytes) -> Result<Part, PortError> {
        let part = Part { number, size: bytes.len() as u64, tag: self.fresh_name() };
        let parts = self.parts.get_mut(&id.0).ok_or_else(|| no_part("no such object in the making"))?;
        parts.insert(part.tag.clone(), (number, bytes));
        Ok(part)
    }

    fn create(&mut self, key: &ObjectKey, bytes: Bytes, durability: Durability) -> Put {
        if self.objects.contains_key(key) {
            return Put::AlreadyThere;
        }
        let size = bytes.len() as u64;
        self.objects.insert(key.clone(), bytes);
        self.made.insert(key.clone(), Context::system().clock.now());
        if durability == Durability::BeforeNext {
            self.undo.push(Undo::Object(key.clone()));
        }
        Put::Stored { size }
    }
}

/// All of the bytes, if they are as many as the sender said.
async fn whole(size: Option<u64>, mut body: ByteStream) -> Result<Bytes, PortError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.try_next().await.map_err(|error| PortError::Body(error.to_string()))? {
        bytes.extend_from_slice(&chunk);
    }
    match size {
        Some(size) if size != bytes.len() as u64 => Err(no_part("another number of bytes than was said")),
        _ => Ok(bytes.into()),
    }
}

fn no_part(why: &str) -> PortError {
    PortError::Body(why.to_owned())
}

/// Memory holds nothing longer than a `usize` counts.
fn to_usize(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
