//! Blobs, known by a number instead of their bytes, so that a journal of many gigabytes stays small and any
//! of them can be compared byte for byte later.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256, Sha512};

use crate::random::Random;

/// `sha256:…` or `sha512:…`.
pub type Digest = Arc<str>;

/// What clients push: nothing, a few bytes, a config, a small layer, a larger one.
pub const SIZES: [usize; 5] = [0, 10, 4 << 10, 100 << 10, 3 << 19];

/// What a blob consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    seed: u64,
    pub bytes: usize,
}

/// The empty JSON object, which artifacts without a config name.
pub const EMPTY_JSON: Content = Content { seed: 0, bytes: 2 };

#[derive(Clone, Debug)]
pub struct Blob {
    pub digest: Digest,
    pub content: Content,
}

impl Content {
    pub fn new(seed: u64, bytes: usize) -> Self {
        Self { seed, bytes }
    }

    pub fn bytes(self) -> Vec<u8> {
        if self == EMPTY_JSON {
            return b"{}".to_vec();
        }
        let mut random = Random::new(self.seed);
        let mut bytes = Vec::with_capacity(self.bytes + 8);
        while bytes.len() < self.bytes {
            bytes.extend_from_slice(&random.next().to_le_bytes());
        }
        bytes.truncate(self.bytes);
        bytes
    }

    /// The blob that has this content.
    pub fn blob(self) -> Blob {
        Blob { digest: sha256(&self.bytes()), content: self }
    }

    /// The same under the other algorithm.
    pub fn sha512_blob(self) -> Blob {
        Blob { digest: named("sha512", &Sha512::digest(self.bytes())), content: self }
    }
}

pub fn sha256(bytes: &[u8]) -> Digest {
    named("sha256", &Sha256::digest(bytes))
}

/// A digest as it stands in a query: clients encode the colon.
pub fn encoded(digest: &str) -> String {
    digest.replace(':', "%3A")
}

fn named(algorithm: &str, hash: &[u8]) -> Digest {
    let mut text = format!("{algorithm}:");
    for byte in hash {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.into()
}
