//! A chunk of an upload. It is stored, and then recorded by compare-and-set: two chunks that come for the
//! same place are both stored, and one of them is recorded.

use moorage_oci::{Hasher, RepositoryName};
use moorage_ports::facts::{OpenUpload, Progress};
use moorage_ports::{ByteStream, Durability, Expect, Key, Written};

use super::session::{ChunkRange, RunningHash, Session, chunked_object};
use crate::error::RegistryError;
use crate::registry::Push;
use crate::settings::UPLOAD_CHUNKS_MAX;

impl Push {
    /// Adds a chunk. `range` is what the client says of it, `size` its bytes if they are known. Answers how
    /// many bytes of the blob have come.
    ///
    /// # Errors
    /// `UploadUnknown`, `ChunkOutOfOrder`, `ChunkSize`, `UploadRaced`, `TooManyChunks`, `BodyBroken`; what
    /// came before stays, and the upload can go on.
    pub async fn upload_chunk(
        &self,
        repository: &RepositoryName,
        token: &str,
        range: Option<ChunkRange>,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<u64, RegistryError> {
        let token = self.token(repository, token)?;
        let session = Session::from_item(self.table.get(&Key::upload(token.id)).await?)?;
        let (expect, upload) = match session {
            Session::Closing(..) | Session::Closed => {
                return Err(RegistryError::UploadUnknown { repository: repository.clone() });
            }
            Session::Fresh => (Expect::Absent, None),
            Session::Open(open) => (Expect::VersionIs(open.version), Some(open.upload)),
        };
        check_place(range, size, upload.as_ref().map_or(0, |u| u.received))?;
        if size == Some(0) {
            return Ok(upload.map_or(0, |u| u.received));
        }
        let upload = match upload {
            Some(upload) => upload,
            None => {
                let object = chunked_object(self);
                let parts_id = self.blobs.open_parts(&object).await?;
                let hash = Hasher::new(token.algorithm).save();
                OpenUpload { object, parts_id, parts: Vec::new(), received: 0, hash }
            }
        };
        let before = upload.received;
        let longer = self.add_chunk(upload, range, size, body).await?;
        let received = longer.received;
        let item = self.session_item(repository, token, Progress::Open(longer));
        match self.table.put(item, expect, Durability::OnAnswer).await? {
            Written::Done => Ok(received),
            Written::Refused(now) => Err(match Session::from_item(now.map(|i| *i))? {
                Session::Closing(..) | Session::Closed => {
                    RegistryError::UploadUnknown { repository: repository.clone() }
                }
                Session::Fresh => RegistryError::UploadRaced { received: before },
                Session::Open(open) => RegistryError::UploadRaced { received: open.upload.received },
            }),
        }
    }

    /// Stores the bytes as the next part and hashes them along; nothing is recorded.
    pub(crate) async fn add_chunk(
        &self,
        upload: OpenUpload,
        range: Option<ChunkRange>,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<OpenUpload, RegistryError> {
        let mut upload = upload;
        if upload.parts.len() >= UPLOAD_CHUNKS_MAX {
            return Err(RegistryError::TooManyChunks { max: UPLOAD_CHUNKS_MAX });
        }
        let hash = RunningHash::new(Hasher::restore(&upload.hash).map_err(damaged)?);
        let number = u32::try_from(upload.parts.len() + 1).expect("far fewer than 2^32 chunks");
        let size = size.or(range.map(|r| r.size));
        let part =
            self.blobs.put_part(&upload.object, &upload.parts_id, number, size, hash.over(body)).await?;
        upload.received += part.size;
        upload.parts.push(part);
        upload.hash = hash.so_far().save();
        Ok(upload)
    }
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
    RegistryError::Storage(moorage_ports::PortError::Corrupt(format!("the hash of an upload: {error}")))
}
