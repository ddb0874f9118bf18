//! The closing PUT of an upload. Without chunks before it, the PUT has the whole blob: the digest is known
//! while the bytes come, and the store checks them. With chunks, the running hash is compared.
//!
//! Finishing copies nothing: the object that the bytes went into becomes the blob. So an upload becomes one
//! blob, or none: before its object is made, the session's record says of which bytes and of which digest,
//! by compare-and-set. Whoever comes later, with more bytes, another digest or a cancel, finds it closed;
//! whoever comes for the same digest does the same work.
//!
//! A tail that is left becomes the last part; where there are no parts, it is put as the blob. Its own object
//! stays named by the session's record, and goes with it.

use futures_util::{TryStreamExt, stream};
use moorage_collector::trash;
use moorage_oci::{Algorithm, Digest, Hasher, RepositoryName};
use moorage_ports::facts::{OpenUpload, Progress, State, Tail};
use moorage_ports::{
    Action, ByteStream, Durability, Expect, Item, Key, ObjectBody, ObjectKey, PartsId, PortError, Put,
    Version,
};

use super::chunk::{Place, check_place, opened_here};
use super::session::{ChunkRange, OpenSession, RunningHash, Session};
use super::token::UploadToken;
use crate::commit::{state_of, version_of};
use crate::error::RegistryError;
use crate::registry::Push;
use crate::settings::REREAD_BYTES_MAX;

/// What is known of a blob's two records.
struct Known {
    content: Option<Item>,
    grant: Option<Item>,
}

impl Push {
    /// Stores a blob that comes in one request, without an upload that was opened before.
    ///
    /// # Errors
    /// `DigestMismatch`, `BodyBroken`; nothing is stored then.
    pub async fn put_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<(), RegistryError> {
        let keys = [Key::content(digest), Key::grant(repository, digest)];
        let mut read = self.table.batch_get(&keys).await?;
        let grant = read.pop().flatten();
        let known = Known { content: read.pop().flatten(), grant };
        let token = self.open_upload(Algorithm::Sha256);
        self.put_whole(repository, token, digest, size, body, known).await
    }

    /// Finishes an upload. `range` is what the client says of the bytes in this request, `size` their number
    /// if it is known.
    ///
    /// # Errors
    /// `UploadUnknown`, `ChunkOutOfOrder`, `ChunkSize`, `DigestMismatch`, `BodyBroken`, `TooLongToReread`.
    /// The chunks that came before stay, and the upload can be finished by another request.
    pub async fn finish_upload(
        &self,
        repository: &RepositoryName,
        token: &str,
        digest: &Digest,
        range: Option<ChunkRange>,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<(), RegistryError> {
        let token = self.common.token(repository, token)?;
        let keys = [Key::upload(token.id), Key::content(digest), Key::grant(repository, digest)];
        let mut read = self.table.batch_get(&keys).await?;
        let grant = read.pop().flatten();
        let known = Known { content: read.pop().flatten(), grant };
        match Session::from_item(read.pop().flatten())? {
            Session::Fresh => {
                check_place(range, size, 0)?;
                self.put_whole(repository, token, digest, size, body, known).await
            }
            Session::Open(open) => {
                let OpenSession { version, upload } = *open;
                check_place(range, size, upload.received)?;
                let (old_tail, old_parts) = (upload.tail.clone(), upload.parts_id.clone());
                let upload = if size == Some(0) {
                    upload
                } else {
                    Box::pin(self.add_bytes(upload, size.or(range.map(|r| r.size)), body, Place::Last))
                        .await?
                };
                let new_tail = upload.tail.clone().filter(|tail| old_tail.as_ref() != Some(tail));
                let object = upload.object.clone();
                let new_parts = opened_here(&upload, old_parts.as_ref()).cloned();
                let claimed = match check_digest(digest, &upload) {
                    Ok(()) => self.claim(repository, token, digest, version, upload, old_tail).await,
                    Err(error) => Err(error),
                };
                if let Some(tail) = &new_tail
                    && is_unnamed(&claimed, |named| named.tail.as_ref() == Some(tail))
                {
                    self.give_up_object(&tail.object).await?;
                }
                if let Some(id) = &new_parts
                    && is_unnamed(&claimed, |named| named.parts_id.as_ref() == Some(id))
                {
                    self.blobs.abort(&object, id).await?;
                }
                let closing = claimed?;
                self.close(repository, token, digest, &closing, known).await
            }
            // A client that lost the answer asks again.
            Session::Closing(_, of) if of == *digest && is_live(known.grant.as_ref())? => Ok(()),
            Session::Closing(closing, of) if of == *digest => {
                self.close(repository, token, digest, &closing, known).await
            }
            Session::Closing(..) | Session::Closed => {
                Err(RegistryError::UploadUnknown { repository: repository.clone() })
            }
        }
    }

    async fn put_whole(
        &self,
        repository: &RepositoryName,
        token: UploadToken,
        digest: &Digest,
        size: Option<u64>,
        body: ByteStream,
        known: Known,
    ) -> Result<(), RegistryError> {
        // Kept before its bytes are read, which may take long and only compares them: it must be there afterwards.
        if is_live(known.grant.as_ref())?
            && let Some(grant) = known.grant.clone()
            && self.common.keep(&*self.table, grant.clone()).await?
        {
            only_check(digest, size, body).await?;
            if !self.common.keep(&*self.table, grant).await? {
                return Err(RegistryError::BodyBroken(
                    "the blob was deleted meanwhile: send it again".into(),
                ));
            }
            return Ok(());
        }
        let object = ObjectKey::blob(digest, repository, token.id);
        let stored = match self.blobs.put(&object, digest, size, body, Durability::BeforeNext).await? {
            Put::Stored { size } => size,
            Put::DigestMismatch => {
                return Err(RegistryError::DigestMismatch { expected: digest.clone(), actual: None });
            }
            Put::AlreadyThere => match self.blobs.size(&object).await? {
                Some(size) => size,
                None => return Err(RegistryError::BodyBroken("an earlier copy of them was given up".into())),
            },
        };
        Box::pin(self.record_blob(repository, digest, &object, stored, known.content, known.grant)).await
    }

    /// From here on exactly these bytes, and only as this blob.
    async fn claim(
        &self,
        repository: &RepositoryName,
        token: UploadToken,
        digest: &Digest,
        session: Version,
        mut upload: OpenUpload,
        old_tail: Option<Tail>,
    ) -> Result<Box<OpenSession>, RegistryError> {
        if upload.parts_id.is_none() {
            upload.object = ObjectKey::blob(digest, repository, token.id);
        }
        let closing = Progress::Closing { upload: upload.clone(), digest: digest.clone() };
        let item = self.session_item(repository, token, closing);
        let version = version_of(&item)?;
        let given_up = old_tail.filter(|tail| upload.tail.as_ref() != Some(tail));
        match self.record(item, Expect::VersionIs(session), given_up, Durability::BeforeNext).await? {
            None => Ok(Box::new(OpenSession { version, upload })),
            Some(now) => match Session::from_item(now.map(|item| *item))? {
                Session::Closing(closing, of) if of == *digest => Ok(closing),
                Session::Open(open) => Err(RegistryError::UploadRaced { received: open.upload.received }),
                Session::Fresh | Session::Closing(..) | Session::Closed => {
                    Err(RegistryError::UploadUnknown { repository: repository.clone() })
                }
            },
        }
    }

    async fn close(
        &self,
        repository: &RepositoryName,
        token: UploadToken,
        digest: &Digest,
        closing: &OpenSession,
        known: Known,
    ) -> Result<(), RegistryError> {
        let upload = &closing.upload;
        let made = match (&upload.parts_id, &upload.tail) {
            (Some(id), tail) => {
                self.complete(upload, id, tail.as_ref()).await?;
                self.is_of(digest, upload).await
            }
            (None, Some(tail)) => self.put_as_blob(digest, upload, tail).await,
            (None, None) => Err(PortError::Corrupt("an upload of nothing is being closed".into()).into()),
        };
        if let Err(RegistryError::DigestMismatch { .. }) = &made {
            self.give_up_upload(repository, token, closing).await?;
        }
        made?;
        Box::pin(self.record_blob(
            repository,
            digest,
            &upload.object,
            upload.received,
            known.content,
            known.grant,
        ))
        .await
    }

    /// Makes the object of its parts; the tail, if there is one, is the last of them.
    async fn complete(
        &self,
        upload: &OpenUpload,
        id: &PartsId,
        tail: Option<&Tail>,
    ) -> Result<(), RegistryError> {
        let mut parts = upload.parts.clone();
        if let Some(tail) = tail {
            let number = parts.last().map_or(1, |part| part.number + 1);
            match self.blobs.put_part_of(&upload.object, id, number, &tail.object, tail.size).await {
                Ok(part) => parts.push(part),
                // An earlier request came further than its answer.
                Err(PortError::Body(_)) if self.blobs.size(&upload.object).await?.is_some() => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        match self.blobs.complete(&upload.object, id, &parts, Durability::BeforeNext).await? {
            Put::Stored { .. } | Put::AlreadyThere => Ok(()),
            Put::DigestMismatch => {
                Err(PortError::Corrupt(format!("{} was completed with a digest", upload.object)).into())
            }
        }
    }

    /// Makes the object of a tail that is all of the blob; the store checks its bytes.
    async fn put_as_blob(
        &self,
        digest: &Digest,
        upload: &OpenUpload,
        tail: &Tail,
    ) -> Result<(), RegistryError> {
        let bytes = self.bytes_of(tail).await?;
        let body = Box::pin(stream::iter([Ok(bytes)]));
        match self.blobs.put(&upload.object, digest, Some(tail.size), body, Durability::BeforeNext).await? {
            Put::Stored { .. } | Put::AlreadyThere => Ok(()),
            Put::DigestMismatch => {
                Err(RegistryError::DigestMismatch { expected: digest.clone(), actual: None })
            }
        }
    }

    /// Reads a completed object back where another algorithm than the digest's ran along with its bytes.
    async fn is_of(&self, digest: &Digest, upload: &OpenUpload) -> Result<(), RegistryError> {
        if ran_along(upload)?.algorithm() == digest.algorithm() {
            return Ok(());
        }
        let came = self.reread(&upload.object, digest.algorithm()).await?;
        if came == *digest {
            return Ok(());
        }
        Err(RegistryError::DigestMismatch { expected: digest.clone(), actual: Some(came) })
    }

    /// The digest of an object's bytes by an algorithm that did not run along with them.
    async fn reread(&self, object: &ObjectKey, algorithm: Algorithm) -> Result<Digest, RegistryError> {
        let Some(found) = self.blobs.get(object, None).await? else {
            return Err(PortError::Corrupt(format!("object {object} is not there")).into());
        };
        let mut hasher = Hasher::new(algorithm);
        match found.body {
            ObjectBody::Bytes(bytes) => hasher.update(&bytes),
            ObjectBody::Stream(mut stream) => {
                while let Some(bytes) = stream.try_next().await? {
                    hasher.update(&bytes);
                }
            }
        }
        Ok(hasher.finish())
    }

    async fn give_up_upload(
        &self,
        repository: &RepositoryName,
        token: UploadToken,
        closing: &OpenSession,
    ) -> Result<(), RegistryError> {
        let closed = self.session_item(repository, token, Progress::Closed);
        let now = self.now();
        let mut actions =
            vec![Action::Put(closed, Expect::VersionIs(closing.version)), trash(&closing.upload.object, now)];
        actions.extend(closing.upload.tail.iter().map(|tail| trash(&tail.object, now)));
        // Refused: another request for the same digest found the same, and gave it up.
        self.table.transact(actions).await?;
        Ok(())
    }
}

/// Whether no record names what a closing request stored. Where the storage failed, one may.
fn is_unnamed(
    claimed: &Result<Box<OpenSession>, RegistryError>,
    is_named: impl FnOnce(&OpenUpload) -> bool,
) -> bool {
    match claimed {
        Ok(closing) => !is_named(&closing.upload),
        Err(RegistryError::Storage(_)) => false,
        Err(_) => true,
    }
}

/// Refuses what cannot be the blob of this digest, or cannot be found out: the upload goes on then.
fn check_digest(digest: &Digest, upload: &OpenUpload) -> Result<(), RegistryError> {
    let came = ran_along(upload)?;
    if came.algorithm() != digest.algorithm() {
        if upload.received > REREAD_BYTES_MAX {
            return Err(RegistryError::TooLongToReread { size: upload.received, digest: digest.clone() });
        }
    } else if came != *digest {
        return Err(RegistryError::DigestMismatch { expected: digest.clone(), actual: Some(came) });
    }
    Ok(())
}

/// The digest of the bytes that came, by the algorithm that ran along with them.
fn ran_along(upload: &OpenUpload) -> Result<Digest, PortError> {
    Hasher::restore(&upload.hash).map(Hasher::finish).map_err(|error| PortError::Corrupt(error.to_string()))
}

pub(crate) fn is_live(grant: Option<&Item>) -> Result<bool, PortError> {
    grant.map_or(Ok(false), |item| state_of(item).map(|state| state == State::Live))
}

/// The blob is here: its bytes are read and checked, and go nowhere.
async fn only_check(digest: &Digest, size: Option<u64>, body: ByteStream) -> Result<(), RegistryError> {
    let hash = RunningHash::new(Hasher::new(digest.algorithm()));
    let mut stream = hash.over(body);
    while stream.try_next().await?.is_some() {}
    let hasher = hash.so_far();
    if let Some(said) = size.filter(|said| *said != hasher.bytes()) {
        return Err(RegistryError::BodyBroken(format!(
            "{said} bytes were announced, {} came",
            hasher.bytes()
        )));
    }
    let came = hasher.finish();
    if came == *digest {
        return Ok(());
    }
    Err(RegistryError::DigestMismatch { expected: digest.clone(), actual: Some(came) })
}
