//! S3, in memory: the wire by s3s (signatures, presigned URLs, XML), what it means by us.
//!
//! What differs from S3:
//! - everything is one step under one lock, so that no `409 ConditionalRequestConflict` is ever answered;
//! - making a bucket again is `409 BucketAlreadyOwnedByYou` in every region (S3: 200 in us-east-1);
//! - an object without a checksum by its writer has none (S3 makes a CRC-64 of its own);
//! - completing an upload a second time is always `404 NoSuchUpload` (S3 may repeat its answer);
//! - lifecycle rules are kept and never carried out; versions, encryption, tags, rights and owners are not there.

mod body;
mod checksum;
mod listing;
mod object;
mod operations;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};

use self::state::State;
use crate::{ACCESS_KEY, SECRET_KEY};

/// S3 takes no smaller part, but as the last.
pub const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;

/// An in-memory S3. Clones share their buckets.
#[derive(Clone, Default)]
pub struct S3 {
    state: Arc<Mutex<State>>,
}

/// An object as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub key: String,
    pub bytes: u64,
}

/// A multipart upload that was neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub key: String,
    pub upload_id: String,
    /// Number and size of each part that is there.
    pub parts: Vec<(i32, u64)>,
}

impl S3 {
    /// The smallest part but the last, in bytes; [`PART_BYTES_MIN`] at first. Also the smallest object that may be
    /// copied by range.
    pub fn set_part_bytes_min(&self, bytes: u64) {
        self.lock().part_bytes_min = bytes;
    }

    /// What a bucket holds, in the order of the keys; nothing for a bucket that is not there.
    pub fn objects(&self, bucket: &str) -> Vec<Stored> {
        let state = self.lock();
        let objects = state.buckets.get(bucket).map(|bucket| &bucket.objects);
        objects
            .into_iter()
            .flatten()
            .map(|(key, object)| Stored { key: key.clone(), bytes: object.size() })
            .collect()
    }

    /// An object's bytes.
    pub fn bytes(&self, bucket: &str, key: &str) -> Option<Bytes> {
        let state = self.lock();
        Some(state.buckets.get(bucket)?.objects.get(key)?.chunks.concat().into())
    }

    /// The multipart uploads of a bucket that still occupy it, by key.
    pub fn unfinished(&self, bucket: &str) -> Vec<Unfinished> {
        let state = self.lock();
        let uploads = state.buckets.get(bucket).map(|bucket| &bucket.uploads);
        uploads
            .into_iter()
            .flatten()
            .map(|((key, upload_id), upload)| Unfinished {
                key: key.clone(),
                upload_id: upload_id.clone(),
                parts: upload.parts.iter().map(|(number, part)| (*number, part.content.size())).collect(),
            })
            .collect()
    }

    /// Never held across an await: so each operation's look and act are one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no operation panics while it holds the lock")
    }
}

/// The HTTP side of it, for the one key pair of the tests.
pub(crate) fn service(s3: S3) -> S3Service {
    let mut builder = S3ServiceBuilder::new(s3);
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    builder.build()
}
