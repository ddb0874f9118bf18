//! The closing PUT of an upload. Without chunks before it, the PUT has the whole blob: the digest is known
//! while the bytes come, and the store checks them. With chunks, the running hash is compared.
//!
//! Finishing copies nothing: the object that the bytes went into becomes the blob. So an upload becomes one
//! blob, or none: before its object is made, the session's record says of which bytes and of which digest,
//! by compare-and-set. Whoever comes later, with more bytes, another digest or a cancel, finds it closed;
//! whoever comes for the same digest does the same work.

use futures_util::{StreamExt, TryStreamExt};
use moorage_oci::{Algorithm, Digest, Hasher, RepositoryName};
use moorage_ports::facts::{OpenUpload, Progress, State, TrashRecord};
use moorage_ports::{
    Action, ByteStream, Durability, Expect, Fact, Item, Key, ObjectBody, ObjectKey, PortError, Put, Version,
    Written,
};

use super::chunk::check_place;
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
        let token = self.token(repository, token)?;
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
                let upload =
                    if size == Some(0) { upload } else { self.add_last(upload, range, size, body).await? };
                check_digest(digest, &upload)?;
                let closing = self.claim(repository, token, digest, version, upload).await?;
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

    /// The last bytes may come with the closing request, and whether they do may not be known before.
    async fn add_last(
        &self,
        upload: OpenUpload,
        range: Option<ChunkRange>,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<OpenUpload, RegistryError> {
        let mut body = body;
        let first = match (size, body.try_next().await?) {
            (None, None) => return Ok(upload),
            (_, first) => first,
        };
        let first = futures_util::stream::iter(first.map(Ok));
        self.add_chunk(upload, range, size, Box::pin(first.chain(body))).await
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
        if is_live(known.grant.as_ref())?
            && let Some(grant) = known.grant
        {
            only_check(digest, size, body).await?;
            return self.keep(grant).await;
        }
        let object = ObjectKey::blob(digest, repository, token.id);
        let stored = match self.blobs.put(&object, digest, size, body, Durability::BeforeNext).await? {
            Put::Stored { size } => size,
            Put::DigestMismatch => {
                return Err(RegistryError::DigestMismatch { expected: digest.clone(), actual: None });
            }
            Put::AlreadyThere => match self.blobs.get(&object, None).await? {
                Some(found) => found.size,
                None => return Err(RegistryError::BodyBroken("an earlier copy of them was given up".into())),
            },
        };
        self.record_blob(repository, digest, &object, stored, known.content, known.grant).await
    }

    /// From here on exactly these bytes, and only as this blob.
    async fn claim(
        &self,
        repository: &RepositoryName,
        token: UploadToken,
        digest: &Digest,
        session: Version,
        upload: OpenUpload,
    ) -> Result<Box<OpenSession>, RegistryError> {
        let closing = Progress::Closing { upload: upload.clone(), digest: digest.clone() };
        let item = self.session_item(repository, token, closing);
        let version = version_of(&item)?;
        match self.table.put(item, Expect::VersionIs(session), Durability::BeforeNext).await? {
            Written::Done => Ok(Box::new(OpenSession { version, upload })),
            Written::Refused(now) => match Session::from_item(now.map(|item| *item))? {
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
        self.complete(upload).await?;
        if ran_along(upload)?.algorithm() != digest.algorithm() {
            let came = self.reread(&upload.object, digest.algorithm()).await?;
            if came != *digest {
                self.give_up_upload(repository, token, closing).await?;
                return Err(RegistryError::DigestMismatch { expected: digest.clone(), actual: Some(came) });
            }
        }
        self.record_blob(repository, digest, &upload.object, upload.received, known.content, known.grant)
            .await
    }

    async fn complete(&self, upload: &OpenUpload) -> Result<(), RegistryError> {
        let OpenUpload { object, parts_id, parts, .. } = upload;
        match self.blobs.complete(object, parts_id, parts, Durability::BeforeNext).await? {
            Put::Stored { .. } | Put::AlreadyThere => Ok(()),
            Put::DigestMismatch => {
                Err(PortError::Corrupt(format!("{object} was completed with a digest")).into())
            }
        }
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
        let trash = TrashRecord { since: self.now(), parts_id: None };
        let actions = vec![
            Action::Put(closed, Expect::VersionIs(closing.version)),
            Action::Put(Item::once(Key::trash(&closing.upload.object), Fact::Trash(trash)), Expect::Anything),
        ];
        // Refused: another request for the same digest found the same, and gave it up.
        self.table.transact(actions).await?;
        Ok(())
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
