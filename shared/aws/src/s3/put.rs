//! Makes an object from one stream.

use aws_sdk_s3::primitives;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use moorage_oci::{Algorithm, Digest, Hasher};
use moorage_ports::limits::PARTS_MAX;
use moorage_ports::{ByteStream, ObjectKey, PartsId, PortError, Put};

use super::complete::Completed;
use super::error::Failure as _;
use super::parts::number;
use super::pieces::{Piece, Pieces};
use super::sender::Sender;
use super::{Blobs, tries};

/// How often bytes are sent that were damaged on their way, the first time included.
const DAMAGED_TRIES_MAX: u32 = 3;

impl Blobs {
    pub(super) async fn put_object(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<Put, PortError> {
        let parts = number(PARTS_MAX);
        let part_bytes = self.part_bytes(size, parts, 0)?;
        let mut pieces = self.pieces(body, size, part_bytes, 0).await?;
        match pieces.next().await? {
            Piece::Last(bytes) => self.put_whole(key, digest, &bytes).await,
            Piece::More(first) => self.put_in_parts(key, digest, first, pieces).await,
        }
    }

    /// In one request. S3 checks the bytes.
    async fn put_whole(&self, key: &ObjectKey, digest: &Digest, bytes: &Bytes) -> Result<Put, PortError> {
        if digest.algorithm() == Algorithm::Sha512 && !is_of(digest, bytes) {
            return Ok(Put::DigestMismatch);
        }
        let checksum = BASE64.encode(hash_of(digest));
        let mut made = 1;
        loop {
            let request = self
                .client
                .put_object()
                .bucket(&*self.bucket)
                .key(key.as_str())
                .if_none_match("*")
                .content_length(bytes.len() as i64)
                .body(primitives::ByteStream::from(bytes.clone()));
            let request = match digest.algorithm() {
                Algorithm::Sha256 => request.checksum_sha256(&checksum),
                Algorithm::Sha512 if self.amazon => request.checksum_sha512(&checksum),
                Algorithm::Sha512 => request,
            };
            let put = request.customize().config_override(self.times.transfer(bytes.len())).send().await;
            return match put {
                Ok(_) => Ok(Put::Stored { size: bytes.len() as u64 }),
                // Also where the SDK sent it again, and the first had been stored though its answer was lost.
                Err(error) if error.is_already_there() => Ok(Put::AlreadyThere),
                Err(error) if error.is_other_bytes() && !is_of(digest, bytes) => Ok(Put::DigestMismatch),
                Err(error)
                    if error.is_conflict() && made < tries::TRIES_MAX
                        || error.is_other_bytes() && made < DAMAGED_TRIES_MAX =>
                {
                    tries::pause(&self.context, made).await;
                    made += 1;
                    continue;
                }
                Err(error) => Err(error.told(&format!("put {key}"))),
            };
        }
    }

    /// In parts. Whatever happens, no part is left behind, but where this process dies: then the rule of the
    /// bucket takes them away.
    async fn put_in_parts(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        first: Bytes,
        pieces: Pieces,
    ) -> Result<Put, PortError> {
        let making = Making { blobs: self, key, id: Some(self.open(key).await?) };
        let Some(id) = &making.id else { return Ok(Put::AlreadyThere) };
        let put = self.fill_and_complete(key, id, digest, first, pieces).await;
        match put {
            Ok(Put::Stored { .. }) => making.keep(),
            Ok(Put::AlreadyThere | Put::DigestMismatch) | Err(_) => making.give_up().await,
        }
        put
    }

    async fn fill_and_complete(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        digest: &Digest,
        first: Bytes,
        mut pieces: Pieces,
    ) -> Result<Put, PortError> {
        let mut sender = Sender::new(self, key, id, 1, number(PARTS_MAX) + 1);
        let mut hasher = Hasher::new(digest.algorithm());
        let mut piece = Piece::More(first);
        loop {
            match piece {
                Piece::More(bytes) => {
                    hasher.update(&bytes);
                    sender.send(bytes).await?;
                }
                Piece::Last(bytes) => {
                    hasher.update(&bytes);
                    if !bytes.is_empty() {
                        sender.send(bytes).await?;
                    }
                    break;
                }
            }
            piece = sender.meanwhile(pieces.next()).await?;
        }
        let size = hasher.bytes();
        let came = hasher.finish();
        if came != *digest {
            return Ok(Put::DigestMismatch);
        }
        let parts = sender.finish().await?;
        match self.complete_parts(key, id, &parts).await? {
            Completed::Stored => Ok(Put::Stored { size }),
            Completed::AlreadyThere => Ok(Put::AlreadyThere),
            Completed::BadParts(why) => Err(PortError::Unavailable(why)),
            Completed::Gone => Err(PortError::Unavailable(format!("{key} in the making was lost"))),
        }
    }
}

/// An object in the making that nobody else knows of: it is given up when this is dropped.
struct Making<'b> {
    blobs: &'b Blobs,
    key: &'b ObjectKey,
    id: Option<PartsId>,
}

impl Making<'_> {
    /// It was completed.
    fn keep(mut self) {
        self.id = None;
    }

    /// Gives it up now, and not after the answer, when a function stands still.
    async fn give_up(mut self) {
        if let Some(id) = &self.id {
            let given_up = self.blobs.give_up(self.key, id).await;
            note_left_behind(self.key, given_up);
        }
        self.id = None;
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        // A client went away, and its request with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (blobs, key) = (self.blobs.clone(), self.key.clone());
            runtime.spawn(async move {
                let given_up = blobs.give_up(&key, &id).await;
                note_left_behind(&key, given_up);
            });
        }
    }
}

fn note_left_behind(key: &ObjectKey, given_up: Result<(), PortError>) {
    if let Err(error) = given_up {
        tracing::warn!(object = %key, %error, "parts are left behind until the bucket's rule takes them away");
    }
}

fn is_of(digest: &Digest, bytes: &[u8]) -> bool {
    Digest::of(digest.algorithm(), bytes) == *digest
}

/// The bytes of the hash itself.
fn hash_of(digest: &Digest) -> Vec<u8> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit - b'a' + 10,
    };
    digest.hex().as_bytes().chunks_exact(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_from_its_digits() {
        let digest = Digest::sha256(b"{}");
        assert_eq!(BASE64.encode(hash_of(&digest)), "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
    }
}
