//! Uploads of blobs in chunks (end-5, end-6, end-13, end-14).

use std::time::Duration;

use moorage_stories::expect;

use crate::World;

const LONG_PARTS: &str = "few bytes are a tail there and no part, as `tails` tells it";

#[tokio::test]
async fn chunk_by_chunk() {
    if World::is_untold_where_parts_are_long(LONG_PARTS) {
        return;
    }
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    let patch = format!("PATCH {upload}");
    world.ask(&patch).header("content-range", "0-2").body("lay").await.shows(expect![[r#"
        202 Accepted
        content-length: 0
        location: /v2/app/blobs/uploads/<token>
        range: 0-2
    "#]]);
    world.picture().await.is(expect![[r#"
        upload#~1 / self: open, 3 bytes in 1 chunks, uploads/~2
    "#]]);
    world.ask(&patch).header("content-range", "3-4").body("er").await.shows(expect![[r#"
        202 Accepted
        content-length: 0
        location: /v2/app/blobs/uploads/<token>
        range: 0-4
    "#]]);
    world.ask(format!("PUT {upload}?digest=<layer>")).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <layer>
        location: /v2/app/blobs/<layer>
    "#]]);
    world.ask("GET /v2/app/blobs/<layer>").await.shows(expect![[r#"
        200 OK
        accept-ranges: bytes
        content-length: 5
        content-type: application/octet-stream
        docker-content-digest: <layer>

        the bytes of <layer>
    "#]]);
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, uploads/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, uploads/~2
        blob#<layer> / held-content#app#~3
        upload#~4 / self: closed as <layer>, 5 bytes in 2 chunks, uploads/~2
        object uploads/~2: 5 bytes
    "#]]);
}

/// Docker's classic way: the whole blob in one PATCH of unknown length.
#[tokio::test]
async fn a_stream_without_length() {
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    world.ask(format!("PATCH {upload}")).streamed(["l", "ay", "er"]).await.shows(expect![[r#"
        202 Accepted
        content-length: 0
        location: /v2/app/blobs/uploads/<token>
        range: 0-4
    "#]]);
    world.ask(format!("PUT {upload}?digest=<layer>")).await.is(201);
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.end().await;
}

#[tokio::test]
async fn the_last_bytes_come_with_the_put() {
    let world = World::new().await;
    world.blob("layer");
    for (range, stream) in [(true, false), (false, false), (false, true)] {
        let repository = format!("app-{range}-{stream}");
        let upload = world.opened(&repository).await;
        world.ask(format!("PATCH {upload}")).body("lay").await.is(202);
        let mut put = world.ask(format!("PUT {upload}?digest=<layer>"));
        put = if stream { put.streamed(["e", "r"]) } else { put.body("er") };
        put = if range { put.header("content-range", "3-4") } else { put };
        put.await.is(201);
        world.ask(format!("GET /v2/{repository}/blobs/<layer>")).await.is(200);
    }
    world.end().await;
}

/// Larger than what the database takes, so that each chunk is a file.
#[tokio::test]
async fn large_chunks() {
    if World::is_untold_where_parts_are_long(LONG_PARTS) {
        return;
    }
    let world = World::new().await;
    let bytes: Vec<u8> = (0..50_000_u32).flat_map(u32::to_le_bytes).collect();
    world.blob_of("large", bytes.clone());
    let upload = world.opened("app").await;
    for chunk in bytes.chunks(70_000) {
        world.ask(format!("PATCH {upload}")).body(chunk.to_vec()).await.is(202);
    }
    world.ask(format!("PUT {upload}?digest=<large>")).await.is(201);
    world.ask("GET /v2/app/blobs/<large>").await.shows(expect![[r#"
        200 OK
        accept-ranges: bytes
        content-length: 200000
        content-type: application/octet-stream
        docker-content-digest: <large>

        the bytes of <large>
    "#]]);
    let answer = world.ask("GET /v2/app/blobs/<large>").header("range", "bytes=69998-140001").await;
    assert!(answer.is(206).body == bytes[69_998..=140_001], "other bytes than those asked for");
    world.end().await.is(expect![[r#"
        blob#<large> / content: live ~1, 200000 bytes, uploads/~2
        blob#<large> / grant#app: live ~3, 200000 bytes, uploads/~2
        blob#<large> / held-content#app#~3
        upload#~4 / self: closed as <large>, 200000 bytes in 3 chunks, uploads/~2
        object uploads/~2: 200000 bytes
    "#]]);
}

#[tokio::test]
async fn how_far_it_has_come() {
    let world = World::new().await;
    let upload = world.opened("app").await;
    world.ask(format!("GET {upload}")).await.shows(expect![[r#"
        204 No Content
        location: /v2/app/blobs/uploads/<token>
        range: 0-0
    "#]]);
    world.ask(format!("PATCH {upload}")).body("l").await.is(202);
    assert_eq!(world.ask(format!("GET {upload}")).await.is(204).header("range"), "0-0");
    world.ask(format!("PATCH {upload}")).body("ay").await.is(202);
    world.ask(format!("GET {upload}")).await.shows(expect![[r#"
        204 No Content
        location: /v2/app/blobs/uploads/<token>
        range: 0-2
    "#]]);
    world.end().await;
}

/// The client is told where to go on, and does.
#[tokio::test]
async fn out_of_order() {
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    let patch = format!("PATCH {upload}");
    world.ask(&patch).header("content-range", "3-4").body("er").await.shows(expect![[r#"
        416 Range Not Satisfiable
        content-type: application/json
        location: /v2/app/blobs/uploads/<token>
        range: 0-0

        {"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"the chunk begins at byte 3 of the blob, but 0 bytes have come; go on from there"}]}
    "#]]);
    world.ask(&patch).header("content-range", "0-2").body("lay").await.is(202);
    // The answer was lost, and the chunk comes again.
    world.ask(&patch).header("content-range", "0-2").body("lay").await.shows(expect![[r#"
        416 Range Not Satisfiable
        content-type: application/json
        location: /v2/app/blobs/uploads/<token>
        range: 0-2

        {"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"the chunk begins at byte 0 of the blob, but 3 bytes have come; go on from there"}]}
    "#]]);
    let put = format!("PUT {upload}?digest=<layer>");
    world.ask(&put).header("content-range", "4-4").body("r").await.shows(expect![[r#"
        416 Range Not Satisfiable
        content-type: application/json
        location: /v2/app/blobs/uploads/<token>
        range: 0-2

        {"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"the chunk begins at byte 4 of the blob, but 3 bytes have come; go on from there"}]}
    "#]]);
    world.ask(&put).header("content-range", "3-4").body("er").await.is(201);
    world.end().await;
}

#[tokio::test]
async fn a_chunk_that_is_not_what_it_says() {
    if World::is_untold_where_parts_are_long(LONG_PARTS) {
        return;
    }
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    let patch = format!("PATCH {upload}");
    world.ask(&patch).header("content-range", "0-2").body("laye").await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"SIZE_INVALID","message":"the chunk says that it has 3 bytes, but 4 came; 0 bytes of the blob are stored, go on from there"}]}
    "#]]);
    world.ask(&patch).header("content-range", "0-2").streamed(["l"]).await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"the bytes of the blob did not arrive: 2 bytes are missing at the end; send them again"}]}
    "#]]);
    world
        .ask(&patch)
        .header("content-range", "0-2")
        .streamed(["laye"])
        .await
        .is_refused(400, "BLOB_UPLOAD_INVALID");
    world.ask(&patch).header("content-range", "2").body("lay").await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"the header `Content-Range` is not valid: expected `<first byte>-<last byte>`, such as `0-1023`, found `2`"}]}
    "#]]);
    world
        .ask(&patch)
        .header("content-range", "0-2")
        .broken_after("la")
        .await
        .is_refused(400, "BLOB_UPLOAD_INVALID");
    assert_eq!(world.ask(format!("GET {upload}")).await.is(204).header("range"), "0-0");
    world.ask(&patch).header("content-range", "0-2").streamed(["la", "y"]).await.is(202);
    world.ask(format!("PUT {upload}?digest=<layer>")).body("er").await.is(201);
    world.end().await;
}

#[tokio::test]
async fn a_chunk_of_nothing() {
    let world = World::new().await;
    world.blob_of("empty", "");
    let upload = world.opened("app").await;
    world.ask(format!("PATCH {upload}")).await.shows(expect![[r#"
        202 Accepted
        content-length: 0
        location: /v2/app/blobs/uploads/<token>
        range: 0-0
    "#]]);
    world.ask(format!("PATCH {upload}")).streamed([]).await.shows(expect![[r#"
        202 Accepted
        content-length: 0
        location: /v2/app/blobs/uploads/<token>
        range: 0-0
    "#]]);
    world.ask(format!("PUT {upload}?digest=<empty>")).await.is(201);
    world.end().await.is(expect![[r#"
        blob#<empty> / content: live ~1, 0 bytes, <empty>/app/~2
        blob#<empty> / grant#app: live ~3, 0 bytes, <empty>/app/~2
        blob#<empty> / held-content#app#~3
        object <empty>/app/~2: 0 bytes
    "#]]);
}

/// Nothing is stored, and the upload can be closed with the right digest.
#[tokio::test]
async fn bytes_of_another_digest() {
    if World::is_untold_where_parts_are_long(LONG_PARTS) {
        return;
    }
    let world = World::new().await;
    world.blob("layer");
    world.blob("other");
    let upload = world.opened("app").await;
    world.ask(format!("PATCH {upload}")).body("lay").await.is(202);
    world.ask(format!("PUT {upload}?digest=<other>")).body("er").await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"DIGEST_INVALID","message":"the digest of what came is not <other>, but <layer>; nothing was stored, send the bytes again"}]}
    "#]]);
    assert_eq!(world.ask(format!("GET {upload}")).await.is(204).header("range"), "0-2");
    world.ask(format!("PUT {upload}?digest=<layer>")).body("er").await.is(201);
    world.ask("GET /v2/app/blobs/<other>").await.is(404);
    world.end().await;
}

#[tokio::test]
async fn cancelled() {
    if World::is_untold_where_parts_are_long(LONG_PARTS) {
        return;
    }
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    world.ask(format!("PATCH {upload}")).body("lay").await.is(202);
    world.ask(format!("DELETE {upload}")).await.shows(expect![[r#"
        204 No Content
    "#]]);
    world.ask(format!("GET {upload}")).await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"this upload is not known: it is finished, was cancelled, or is too old; begin again with POST /v2/app/blobs/uploads/"}]}
    "#]]);
    for line in ["PATCH {}", "PUT {}?digest=<layer>", "DELETE {}"] {
        let answer = world.ask(line.replace("{}", &upload)).body("er").await;
        answer.is_refused(404, "BLOB_UPLOAD_UNKNOWN");
    }
    world.end().await.is(expect![[r#"
        trash#uploads/~1 / self: with parts
        upload#~2 / self: closed
    "#]]);
}

#[tokio::test]
async fn cancelled_before_the_first_byte() {
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    world.ask(format!("DELETE {upload}")).await.is(204);
    world
        .ask(format!("PUT {upload}?digest=<layer>"))
        .body("layer")
        .await
        .is_refused(404, "BLOB_UPLOAD_UNKNOWN");
    world.end().await.is(expect![[r#"
        upload#~1 / self: closed
    "#]]);
}

/// A client that did not get the answer closes again; for anything else the upload is over.
#[tokio::test]
async fn closed_twice() {
    if World::is_untold_where_parts_are_long(LONG_PARTS) {
        return;
    }
    let world = World::new().await;
    world.blob("layer");
    world.blob("other");
    let upload = world.opened("app").await;
    world.ask(format!("PATCH {upload}")).body("layer").await.is(202);
    world.ask(format!("PUT {upload}?digest=<layer>")).await.is(201);
    world.ask(format!("PUT {upload}?digest=<layer>")).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <layer>
        location: /v2/app/blobs/<layer>
    "#]]);
    world.ask(format!("PUT {upload}?digest=<other>")).await.is_refused(404, "BLOB_UPLOAD_UNKNOWN");
    world.ask(format!("PATCH {upload}")).body("more").await.is_refused(404, "BLOB_UPLOAD_UNKNOWN");
    world.ask(format!("GET {upload}")).await.is_refused(404, "BLOB_UPLOAD_UNKNOWN");
    world.ask(format!("DELETE {upload}")).await.is_refused(404, "BLOB_UPLOAD_UNKNOWN");
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, uploads/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, uploads/~2
        blob#<layer> / held-content#app#~3
        upload#~4 / self: closed as <layer>, 5 bytes in 1 chunks, uploads/~2
        object uploads/~2: 5 bytes
    "#]]);
}

/// Its bytes are given up in the step that makes the grant.
#[tokio::test]
async fn of_a_blob_that_another_repository_has() {
    if World::is_untold_where_parts_are_long(LONG_PARTS) {
        return;
    }
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("other", &[&layer]).await;
    let upload = world.opened("app").await;
    world.ask(format!("PATCH {upload}")).body("layer").await.is(202);
    world.ask(format!("PUT {upload}?digest=<layer>")).await.is(201);
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/other/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, <layer>/other/~2
        blob#<layer> / grant#other: live ~4, 5 bytes, <layer>/other/~2
        blob#<layer> / held-content#app#~3
        blob#<layer> / held-content#other#~4
        trash#uploads/~5 / self
        upload#~6 / self: closed as <layer>, 5 bytes in 1 chunks, uploads/~5
        object <layer>/other/~2: 5 bytes
        object uploads/~5: 5 bytes
    "#]]);
}

/// Nobody said that sha512 would be asked for: the bytes are read back once.
#[tokio::test]
async fn closed_by_sha512_without_a_hint() {
    if World::is_untold_where_parts_are_long(LONG_PARTS) {
        return;
    }
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    world.ask(format!("PATCH {upload}")).body("lay").await.is(202);
    world.ask(format!("PATCH {upload}")).body("er").await.is(202);
    world.ask(format!("PUT {upload}?digest=<layer:sha512>")).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <layer:sha512>
        location: /v2/app/blobs/<layer:sha512>
    "#]]);
    world.ask("GET /v2/app/blobs/<layer:sha512>").await.is(200);
    world.end().await.is(expect![[r#"
        blob#<layer:sha512> / content: live ~1, 5 bytes, uploads/~2
        blob#<layer:sha512> / grant#app: live ~3, 5 bytes, uploads/~2
        blob#<layer:sha512> / held-content#app#~3
        upload#~4 / self: closed as <layer:sha512>, 5 bytes in 2 chunks, uploads/~2
        object uploads/~2: 5 bytes
    "#]]);
}

#[tokio::test]
async fn closed_by_sha512_with_a_hint() {
    let world = World::new().await;
    world.blob("layer");
    world.blob("other");
    let opened = world.ask("POST /v2/app/blobs/uploads/?digest-algorithm=sha512").await;
    let upload = opened.is(202).header("location");
    world.ask(format!("PATCH {upload}")).body("layer").await.is(202);
    world.ask(format!("PUT {upload}?digest=<other:sha512>")).await.is_refused(400, "DIGEST_INVALID");
    // The hash that ran along says so without a look at the bytes, and the upload can be closed rightly.
    world.ask(format!("PUT {upload}?digest=<layer:sha512>")).await.is(201);
    world.end().await;
}

/// The bytes are one object by now, to which nothing can be added: the upload is over.
#[tokio::test]
async fn closed_by_a_wrong_sha512_without_a_hint() {
    if World::is_untold_where_parts_are_long(LONG_PARTS) {
        return;
    }
    let world = World::new().await;
    world.blob("layer");
    world.blob("other");
    let upload = world.opened("app").await;
    world.ask(format!("PATCH {upload}")).body("layer").await.is(202);
    world.ask(format!("PUT {upload}?digest=<other:sha512>")).await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"DIGEST_INVALID","message":"the digest of what came is not <other:sha512>, but <layer:sha512>; nothing was stored, send the bytes again"}]}
    "#]]);
    world.ask(format!("PUT {upload}?digest=<layer>")).await.is_refused(404, "BLOB_UPLOAD_UNKNOWN");
    world.end().await.is(expect![[r#"
        trash#uploads/~1 / self
        upload#~2 / self: closed
        object uploads/~1: 5 bytes
    "#]]);
}

#[tokio::test]
async fn too_old_half_way() {
    if World::is_untold_where_parts_are_long(LONG_PARTS) {
        return;
    }
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    world.ask(format!("PATCH {upload}")).body("lay").await.is(202);
    world.clock().advance(Duration::from_secs(24 * 60 * 60));
    world.ask(format!("PATCH {upload}")).body("er").await.is_refused(404, "BLOB_UPLOAD_UNKNOWN");
    world.ask(format!("PUT {upload}?digest=<layer>")).body("er").await.is_refused(404, "BLOB_UPLOAD_UNKNOWN");
    world.end().await.is(expect![[r#"
        upload#~1 / self: open, 3 bytes in 1 chunks, uploads/~2
    "#]]);
}
