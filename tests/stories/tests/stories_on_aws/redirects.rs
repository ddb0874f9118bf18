//! Blobs that the client reads from S3 itself.

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use moorage_engines::Engines;
use moorage_stories::{Answer, Content, expect};

use crate::World;

const LONG: usize = 1024 * 1024;

/// A blob that is just long enough to be redirected, and one that is not.
async fn world() -> (World, Content, Content) {
    let world = World::new().await;
    let (long, short) = (world.blob_of("long", vec![7; LONG]), world.blob_of("short", vec![7; LONG - 1]));
    world.push_blobs("app", &[&long, &short]).await;
    (world, long, short)
}

/// Follows a signed URL, as a client does: without our headers, with the range that it asked for.
async fn follow(engines: &Engines, answer: &Answer, range: Option<&str>) -> (u16, Bytes) {
    let mut request = Request::get(answer.header("location"));
    if let Some(range) = range {
        request = request.header("range", range);
    }
    let request = request.body(s3s::Body::empty()).expect("a URL");
    let answer = engines.answer(request).await;
    let status = answer.status().as_u16();
    (status, answer.into_body().collect().await.expect("bytes").to_bytes())
}

#[tokio::test]
async fn a_long_blob_is_read_from_s3() {
    let (world, long, _) = world().await;
    let answer = world.ask("GET /v2/app/blobs/<long>").await;
    answer.is(307).costs(expect!["1 table (1 get)"]);
    assert_eq!(answer.header("docker-content-digest"), long.digest.as_str());
    assert!(answer.body.is_empty(), "a redirect has no body");
    let location = answer.header("location");
    assert!(location.contains("X-Amz-Signature="), "{location}");
    assert!(location.contains("X-Amz-Expires=1200"), "{location}");
    let other = "/v2/other/blobs/<long>";
    world.ask(format!("GET {other}")).await.is_refused(404, "BLOB_UNKNOWN");
    // Followed in process; on engines of others the contract suite of the adapter follows it.
    if let Some(engines) = world.place().engines() {
        assert!(follow(engines, &answer, None).await == (200, long.bytes.clone()), "other bytes");
    }
    world.end().await;
}

/// The client sends it again where it is sent to.
#[tokio::test]
async fn a_range_goes_along() {
    let (world, long, _) = world().await;
    let ask = |range| world.ask("GET /v2/app/blobs/<long>").header("range", range);
    let answer = ask("bytes=5-9").await;
    answer.is(307).costs(expect!["1 table (1 get)"]);
    if let Some(engines) = world.place().engines() {
        let part = follow(engines, &answer, Some("bytes=5-9")).await;
        assert!(part == (206, long.bytes.slice(5..10)), "other bytes");
    }
    ask("bytes=9999999-").await.is(416);
    world.end().await;
}

/// Its true length is ours to say: a signed URL is good for one method only.
#[tokio::test]
async fn a_head_is_never_redirected() {
    let (world, ..) = world().await;
    let answer = world.ask("HEAD /v2/app/blobs/<long>").await;
    answer.is(200).costs(expect!["1 table (1 get)"]);
    assert_eq!(answer.header("content-length"), LONG.to_string());
    assert_eq!(answer.header("location"), "");
    world.end().await;
}

#[tokio::test]
async fn a_short_blob_is_streamed() {
    let (mut world, long, short) = world().await;
    let answer = world.ask("GET /v2/app/blobs/<short>").await;
    answer.is(200).costs(expect!["1 table (1 get), 1 blob (1 get)"]);
    assert!(answer.body == short.bytes, "other bytes");
    // What is short is for the owner to say.
    world.restart_with(|setup| setup.settings.redirect_bytes_min = u64::MAX).await;
    assert!(world.ask("GET /v2/app/blobs/<long>").await.is(200).body == long.bytes, "other bytes");
    world.restart_with(|setup| setup.settings.redirect_bytes_min = 0).await;
    world.ask("GET /v2/app/blobs/<short>").await.is(307);
    world.end().await;
}
