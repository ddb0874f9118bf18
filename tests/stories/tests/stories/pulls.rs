//! GET and HEAD of blobs and manifests (end-1, end-2, end-3).

use moorage_stories::{assert_reads, expect};

use crate::World;

#[tokio::test]
async fn the_api_is_here() {
    let world = World::new().await;
    world.ask("GET /v2/").await.shows(expect![[r#"
        200 OK
        content-length: 2
        content-type: application/json

        {}
    "#]]);
    world.ask("HEAD /v2/").await.shows(expect![[r#"
        200 OK
        content-length: 2
        content-type: application/json
    "#]]);
    world.ask("GET /v2").await.is(200);
    world.end().await.is(expect![""]);
}

#[tokio::test]
async fn a_blob_is_pulled() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    world.ask("GET /v2/app/blobs/<layer>").await.shows(expect![[r#"
        200 OK
        accept-ranges: bytes
        content-length: 5
        content-type: application/octet-stream
        docker-content-digest: <layer>

        the bytes of <layer>
    "#]]);
    world.ask("HEAD /v2/app/blobs/<layer>").await.shows(expect![[r#"
        200 OK
        accept-ranges: bytes
        content-length: 5
        content-type: application/octet-stream
        docker-content-digest: <layer>
    "#]]);
    let encoded = layer.digest.as_str().replace(':', "%3A");
    world.ask(format!("GET /v2/app/blobs/{encoded}")).await.is(200);
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, <layer>/app/~2
        blob#<layer> / held-content#app#~3
        object <layer>/app/~2: 5 bytes
    "#]]);
}

/// One that does not fit the database, and one without a byte.
#[tokio::test]
async fn blobs_of_every_size_are_pulled() {
    let world = World::new().await;
    let (large, empty) = (world.blob_of("large", vec![7; 300_000]), world.blob_of("empty", ""));
    world.push_blobs("app", &[&large, &empty]).await;
    world.ask("GET /v2/app/blobs/<large>").await.shows(expect![[r#"
        200 OK
        accept-ranges: bytes
        content-length: 300000
        content-type: application/octet-stream
        docker-content-digest: <large>

        the bytes of <large>
    "#]]);
    world.ask("HEAD /v2/app/blobs/<large>").await.shows(expect![[r#"
        200 OK
        accept-ranges: bytes
        content-length: 300000
        content-type: application/octet-stream
        docker-content-digest: <large>
    "#]]);
    world.ask("GET /v2/app/blobs/<empty>").await.shows(expect![[r#"
        200 OK
        accept-ranges: bytes
        content-length: 0
        content-type: application/octet-stream
        docker-content-digest: <empty>
    "#]]);
    world.ask("HEAD /v2/app/blobs/<empty>").await.shows(expect![[r#"
        200 OK
        accept-ranges: bytes
        content-length: 0
        content-type: application/octet-stream
        docker-content-digest: <empty>
    "#]]);
    world.end().await.is(expect![[r#"
        blob#<large> / content: live ~1, 300000 bytes, <large>/app/~2
        blob#<large> / grant#app: live ~3, 300000 bytes, <large>/app/~2
        blob#<large> / held-content#app#~3
        blob#<empty> / content: live ~4, 0 bytes, <empty>/app/~5
        blob#<empty> / grant#app: live ~6, 0 bytes, <empty>/app/~5
        blob#<empty> / held-content#app#~6
        object <large>/app/~2: 300000 bytes
        object <empty>/app/~5: 0 bytes
    "#]]);
}

#[tokio::test]
async fn a_range_of_a_blob() {
    let world = World::new().await;
    let (digits, empty) = (world.blob_of("digits", "0123456789"), world.blob_of("empty", ""));
    world.push_blobs("app", &[&digits, &empty]).await;
    let mut seen = String::new();
    for asked in [
        "digits bytes=2-5",
        "digits bytes=7-",
        "digits bytes=-3",
        "digits bytes=0-0",
        "digits bytes=8-99",
        "digits bytes=-99",
        "digits items=1-2",
        "digits bytes=0-1,3-4",
        "digits bytes=10-",
        "digits bytes=5-2",
        "digits bytes=-0",
        "empty bytes=0-0",
        "empty bytes=-1",
    ] {
        let (blob, range) = asked.split_once(' ').expect("a blob and a range");
        let answer = world.ask(format!("GET /v2/app/blobs/<{blob}>")).header("range", range).await;
        let bytes = if answer.status() < 400 { str::from_utf8(&answer.body).expect("digits") } else { "" };
        let said = [&answer.outline(), answer.header("content-range"), bytes].join(" ");
        seen += &format!("{asked}: {}\n", said.trim_end());
    }
    assert_reads(
        &seen,
        expect![[r#"
        digits bytes=2-5: 206 bytes 2-5/10 2345
        digits bytes=7-: 206 bytes 7-9/10 789
        digits bytes=-3: 206 bytes 7-9/10 789
        digits bytes=0-0: 206 bytes 0-0/10 0
        digits bytes=8-99: 206 bytes 8-9/10 89
        digits bytes=-99: 206 bytes 0-9/10 0123456789
        digits items=1-2: 200  0123456789
        digits bytes=0-1,3-4: 200  0123456789
        digits bytes=10-: 416 SIZE_INVALID bytes */10
        digits bytes=5-2: 416 SIZE_INVALID bytes */10
        digits bytes=-0: 416 SIZE_INVALID bytes */10
        empty bytes=0-0: 416 SIZE_INVALID bytes */0
        empty bytes=-1: 416 SIZE_INVALID bytes */0
    "#]],
    );
    world.ask("GET /v2/app/blobs/<digits>").header("range", "bytes=10-").await.shows(expect![[r#"
        416 Range Not Satisfiable
        content-range: bytes */10
        content-type: application/json

        {"errors":[{"code":"SIZE_INVALID","message":"the range is outside of the blob, which has 10 bytes"}]}
    "#]]);
    world.end().await;
}

#[tokio::test]
async fn a_range_of_a_blob_that_is_streamed() {
    let world = World::new().await;
    let bytes: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let large = world.blob_of("large", bytes.clone());
    world.push_blobs("app", &[&large]).await;
    let answer = world.ask("GET /v2/app/blobs/<large>").header("range", "bytes=65530-400010").await;
    answer.shows(expect![[r#"
        206 Partial Content
        accept-ranges: bytes
        content-length: 334481
        content-range: bytes 65530-400010/800000
        content-type: application/octet-stream
        docker-content-digest: <large>

        334481 bytes
    "#]]);
    assert!(answer.body == bytes[65_530..=400_010], "other bytes than those asked for");
    world.end().await;
}

#[tokio::test]
async fn a_manifest_is_pulled_by_tag_and_by_digest() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    world.ask("GET /v2/app/manifests/v1").await.shows(expect![[r#"
        200 OK
        content-length: 392
        content-type: application/vnd.oci.image.manifest.v1+json
        docker-content-digest: <image>

        the bytes of <image>
    "#]]);
    world.ask("HEAD /v2/app/manifests/v1").await.shows(expect![[r#"
        200 OK
        content-length: 392
        content-type: application/vnd.oci.image.manifest.v1+json
        docker-content-digest: <image>
    "#]]);
    world.ask("GET /v2/app/manifests/<image>").await.shows(expect![[r#"
        200 OK
        content-length: 392
        content-type: application/vnd.oci.image.manifest.v1+json
        docker-content-digest: <image>

        the bytes of <image>
    "#]]);
    world.ask("HEAD /v2/app/manifests/<image>").await.shows(expect![[r#"
        200 OK
        content-length: 392
        content-type: application/vnd.oci.image.manifest.v1+json
        docker-content-digest: <image>
    "#]]);
    world.end().await.is(expect![[r#"
        blob#<config> / content: live ~1, 6 bytes, <config>/app/~2
        blob#<config> / grant#app: live ~3, 6 bytes, <config>/app/~2
        blob#<config> / held#app#<image>#~4
        blob#<config> / held-content#app#~3
        blob#<layer> / content: live ~5, 5 bytes, <layer>/app/~6
        blob#<layer> / grant#app: live ~7, 5 bytes, <layer>/app/~6
        blob#<layer> / held#app#<image>#~4
        blob#<layer> / held-content#app#~7
        catalog / app
        manifest#app#<image> / 0#body: 392 bytes
        manifest#app#<image> / 0#self: live ~4, application/vnd.oci.image.manifest.v1+json, 392 bytes
        manifest#app#<image> / held#kept#~4
        manifest#app#<image> / held#tag#v1#~8
        repo#app / manifest#<image>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <image> at ~8, application/vnd.oci.image.manifest.v1+json, 392 bytes
        object <config>/app/~2: 6 bytes
        object <layer>/app/~6: 5 bytes
    "#]]);
}

/// What a client accepts is not what decides: a manifest has one form, the one that was pushed.
#[tokio::test]
async fn the_accept_header_changes_nothing() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    let other = "application/vnd.docker.distribution.manifest.v2+json";
    world.ask("GET /v2/app/manifests/v1").header("accept", other).await.shows(expect![[r#"
        200 OK
        content-length: 392
        content-type: application/vnd.oci.image.manifest.v1+json
        docker-content-digest: <image>

        the bytes of <image>
    "#]]);
    world.end().await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    world.ask("GET /v2/app/blobs/<image>").await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"BLOB_UNKNOWN","message":"repository app has no blob <image>; push it, or mount it from another repository"}]}
    "#]]);
    world.ask("GET /v2/app/manifests/<layer>").await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"MANIFEST_UNKNOWN","message":"repository app has no manifest <layer>; look at its tags with GET /v2/app/tags/list"}]}
    "#]]);
    world.ask("GET /v2/app/manifests/v2").await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"MANIFEST_UNKNOWN","message":"repository app has no manifest v2; look at its tags with GET /v2/app/tags/list"}]}
    "#]]);
    world.ask("GET /v2/app/manifests/-not-a-tag").await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"MANIFEST_UNKNOWN","message":"there is no such tag: `-not-a-tag` is not a tag: it has `-` at character 1. A tag is made of letters a-z and A-Z, digits, `_`, `.` and `-`, and starts with neither of the last two"}]}
    "#]]);
    for path in ["app/blobs/<image>", "app/manifests/<layer>", "app/manifests/v2", "nowhere/manifests/v1"] {
        world.ask(format!("HEAD /v2/{path}")).await.is(404);
    }
    world.end().await;
}

/// A repository sees only what was given to it, though the bytes are kept once for all.
#[tokio::test]
async fn another_repositorys_things_are_not_found() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    for path in ["other/blobs/<layer>", "other/manifests/<image>", "other/manifests/v1", "app/blobs/<image>"]
    {
        world.ask(format!("GET /v2/{path}")).await.is(404);
    }
    world.end().await;
}
