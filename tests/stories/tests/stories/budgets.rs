//! What each request costs in storage calls, pinned to the figure: a row of the design's table (section 3)
//! is a story here. Where a figure is above the table's, it says so.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use moorage_oci::media_type::OCI_MANIFEST;
use moorage_operations::MissingChildren;
use moorage_stories::{Content, assert_reads, expect};
use serde_json::{Value, json};

use crate::World;

const LONG_PARTS: &str = "few bytes are a tail there and no part, as `tails` tells it";

/// 0 table, 0 blob store.
#[tokio::test]
async fn the_ping() {
    let world = World::new().await;
    world.ask("GET /v2/").await.is(200).costs(expect!["none"]);
    world.end().await;
}

/// 1 read; the body is inline, so 0 of the blob store, or 1 where it is not.
#[tokio::test]
async fn a_manifest_by_digest_and_its_head_by_tag() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    world.ask("HEAD /v2/app/manifests/v1").await.is(200).costs(expect!["1 table (1 get)"]);
    world.ask("HEAD /v2/app/manifests/<image>").await.is(200).costs(expect!["1 table (1 get)"]);
    world.ask("GET /v2/app/manifests/<image>").await.is(200).costs(expect!["1 table (1 query)"]);
    let long = world.bare_with("long", json!({ "filler": "x".repeat(400 * 1024) }));
    world.push("app", "long", &long).await;
    world.ask("HEAD /v2/app/manifests/long").await.is(200).costs(expect!["1 table (1 get)"]);
    world.ask("HEAD /v2/app/manifests/<long>").await.is(200).costs(expect!["1 table (1 get)"]);
    world
        .ask("GET /v2/app/manifests/<long>")
        .await
        .is(200)
        .costs(expect!["1 table (1 query), 1 blob (1 get)"]);
    world.end().await;
}

/// 2 reads, as many of the blob store as by digest; a miss up to 4.
#[tokio::test]
async fn a_manifest_by_tag() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    world.ask("GET /v2/app/manifests/v1").await.is(200).costs(expect!["2 table (1 get, 1 query)"]);
    world.ask("GET /v2/app/manifests/v2").await.is(404).costs(expect!["1 table (1 get)"]);
    world.end().await;
}

/// Not in the table: whether an index says where it lives takes a read more.
#[tokio::test]
async fn a_manifest_that_is_not_there() {
    let world = World::new().await;
    world.bare("bare");
    world.ask("GET /v2/app/manifests/<bare>").await.is(404).costs(expect!["2 table (2 query)"]);
    world.ask("HEAD /v2/app/manifests/<bare>").await.is(404).costs(expect!["2 table (1 get, 1 query)"]);
    world.end().await;
}

/// 1 read; of a GET 1 of the blob store, as nothing is redirected here.
#[tokio::test]
async fn a_blob() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    world.ask("HEAD /v2/app/blobs/<layer>").await.is(200).costs(expect!["1 table (1 get)"]);
    world.ask("GET /v2/app/blobs/<layer>").await.is(200).costs(expect!["1 table (1 get), 1 blob (1 get)"]);
    world
        .ask("GET /v2/app/blobs/<layer>")
        .header("range", "bytes=1-2")
        .await
        .is(206)
        .costs(expect!["1 table (1 get), 1 blob (1 get)"]);
    world.ask("GET /v2/other/blobs/<layer>").await.is(404).costs(expect!["1 table (1 get)"]);
    world
        .ask("GET /v2/app/blobs/<layer>")
        .header("range", "bytes=9-")
        .await
        .is(416)
        .costs(expect!["1 table (1 get)"]);
    world.end().await;
}

/// 0, 0.
#[tokio::test]
async fn opening_an_upload() {
    let world = World::new().await;
    world.ask("POST /v2/app/blobs/uploads/").await.is(202).costs(expect!["none"]);
    world.end().await;
}

/// 1 read + 1 write; 1 part (+ 1 to open).
#[tokio::test]
async fn a_chunk() {
    if World::is_untold_where_parts_are_long(LONG_PARTS) {
        return;
    }
    let world = World::new().await;
    let upload = world.opened("app").await;
    world
        .ask(format!("PATCH {upload}"))
        .body("lay")
        .await
        .is(202)
        .costs(expect!["2 table (1 get, 1 put), 2 blob (1 open_parts, 1 put_parts)"]);
    world
        .ask(format!("PATCH {upload}"))
        .body("er")
        .await
        .is(202)
        .costs(expect!["2 table (1 get, 1 put), 1 blob (1 put_parts)"]);
    // Not in the table: how far it has come.
    world.ask(format!("GET {upload}")).await.is(204).costs(expect!["1 table (1 get)"]);
    world.end().await;
}

/// 1 read + 1 write; the blob store is told, to free room sooner.
#[tokio::test]
async fn a_cancel() {
    if World::is_untold_where_parts_are_long(LONG_PARTS) {
        return;
    }
    let world = World::new().await;
    let (fresh, begun) = (world.opened("app").await, world.opened("app").await);
    world.ask(format!("DELETE {fresh}")).await.is(204).costs(expect!["2 table (1 get, 1 put)"]);
    world.ask(format!("PATCH {begun}")).body("lay").await.is(202);
    world
        .ask(format!("DELETE {begun}"))
        .await
        .is(204)
        .costs(expect!["2 table (1 get, 1 transact of 2), 1 blob (1 abort)"]);
    world.end().await;
}

/// At most 5 calls (a fresh blob: 1 read, then one transaction); 1 PUT.
#[tokio::test]
async fn a_blob_in_one_put() {
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    world
        .ask(format!("PUT {upload}?digest=<layer>"))
        .body("layer")
        .await
        .is(201)
        .costs(expect!["2 table (1 batch_get of 3, 1 transact of 4), 1 blob (1 put)"]);
    // It is here: nothing is stored.
    world
        .ask(format!("PUT {upload}?digest=<layer>"))
        .body("layer")
        .await
        .is(201)
        .costs(expect!["1 table (1 batch_get of 3)"]);
    // Another repository has it: its bytes are kept, ours are given up.
    let other = "POST /v2/other/blobs/uploads/?digest=<layer>";
    world
        .ask(other)
        .body("layer")
        .await
        .is(201)
        .costs(expect!["5 table (1 get, 1 batch_get of 2, 2 put, 1 transact of 2), 1 blob (1 put)"]);
    world.end().await;
}

/// The same + 1 write; 1 of the blob store (embedded parts have no tail).
#[tokio::test]
async fn the_closing_put() {
    if World::is_untold_where_parts_are_long(LONG_PARTS) {
        return;
    }
    let world = World::new().await;
    world.blob("layer");
    let upload = world.opened("app").await;
    world.ask(format!("PATCH {upload}")).body("layer").await.is(202);
    world
        .ask(format!("PUT {upload}?digest=<layer>"))
        .await
        .is(201)
        .costs(expect!["3 table (1 batch_get of 3, 1 put, 1 transact of 4), 1 blob (1 complete)"]);
    world
        .ask(format!("PUT {upload}?digest=<layer>"))
        .await
        .is(201)
        .costs(expect!["1 table (1 batch_get of 3)"]);
    // The last bytes come with it.
    let upload = world.opened("third").await;
    world.ask(format!("PATCH {upload}")).body("lay").await.is(202);
    world.ask(format!("PUT {upload}?digest=<layer>")).body("er").await.is(201).costs(expect![
        "6 table (1 get, 1 batch_get of 3, 3 put, 1 transact of 2), 2 blob (1 put_parts, 1 complete)"
    ]);
    // Not in the table: by sha512 without a hint it is read back once.
    let upload = world.opened("app").await;
    world.ask(format!("PATCH {upload}")).body("layer").await.is(202);
    world
        .ask(format!("PUT {upload}?digest=<layer:sha512>"))
        .await
        .is(201)
        .costs(expect!["3 table (1 batch_get of 3, 1 put, 1 transact of 4), 2 blob (1 get, 1 complete)"]);
    world.end().await;
}

/// 2 reads + 3 writes; 0.
#[tokio::test]
async fn a_mount() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    world
        .ask("POST /v2/other/blobs/uploads/?mount=<layer>&from=app")
        .await
        .is(201)
        .costs(expect!["5 table (1 get, 1 batch_get of 2, 3 put)"]);
    world
        .ask("POST /v2/third/blobs/uploads/?mount=<layer>")
        .await
        .is(201)
        .costs(expect!["5 table (1 get, 1 batch_get of 2, 3 put)"]);
    world
        .ask("POST /v2/third/blobs/uploads/?mount=<layer>")
        .await
        .is(201)
        .costs(expect!["1 table (1 batch_get of 2)"]);
    world
        .ask("POST /v2/third/blobs/uploads/?mount=<layer:sha512>")
        .await
        .is(202)
        .costs(expect!["1 table (1 batch_get of 2)"]);
    world.end().await;
}

/// With k children: 2 manifest writes + ceil((k+2)/25) batch writes + ceil((k+1)/100) batch reads, and for
/// its tags 1 read and 1 transaction.
#[tokio::test]
async fn an_image() {
    let world = World::new().await;
    let config = world.blob("config");
    let layers: Vec<Content> = (0..99).map(|n| world.blob(&format!("layer {n}"))).collect();
    world.push_blobs("app", &layers.iter().chain([&config]).collect::<Vec<_>>()).await;
    let mut seen = String::new();
    for k in [2, 23, 24, 99, 100] {
        let image = world.image(&format!("of {k}"), &config, &layers[..k - 1].iter().collect::<Vec<_>>());
        let by_digest = world.push_untagged("app", &image).await;
        let image = world.image(
            &format!("of {k} again"),
            &layers[k - 2],
            &layers[..k - 2].iter().chain([&config]).collect::<Vec<_>>(),
        );
        let by_tag = world.push("app", "v1", &image).await;
        seen += &format!("{k} children: {}\n    with a tag: {}\n", by_digest.calls, by_tag.calls);
    }
    assert_reads(
        &seen,
        expect![[r#"
            2 children: 4 table (1 batch_get of 4, 1 put, 1 batch_write of 4, 1 transact of 3)
                with a tag: 6 table (2 batch_get of 5, 2 put, 1 batch_write of 4, 1 transact of 4)
            23 children: 4 table (1 batch_get of 24, 2 put, 1 batch_write of 25)
                with a tag: 6 table (2 batch_get of 26, 2 put, 1 batch_write of 25, 1 transact of 5)
            24 children: 5 table (1 batch_get of 25, 2 put, 2 batch_write of 26)
                with a tag: 7 table (2 batch_get of 27, 2 put, 2 batch_write of 26, 1 transact of 5)
            99 children: 8 table (1 batch_get of 100, 2 put, 5 batch_write of 101)
                with a tag: 10 table (2 batch_get of 102, 2 put, 5 batch_write of 101, 1 transact of 5)
            100 children: 9 table (2 batch_get of 101, 2 put, 5 batch_write of 102)
                with a tag: 11 table (3 batch_get of 103, 2 put, 5 batch_write of 102, 1 transact of 5)
        "#]],
    );
    world.end().await;
}

/// The same table; an index leaves a note under each child in the transaction of its last write, of up to 99 children.
/// Those of more take one more for every 99.
#[tokio::test]
async fn an_index() {
    let world = World::set_up(|setup| setup.settings.missing = MissingChildren::Allow).await;
    let children: Vec<Content> = (0..100).map(|n| world.bare(&format!("child {n}"))).collect();
    let bare = world.bare("bare");
    world.push_untagged("app", &bare).await;
    let mut seen = String::new();
    for k in [2, 11, 12, 23, 99, 100] {
        let index = world.index(&format!("of {k}"), &children[..k].iter().collect::<Vec<_>>());
        let answer = world.push_untagged("app", &index).await;
        seen += &format!("{k} children: {}\n", answer.calls);
    }
    assert_reads(
        &seen,
        expect![[r#"
        2 children: 4 table (1 batch_get of 3, 1 put, 1 batch_write of 4, 1 transact of 3)
        11 children: 4 table (1 batch_get of 12, 1 put, 1 batch_write of 13, 1 transact of 12)
        12 children: 4 table (1 batch_get of 13, 1 put, 1 batch_write of 14, 1 transact of 13)
        23 children: 4 table (1 batch_get of 24, 1 put, 1 batch_write of 25, 1 transact of 24)
        99 children: 8 table (1 batch_get of 100, 1 put, 5 batch_write of 101, 1 transact of 100)
        100 children: 10 table (2 batch_get of 101, 1 put, 5 batch_write of 102, 2 transact of 102)
    "#]],
    );
    world.end().await;
}

/// Above the table by a key: a referrer reads its subject too, so the batch reads are ceil((k+2)/100).
#[tokio::test]
async fn a_referrer_with_children() {
    let world = World::set_up(|setup| setup.settings.missing = MissingChildren::Allow).await;
    let (subject, bare) = (world.bare("subject"), world.bare("bare"));
    world.push_untagged("app", &bare).await;
    let children: Vec<Content> = (0..99).map(|n| world.blob(&format!("child {n}"))).collect();
    let mut seen = String::new();
    for k in [98, 99] {
        let layers: Vec<Value> = children[..k].iter().map(Content::descriptor).collect();
        let referrer = json!({ "layers": layers, "subject": subject.descriptor() });
        let answer = world.push_untagged("app", &world.bare_with(&format!("of {k}"), referrer)).await;
        seen += &format!("{k} children: {}\n", answer.calls);
    }
    assert_reads(
        &seen,
        expect![[r#"
        98 children: 7 table (1 batch_get of 100, 1 put, 4 batch_write of 100, 1 transact of 2)
        99 children: 9 table (2 batch_get of 101, 1 put, 5 batch_write of 101, 1 transact of 2)
    "#]],
    );
    world.end().await;
}

/// What goes into one transaction with the last step: the first manifest of a repository, and a referrer.
#[tokio::test]
async fn a_first_manifest_and_a_referrer() {
    let world = World::new().await;
    let bare = world.bare("bare");
    let signature = world.referrer("signature", "application/vnd.example.signature", &bare);
    world
        .push_untagged("app", &bare)
        .await
        .costs(expect!["4 table (1 batch_get of 2, 1 put, 1 batch_write of 2, 1 transact of 3)"]);
    world
        .push_untagged("app", &signature)
        .await
        .costs(expect!["4 table (1 batch_get of 2, 1 put, 1 batch_write of 2, 1 transact of 2)"]);
    world.end().await;
}

/// Not in the table: what is here already is not written again; a tag that moves costs what a new one does.
#[tokio::test]
async fn a_manifest_that_is_here() {
    let world = World::new().await;
    let (old, new) = (world.bare("old"), world.bare("new"));
    world.push("app", "v1", &old).await;
    world.push_untagged("app", &new).await;
    world.push("app", "v1", &old).await.costs(expect!["2 table (1 batch_get of 2, 1 put)"]);
    world.push("app", "v1", &new).await.costs(expect!["3 table (1 batch_get of 2, 1 put, 1 transact of 5)"]);
    let tags: Vec<String> = (0..32).map(|n| format!("tag=t{n}")).collect();
    let line = format!("PUT /v2/app/manifests/<new>?{}", tags.join("&"));
    world
        .ask(&line)
        .manifest(&new)
        .await
        .is(201)
        .costs(expect!["3 table (1 batch_get of 33, 1 put, 1 transact of 66)"]);
    // A manifest that was pushed long ago is kept longer, once in the grace.
    world.clock().advance(std::time::Duration::from_secs(25 * 60 * 60));
    world.push_untagged("app", &new).await.costs(expect!["3 table (2 put, 1 keep_until)"]);
    world.push_untagged("app", &new).await.costs(expect!["2 table (2 put)"]);
    world.end().await;
}

/// Bytes that do not fit an item are an object: 1 PUT.
#[tokio::test]
async fn a_long_manifest() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.push_untagged("app", &bare).await;
    let long = world.content(
        "long",
        OCI_MANIFEST,
        json!({ "artifactType": "a/b", "layers": [], "filler": "x".repeat(400 * 1024) }).to_string(),
    );
    world.push("app", "v1", &long).await.costs(expect![
        "6 table (2 batch_get of 3, 2 put, 1 batch_write of 1, 1 transact of 4), 1 blob (1 put)"
    ]);
    world.end().await;
}

/// Not in the table: a refused push makes no more calls than one that succeeds.
#[tokio::test]
async fn a_manifest_whose_children_are_missing() {
    let world = World::new().await;
    let (config, layer) = (world.blob("config"), world.blob("layer"));
    let image = world.image("image", &config, &[&layer]);
    world
        .ask("PUT /v2/app/manifests/v1")
        .manifest(&image)
        .await
        .is(404)
        .costs(expect!["5 table (2 batch_get of 6, 2 put, 1 batch_write of 4)"]);
    world.end().await;
}

/// 1 read, 1 write, 1 query, 1 transaction, and one more for every further 32 tags.
#[tokio::test]
async fn deleting_a_manifest() {
    let mut seen = String::new();
    for count in [0, 1, 32, 33, 65] {
        let world = World::new().await;
        let bare = world.bare("bare");
        world.push_untagged("app", &bare).await;
        let tags: Vec<String> = (0..count).map(|n| format!("tag=t{n}")).collect();
        for some in tags.chunks(32) {
            world
                .ask(format!("PUT /v2/app/manifests/<bare>?{}", some.join("&")))
                .manifest(&bare)
                .await
                .is(201);
        }
        let answer = world.ask("DELETE /v2/app/manifests/<bare>").await;
        seen += &format!("{count} tags: {}\n", answer.is(202).calls);
        world.end().await;
    }
    assert_reads(
        &seen,
        expect![[r#"
            0 tags: 4 table (1 get, 1 query, 1 put, 1 transact of 2)
            1 tags: 4 table (1 get, 1 query, 1 put, 1 transact of 5)
            32 tags: 4 table (1 get, 1 query, 1 put, 1 transact of 98)
            33 tags: 5 table (1 get, 1 query, 1 put, 2 transact of 102)
            65 tags: 6 table (1 get, 1 query, 1 put, 3 transact of 199)
        "#]],
    );
}

/// Not in the table.
#[tokio::test]
async fn deleting_a_tag_and_a_blob() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    let alone = world.blob("alone");
    world.push_blobs("app", &[&alone]).await;
    world.ask("DELETE /v2/app/manifests/v1").await.is(202).costs(expect!["2 table (1 get, 1 transact of 2)"]);
    world
        .ask("DELETE /v2/app/blobs/<alone>")
        .await
        .is(202)
        .costs(expect!["6 table (1 get, 1 query, 2 put, 1 batch_write of 2, 1 transact of 1)"]);
    world
        .ask("DELETE /v2/app/blobs/<layer>")
        .await
        .is(405)
        .costs(expect!["5 table (1 get, 1 batch_get of 1, 1 query, 2 put)"]);
    world.end().await;
}

/// 1 query each, at any size; + 1 read for each descriptor over 64 KiB.
#[tokio::test]
async fn pages() {
    let world = World::new().await;
    let image = world.push_image("app", "v1").await;
    let small = world.referrer("small", "application/vnd.example.r", &image);
    let large = world.bare_with(
        "large",
        json!({
            "subject": image.descriptor(), "annotations": { "filler": "x".repeat(70_000) },
        }),
    );
    world.ask("GET /v2/app/referrers/<image>").await.is(200).costs(expect!["1 table (1 query)"]);
    world.push_untagged("app", &small).await;
    world.ask("GET /v2/app/referrers/<image>").await.is(200).costs(expect!["1 table (1 query)"]);
    world.push_untagged("app", &large).await;
    world.ask("GET /v2/app/referrers/<image>").await.is(200).costs(expect!["2 table (2 query)"]);
    world.ask("GET /v2/_catalog").await.is(200).costs(expect!["1 table (1 query)"]);
    world.ask("GET /v2/app/tags/list").await.is(200).costs(expect!["1 table (1 query)"]);
    world.ask("GET /v2/app/tags/list?n=1&last=a").await.is(200).costs(expect!["1 table (1 query)"]);
    // Not in the table: where there is nothing to show, whether there is a repository takes a read more.
    world.ask("GET /v2/app/tags/list?last=z").await.is(200).costs(expect!["2 table (1 get, 1 query)"]);
    world.ask("GET /v2/other/tags/list").await.is(404).costs(expect!["2 table (1 get, 1 query)"]);
    world.end().await;
}
