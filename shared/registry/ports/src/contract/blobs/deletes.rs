//! Deleting, which is for the collector alone.

use futures_util::TryStreamExt as _;

use super::{BlobsFixture, bytes_of, listed, make};
use crate::blobs::{DeleteBlobs as _, ObjectBody, ReadBlobs as _};
use crate::contract::corner::{self, Corner, fresh_object, noise, nonce};
use crate::contract::expectation::Answered;
use crate::object_keys::ObjectKey;

pub async fn a_deleted_object_is_gone<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    for length in [0, 1000, 200_000] {
        let key = fresh_object();
        make(&*store, &key, &noise(length)).await;
        store.delete(&key).await.answered();
        assert_eq!(bytes_of(&*store, &key).await, None);
        assert_eq!(listed(&*store, key.as_str()).await, []);
    }
}

pub async fn deleting_what_is_absent_succeeds<F: BlobsFixture>(fixture: &F) {
    let (store, key) = (fixture.store(), fresh_object());
    for _ in 0..2 {
        store.delete(&key).await.answered();
    }
    make(&*store, &key, &noise(10)).await;
    for _ in 0..2 {
        store.delete(&key).await.answered();
    }
}

/// Also not those whose key begins with this one, or that lie beside it.
pub async fn a_delete_takes_one_object_only<F: BlobsFixture>(fixture: &F) {
    let (store, corner) = (fixture.store(), Corner::new());
    let upload = nonce();
    let nested = corner::repository(&format!("{}/{upload}", corner.repository));
    let key = ObjectKey::blob(&corner.digest, &corner.repository, upload);
    let beside = ObjectKey::blob(&corner.digest, &corner.repository, nonce());
    let below = ObjectKey::blob(&corner.digest, &nested, upload);
    let bytes = noise(100);
    for object in [&key, &beside, &below] {
        make(&*store, object, &bytes).await;
    }
    store.delete(&key).await.answered();
    assert_eq!(bytes_of(&*store, &key).await, None);
    for left in [&beside, &below] {
        assert_eq!(bytes_of(&*store, left).await.as_ref(), Some(&bytes));
    }
    store.delete(&below).await.answered();
    assert_eq!(bytes_of(&*store, &beside).await, Some(bytes));
}

pub async fn a_reader_that_has_begun_finishes<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    for length in [100, 200_000, 3 << 20] {
        let (key, bytes) = (fresh_object(), noise(length));
        make(&*store, &key, &bytes).await;
        let object = store.get(&key, None).await.answered().expect("it was made");
        let read = match object.body {
            ObjectBody::Bytes(bytes) => {
                store.delete(&key).await.answered();
                bytes
            }
            ObjectBody::Stream(mut stream) => {
                let mut read = stream.try_next().await.answered().unwrap_or_default().to_vec();
                store.delete(&key).await.answered();
                while let Some(chunk) = stream.try_next().await.answered() {
                    read.extend_from_slice(&chunk);
                }
                read.into()
            }
        };
        assert!(read == bytes, "all {length} bytes, though the object is gone");
        assert_eq!(bytes_of(&*store, &key).await, None);
    }
}
