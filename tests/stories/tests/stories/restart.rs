//! A registry that is stopped and started again: nothing is in the process that is not in its storage.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use crate::World;

#[tokio::test]
async fn everything_is_as_it_was() {
    let mut world = World::new().await;
    let image = world.push_image("app", "v1").await;
    let signature = world.referrer("signature", "application/vnd.example.signature", &image);
    world.push_untagged("app", &signature).await;
    let large = world.blob_of("large", vec![7; 100_000]);
    world.push_blobs("app", &[&large]).await;
    let before = world.picture().await;
    world.restart().await;
    assert_eq!(world.picture().await, before);
    for path in [
        "manifests/v1",
        "manifests/<image>",
        "blobs/<layer>",
        "blobs/<large>",
        "referrers/<image>",
        "tags/list",
    ] {
        world.ask(format!("GET /v2/app/{path}")).await.is(200);
    }
    assert_eq!(world.ask("GET /v2/app/blobs/<large>").await.body, large.bytes);
    world.end().await;
}

/// Before its first byte an upload is nothing but its token.
#[tokio::test]
async fn an_upload_that_was_opened() {
    let mut world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    world.restart().await;
    world.ask(format!("GET {upload}")).await.is(204);
    world.ask(format!("PUT {upload}?digest=<layer>")).body("layer").await.is(201);
    world.end().await;
}

/// The hash goes on where it was, in the middle of a block, by either algorithm.
#[tokio::test]
async fn an_upload_half_way() {
    for (hint, digest) in [("", "<large>"), ("?digest-algorithm=sha512", "<large:sha512>")] {
        let mut world = World::new().await;
        let bytes: Vec<u8> = (0..25_001_u32).flat_map(u32::to_le_bytes).collect();
        world.blob_of("large", bytes.clone());
        let opened = world.ask(format!("POST /v2/app/blobs/uploads/{hint}")).await;
        let upload = opened.is(202).header("location").to_owned();
        for chunk in bytes.chunks(33_333) {
            world.ask(format!("PATCH {upload}")).body(chunk.to_vec()).await.is(202);
            world.restart().await;
        }
        assert_eq!(world.ask(format!("GET {upload}")).await.header("range"), "0-100003");
        world.ask(format!("PUT {upload}?digest={digest}")).await.is(201);
        world.restart().await;
        assert_eq!(world.ask(format!("GET /v2/app/blobs/{digest}")).await.is(200).body, bytes);
        world.end().await;
    }
}

/// A page that was linked to before is there after.
#[tokio::test]
async fn between_two_pages() {
    let mut world = World::new().await;
    let bare = world.bare("bare");
    world.ask("PUT /v2/app/manifests/a?tag=b&tag=c").manifest(&bare).await.is(201);
    let first = world.ask("GET /v2/app/tags/list?n=2").await;
    world.restart().await;
    let second = world.ask(format!("GET {}", first.next().expect("a second page"))).await;
    assert_eq!(second.json()["tags"], serde_json::json!(["c"]));
    world.end().await;
}
