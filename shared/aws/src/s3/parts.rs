//! An object that comes in parts.

use moorage_ports::limits::{PARTS_MAX, UPLOAD_PARTS_MAX};
use moorage_ports::{ByteStream, ObjectKey, Part, PartsId, PortError};

use super::Blobs;
use super::cutter::Cutter;
use super::error::Failure as _;
use super::pieces::Piece;
use super::room::Room;
use super::sender::Sender;

impl Blobs {
    pub(super) async fn open(&self, key: &ObjectKey) -> Result<PartsId, PortError> {
        let opened = self
            .client
            .create_multipart_upload()
            .bucket(&*self.bucket)
            .key(key.as_str())
            .customize()
            .config_override(self.times.control())
            .send()
            .await;
        let opened = opened.map_err(|error| error.told(&format!("begin {key} in parts")))?;
        match opened.upload_id {
            Some(id) => Ok(PartsId(id)),
            None => Err(PortError::Unavailable(format!("{key} was begun in parts, without a name for that"))),
        }
    }

    pub(super) async fn upload_parts(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        first: u32,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<Vec<Part>, PortError> {
        let end = number(UPLOAD_PARTS_MAX) + 1;
        // More bytes may follow in another call: so the last part must not be too short for that.
        let hold_back = self.cut.part_bytes_min;
        let part_bytes = self.part_bytes(size, end.saturating_sub(first), hold_back)?;
        let mut pieces = self.pieces(body, size, part_bytes, hold_back).await?;
        let mut sender = Sender::new(self, key, id, first, end);
        loop {
            match sender.meanwhile(pieces.next()).await? {
                Piece::More(bytes) => sender.send(bytes).await?,
                Piece::Last(bytes) if bytes.is_empty() => {
                    return Err(PortError::Body("no bytes came".to_owned()));
                }
                Piece::Last(bytes) => {
                    sender.send(bytes).await?;
                    return sender.finish().await;
                }
            }
        }
    }

    /// Bytes of a part where so many bytes must go into so many parts: the usual number, or more where the bytes
    /// are too many for that.
    pub(super) fn part_bytes(
        &self,
        size: Option<u64>,
        parts: u32,
        hold_back: usize,
    ) -> Result<usize, PortError> {
        let usual = self.cut.part_bytes;
        let Some(size) = size else { return Ok(usual) };
        let needed = usize::try_from(size.div_ceil(u64::from(parts.max(1)))).unwrap_or(usize::MAX);
        if needed <= usual {
            return Ok(usual);
        }
        if Cutter::room(needed, hold_back.max(1)) > Room::BYTES_MAX {
            return Err(PortError::Body(format!("{size} bytes are more than {parts} parts can hold")));
        }
        Ok(needed)
    }

    /// Copies an object into a part, within S3, whose answer does not say its size.
    pub(super) async fn copy_part(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        number: u32,
        from: &ObjectKey,
        size: u64,
    ) -> Result<Part, PortError> {
        let absent =
            || PortError::Corrupt(format!("there is no object {from}, which was to be a part of {key}"));
        let copied = self
            .client
            .upload_part_copy()
            .bucket(&*self.bucket)
            .key(key.as_str())
            .upload_id(&id.0)
            .part_number(wire_number(number)?)
            .copy_source(copy_source(&self.bucket, from))
            .customize()
            .config_override(self.times.server_side())
            .send()
            .await;
        match copied {
            Ok(copied) => {
                let tag = tag(copied.copy_part_result().and_then(|result| result.e_tag()), key)?;
                Ok(Part { number, size, tag })
            }
            Err(error) if error.is("NoSuchUpload") => Err(no_such_upload(key)),
            Err(error) if error.is_absent() => Err(absent()),
            Err(error) => Err(error.told(&format!("{from} as part {number} of {key}"))),
        }
    }

    /// Parts that are on their way while this is done may come to be stored after it; S3 then keeps them until the
    /// rule of the bucket takes them away.
    pub(super) async fn give_up(&self, key: &ObjectKey, id: &PartsId) -> Result<(), PortError> {
        let aborted = self
            .client
            .abort_multipart_upload()
            .bucket(&*self.bucket)
            .key(key.as_str())
            .upload_id(&id.0)
            .customize()
            .config_override(self.times.control())
            .send()
            .await;
        match aborted {
            Ok(_) => Ok(()),
            Err(error) if error.is("NoSuchUpload") => Ok(()),
            Err(error) => Err(error.told(&format!("give up {key} in parts"))),
        }
    }
}

/// The name of a part's bytes: its ETag, as S3 wrote it.
pub(super) fn tag(e_tag: Option<&str>, key: &ObjectKey) -> Result<String, PortError> {
    let unnamed = || PortError::Unavailable(format!("a part of {key} was stored, without an ETag"));
    e_tag.map(str::to_owned).ok_or_else(unnamed)
}

pub(super) fn no_such_upload(key: &ObjectKey) -> PortError {
    PortError::Body(format!("{key} in the making is completed or given up"))
}

/// A part's number as the SDK takes it.
pub(super) fn wire_number(number: u32) -> Result<i32, PortError> {
    match i32::try_from(number) {
        Ok(wire) if (1..=PARTS_MAX).contains(&(number as usize)) => Ok(wire),
        _ => Err(PortError::Misuse(format!("a part with the number {number}"))),
    }
}

/// A number of parts; their limits fit.
pub(super) fn number(parts: usize) -> u32 {
    u32::try_from(parts).unwrap_or(u32::MAX)
}

/// `bucket/key`, escaped as in a URL: the SDK sends it as it is.
fn copy_source(bucket: &str, key: &ObjectKey) -> String {
    let mut escaped = format!("{bucket}/");
    for byte in key.as_str().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_source_is_escaped() {
        let key = ObjectKey::from_stored("sha256:ab/a b+ü%");
        assert_eq!(copy_source("bucket", &key), "bucket/sha256%3Aab/a%20b%2B%C3%BC%25");
    }
}
