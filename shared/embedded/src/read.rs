//! Reads of the blob store.

use std::fs::File;
use std::ops::{Bound, Range};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use moorage_ports::{Object, ObjectBody, ObjectKey, PortError, ReadBlobs};

use crate::Embedded;
use crate::database::Space;
use crate::error::{corrupt, disk_failed, read_failed};
use crate::pieces::{Piece, Place, Stored, object_key};

/// Bytes that are read at a time.
const CHUNK_BYTES: u64 = 256 * 1024;

#[async_trait]
impl ReadBlobs for Embedded {
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Option<Object>, PortError> {
        let row = object_key(key)?;
        let Some(stored) = self.stored(row)? else { return Ok(None) };
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
        let reader = PieceReader { store: self.clone(), pieces: slices(&pieces, &range), open: None };
        let body = stream::try_unfold(reader, |mut reader| async move {
            Ok(reader.next_chunk().await?.map(|chunk| (chunk, reader)))
        });
        Ok(Some(Object { size, body: ObjectBody::Stream(Box::pin(body)) }))
    }

    /// None: whoever reads, reads through this process.
    fn signed_url(&self, _key: &ObjectKey) -> Option<String> {
        None
    }
}

impl Embedded {
    fn stored(&self, row: &[u8]) -> Result<Option<Stored>, PortError> {
        let snapshot = self.snapshot()?;
        let stored = snapshot.get(Space::Objects, row).map_err(read_failed)?;
        stored.map(|stored| Stored::decode(stored.value())).transpose()
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

/// Some bytes of one piece.
#[derive(Clone, Debug, PartialEq)]
struct Slice {
    piece: Piece,
    range: Range<u64>,
}

/// The slices of the pieces that are bytes `range` of all of them together, last one first.
fn slices(pieces: &[Piece], range: &Range<u64>) -> Vec<Slice> {
    let mut slices = Vec::new();
    let mut begin = 0;
    for piece in pieces {
        let end = begin + piece.size;
        let (from, to) = (range.start.max(begin), range.end.min(end));
        if from < to {
            slices.push(Slice { piece: *piece, range: from - begin..to - begin });
        }
        begin = end;
    }
    slices.reverse();
    slices
}

struct PieceReader {
    store: Embedded,
    pieces: Vec<Slice>,
    open: Option<Arc<File>>,
}

impl PieceReader {
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, PortError> {
        let Some(slice) = self.pieces.last_mut() else { return Ok(None) };
        if slice.piece.place == Place::Row {
            let snapshot = self.store.snapshot()?;
            let row = snapshot.get(Space::Pieces, &slice.piece.id.encode()).map_err(read_failed)?;
            let row = row.ok_or_else(|| corrupt("a piece"))?;
            let bytes = row.value().get(slice.range.start as usize..slice.range.end as usize);
            let bytes = Bytes::copy_from_slice(bytes.ok_or_else(|| corrupt("a piece"))?);
            self.pieces.pop();
            return Ok(Some(bytes));
        }
        let file = match &self.open {
            Some(file) => Arc::clone(file),
            None => {
                Arc::new(File::open(self.store.files().path(slice.piece.id)).map_err(|e| disk_failed(&e))?)
            }
        };
        let (from, length) = (slice.range.start, CHUNK_BYTES.min(slice.range.end - slice.range.start));
        slice.range.start += length;
        if slice.range.is_empty() {
            self.open = None;
            self.pieces.pop();
        } else {
            self.open = Some(Arc::clone(&file));
        }
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; length as usize];
            file.read_exact_at(&mut bytes, from)?;
            Ok::<_, std::io::Error>(Bytes::from(bytes))
        });
        let read = read.await.map_err(|e| PortError::Unavailable(format!("a read was broken off: {e}")))?;
        read.map(Some).map_err(|e| disk_failed(&e))
    }
}
