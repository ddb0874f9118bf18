//! An object, or a part of one, as it is stored.

use std::collections::HashMap;
use std::ops::{Deref, Range};

use bytes::Bytes;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{CompletedPart, ETag, StreamingBlob, Timestamp};

use super::checksum::{Algorithm, Checksum};

/// Bytes with the checksums that their writer sent and that were found right.
#[derive(Clone)]
pub(super) struct Content {
    /// As they came, so that an object of many parts is not copied together.
    pub(super) chunks: Vec<Bytes>,
    pub(super) checksums: Vec<Checksum>,
}

impl Content {
    pub(super) fn size(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum()
    }

    /// The ETag of an object that was put in one piece, and of a part.
    pub(super) fn md5_etag(&self) -> ETag {
        let mut md5 = Md5::new();
        self.chunks.iter().for_each(|chunk| md5.update(chunk));
        ETag::Strong(hex(&md5.finalize()))
    }

    /// The bytes of `range`, which lies within the content, sharing its memory.
    pub(super) fn slice(&self, range: Range<u64>) -> Vec<Bytes> {
        let mut slices = Vec::new();
        let mut begin = 0;
        for chunk in &self.chunks {
            let end = begin + chunk.len() as u64;
            let (from, to) = (range.start.max(begin), range.end.min(end));
            if from < to {
                slices.push(chunk.slice((from - begin) as usize..(to - begin) as usize));
            }
            begin = end;
        }
        slices
    }

    /// Whether the checksums that a completion repeats for this part are its own.
    pub(super) fn agrees_with(&self, named: &CompletedPart) -> bool {
        [
            (Algorithm::Crc32, &named.checksum_crc32),
            (Algorithm::Crc32c, &named.checksum_crc32c),
            (Algorithm::Crc64Nvme, &named.checksum_crc64nvme),
            (Algorithm::Sha1, &named.checksum_sha1),
            (Algorithm::Sha256, &named.checksum_sha256),
        ]
        .into_iter()
        .filter_map(|(algorithm, value)| Some((algorithm, value.as_ref()?)))
        .all(|(algorithm, value)| self.checksum(algorithm).is_none_or(|own| own.value == *value))
    }

    pub(super) fn checksum(&self, algorithm: Algorithm) -> Option<&Checksum> {
        self.checksums.iter().find(|checksum| checksum.algorithm == algorithm)
    }
}

/// What a writer says of an object beside its bytes.
#[derive(Clone, Default)]
pub(super) struct Attributes {
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) metadata: Option<HashMap<String, String>>,
}

#[derive(Clone)]
pub(super) struct Object {
    pub(super) content: Content,
    pub(super) etag: ETag,
    pub(super) attributes: Attributes,
    pub(super) modified: Timestamp,
}

impl Deref for Object {
    type Target = Content;

    fn deref(&self) -> &Content {
        &self.content
    }
}

/// The ETag of an object of several parts: the MD5 of their MD5s, and their number.
pub(super) fn multipart_etag<'a>(parts: impl Iterator<Item = &'a ETag>) -> ETag {
    let mut md5 = Md5::new();
    let mut count = 0;
    for part in parts {
        md5.update(&from_hex(part.value()));
        count += 1;
    }
    ETag::Strong(format!("{}-{count}", hex(&md5.finalize())))
}

/// A body for an answer.
pub(super) fn stream(chunks: Vec<Bytes>) -> StreamingBlob {
    StreamingBlob::wrap(futures_util::stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Of what [`hex`] wrote.
fn from_hex(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks_exact(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
