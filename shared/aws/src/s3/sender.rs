//! Sends the parts of one object, several at a time.

use std::pin::pin;

use aws_sdk_s3::primitives;
use bytes::Bytes;
use futures_util::future::{self, BoxFuture, Either};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use moorage_ports::{ObjectKey, Part, PartsId, PortError};

use super::Blobs;
use super::error::Failure as _;

/// Parts of one upload that are on their way at the same time: one connection rarely fills the way to S3.
const IN_FLIGHT_MAX: usize = 4;

/// Parts of an object, some of them on their way. They move only while one of its functions is awaited.
///
/// The requests are made in the task that awaits them, so that they count for the request of that task and end
/// with it.
pub(super) struct Sender<'b> {
    blobs: &'b Blobs,
    key: &'b ObjectKey,
    id: &'b PartsId,
    next: u32,
    /// The number after the last one that can be given.
    end: u32,
    in_flight: FuturesUnordered<BoxFuture<'b, Result<Part, PortError>>>,
    done: Vec<Part>,
}

impl<'b> Sender<'b> {
    /// For parts numbered from `first`, before `end`.
    pub(super) fn new(blobs: &'b Blobs, key: &'b ObjectKey, id: &'b PartsId, first: u32, end: u32) -> Self {
        Self { blobs, key, id, next: first, end, in_flight: FuturesUnordered::new(), done: Vec::new() }
    }

    /// Sends these bytes as the next part. Answers when they are on their way in room of their own, or have
    /// arrived: the room that they came in is free then.
    pub(super) async fn send(&mut self, bytes: Bytes) -> Result<(), PortError> {
        let number = self.next;
        if number >= self.end {
            return Err(PortError::Body("they are more than the parts of one object can hold".to_owned()));
        }
        self.next += 1;
        loop {
            if self.in_flight.len() < IN_FLIGHT_MAX
                && let Some(room) = self.blobs.room.more(bytes.len())
            {
                let (blobs, key, id) = (self.blobs, self.key, self.id);
                self.in_flight.push(Box::pin(async move {
                    let part = blobs.upload_part(key, id, number, bytes).await;
                    drop(room);
                    part
                }));
                return Ok(());
            }
            match self.in_flight.next().await {
                Some(part) => self.done.push(part?),
                None => {
                    // No room but the one that they came in: so they go alone.
                    let part = self.blobs.upload_part(self.key, self.id, number, bytes).await?;
                    self.done.push(part);
                    return Ok(());
                }
            }
        }
    }

    /// Awaits something while the parts move on.
    pub(super) async fn meanwhile<T>(
        &mut self,
        work: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        let mut work = pin!(work);
        loop {
            if self.in_flight.is_empty() {
                return work.await;
            }
            match future::select(work, self.in_flight.next()).await {
                Either::Left((answer, _)) => return answer,
                Either::Right((part, unfinished)) => {
                    self.done.extend(part.transpose()?);
                    work = unfinished;
                }
            }
        }
    }

    /// All parts, in their order, once all have arrived.
    pub(super) async fn finish(mut self) -> Result<Vec<Part>, PortError> {
        while let Some(part) = self.in_flight.next().await {
            self.done.push(part?);
        }
        self.done.sort_unstable_by_key(|part| part.number);
        Ok(self.done)
    }
}

impl Blobs {
    /// Sends one part; S3 checks its bytes by the SHA-256 that is signed with the request.
    async fn upload_part(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        number: u32,
        bytes: Bytes,
    ) -> Result<Part, PortError> {
        let size = bytes.len();
        let sent = self
            .client
            .upload_part()
            .bucket(&*self.bucket)
            .key(key.as_str())
            .upload_id(&id.0)
            .part_number(super::parts::wire_number(number)?)
            .body(primitives::ByteStream::from(bytes))
            .customize()
            .config_override(self.times.transfer(size))
            .send()
            .await;
        match sent {
            Ok(sent) => Ok(Part { number, size: size as u64, tag: super::parts::tag(sent.e_tag(), key)? }),
            Err(error) if error.is("NoSuchUpload") => Err(super::parts::no_such_upload(key)),
            Err(error) => Err(error.told(&format!("part {number} of {key}"))),
        }
    }
}
