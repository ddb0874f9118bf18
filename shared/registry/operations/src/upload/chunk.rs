//! A chunk of an upload. It is stored, and then recorded by compare-and-set: two chunks that come for the
//! same place are both stored, and one of them is recorded.
//!
//! Where parts have a least size, a chunk that is shorter waits as the upload's tail, an object of its own,
//! until enough bytes have come for a part: so each chunk is one write of the store, a part or a tail.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use moorage_collector::trash;
use moorage_oci::{Digest, Hasher, RepositoryName};
use moorage_ports::facts::{OpenUpload, Progress, Tail};
use moorage_ports::limits::UPLOAD_PARTS_MAX;
use moorage_ports::{
    Action, ByteStream, Durability, Expect, Item, Key, ObjectKey, PartsId, PortError, Put, Transacted,
    Written,
};

use super::session::{ChunkRange, RunningHash, Session};
use super::token::UploadToken;
use crate::error::RegistryError;
use crate::registry::Push;

/// Whether more bytes of the upload may come after these.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Anywhere,
    /// The closing request's: its part may be a short one.
    Last,
}

impl Push {
    /// Adds a chunk. `range` is what the client says of it, `size` its bytes if they are known. Answers how
    /// many bytes of the blob have come.
    ///
    /// # Errors
    /// `UploadUnknown`, `ChunkOutOfOrder`, `ChunkSize`, `UploadRaced`, `TooManyParts`, `BodyBroken`; what
    /// came before stays, and the upload can go on.
    pub async fn upload_chunk(
        &self,
        repository: &RepositoryName,
        token: &str,
        range: Option<ChunkRange>,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<u64, RegistryError> {
        let token = self.common.token(repository, token)?;
        let session = Session::from_item(self.table.get(&Key::upload(token.id)).await?)?;
        let (expect, upload) = match session {
            Session::Closing(..) | Session::Closed => {
                return Err(RegistryError::UploadUnknown { repository: repository.clone() });
            }
            Session::Fresh => (Expect::Absent, self.nothing_yet(token)),
            Session::Open(open) => (Expect::VersionIs(open.version), open.upload),
        };
        let before = upload.received;
        check_place(range, size, before)?;
        if size == Some(0) {
            return Ok(before);
        }
        let (old_tail, old_parts) = (upload.tail.clone(), upload.parts_id.clone());
        let longer =
            Box::pin(self.add_bytes(upload, size.or(range.map(|r| r.size)), body, Place::Anywhere)).await?;
        let received = longer.received;
        if received == before {
            return Ok(before);
        }
        let item = self.session_item(repository, token, Progress::Open(longer.clone()));
        let Some(now) = self.record(item, expect, old_tail, Durability::OnAnswer).await? else {
            return Ok(received);
        };
        self.give_up_loser(&longer, old_parts.as_ref()).await?;
        Err(match Session::from_item(now.map(|item| *item))? {
            Session::Closing(..) | Session::Closed => {
                RegistryError::UploadUnknown { repository: repository.clone() }
            }
            Session::Fresh => RegistryError::UploadRaced { received: before },
            Session::Open(open) => RegistryError::UploadRaced { received: open.upload.received },
        })
    }

    fn nothing_yet(&self, token: UploadToken) -> OpenUpload {
        OpenUpload {
            // Its name need not be guessed by anybody, only never come twice.
            object: ObjectKey::upload(self.common.context.random.nonce()),
            parts_id: None,
            parts: Vec::new(),
            tail: None,
            received: 0,
            hash: Hasher::new(token.algorithm).save(),
        }
    }

    /// Stores bytes behind those that came, and hashes them along; nothing is recorded. `size` is how many
    /// come, if that is known.
    pub(super) async fn add_bytes(
        &self,
        upload: OpenUpload,
        size: Option<u64>,
        body: ByteStream,
        place: Place,
    ) -> Result<OpenUpload, RegistryError> {
        let mut upload = upload;
        if upload.parts.len() >= UPLOAD_PARTS_MAX {
            return Err(RegistryError::TooManyParts { max: UPLOAD_PARTS_MAX });
        }
        let hash = RunningHash::new(Hasher::restore(&upload.hash).map_err(damaged)?);
        let mut body = hash.over(body);
        let short_is_fine = place == Place::Last && upload.parts_id.is_some();
        let held = upload.tail.as_ref().map_or(0, |tail| tail.size);
        let enough = if short_is_fine { 1 } else { self.blobs.part_bytes_min() as u64 };
        let came = up_to(&mut body, enough.saturating_sub(held).max(1)).await?;
        let came_bytes = came.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
        if came_bytes == 0 {
            return if size.is_some_and(|said| said > 0) { Err(too_few(size, 0)) } else { Ok(upload) };
        }
        let tail = match upload.tail.take() {
            Some(tail) => Some(self.bytes_of(&tail).await?),
            None => None,
        };
        let ahead: Vec<Bytes> = tail.into_iter().chain(came).collect();
        if held + came_bytes < enough {
            if size.is_some_and(|said| said != came_bytes) {
                return Err(too_few(size, came_bytes));
            }
            upload.tail = Some(self.put_tail(&ahead).await?);
            upload.received += came_bytes;
        } else {
            let id = match upload.parts_id.take() {
                Some(id) => id,
                None => self.blobs.open_parts(&upload.object).await?,
            };
            let first = upload.parts.last().map_or(1, |part| part.number + 1);
            let size = size.map(|size| size + held);
            let all = Box::pin(stream::iter(ahead).map(Ok).chain(body));
            let parts = self.blobs.put_parts(&upload.object, &id, first, size, all).await?;
            upload.received += parts.iter().map(|part| part.size).sum::<u64>() - held;
            upload.parts.extend(parts);
            upload.parts_id = Some(id);
        }
        upload.hash = hash.so_far().save();
        Ok(upload)
    }

    async fn put_tail(&self, pieces: &[Bytes]) -> Result<Tail, RegistryError> {
        let bytes = Bytes::from(pieces.concat());
        let tail =
            Tail { object: ObjectKey::tail(self.common.context.random.nonce()), size: bytes.len() as u64 };
        let digest = Digest::sha256(&bytes);
        let body = Box::pin(stream::iter([Ok(bytes)]));
        match self.blobs.put(&tail.object, &digest, Some(tail.size), body, Durability::BeforeNext).await? {
            Put::Stored { .. } => Ok(tail),
            // The store refuses bytes that were damaged on the way to it.
            Put::DigestMismatch | Put::AlreadyThere => {
                Err(RegistryError::BodyBroken("the store could not take them".into()))
            }
        }
    }

    /// The bytes of a tail.
    pub(super) async fn bytes_of(&self, tail: &Tail) -> Result<Bytes, PortError> {
        let gone = || PortError::Corrupt(format!("object {} is not there", tail.object));
        self.steps.object_bytes(&tail.object).await?.ok_or_else(gone)
    }

    /// Writes a session's record, and gives up the tail that it named before and names no longer. `Some` of
    /// what is there, where somebody else was faster.
    pub(super) async fn record(
        &self,
        session: Item,
        expect: Expect,
        old_tail: Option<Tail>,
        durability: Durability,
    ) -> Result<Option<Option<Box<Item>>>, PortError> {
        let Some(tail) = old_tail else {
            return Ok(match self.table.put(session, expect, durability).await? {
                Written::Done => None,
                Written::Refused(now) => Some(now),
            });
        };
        let actions = vec![Action::Put(session, expect), trash(&tail.object, self.now())];
        Ok(match self.table.transact(actions).await? {
            Transacted::Done => None,
            Transacted::Refused(refused) => Some(
                refused.into_iter().find(|(index, _)| *index == 0).and_then(|(_, item)| item.map(Box::new)),
            ),
        })
    }

    /// What a chunk stored that was not recorded, and that nobody will name. Dying before this leaves it to
    /// the rules of the bucket, or to an audit.
    async fn give_up_loser(&self, upload: &OpenUpload, old_parts: Option<&PartsId>) -> Result<(), PortError> {
        if let Some(tail) = &upload.tail {
            self.give_up_object(&tail.object).await?;
        }
        match opened_here(upload, old_parts) {
            Some(id) => self.blobs.abort(&upload.object, id).await,
            None => Ok(()),
        }
    }
}

/// The parts of an upload, where the request that now adds to it has opened them itself: each that does opens its own.
pub(super) fn opened_here<'u>(upload: &'u OpenUpload, old_parts: Option<&PartsId>) -> Option<&'u PartsId> {
    upload.parts_id.as_ref().filter(|id| old_parts != Some(*id))
}

/// Bytes of the stream until there are `enough`, or no more.
async fn up_to(body: &mut ByteStream, enough: u64) -> Result<Vec<Bytes>, PortError> {
    let (mut pieces, mut length) = (Vec::new(), 0);
    while length < enough {
        let Some(bytes) = body.try_next().await? else { break };
        length += bytes.len() as u64;
        pieces.push(bytes);
    }
    Ok(pieces)
}

fn too_few(said: Option<u64>, came: u64) -> RegistryError {
    RegistryError::BodyBroken(format!("{} bytes were announced, {came} came", said.unwrap_or_default()))
}

/// A chunk must go on where the last one ended, and have as many bytes as its range says.
pub(crate) fn check_place(
    range: Option<ChunkRange>,
    size: Option<u64>,
    received: u64,
) -> Result<(), RegistryError> {
    let Some(range) = range else { return Ok(()) };
    if range.begins != received {
        return Err(RegistryError::ChunkOutOfOrder { begins: range.begins, received });
    }
    match size {
        Some(came) if came != range.size => {
            Err(RegistryError::ChunkSize { said: range.size, came, received })
        }
        _ => Ok(()),
    }
}

fn damaged(error: impl std::fmt::Display) -> RegistryError {
    RegistryError::Storage(PortError::Corrupt(format!("the hash of an upload: {error}")))
}
