//! Writes of the blob store. An object is there from the moment its row is: its bytes are in the row itself,
//! or were made durable before.
//!
//! Bytes travel on the tasks of their requests and in threads that may block; the writer only ever handles
//! rows and small objects, so a large sync holds nobody else up.

use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::Bytes;
use moorage_oci::{Digest, Hasher};
use moorage_ports::limits::PARTS_MAX;
use moorage_ports::{
    ByteStream, DeleteBlobs, Durability, ObjectBody, ObjectKey, Part, PartsId, PortError, Put, ReadBlobs,
    Timestamp, WriteBlobs,
};

use crate::Embedded;
use crate::database::Space;
use crate::error::{Stop, corrupt, read_failed};
use crate::pieces::{Piece, Place, Stored, object_key, part_key, parts_prefix, upload_key};
use crate::read::stored;
use crate::receive::{Received, receive};
use crate::rows::Rows;

#[async_trait]
impl WriteBlobs for Embedded {
    fn part_bytes_min(&self) -> usize {
        1
    }

    async fn size(&self, key: &ObjectKey) -> Result<Option<u64>, PortError> {
        Ok(stored(&*self.snapshot()?, object_key(key)?)?.map(|stored| stored.size()))
    }

    async fn put(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        size: Option<u64>,
        body: ByteStream,
        durability: Durability,
    ) -> Result<Put, PortError> {
        let row = object_key(key)?.to_vec();
        if self.snapshot()?.get(Space::Objects, &row).map_err(read_failed)?.is_some() {
            return Ok(Put::AlreadyThere);
        }
        let hasher = Some(Hasher::new(digest.algorithm()));
        let (received, found) =
            receive(self.files(), body, size, hasher, self.inline_blob_bytes_max()).await?;
        if found.as_ref() != Some(digest) {
            return Ok(Put::DigestMismatch);
        }
        let (bytes, made) = (in_memory(&received), self.now());
        let work = move |rows: &mut Rows<'_>| {
            if rows.has(Space::Objects, &row)? {
                return Ok(Put::AlreadyThere);
            }
            let size = received.size();
            let stored = match received {
                Received::Small(bytes) => Stored::Inline(bytes),
                Received::File(mut draft) => {
                    draft.keep();
                    rows.put(Space::Files, &draft.id().encode(), &[])?;
                    Stored::Pieces(vec![Piece { id: draft.id(), place: Place::File, size }])
                }
            };
            rows.put(Space::Objects, &row, &stored.encode(made))?;
            Ok(Put::Stored { size })
        };
        self.step(durability, bytes, work).await
    }

    async fn open_parts(&self, key: &ObjectKey) -> Result<PartsId, PortError> {
        let id = PartsId(self.files().fresh_id().to_string());
        let upload = upload_key(key, &id)?;
        let work = move |rows: &mut Rows<'_>| Ok(rows.put(Space::Parts, &upload, &[])?);
        self.step(Durability::BeforeNext, 0, work).await?;
        Ok(id)
    }

    /// One stream is one part here, however long it is.
    async fn put_parts(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        number: u32,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<Vec<Part>, PortError> {
        if number == 0 || number as usize > PARTS_MAX {
            return Err(PortError::Misuse(format!("part {number}, where 1 to {PARTS_MAX} can be")));
        }
        let upload = upload_key(key, id)?;
        let (received, _) = receive(self.files(), body, size, None, self.inline_blob_bytes_max()).await?;
        if received.size() == 0 {
            return Err(PortError::Body("a part of no bytes".to_owned()));
        }
        let fresh_id = self.files().fresh_id();
        let bytes = in_memory(&received);
        let work = move |rows: &mut Rows<'_>| {
            if !rows.has(Space::Parts, &upload)? {
                return Err(Stop::Refuse(PortError::Body("the upload was completed or given up".to_owned())));
            }
            let size = received.size();
            let piece = match received {
                Received::Small(bytes) => {
                    rows.put(Space::Pieces, &fresh_id.encode(), &bytes)?;
                    Piece { id: fresh_id, place: Place::Row, size }
                }
                Received::File(mut draft) => {
                    draft.keep();
                    rows.put(Space::Files, &draft.id().encode(), &[])?;
                    Piece { id: draft.id(), place: Place::File, size }
                }
            };
            let tag = piece.id.to_string();
            rows.put(Space::Parts, &part_key(&upload, number, &tag), &piece.encode())?;
            Ok(vec![Part { number, size, tag }])
        };
        self.step(Durability::OnAnswer, bytes, work).await
    }

    /// Reads the object and stores it again: parts are never too short here, so nothing that is used often
    /// comes by.
    async fn put_part_of(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        number: u32,
        from: &ObjectKey,
        size: u64,
    ) -> Result<Part, PortError> {
        let found = self.get(from, None).await?;
        let found = found.ok_or_else(|| PortError::Corrupt(format!("object {from} is not there")))?;
        let body: ByteStream = match found.body {
            ObjectBody::Bytes(bytes) => Box::pin(futures_util::stream::iter([Ok(bytes)])),
            ObjectBody::Stream(stream) => stream,
        };
        let mut parts = self.put_parts(key, id, number, Some(size), body).await?;
        parts.pop().ok_or_else(|| corrupt("a part"))
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        parts: &[Part],
        durability: Durability,
    ) -> Result<Put, PortError> {
        if parts.len() > PARTS_MAX {
            return Err(PortError::Misuse(format!("{} parts, where {PARTS_MAX} are the most", parts.len())));
        }
        let row = object_key(key)?.to_vec();
        let upload = upload_key(key, id)?;
        let parts = parts.to_vec();
        let (inline_bytes_max, made) = (self.inline_blob_bytes_max() as u64, self.now());
        let work = move |rows: &mut Rows<'_>| {
            let all_parts = all_parts(rows, &upload)?;
            if rows.has(Space::Objects, &row)? {
                drop_parts(rows, &upload, &all_parts, &[])?;
                return Ok(Put::AlreadyThere);
            }
            let pieces = named_pieces(rows, &upload, &parts)?;
            let stored = join(rows, pieces, inline_bytes_max)?;
            rows.put(Space::Objects, &row, &stored.encode(made))?;
            let kept = if let Stored::Pieces(pieces) = &stored { &pieces[..] } else { &[] };
            drop_parts(rows, &upload, &all_parts, kept)?;
            Ok(Put::Stored { size: stored.size() })
        };
        self.step(durability, 0, work).await
    }

    async fn abort(&self, key: &ObjectKey, id: &PartsId) -> Result<(), PortError> {
        let upload = upload_key(key, id)?;
        let work = move |rows: &mut Rows<'_>| {
            let all_parts = all_parts(rows, &upload)?;
            Ok(drop_parts(rows, &upload, &all_parts, &[])?)
        };
        self.step(Durability::BeforeNext, 0, work).await
    }
}

#[async_trait]
impl DeleteBlobs for Embedded {
    async fn delete(&self, key: &ObjectKey) -> Result<(), PortError> {
        let row = object_key(key)?.to_vec();
        let work = move |rows: &mut Rows<'_>| {
            let Some(stored) = rows.get(Space::Objects, &row)? else { return Ok(()) };
            let stored = Stored::decode(&stored)?;
            rows.delete(Space::Objects, &row)?;
            if let Stored::Pieces(pieces) = stored {
                for piece in pieces {
                    drop_piece(rows, &piece)?;
                }
            }
            Ok(())
        };
        self.step(Durability::BeforeNext, 0, work).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<ObjectKey>, PortError> {
        self.list_objects(prefix, after, limit)
    }

    async fn made_at(&self, key: &ObjectKey) -> Result<Option<Timestamp>, PortError> {
        let snapshot = self.snapshot()?;
        let row = snapshot.get(Space::Objects, object_key(key)?).map_err(read_failed)?;
        Ok(row.and_then(|row| Stored::made(row.value())))
    }
}

/// Bytes of it that wait in memory.
fn in_memory(received: &Received) -> usize {
    match received {
        Received::Small(bytes) => bytes.len(),
        Received::File(_) => 0,
    }
}

/// The pieces of the parts that the caller names, each of which must be there under its tag.
fn named_pieces(rows: &mut Rows<'_>, upload: &[u8], parts: &[Part]) -> Result<Vec<Piece>, Stop> {
    let mut pieces = Vec::with_capacity(parts.len());
    for part in parts {
        let piece = rows.get(Space::Parts, &part_key(upload, part.number, &part.tag))?;
        let piece = piece.map(|piece| Piece::decode(&piece)).transpose()?;
        match piece {
            Some(piece) if piece.size == part.size => pieces.push(piece),
            _ => return Err(PortError::Body(format!("part {} is not the one named", part.number)).into()),
        }
    }
    Ok(pieces)
}

/// The object that these pieces are: few bytes are taken together into its row.
fn join(rows: &mut Rows<'_>, pieces: Vec<Piece>, inline_bytes_max: u64) -> Result<Stored, Stop> {
    let size: u64 = pieces.iter().map(|piece| piece.size).sum();
    let all_rows = pieces.iter().all(|piece| piece.place == Place::Row);
    if size > inline_bytes_max || !all_rows {
        return Ok(Stored::Pieces(pieces));
    }
    let mut joined = Vec::new();
    for piece in &pieces {
        let bytes = rows.get(Space::Pieces, &piece.id.encode())?;
        joined.extend_from_slice(&bytes.ok_or_else(|| corrupt("a part"))?);
    }
    Ok(Stored::Inline(Bytes::from(joined)))
}

/// The parts of an object in the making, by their rows.
fn all_parts(rows: &mut Rows<'_>, upload: &[u8]) -> Result<Vec<(Vec<u8>, Piece)>, Stop> {
    let parts = rows.with_prefix(Space::Parts, &parts_prefix(upload))?;
    parts.into_iter().map(|(row, piece)| Ok((row, Piece::decode(&piece)?))).collect()
}

/// Ends an object in the making: its rows go, and the pieces of its parts but those that are `kept`.
fn drop_parts(
    rows: &mut Rows<'_>,
    upload: &[u8],
    parts: &[(Vec<u8>, Piece)],
    kept: &[Piece],
) -> Result<(), redb::StorageError> {
    let kept: BTreeSet<_> = kept.iter().map(|piece| piece.id).collect();
    rows.delete(Space::Parts, upload)?;
    for (row, piece) in parts {
        rows.delete(Space::Parts, row)?;
        if !kept.contains(&piece.id) {
            drop_piece(rows, piece)?;
        }
    }
    Ok(())
}

/// Gives up a piece: its row goes now, its file once that is durable.
fn drop_piece(rows: &mut Rows<'_>, piece: &Piece) -> Result<(), redb::StorageError> {
    let id = piece.id.encode();
    match piece.place {
        Place::Row => {
            rows.delete(Space::Pieces, &id)?;
        }
        Place::File => {
            rows.delete(Space::Files, &id)?;
            rows.put(Space::Doomed, &id, &[])?;
            rows.doomed.push(piece.id);
        }
    }
    Ok(())
}
