//! Takes in the bytes of an upload: few ones to memory, more to a file, hashed as they come.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use moorage_oci::{Digest, Hasher};
use moorage_ports::{ByteStream, PortError};

use crate::error::disk_failed;
use crate::files::{Draft, Files};

/// Bytes that are gathered before they are hashed and written, in a thread that may block. One batch is
/// written while the next is gathered, so an upload holds at most two of them.
const BATCH_BYTES: usize = 512 * 1024;

/// What came.
pub(crate) enum Received {
    /// Few bytes.
    Small(Bytes),
    /// More: a file whose bytes are durable, and which no row names yet.
    File(Draft),
}

impl Received {
    /// Bytes.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Small(bytes) => bytes.len() as u64,
            Self::File(draft) => draft.size(),
        }
    }
}

/// Takes in a whole stream, which is `size` bytes long where that is known. Answers with the digest too,
/// where there is a hasher.
///
/// # Errors
/// `Body` when the stream ends with an error, or not after `size` bytes; `Full` when there is no room for it.
/// Nothing is left behind.
pub(crate) async fn receive(
    files: &Arc<Files>,
    mut body: ByteStream,
    size: Option<u64>,
    hasher: Option<Hasher>,
    small_bytes_max: usize,
) -> Result<(Received, Option<Digest>), PortError> {
    files.check_room(size.unwrap_or(0)).map_err(|e| disk_failed(&e))?;
    let mut batch = Batch::default();
    let mut incoming = Incoming { body: &mut body, left: size };
    let ended = incoming.fill(&mut batch, small_bytes_max + 1).await?;
    if ended && batch.bytes <= small_bytes_max {
        let bytes = batch.joined();
        let digest = hasher.map(|mut hasher| {
            hasher.update(&bytes);
            hasher.finish()
        });
        return Ok((Received::Small(bytes), digest));
    }

    let mut ended = ended || incoming.fill(&mut batch, BATCH_BYTES).await?;
    let mut sink = Sink { draft: None, hasher };
    loop {
        let (files, full) = (Arc::clone(files), std::mem::take(&mut batch));
        let writing = tokio::task::spawn_blocking(move || sink.write(&files, &full, ended));
        if ended {
            return finished(writing).await?.finish();
        }
        let gathered = incoming.fill(&mut batch, BATCH_BYTES).await;
        sink = finished(writing).await?;
        ended = gathered?;
    }
}

async fn finished(written: tokio::task::JoinHandle<std::io::Result<Sink>>) -> Result<Sink, PortError> {
    let written =
        written.await.map_err(|e| PortError::Unavailable(format!("a write was broken off: {e}")))?;
    written.map_err(|e| disk_failed(&e))
}

/// Bytes that were gathered, as they came.
#[derive(Default)]
struct Batch {
    chunks: Vec<Bytes>,
    bytes: usize,
}

impl Batch {
    fn joined(mut self) -> Bytes {
        if self.chunks.len() == 1 {
            return self.chunks.remove(0);
        }
        Bytes::from(self.chunks.concat())
    }
}

/// The stream, and how many of its bytes are still to come.
struct Incoming<'b> {
    body: &'b mut ByteStream,
    left: Option<u64>,
}

impl Incoming<'_> {
    /// Gathers until the batch has `enough` bytes; answers whether the stream has ended.
    async fn fill(&mut self, batch: &mut Batch, enough: usize) -> Result<bool, PortError> {
        while batch.bytes < enough {
            let Some(chunk) = poll_fn(|context| self.body.as_mut().poll_next(context)).await else {
                return match self.left {
                    Some(left) if left > 0 => {
                        Err(PortError::Body(format!("{left} bytes are missing at the end")))
                    }
                    _ => Ok(true),
                };
            };
            let chunk = chunk.map_err(|error| match error {
                PortError::Body(why) => PortError::Body(why),
                other => PortError::Body(other.to_string()),
            })?;
            if let Some(left) = &mut self.left {
                *left = left
                    .checked_sub(chunk.len() as u64)
                    .ok_or_else(|| PortError::Body("more bytes came than were said to".to_owned()))?;
            }
            batch.bytes += chunk.len();
            batch.chunks.push(chunk);
        }
        Ok(false)
    }
}

/// Where batches go; made with the first one.
struct Sink {
    draft: Option<Draft>,
    hasher: Option<Hasher>,
}

impl Sink {
    /// Hashes and writes a batch, and after the last one makes the file durable. Blocks.
    fn write(mut self, files: &Arc<Files>, batch: &Batch, last: bool) -> std::io::Result<Self> {
        let mut draft = match self.draft.take() {
            Some(draft) => draft,
            None => files.create()?,
        };
        for chunk in &batch.chunks {
            if let Some(hasher) = &mut self.hasher {
                hasher.update(chunk);
            }
            draft.append(chunk)?;
        }
        if last {
            draft.sync()?;
        }
        self.draft = Some(draft);
        Ok(self)
    }

    fn finish(self) -> Result<(Received, Option<Digest>), PortError> {
        let draft = self.draft.ok_or_else(|| PortError::Unavailable("no file was made".to_owned()))?;
        Ok((Received::File(draft), self.hasher.map(Hasher::finish)))
    }
}
