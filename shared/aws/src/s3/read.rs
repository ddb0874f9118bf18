//! Reading objects.

use std::ops::Range;

use aws_sdk_s3::presigning::PresigningConfig;
use bytes::Bytes;
use futures_util::stream;
use moorage_ports::blobs::SIGNED_URL_LIFE;
use moorage_ports::calls::note_backend;
use moorage_ports::{Object, ObjectBody, ObjectKey, PortError};

use super::Blobs;
use super::error::Failure as _;
use crate::prices;

impl Blobs {
    pub(super) async fn get_object(
        &self,
        key: &ObjectKey,
        range: Option<Range<u64>>,
    ) -> Result<Option<Object>, PortError> {
        let header = match &range {
            Some(Range { start, end }) if start < end => Some(format!("bytes={start}-{}", end - 1)),
            Some(empty) => return Err(PortError::Misuse(format!("the range {empty:?} of {key}"))),
            None => None,
        };
        let got = self
            .client
            .get_object()
            .bucket(&*self.bucket)
            .key(key.as_str())
            .set_range(header)
            .customize()
            .config_override(self.times.control())
            .send()
            .await;
        let got = match got {
            Ok(got) => got,
            Err(error) if error.is_absent() => return Ok(None),
            Err(error) if error.status() == Some(416) => {
                return Err(PortError::Misuse(format!("the range {range:?} of {key}, which is shorter")));
            }
            Err(error) => return Err(error.told(&format!("get {key}"))),
        };
        let size = match &range {
            Some(_) => got.content_range().and_then(whole_size),
            None => got.content_length().and_then(|length| u64::try_from(length).ok()),
        };
        let sizeless =
            || PortError::Unavailable(format!("get {key}: the answer does not say the object's size"));
        let size = size.ok_or_else(sizeless)?;
        let what = format!("the bytes of {key}");
        let body = stream::try_unfold((got.body, what), |(mut body, what)| async move {
            match body.try_next().await {
                Ok(chunk) => Ok(chunk.map(|chunk: Bytes| (chunk, (body, what)))),
                Err(error) => Err(PortError::Unavailable(format!("{what}: {error}"))),
            }
        });
        Ok(Some(Object { size, body: ObjectBody::Stream(Box::pin(body)) }))
    }

    /// The object's number of bytes.
    pub(super) async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, PortError> {
        let head = self
            .client
            .head_object()
            .bucket(&*self.bucket)
            .key(key.as_str())
            .customize()
            .config_override(self.times.control())
            .send()
            .await;
        match head {
            Ok(head) => match head.content_length().and_then(|length| u64::try_from(length).ok()) {
                Some(size) => Ok(Some(size)),
                None => Err(PortError::Unavailable(format!("head {key}: the answer does not say its size"))),
            },
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error.told(&format!("head {key}"))),
        }
    }

    /// Signed here: S3 is not asked. Credentials that end sooner take the URL with them, so a process should not
    /// run on credentials with less than [`SIGNED_URL_LIFE`] to live; those of functions and machines are renewed
    /// hours before.
    pub(super) async fn presign(&self, key: &ObjectKey) -> Result<String, PortError> {
        let life = PresigningConfig::expires_in(SIGNED_URL_LIFE);
        let life = life.map_err(|error| PortError::Misuse(format!("sign a URL: {error}")))?;
        // The client's own request: not ours, but on the same bill.
        note_backend(|backend| backend.nano_usd += prices::of_request("s3:GetObject"));
        let signed = self.signer.get_object().bucket(&*self.bucket).key(key.as_str()).presigned(life).await;
        match signed {
            Ok(signed) => Ok(signed.uri().to_owned()),
            Err(error) => Err(error.told(&format!("sign a URL of {key}"))),
        }
    }
}

/// `bytes 0-9/1234`: 1234.
fn whole_size(content_range: &str) -> Option<u64> {
    content_range.rsplit_once('/')?.1.parse().ok()
}
