//! Long uploads: their memory, and what they leave behind.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use moorage_aws::Blobs;
use moorage_oci::Digest;
use moorage_ports::{Context, Durability, ObjectKey, PortError, Put, WriteBlobs as _};

use crate::support::{BUCKET, Door, engines, zeros};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_long_stream_goes_out_in_several_parts_at_a_time_and_bounded_memory() {
    let engines = engines().await;
    let door = Door::new(&engines, |_, _, _| None);
    let blobs = Blobs::new(&door.sdk_config(&engines), BUCKET, Context::system());
    let length = 100 * MIB + 1;
    let key = ObjectKey::from_stored("key");
    let id = blobs.open_parts(&key).await.expect("it opens");
    let parts = blobs.put_parts(&key, &id, 1, None, zeros(length)).await.expect("it goes out");
    assert_eq!(parts.iter().map(|part| part.size).sum::<u64>(), length as u64);
    assert!(parts.iter().all(|part| part.size >= 5 * MIB as u64));
    let at_most = door.bytes_max();
    // Four parts, the last of them longer by less than the smallest part.
    assert!(
        (16 * MIB..=4 * 8 * MIB + 5 * MIB).contains(&at_most),
        "{at_most} bytes on their way at the same time"
    );
}

/// More of them than there is room for at the same time.
#[tokio::test]
async fn many_long_uploads_share_the_room_and_all_come_to_their_end() {
    let engines = engines().await;
    let door = Door::new(&engines, |_, _, _| None);
    let blobs = Blobs::new(&door.sdk_config(&engines), BUCKET, Context::system());
    let length = 20 * MIB;
    let digest = Digest::sha256(&vec![0; length]);
    let uploads = (0..16).map(|n| {
        let (blobs, digest) = (blobs.clone(), digest.clone());
        async move {
            let key = ObjectKey::from_stored(&format!("key{n}"));
            blobs.put(&key, &digest, None, zeros(length), Durability::OnAnswer).await
        }
    });
    let all = futures_util::future::join_all(uploads);
    let all = tokio::time::timeout(Duration::from_secs(100), all).await.expect("none waits for ever");
    for put in all {
        assert_eq!(put.expect("it goes out"), Put::Stored { size: length as u64 });
    }
    assert!(door.bytes_max() <= 96 * MIB, "{} bytes on their way", door.bytes_max());
    assert_eq!(engines.s3().unfinished(BUCKET), []);
}

#[tokio::test]
async fn a_long_put_that_fails_leaves_nothing() {
    let engines = engines().await;
    let blobs = Blobs::new(&engines.sdk_config(), BUCKET, Context::system());
    let (key, length) = (ObjectKey::from_stored("key"), 20 * MIB);
    let digest = Digest::sha256(&vec![0; length]);
    let gone = || stream::iter([Err(PortError::Body("gone".to_owned()))]);
    let broken = blobs.put(&key, &digest, None, Box::pin(zeros(length).chain(gone())), Durability::OnAnswer);
    assert!(matches!(broken.await, Err(PortError::Body(why)) if why == "gone"));
    let too_few =
        blobs.put(&key, &digest, Some(length as u64 + 1), zeros(length), Durability::OnAnswer).await;
    assert!(matches!(too_few, Err(PortError::Body(_))), "{too_few:?}");
    let others = blobs.put(&key, &digest, None, zeros(length + 1), Durability::OnAnswer).await;
    assert_eq!(others.expect("S3 works"), Put::DigestMismatch);
    assert_eq!(engines.s3().objects(BUCKET), []);
    assert_eq!(engines.s3().unfinished(BUCKET), []);
}

#[tokio::test]
async fn a_long_put_that_is_given_up_is_aborted() {
    let engines = engines().await;
    let blobs = Blobs::new(&engines.sdk_config(), BUCKET, Context::system());
    let key = ObjectKey::from_stored("key");
    let (stalled, waiting) = tokio::sync::oneshot::channel();
    let never = stream::once(async move {
        // Who waits for it may be gone.
        let _ = stalled.send(());
        std::future::pending::<Result<Bytes, PortError>>().await
    });
    let body = Box::pin(zeros(20 * MIB).chain(never));
    let digest = Digest::sha256(b"");
    let put = blobs.put(&key, &digest, None, body, Durability::OnAnswer);
    tokio::select! {
        put = put => panic!("the stream does not end, and the put did: {put:?}"),
        _ = waiting => {}
    }
    let aborted = async {
        while !engines.s3().unfinished(BUCKET).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), aborted).await.expect("the upload is aborted");
    assert_eq!(engines.s3().objects(BUCKET), []);
}
