//! What becomes of S3's failures, and that nothing is tried for ever.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use bytes::Bytes;
use futures_util::stream;
use moorage_aws::Blobs;
use moorage_engines::Engines;
use moorage_oci::Digest;
use moorage_ports::{Context, Durability, ObjectKey, PortError, Put, ReadBlobs as _, WriteBlobs as _};

use crate::support::{BUCKET, Door, Fate, engines, s3_error, zeros};

/// Puts five bytes through a door, and answers with what became of it and with the requests.
async fn put_through(
    judge: impl Fn(&str, &str, usize) -> Option<Fate> + Send + Sync + 'static,
) -> (Result<Put, PortError>, Vec<String>) {
    let engines = engines().await;
    let door = Door::new(&engines, judge);
    let blobs = Blobs::new(&door.sdk_config(&engines), BUCKET, Context::system());
    let bytes = Bytes::from_static(b"bytes");
    let body = Box::pin(stream::iter([Ok(bytes.clone())]));
    let key = ObjectKey::from_stored("key");
    let put = blobs.put(&key, &Digest::sha256(&bytes), Some(5), body, Durability::OnAnswer).await;
    (put, door.requests())
}

#[tokio::test]
async fn slowing_down_is_throttled_after_bounded_tries() {
    let (put, requests) = put_through(|_, _, _| Some(Fate::Answered(503, s3_error!("SlowDown")))).await;
    assert!(matches!(put, Err(PortError::Throttled(_))), "{put:?}");
    assert_eq!(requests.len(), 3);
}

#[tokio::test]
async fn a_conflict_is_tried_again() {
    let conflict = Fate::Answered(409, s3_error!("ConditionalRequestConflict"));
    let (put, requests) = put_through(move |_, _, n| (n < 2).then(|| conflict.clone())).await;
    assert_eq!(put.expect("the third meets nobody"), Put::Stored { size: 5 });
    assert_eq!(requests.len(), 3);
}

#[tokio::test]
async fn a_conflict_that_stays_is_given_up() {
    let conflict = Fate::Answered(409, s3_error!("ConditionalRequestConflict"));
    let (put, requests) = put_through(move |_, _, _| Some(conflict.clone())).await;
    assert!(matches!(put, Err(PortError::Unavailable(_))), "{put:?}");
    assert_eq!(requests.len(), 6);
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_finds_itself() {
    let failed = Fate::DoneAndAnswered(500, s3_error!("InternalError"));
    let (put, requests) = put_through(move |_, _, n| (n == 0).then(|| failed.clone())).await;
    assert_eq!(put.expect("the second finds the first"), Put::AlreadyThere);
    assert_eq!(requests.len(), 2);
}

#[tokio::test]
async fn a_lost_connection_is_unavailable_after_bounded_tries() {
    let (put, requests) = put_through(|_, _, _| Some(Fate::Lost)).await;
    assert!(matches!(put, Err(PortError::Unavailable(_))), "{put:?}");
    assert_eq!(requests.len(), 3);
}

#[tokio::test]
async fn a_refusal_tells_the_operator_what_to_look_at() {
    for (status, code, hint) in
        [(403, s3_error!("AccessDenied"), "s3:ListBucket"), (404, s3_error!("NoSuchBucket"), "--create")]
    {
        let (put, requests) = put_through(move |_, _, _| Some(Fate::Answered(status, code))).await;
        match put {
            Err(PortError::Unavailable(why)) => assert!(why.contains(hint), "{why}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(requests.len(), 1);
    }
}

/// Bytes that S3 says are not those that we sent were damaged on the way: they are right, so they go again.
#[tokio::test]
async fn bytes_that_were_damaged_on_their_way_are_sent_again() {
    let damaged = Fate::Answered(400, s3_error!("BadDigest"));
    let (put, requests) = put_through(move |_, _, n| (n == 0).then(|| damaged.clone())).await;
    assert_eq!(put.expect("the second arrives as it was sent"), Put::Stored { size: 5 });
    assert_eq!(requests.len(), 2);
}

/// S3 answers 200 before it is done, and may then say in the body that it failed.
#[tokio::test]
async fn a_completion_that_fails_in_its_body_is_no_object() {
    let engines = engines().await;
    let door = Door::new(&engines, |method, path, _| {
        let is_completion = method == "POST" && path.contains("uploadId=");
        is_completion.then_some(Fate::Answered(200, s3_error!("InternalError")))
    });
    let blobs = Blobs::new(&door.sdk_config(&engines), BUCKET, Context::system());
    let length = 9 << 20;
    let digest = Digest::sha256(&vec![0; length]);
    let key = ObjectKey::from_stored("key");
    let put = blobs.put(&key, &digest, None, zeros(length), Durability::OnAnswer).await;
    assert!(matches!(put, Err(PortError::Unavailable(_))), "{put:?}");
    let completions = door.requests().iter().filter(|request| request.starts_with("POST")).count() - 1;
    assert_eq!(completions, 3);
    assert_eq!(engines.s3().objects(BUCKET), []);
    assert_eq!(engines.s3().unfinished(BUCKET), []);
}

#[tokio::test]
async fn signing_a_url_calls_nobody_and_the_url_works() {
    let served = Engines::serve().await.expect("a port is free");
    let engines = served.engines();
    let created = moorage_aws::setup::create_bucket(&engines.sdk_config(), BUCKET).await;
    created.expect("an empty engine makes a bucket");
    let door = Door::new(engines, |_, _, _| None);
    let sdk = door.sdk_config(engines).into_builder().endpoint_url(served.url()).build();
    let blobs = Blobs::new(&sdk, BUCKET, Context::system());
    let key = ObjectKey::from_stored("sha256:ab/a/b");
    let put = blobs.put(&key, &Digest::sha256(&[0; 99]), None, zeros(99), Durability::OnAnswer).await;
    assert_eq!(put.expect("it is put"), Put::Stored { size: 99 });
    let before = door.requests();

    let url = blobs.signed_url(&key).await.expect("it is signed").expect("S3 signs");
    assert_eq!(door.requests(), before);
    assert!(url.contains("X-Amz-Expires=1200") && url.contains("X-Amz-SignedHeaders=host&"), "{url}");
    let path = url.strip_prefix(&served.url()).expect("the bucket is part of the path").to_owned();
    let address = served.address();
    let answer = tokio::task::spawn_blocking(move || range_over_a_socket(address, &path)).await;
    let answer = answer.expect("it is read");
    assert!(answer.starts_with("HTTP/1.1 206 ") && answer.ends_with("\r\n\r\n\0\0\0\0"), "{answer:?}");
}

/// What a client gets that knows nothing but the URL, for four bytes of it.
fn range_over_a_socket(address: SocketAddr, path: &str) -> String {
    let mut socket = TcpStream::connect(address).expect("it listens");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nRange: bytes=0-3\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("it is answered");
    answer
}
