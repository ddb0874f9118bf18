//! What the steps of an upload share: the session's record, and the stream that hashes what passes.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use moorage_oci::{Digest, Hasher, RepositoryName};
use moorage_ports::facts::{OpenUpload, Progress, SessionRecord};
use moorage_ports::{ByteStream, Fact, Item, Key, PortError, Version};

use super::token::UploadToken;
use crate::commit::version_of;
use crate::error::RegistryError;
use crate::registry::{Common, Push};

/// Which bytes of the blob a chunk says it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChunkRange {
    /// The first of them.
    pub begins: u64,
    /// How many.
    pub size: u64,
}

/// The bytes of an upload, as its record shows them.
pub(crate) struct OpenSession {
    /// The version of its record.
    pub(crate) version: Version,
    pub(crate) upload: OpenUpload,
}

/// An upload as its record shows it.
pub(crate) enum Session {
    /// No chunk has come.
    Fresh,
    Open(Box<OpenSession>),
    /// Somebody closes it, or has closed it, as the blob of this digest.
    Closing(Box<OpenSession>, Digest),
    Closed,
}

impl Common {
    /// Reads an upload's token.
    pub(crate) fn token(
        &self,
        repository: &RepositoryName,
        text: &str,
    ) -> Result<UploadToken, RegistryError> {
        UploadToken::open(text, &self.secret, repository, self.now())
            .ok_or_else(|| RegistryError::UploadUnknown { repository: repository.clone() })
    }
}

impl Push {
    pub(crate) fn session_item(
        &self,
        repository: &RepositoryName,
        token: UploadToken,
        progress: Progress,
    ) -> Item {
        let record = SessionRecord { repository: repository.clone(), expires: token.expires, progress };
        Item::at(Key::upload(token.id), self.fresh_version(), Fact::Session(record))
    }
}

impl Session {
    pub(crate) fn from_item(item: Option<Item>) -> Result<Self, PortError> {
        let Some(item) = item else { return Ok(Self::Fresh) };
        let version = version_of(&item)?;
        let Fact::Session(record) = item.fact else {
            return Err(PortError::Corrupt(format!("{:?} is not an upload", item.key)));
        };
        Ok(match record.progress {
            Progress::Closed => Self::Closed,
            Progress::Open(upload) => Self::Open(Box::new(OpenSession { version, upload })),
            Progress::Closing { upload, digest } => {
                Self::Closing(Box::new(OpenSession { version, upload }), digest)
            }
        })
    }
}

/// Hashes a stream as it passes; the hash can be taken when the stream has ended.
#[derive(Clone)]
pub(crate) struct RunningHash(Arc<Mutex<Hasher>>);

impl RunningHash {
    pub(crate) fn new(hasher: Hasher) -> Self {
        Self(Arc::new(Mutex::new(hasher)))
    }

    /// The stream, hashed as it is read.
    pub(crate) fn over(&self, stream: ByteStream) -> ByteStream {
        Box::pin(Hashed { stream, hash: self.clone() })
    }

    /// The hash of what has passed.
    pub(crate) fn so_far(&self) -> Hasher {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Hashed {
    stream: ByteStream,
    hash: RunningHash,
}

impl Stream for Hashed {
    type Item = Result<Bytes, PortError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.stream.as_mut().poll_next(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            self.hash.0.lock().unwrap_or_else(PoisonError::into_inner).update(bytes);
        }
        next
    }
}
