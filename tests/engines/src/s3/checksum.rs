//! The checksums that a writer may send with its bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use s3s::crypto::{Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::{S3Result, s3_error};
use sha2::{Digest as _, Sha512};

use super::object::Content;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
    Sha512,
}

const ALL: [Algorithm; 6] = [
    Algorithm::Crc32,
    Algorithm::Crc32c,
    Algorithm::Crc64Nvme,
    Algorithm::Sha1,
    Algorithm::Sha256,
    Algorithm::Sha512,
];

impl Algorithm {
    /// As in `x-amz-checksum-algorithm`.
    pub(super) fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|one| one.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    fn header(self) -> HeaderName {
        HeaderName::from_static(match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
            Self::Sha512 => "x-amz-checksum-sha512",
        })
    }

    /// In base64.
    fn of(self, chunks: &[Bytes]) -> String {
        match self {
            Self::Crc32 => computed::<Crc32>(chunks),
            Self::Crc32c => computed::<Crc32c>(chunks),
            Self::Crc64Nvme => computed::<Crc64Nvme>(chunks),
            Self::Sha1 => computed::<Sha1>(chunks),
            Self::Sha256 => computed::<Sha256>(chunks),
            Self::Sha512 => {
                let mut sha512 = Sha512::new();
                chunks.iter().for_each(|chunk| sha512.update(chunk));
                BASE64.encode(sha512.finalize())
            }
        }
    }
}

fn computed<C: s3s::crypto::Checksum>(chunks: &[Bytes]) -> String
where
    C::Output: AsRef<[u8]>,
{
    let mut hash = C::new();
    chunks.iter().for_each(|chunk| hash.update(chunk));
    BASE64.encode(hash.finalize())
}

/// One checksum, right for the bytes beside it.
#[derive(Clone, Debug)]
pub(super) struct Checksum {
    pub(super) algorithm: Algorithm,
    /// In base64; of an object of several parts with `-N` behind it.
    pub(super) value: String,
}

impl Checksum {
    /// Of an object of several parts: the checksum of their checksums, and their number.
    pub(super) fn of_parts<'a>(
        algorithm: Algorithm,
        parts: impl Iterator<Item = &'a Content>,
    ) -> S3Result<Self> {
        let mut digests = Vec::new();
        for part in parts {
            let checksum = part.checksum(algorithm).ok_or_else(|| {
                s3_error!(
                    InvalidRequest,
                    "the upload was opened with {}: every part needs one",
                    algorithm.name()
                )
            })?;
            let digest = BASE64.decode(&checksum.value).map_err(|error| s3_error!(error, InternalError))?;
            digests.push(Bytes::from(digest));
        }
        let value = format!("{}-{}", algorithm.of(&digests), digests.len());
        Ok(Self { algorithm, value })
    }
}

/// The checksums that the headers, or the trailers behind the body, name, all found right.
///
/// # Errors
///
/// `BadDigest` when one is not that of `chunks`.
pub(super) fn verified(sent: &HeaderMap, chunks: &[Bytes]) -> S3Result<Vec<Checksum>> {
    if let Some(md5) = sent.get("content-md5")
        && md5.as_bytes() != computed::<Md5>(chunks).as_bytes()
    {
        return Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received."));
    }
    let mut checksums = Vec::new();
    for algorithm in ALL {
        let Some(claimed) = sent.get(algorithm.header()) else { continue };
        let value = algorithm.of(chunks);
        if claimed.as_bytes() != value.as_bytes() {
            let name = algorithm.name();
            return Err(s3_error!(
                BadDigest,
                "The {name} you specified did not match the calculated checksum."
            ));
        }
        checksums.push(Checksum { algorithm, value });
    }
    Ok(checksums)
}

/// The headers of an answer that tell an object's checksums.
pub(super) fn headers(checksums: &[Checksum]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for checksum in checksums {
        let value = HeaderValue::from_str(&checksum.value).expect("base64 is plain ASCII");
        headers.insert(checksum.algorithm.header(), value);
        let kind = if checksum.value.contains('-') { "COMPOSITE" } else { "FULL_OBJECT" };
        headers.insert("x-amz-checksum-type", HeaderValue::from_static(kind));
    }
    headers
}
