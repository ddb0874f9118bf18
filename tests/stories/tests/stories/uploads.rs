//! Uploads of blobs in one piece (end-4a, end-4b, end-4c, end-6).

use std::time::Duration;

use moorage_stories::{assert_reads, expect};

use crate::World;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MOMENT: Duration = Duration::from_millis(1);

#[tokio::test]
async fn one_post_with_the_digest() {
    let world = World::new().await;
    world.blob("layer");
    world.ask("POST /v2/app/blobs/uploads/?digest=<layer>").body("layer").await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <layer>
        location: /v2/app/blobs/<layer>
    "#]]);
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, <layer>/app/~2
        blob#<layer> / held-content#app#~3
        object <layer>/app/~2: 5 bytes
    "#]]);
}

#[tokio::test]
async fn a_post_and_a_put() {
    let world = World::new().await;
    world.blob("layer");
    let opened = world.ask("POST /v2/app/blobs/uploads/").await;
    opened.shows(expect![[r#"
        202 Accepted
        content-length: 0
        location: /v2/app/blobs/uploads/<token>
        range: 0-0
    "#]]);
    // Opening writes nothing.
    world.picture().await.is(expect![""]);
    let upload = opened.header("location");
    world.ask(format!("PUT {upload}?digest=<layer>")).body("layer").await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <layer>
        location: /v2/app/blobs/<layer>
    "#]]);
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, <layer>/app/~2
        blob#<layer> / held-content#app#~3
        object <layer>/app/~2: 5 bytes
    "#]]);
}

/// Clients encode the digest and put it beside what they find in the query, or in its place: so nothing of
/// ours is in the query.
#[tokio::test]
async fn the_location_has_no_query() {
    let world = World::new().await;
    let layer = world.blob("layer");
    let upload = world.opened("app").await;
    assert!(upload.starts_with("/v2/app/blobs/uploads/") && !upload.contains(['?', '%', ':']), "{upload}");
    let encoded = layer.digest.as_str().replace(':', "%3A");
    world.ask(format!("PUT {upload}?a=b&digest={encoded}&ns=c")).body("layer").await.is(201);
    world.end().await;
}

#[tokio::test]
async fn a_put_whose_length_nobody_knows() {
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    world.ask(format!("PUT {upload}?digest=<layer>")).streamed(["la", "y", "er"]).await.is(201);
    world.ask("GET /v2/app/blobs/<layer>").await.shows(expect![[r#"
        200 OK
        accept-ranges: bytes
        content-length: 5
        content-type: application/octet-stream
        docker-content-digest: <layer>

        the bytes of <layer>
    "#]]);
    world.end().await;
}

#[tokio::test]
async fn a_blob_without_a_byte() {
    let world = World::new().await;
    world.blob_of("empty", "");
    let upload = world.opened("app").await;
    world.ask(format!("PUT {upload}?digest=<empty>")).await.is(201);
    world.end().await.is(expect![[r#"
        blob#<empty> / content: live ~1, 0 bytes, <empty>/app/~2
        blob#<empty> / grant#app: live ~3, 0 bytes, <empty>/app/~2
        blob#<empty> / held-content#app#~3
        object <empty>/app/~2: 0 bytes
    "#]]);
}

/// Nothing is stored, and the same upload takes the right bytes.
#[tokio::test]
async fn bytes_of_another_digest() {
    let world = World::new().await;
    world.blob("layer");
    world.ask("POST /v2/app/blobs/uploads/?digest=<layer>").body("other").await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"DIGEST_INVALID","message":"the digest of what came is not <layer>; nothing was stored, send the bytes again"}]}
    "#]]);
    let upload = world.opened("app").await;
    world.ask(format!("PUT {upload}?digest=<layer>")).body("other").await.is_refused(400, "DIGEST_INVALID");
    world.picture().await.is(expect![""]);
    world.ask(format!("PUT {upload}?digest=<layer>")).body("layer").await.is(201);
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, <layer>/app/~2
        blob#<layer> / held-content#app#~3
        object <layer>/app/~2: 5 bytes
    "#]]);
}

#[tokio::test]
async fn bytes_that_break_off() {
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    let put = format!("PUT {upload}?digest=<layer>");
    world.ask(&put).broken_after("lay").await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"the bytes of the blob did not arrive: the connection broke: connection reset by peer; send them again"}]}
    "#]]);
    world.ask(&put).header("content-length", "6").body("layer").await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"the bytes of the blob did not arrive: 1 bytes are missing at the end; send them again"}]}
    "#]]);
    world.ask(&put).header("content-length", "4").body("layer").await.is_refused(400, "BLOB_UPLOAD_INVALID");
    world.ask(&put).header("content-length", "five").body("layer").await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"the header `Content-Length` is not valid: expected a number of bytes, found `five`"}]}
    "#]]);
    world.picture().await.is(expect![""]);
    world.ask(&put).header("content-length", "5").body("layer").await.is(201);
    world.end().await;
}

/// A client that did not get the answer sends the request again.
#[tokio::test]
async fn the_same_put_twice() {
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    for _ in 0..2 {
        world.ask(format!("PUT {upload}?digest=<layer>")).body("layer").await.is(201);
    }
    // What is here need not be stored, but it is checked.
    world.ask(format!("PUT {upload}?digest=<layer>")).body("other").await.is_refused(400, "DIGEST_INVALID");
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, <layer>/app/~2
        blob#<layer> / held-content#app#~3
        object <layer>/app/~2: 5 bytes
    "#]]);
}

/// The bytes are kept once; those that came later are given up.
#[tokio::test]
async fn one_blob_in_two_repositories() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    world.push_blobs("other", &[&layer]).await;
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#other: live ~4, 5 bytes, <layer>/app/~2
        blob#<layer> / held-content#app#~3
        blob#<layer> / held-content#other#~4
        trash#<layer>/other/~5 / self
        object <layer>/app/~2: 5 bytes
        object <layer>/other/~5: 5 bytes
    "#]]);
}

#[tokio::test]
async fn an_upload_belongs_to_its_repository() {
    let world = World::new().await;
    world.blob("layer");
    let elsewhere = world.opened("app").await.replace("/app/", "/other/");
    world.ask(format!("PUT {elsewhere}?digest=<layer>")).body("layer").await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"this upload is not known: it is finished, was cancelled, or is too old; begin again with POST /v2/other/blobs/uploads/"}]}
    "#]]);
    for method in ["GET", "PATCH", "DELETE"] {
        world.ask(format!("{method} {elsewhere}")).await.is_refused(404, "BLOB_UPLOAD_UNKNOWN");
    }
    world.end().await.is(expect![""]);
}

#[tokio::test]
async fn an_upload_is_not_made_up() {
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    let changed = |at: usize| {
        let mut bytes = upload.clone().into_bytes();
        let at = bytes.len() - at;
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).expect("ASCII")
    };
    let made_up = [changed(2), changed(40), upload[..upload.len() - 1].to_owned(), format!("{upload}A")];
    for upload in made_up.into_iter().chain(["/v2/app/blobs/uploads/1".to_owned()]) {
        let answer = world.ask(format!("PUT {upload}?digest=<layer>")).body("layer").await;
        answer.is_refused(404, "BLOB_UPLOAD_UNKNOWN");
    }
    world.end().await.is(expect![""]);
}

#[tokio::test]
async fn an_upload_gets_too_old() {
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    world.clock().advance(DAY.saturating_sub(MOMENT));
    world.ask(format!("GET {upload}")).await.is(204);
    world.clock().advance(MOMENT);
    world.ask(format!("GET {upload}")).await.is_refused(404, "BLOB_UPLOAD_UNKNOWN");
    world
        .ask(format!("PUT {upload}?digest=<layer>"))
        .body("layer")
        .await
        .is_refused(404, "BLOB_UPLOAD_UNKNOWN");
    world.end().await.is(expect![""]);
}

#[tokio::test]
async fn the_closing_put_needs_a_digest() {
    let world = World::new().await;
    let upload = world.opened("app").await;
    world.ask(format!("PUT {upload}")).body("layer").await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"DIGEST_INVALID","message":"the closing request of an upload needs `?digest=<digest of the whole blob>`"}]}
    "#]]);
    world.ask(format!("PUT {upload}?digest=sha256:0")).body("layer").await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"DIGEST_INVALID","message":"`sha256:0` is not a digest: sha256 has 64 hexadecimal digits and this has 1: send all of them"}]}
    "#]]);
    world
        .ask("POST /v2/app/blobs/uploads/?digest=md5:0")
        .body("layer")
        .await
        .is_refused(400, "DIGEST_INVALID");
    world.end().await.is(expect![""]);
}

/// With one PUT the digest is known when the bytes come, whatever its algorithm.
#[tokio::test]
async fn a_blob_by_its_sha512() {
    let world = World::new().await;
    world.blob("layer");
    world.ask("POST /v2/app/blobs/uploads/?digest=<layer:sha512>").body("layer").await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <layer:sha512>
        location: /v2/app/blobs/<layer:sha512>
    "#]]);
    world
        .ask("POST /v2/app/blobs/uploads/?digest=<layer:sha512>")
        .body("other")
        .await
        .is_refused(400, "DIGEST_INVALID");
    let upload = world
        .ask("POST /v2/other/blobs/uploads/?digest-algorithm=sha512")
        .await
        .header("location")
        .to_owned();
    world.ask(format!("PUT {upload}?digest=<layer:sha512>")).body("layer").await.is(201);
    world.ask("GET /v2/app/blobs/<layer:sha512>").await.shows(expect![[r#"
        200 OK
        accept-ranges: bytes
        content-length: 5
        content-type: application/octet-stream
        docker-content-digest: <layer:sha512>

        the bytes of <layer>
    "#]]);
    // The same bytes by another digest are another blob.
    world.ask("GET /v2/app/blobs/<layer>").await.is_refused(404, "BLOB_UNKNOWN");
    world.end().await.is(expect![[r#"
        blob#<layer:sha512> / content: live ~1, 5 bytes, <layer:sha512>/app/~2
        blob#<layer:sha512> / grant#app: live ~3, 5 bytes, <layer:sha512>/app/~2
        blob#<layer:sha512> / grant#other: live ~4, 5 bytes, <layer:sha512>/app/~2
        blob#<layer:sha512> / held-content#app#~3
        blob#<layer:sha512> / held-content#other#~4
        trash#<layer:sha512>/other/~5 / self
        object <layer:sha512>/app/~2: 5 bytes
        object <layer:sha512>/other/~5: 5 bytes
    "#]]);
}

#[tokio::test]
async fn an_algorithm_that_nobody_knows() {
    let world = World::new().await;
    world.ask("POST /v2/app/blobs/uploads/?digest-algorithm=sha1").await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"UNSUPPORTED","message":"the query parameter `digest-algorithm` is not valid: expected sha256 or sha512, found `sha1`"}]}
    "#]]);
    world.end().await;
}

/// For twice the grace from its push, and again from the moment when less than the grace is left and somebody
/// who pushes hears that it is here.
#[tokio::test]
async fn what_is_pushed_again_is_kept_longer() {
    let world = World::new().await;
    let layer = world.blob("layer");
    let bare = world.bare("bare");
    let push = async || {
        world.push_blobs("app", &[&layer]).await;
        world.ask("POST /v2/other/blobs/uploads/?mount=<layer>").await.is(201);
        world.push("app", "v1", &bare).await;
    };
    let mut seen = String::new();
    for after in [Duration::ZERO, DAY, MOMENT, DAY] {
        world.clock().advance(after);
        push().await;
        seen += "pushed again\n";
        for item in world.snapshot().await.rows.into_values() {
            if let Some(node) = item.fact.node() {
                let left_h = node.keep_until.since_ms(world.now()) / 3_600_000;
                seen += &format!("    {:?} stays for {left_h} hours\n", item.key);
            }
        }
    }
    assert_reads(
        &world.shown(&seen),
        expect![[r#"
        pushed again
            blob#<layer> / content stays for 48 hours
            blob#<layer> / grant#app stays for 48 hours
            blob#<layer> / grant#other stays for 48 hours
            manifest#app#<bare> / 0#self stays for 48 hours
        pushed again
            blob#<layer> / content stays for 24 hours
            blob#<layer> / grant#app stays for 24 hours
            blob#<layer> / grant#other stays for 24 hours
            manifest#app#<bare> / 0#self stays for 24 hours
        pushed again
            blob#<layer> / content stays for 23 hours
            blob#<layer> / grant#app stays for 48 hours
            blob#<layer> / grant#other stays for 48 hours
            manifest#app#<bare> / 0#self stays for 48 hours
        pushed again
            blob#<layer> / content stays for 0 hours
            blob#<layer> / grant#app stays for 24 hours
            blob#<layer> / grant#other stays for 24 hours
            manifest#app#<bare> / 0#self stays for 24 hours
    "#]],
    );
    world.end().await;
}
