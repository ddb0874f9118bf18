//! Reads of the blob store.

use std::io::ErrorKind;
use std::ops::{Bound, Range};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream;
use moorage_ports::{Object, ObjectBody, ObjectKey, PortError, ReadBlobs};

use crate::Embedded;
use crate::database::Space;
use crate::error::{corrupt, disk_failed, read_failed};
use crate::pieces::{Stored, object_key};
use crate::reader::{CHUNK_BYTES, Reader, Slice, slices};
use crate::rows::Snapshot;

#[async_trait]
impl ReadBlobs for Embedded {
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Option<Object>, PortError> {
        let row = object_key(key)?;
        let snapshot = self.snapshot()?;
        let Some(stored) = stored(&snapshot, row)? else { return Ok(None) };
        let size = stored.size();
        let range = range.unwrap_or(0..size);
        if range.start > range.end || range.end > size {
            return Err(PortError::Misuse(format!("bytes {range:?} of an object of {size}")));
        }
        let pieces = match stored {
            Stored::Inline(bytes) => {
                let bytes = bytes.slice(range.start as usize..range.end as usize);
                return Ok(Some(Object { size, body: ObjectBody::Bytes(bytes) }));
            }
            Stored::Pieces(pieces) => pieces,
        };
        let Some(reader) = self.reader(row, &snapshot, slices(&pieces, &range))? else { return Ok(None) };
        if range.end - range.start <= CHUNK_BYTES
            && let Some(bytes) = reader.try_all()?
        {
            return Ok(Some(Object { size, body: ObjectBody::Bytes(bytes) }));
        }
        let body = stream::try_unfold(reader, |mut reader| async move {
            Ok(reader.next_chunk().await?.map(|chunk| (chunk, reader)))
        });
        Ok(Some(Object { size, body: ObjectBody::Stream(Box::pin(body)) }))
    }

    /// None: whoever reads, reads through this process.
    async fn signed_url(&self, _key: &ObjectKey) -> Result<Option<String>, PortError> {
        Ok(None)
    }
}

impl Embedded {
    /// Begins to read pieces of an object that was there a moment ago; `None` where it is gone.
    fn reader(
        &self,
        row: &[u8],
        snapshot: &Arc<Snapshot>,
        slices: Vec<Slice>,
    ) -> Result<Option<Reader>, PortError> {
        let reader = match Reader::begin(self, snapshot, slices) {
            Ok(reader) if !reader.must_look_again() => return Ok(Some(reader)),
            Ok(reader) => Ok(reader),
            Err(error) => Err(error),
        };
        // Keys are never used again, so what is there still is what was.
        match (reader, stored(&*self.snapshot()?, row)?) {
            (_, None) => Ok(None),
            (Ok(reader), Some(_)) => Ok(Some(reader)),
            (Err(error), Some(_)) if error.kind() == ErrorKind::NotFound => {
                Err(PortError::Corrupt("a blob's file is missing".to_owned()))
            }
            (Err(error), Some(_)) => Err(disk_failed(&error)),
        }
    }

    pub(crate) fn list_objects(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<ObjectKey>, PortError> {
        let snapshot = self.snapshot()?;
        let from = match after {
            Some(after) if after.as_str() >= prefix => Bound::Excluded(after.as_str().as_bytes()),
            _ => Bound::Included(prefix.as_bytes()),
        };
        let rows = snapshot.range(Space::Objects, from, Bound::Unbounded).map_err(read_failed)?;
        let mut keys = Vec::new();
        for row in rows.take(limit) {
            let (key, _) = row.map_err(read_failed)?;
            let key = std::str::from_utf8(key.value()).map_err(|_| corrupt("an object's key"))?;
            if !key.starts_with(prefix) {
                break;
            }
            keys.push(ObjectKey::from_stored(key));
        }
        Ok(keys)
    }
}

pub(crate) fn stored(snapshot: &Snapshot, row: &[u8]) -> Result<Option<Stored>, PortError> {
    let stored = snapshot.get(Space::Objects, row).map_err(read_failed)?;
    stored.map(|stored| Stored::decode(stored.value())).transpose()
}
