//! Making an object from one stream: all or nothing, and never over another.

use bytes::Bytes;
use futures_util::future::{self, Either};
use moorage_oci::{Algorithm, Digest};

use super::{BlobsFixture, bytes_of, chunks, failing, listed, make, put, stalling, stream};
use crate::blobs::Durability::{BeforeNext, OnAnswer};
use crate::blobs::{ByteStream, Put, WriteBlobs};
use crate::contract::corner::{self, Corner, fresh_object, noise, nonce};
use crate::contract::expectation::{Answered, is_body_error};
use crate::limits::OBJECT_KEY_BYTES_MAX;
use crate::object_keys::ObjectKey;
use crate::value::{Incarnation, Nonce};

pub async fn an_object_is_visible_when_it_is_answered<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    for durability in [OnAnswer, BeforeNext] {
        for said in [true, false] {
            let (key, bytes) = (fresh_object(), noise(1000));
            assert_eq!(bytes_of(&*store, &key).await, None);
            let size = said.then_some(1000);
            let put = store.put(&key, &Digest::sha256(&bytes), size, stream(&bytes), durability).await;
            assert_eq!(put.answered(), Put::Stored { size: 1000 });
            assert_eq!(bytes_of(&*store, &key).await, Some(bytes));
            assert_eq!(listed(&*store, key.as_str()).await, [key]);
        }
    }
}

pub async fn an_empty_object_is_an_object<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    for (size, body) in [
        (None, stream(&Bytes::new())),
        (Some(0), stream(&Bytes::new())),
        (Some(0), chunks(vec![Bytes::new(), Bytes::new()])),
    ] {
        let key = fresh_object();
        let put = store.put(&key, &Digest::sha256(b""), size, body, OnAnswer).await.answered();
        assert_eq!(put, Put::Stored { size: 0 });
        assert_eq!(bytes_of(&*store, &key).await, Some(Bytes::new()));
        assert_eq!(listed(&*store, key.as_str()).await, [key]);
    }
}

pub async fn a_large_object_comes_in_odd_chunks<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    let bytes = noise((3 << 20) + 17);
    for said in [true, false] {
        let key = fresh_object();
        let size = said.then_some(bytes.len() as u64);
        let put = store.put(&key, &Digest::sha256(&bytes), size, odd_chunks(&bytes), BeforeNext).await;
        assert_eq!(put.answered(), Put::Stored { size: bytes.len() as u64 });
        assert!(bytes_of(&*store, &key).await.as_ref() == Some(&bytes), "every byte as it came");
    }
}

/// One byte, none, a few, and long ones, around and around.
fn odd_chunks(bytes: &Bytes) -> ByteStream {
    let mut rest = bytes.clone();
    let mut lengths = [1, 0, 4095, 4097, 65_537, 0, 300_001].into_iter().cycle();
    let mut all = Vec::new();
    while !rest.is_empty() {
        let length = lengths.next().unwrap_or(1).min(rest.len());
        all.push(rest.split_to(length));
    }
    chunks(all)
}

pub async fn a_sha512_digest_is_checked<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    let (bytes, others) = (noise(5000), noise(5000));
    let digest = Digest::of(Algorithm::Sha512, &bytes);
    let key = ObjectKey::blob(&digest, &Corner::new().repository, nonce());
    let mismatch = store.put(&key, &digest, None, stream(&others), OnAnswer).await.answered();
    assert_eq!(mismatch, Put::DigestMismatch);
    assert_eq!(bytes_of(&*store, &key).await, None);
    let put = store.put(&key, &digest, None, stream(&bytes), OnAnswer).await.answered();
    assert_eq!(put, Put::Stored { size: 5000 });
    assert_eq!(bytes_of(&*store, &key).await, Some(bytes));
}

pub async fn a_put_where_an_object_is_changes_nothing<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    let (key, first) = (fresh_object(), noise(1000));
    make(&*store, &key, &first).await;
    for again in [first.clone(), noise(1000), noise(2000), noise(10)] {
        assert_eq!(put(&*store, &key, &again, OnAnswer).await, Put::AlreadyThere);
        assert_eq!(bytes_of(&*store, &key).await.as_ref(), Some(&first));
    }
}

pub async fn of_many_puts_of_one_key_one_stores<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    for durability in [OnAnswer, BeforeNext] {
        for length in [100, 200_000] {
            let key = fresh_object();
            let race = (0..8).map(|_| {
                let (store, key, bytes) = (store.clone(), key.clone(), noise(length));
                tokio::spawn(async move { (put(&*store, &key, &bytes, durability).await, bytes) })
            });
            let mut stored = Vec::new();
            for racer in race.collect::<Vec<_>>() {
                match racer.await.expect("each racer comes to its end") {
                    (Put::Stored { .. }, bytes) => stored.push(bytes),
                    (other, _) => assert_eq!(other, Put::AlreadyThere),
                }
            }
            assert_eq!(stored.len(), 1, "one of them stored");
            assert_eq!(bytes_of(&*store, &key).await, stored.pop(), "the bytes of the one that stored");
        }
    }
}

/// After each attempt that failed nothing is there, and the key is as good as new.
async fn leaves_nothing<S: crate::BlobStore>(store: &S, key: &ObjectKey) {
    assert_eq!(bytes_of(store, key).await, None);
    assert!(store.get(key, Some(0..1)).await.answered().is_none());
    assert_eq!(listed(store, key.as_str()).await, []);
}

pub async fn a_digest_mismatch_leaves_nothing<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    for length in [16, 1000, 200_000] {
        let (key, bytes) = (fresh_object(), noise(length));
        for wrong in [noise(length), noise(length + 1), Bytes::new()] {
            let mismatch = store.put(&key, &Digest::sha256(&bytes), None, stream(&wrong), OnAnswer).await;
            assert_eq!(mismatch.answered(), Put::DigestMismatch);
            leaves_nothing(&*store, &key).await;
        }
        make(&*store, &key, &bytes).await;
        assert_eq!(bytes_of(&*store, &key).await, Some(bytes));
    }
}

pub async fn a_wrong_number_of_bytes_leaves_nothing<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    for length in [1, 1000, 200_000] {
        let (key, bytes) = (fresh_object(), noise(length));
        for said in [length - 1, length + 1, length * 2, 0] {
            let digest = Digest::sha256(&bytes);
            let put = store.put(&key, &digest, Some(said as u64), stream(&bytes), OnAnswer).await;
            is_body_error(&put);
            leaves_nothing(&*store, &key).await;
        }
        make(&*store, &key, &bytes).await;
    }
}

pub async fn a_failing_stream_leaves_nothing<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    for came in [0, 1000, 200_000] {
        let (key, bytes) = (fresh_object(), noise(came));
        // Even if all the bytes had come before the stream failed.
        for size in [None, Some(came as u64), Some(came as u64 + 1)] {
            let put = store.put(&key, &Digest::sha256(&bytes), size, failing(&bytes), BeforeNext).await;
            is_body_error(&put);
            leaves_nothing(&*store, &key).await;
        }
        make(&*store, &key, &bytes).await;
    }
}

/// A client goes away, and its request with it.
pub async fn a_put_given_up_leaves_nothing<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    for (came, rest) in [(0, 10), (1000, 1), (1000, 0), (200_000, 200_000)] {
        let (key, bytes) = (fresh_object(), noise(came + rest));
        let (stalled, waiting) = tokio::sync::oneshot::channel();
        let body = stalling(&bytes.slice(..came), stalled);
        let digest = Digest::sha256(&bytes);
        let put = store.put(&key, &digest, Some(bytes.len() as u64), body, OnAnswer);
        // With a size that was said, a store need not wait for the end of the stream.
        match future::select(put, waiting).await {
            Either::Left((early, _)) => assert_eq!(early.answered(), Put::Stored { size: came as u64 }),
            Either::Right((_, put)) => {
                leaves_nothing(&*store, &key).await;
                drop(put);
                leaves_nothing(&*store, &key).await;
                make(&*store, &key, &bytes).await;
            }
        }
        assert_eq!(bytes_of(&*store, &key).await, Some(bytes));
    }
}

/// A repository may be named as the object of another is: `a/<nonce>` beside an object of `a`.
pub async fn a_key_may_begin_with_another<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    let corner = Corner::new();
    for short_first in [true, false] {
        let upload = nonce();
        let nested = corner::repository(&format!("{}/{upload}", corner.repository));
        let short = ObjectKey::blob(&corner.digest, &corner.repository, upload);
        let long = ObjectKey::blob(&corner.digest, &nested, nonce());
        let (of_short, of_long) = (noise(100), noise(200));
        let mut both = [(&short, &of_short), (&long, &of_long)];
        if !short_first {
            both.reverse();
        }
        for (key, bytes) in both {
            make(&*store, key, bytes).await;
        }
        assert_eq!(bytes_of(&*store, &short).await, Some(of_short));
        assert_eq!(bytes_of(&*store, &long).await, Some(of_long));
        assert_eq!(listed(&*store, short.as_str()).await, [short, long]);
    }
}

pub async fn long_keys_are_keys<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    let unique = nonce().to_string();
    let digest = Digest::of(Algorithm::Sha512, unique.as_bytes());
    let one_part = corner::repository(&format!("{unique}{}", "n".repeat(255 - unique.len())));
    let many_parts = corner::repository(&format!("{unique}{}a", "/a".repeat(111)));
    let mut keys: Vec<ObjectKey> = [one_part, many_parts]
        .iter()
        .map(|name| ObjectKey::manifest(&digest, name, Incarnation(Nonce(1))))
        .collect();
    for length in [900, OBJECT_KEY_BYTES_MAX] {
        let parts = format!("{unique}/{}", "parts-of-a-key/".repeat(100));
        keys.push(ObjectKey::from_stored(parts[..length].trim_end_matches('/')));
    }
    for key in keys {
        let bytes = noise(50);
        make(&*store, &key, &bytes).await;
        assert_eq!(bytes_of(&*store, &key).await, Some(bytes));
        assert_eq!(listed(&*store, key.as_str()).await.first(), Some(&key));
    }
}
