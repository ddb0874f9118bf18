//! What nothing holds goes, and nothing else does: what is left of a world once its time has passed.

use std::time::Duration;

use moorage_ports::facts::{Fact, Policy, Untagged};
use moorage_ports::faults::{Fault, Injector, Moment, Plan, Point};
use moorage_ports::{Durability, Expect, Item, Key, Nonce, Version};
use moorage_stories::expect;
use serde_json::json;

use crate::World;

const HOUR: Duration = Duration::from_secs(60 * 60);
/// Twice the grace, and a little.
const KEPT: Duration = Duration::from_secs(49 * 60 * 60);
/// The recycle bin's retention, and four levels of one grace each.
const BIN: Duration = Duration::from_secs((7 + 4) * 24 * 60 * 60);

/// A manifest that nothing holds goes into the bin after so long.
async fn recycle_untagged(world: &World, repository: &str, after: Duration) {
    let key = Key::policy(&repository.parse().expect("a name"));
    let table = world.ports().table;
    let found = table.get(&key).await.expect("it can be read");
    let known = match found {
        Some(Item { fact: Fact::Policy(policy), .. }) => policy,
        _ => Policy::default(),
    };
    let after_ms = u64::try_from(after.as_millis()).expect("not for ever");
    let policy = Policy { untagged: Untagged::Recycle { after_ms }, ..known };
    let item = Item::at(key, Version(Nonce(7)), Fact::Policy(policy));
    table.put(item, Expect::Anything, Durability::OnAnswer).await.expect("it can be written");
}

/// What a test asks again and again: which of these are there.
async fn there(world: &World, names: &[&str]) -> Vec<String> {
    let mut there = Vec::new();
    for name in names {
        let what =
            if name.starts_with("layer") || name.starts_with("config") { "blobs" } else { "manifests" };
        if world.ask(format!("GET /v2/app/{what}/<{name}>")).await.status() == 200 {
            there.push((*name).to_owned());
        }
    }
    there
}

/// With its object; what is left is that its key was used.
#[tokio::test]
async fn a_blob_that_no_manifest_names() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    world.collect_for(47 * HOUR).await;
    assert_eq!(there(&world, &["layer"]).await, ["layer"]);
    world.collect_for(2 * HOUR).await;
    assert_eq!(there(&world, &["layer"]).await, [""; 0]);
    world.collect_for(26 * HOUR).await;
    world.picture().await.is(expect![[r#"
        trash#<layer>/app/~1 / self: deleted
    "#]]);
    world.collect_for(KEPT).await;
    world.end().await.is(expect![[r#""#]]);
}

/// A repository's blob goes; the other's, and the bytes, stay.
#[tokio::test]
async fn a_blob_that_another_repository_needs() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    world.ask("POST /v2/other/blobs/uploads/?mount=<layer>&from=app").await.is(201);
    world.collect_for(2 * KEPT).await;
    world.ask("GET /v2/other/blobs/<layer>").await.is(404);
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.ask("GET /v2/app/manifests/v1").await.is(200);
    world.end().await;
}

#[tokio::test]
async fn what_is_tagged() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    let before = world.picture().await;
    world.collect_for(2 * BIN).await;
    assert_eq!(world.end().await, before);
}

/// From tag to bytes: everything, once its time in the recycle bin is over.
#[tokio::test]
async fn an_image_that_is_deleted() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
    world.collect_for(6 * 24 * HOUR).await;
    assert_eq!(there(&world, &["image", "config", "layer"]).await, ["config", "layer"]);
    world.collect_for(5 * 24 * HOUR).await;
    assert_eq!(there(&world, &["image", "config", "layer"]).await, [""; 0]);
    world.collect_for(KEPT).await;
    world.end().await.is(expect![[r#"
        catalog / app
        repo#app / policy: in the catalog
    "#]]);
}

/// The policy `keep`: only what was the child of an index, or a referrer, leaves with its holder.
#[tokio::test]
async fn what_loses_its_last_tag_or_never_had_one() {
    let world = World::new().await;
    let (tagged, by_digest) = (world.bare("tagged"), world.bare("by digest"));
    world.push("app", "v1", &tagged).await;
    world.push_untagged("app", &by_digest).await;
    world.ask("DELETE /v2/app/manifests/v1").await.is(202);
    world.collect_for(2 * BIN).await;
    assert_eq!(there(&world, &["tagged", "by digest"]).await, ["tagged", "by digest"]);
    world.end().await;
}

/// The policy `recycle`: for as long as it says, then the bin.
#[tokio::test]
async fn what_loses_its_last_tag_where_that_is_recycled() {
    let world = World::new().await;
    let (old, new, never) = (world.bare("old"), world.bare("new"), world.bare("never"));
    world.push("app", "v1", &old).await;
    world.push_untagged("app", &never).await;
    recycle_untagged(&world, "app", 72 * HOUR).await;
    world.push("app", "v1", &new).await;
    world.collect_for(71 * HOUR).await;
    assert_eq!(there(&world, &["old", "new", "never"]).await, ["old", "new", "never"]);
    world.collect_for(48 * HOUR).await;
    assert_eq!(there(&world, &["old", "new", "never"]).await, ["new"]);
    world.collect_for(BIN).await;
    world.collect_for(KEPT).await;
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<new> / 0#body: 158 bytes
        manifest#app#<new> / 0#self: live ~1, application/vnd.oci.image.manifest.v1+json, 158 bytes
        manifest#app#<new> / held#tag#v1#~2
        repo#app / manifest#<new>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <new> at ~2, application/vnd.oci.image.manifest.v1+json, 158 bytes
    "#]]);
}

/// Out of the bin, it stays for as long as what is new: its pusher was told that it is there.
#[tokio::test]
async fn what_is_pushed_again_out_of_the_bin() {
    let world = World::new().await;
    let (image, other) = (world.bare("image"), world.bare("other"));
    world.push("app", "v1", &other).await;
    recycle_untagged(&world, "app", HOUR).await;
    world.push_untagged("app", &image).await;
    world.collect_for(72 * HOUR).await;
    assert_eq!(there(&world, &["image"]).await, [""; 0]);
    world.push_untagged("app", &image).await;
    world.collect_for(23 * HOUR).await;
    assert_eq!(there(&world, &["image"]).await, ["image"]);
    world.collect_for(KEPT).await;
    assert_eq!(there(&world, &["image"]).await, [""; 0]);
    world.end().await;
}

/// Also the note that it would have held what was never there.
#[tokio::test]
async fn an_index_that_was_refused() {
    let world = World::new().await;
    let index = world.index("index", &[&world.bare("missing")]);
    world.ask("PUT /v2/app/manifests/v1").manifest(&index).await.is_refused(404, "MANIFEST_BLOB_UNKNOWN");
    world.collect_for(2 * KEPT).await;
    world.end().await.is(expect![[r#""#]]);
}

/// All that an index alone held goes with it, down to the last level; what has a tag of its own stays.
#[tokio::test]
async fn the_children_of_an_index() {
    let world = World::new().await;
    let image = world.push_image("app", "image").await;
    world.ask("DELETE /v2/app/manifests/image").await.is(202);
    let (lone, tagged) = (world.bare("lone"), world.bare("tagged"));
    world.push_untagged("app", &lone).await;
    world.push("app", "stays", &tagged).await;
    let inner = world.index("inner", &[&lone, &tagged]);
    world.push_untagged("app", &inner).await;
    let outer = world.index("outer", &[&inner, &image]);
    world.push("app", "v1", &outer).await;
    world.collect_for(BIN).await;
    let all = ["outer", "inner", "lone", "tagged", "image", "layer"];
    assert_eq!(there(&world, &all).await, all);

    world.ask("DELETE /v2/app/manifests/<outer>").await.is(202);
    for _ in 0..3 {
        world.collect_for(BIN).await;
    }
    // The image once had a tag, and was kept since then.
    assert_eq!(there(&world, &all).await, ["tagged", "image", "layer"]);
    world.end().await;
}

/// What lives elsewhere is nobody's here: never followed, before and after.
#[tokio::test]
async fn an_index_with_entries_that_live_elsewhere() {
    let world = World::new().await;
    let child = world.bare("child");
    let remote = world.index_of("remote", &[child.descriptor_with(json!({ "remote": true }))]);
    world.push("app", "v1", &remote).await;
    world.ask("DELETE /v2/app/manifests/<remote>").await.is(202);
    world.collect_for(BIN).await;
    world.collect_for(KEPT).await;
    world.end().await.is(expect![[r#"
        catalog / app
        repo#app / policy: in the catalog
    "#]]);
}

#[tokio::test]
async fn the_referrers_of_what_is_deleted() {
    let world = World::new().await;
    let image = world.push_image("app", "v1").await;
    let signature = world.referrer("signature", "application/vnd.example.signature+json", &image);
    world.push_untagged("app", &signature).await;
    let of_signature = world.referrer("countersignature", "a/b", &signature);
    world.push_untagged("app", &of_signature).await;
    let all = ["image", "signature", "countersignature"];
    world.collect_for(BIN).await;
    assert_eq!(there(&world, &all).await, all);
    world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
    for _ in 0..3 {
        world.collect_for(BIN).await;
    }
    world.end().await.is(expect![[r#"
        catalog / app
        repo#app / policy: in the catalog
    "#]]);
}

/// Pushed before its subject, which may never come; once it was there, it leaves with it.
#[tokio::test]
async fn a_referrer_that_came_first() {
    let world = World::new().await;
    let (subject, never) = (world.bare("subject"), world.bare("never"));
    let (early, lone) = (world.referrer("early", "a/b", &subject), world.referrer("lone", "a/b", &never));
    world.push_untagged("app", &early).await;
    world.push_untagged("app", &lone).await;
    world.push("app", "v1", &subject).await;
    world.collect_for(KEPT).await;
    world.ask("DELETE /v2/app/manifests/<subject>").await.is(202);
    for _ in 0..2 {
        world.collect_for(BIN).await;
    }
    assert_eq!(there(&world, &["early", "lone"]).await, ["lone"]);
    world.end().await;
}

/// Given up, with the parts and the tail that came.
#[tokio::test]
async fn an_upload_that_nobody_finishes() {
    let world = World::with_long_parts().await;
    let pieces = world.pieces("layer", 13);
    let location = world.opened("app").await;
    world.ask(format!("PATCH {location}")).body(pieces.bytes.clone()).await.is(202);
    world.collect_for(24 * HOUR).await;
    world.ask(format!("GET {location}")).await.is(404);
    world.collect_for(26 * HOUR).await;
    world.collect_for(KEPT).await;
    world.end().await.is(expect![[r#""#]]);
}

/// Of a pusher that died before it could make anything of it: after its deadline nothing is left but what others
/// may need.
#[tokio::test]
async fn a_push_that_stops_half_way() {
    let mut left = String::new();
    for call in 1..12 {
        let mut world = World::new().await;
        let (config, layer) = (world.blob("config"), world.blob("layer"));
        world.push_blobs("app", &[&config, &layer]).await;
        let image = world.image("image", &config, &[&layer]);
        let plan = Plan::List(vec![(Point::Call(call), Fault::Error(Moment::After))]);
        let injector = Injector::new(plan, world.clock().clone());
        world.restart_with(|setup| setup.faults = Some(injector)).await;
        let status = world.ask("PUT /v2/app/manifests/v1").manifest(&image).await.status();
        world.restart_with(|setup| setup.faults = None).await;
        for _ in 0..3 {
            world.collect_for(KEPT).await;
        }
        let there = there(&world, &["image", "config", "layer"]).await;
        let there = if there.is_empty() { "nothing".to_owned() } else { there.join(", ") };
        left += &format!("call {call}: {status}, then {there}\n");
        world.end().await;
    }
    moorage_stories::assert_reads(
        &left,
        expect![[r#"
        call 1: 503, then nothing
        call 2: 503, then nothing
        call 3: 503, then nothing
        call 4: 503, then nothing
        call 5: 503, then image, config, layer
        call 6: 503, then image, config, layer
        call 7: 201, then image, config, layer
        call 8: 201, then image, config, layer
        call 9: 201, then image, config, layer
        call 10: 201, then image, config, layer
        call 11: 201, then image, config, layer
    "#]],
    );
}

/// A blob that a HEAD reported stays for the grace, whatever a collector was about to do.
#[tokio::test]
async fn what_a_head_reported() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    for _ in 0..10 {
        world.collect_for(30 * HOUR).await;
        world.ask("HEAD /v2/app/blobs/<layer>").await.is(200);
    }
    world.collect_for(23 * HOUR).await;
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.collect_for(KEPT).await;
    world.ask("HEAD /v2/app/blobs/<layer>").await.is(404);
    world.end().await;
}

/// Pushed again while it is in the bin: all of it is there again, and stays.
#[tokio::test]
async fn what_comes_back_out_of_the_bin() {
    let world = World::new().await;
    let image = world.push_image("app", "v1").await;
    world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
    world.collect_for(6 * 24 * HOUR).await;
    world.push("app", "v2", &image).await.is(201);
    world.collect_for(2 * BIN).await;
    assert_eq!(there(&world, &["image", "config", "layer"]).await, ["image", "config", "layer"]);
    world.end().await;
}

/// A collector that has done everything does nothing, and costs a look at each shard.
#[tokio::test]
async fn nothing_is_left_to_do() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    world.collect_for(2 * KEPT).await;
    let collector = world.collector();
    assert_eq!(collector.follow().await.expect("the feed can be read"), 0);
    let worked = moorage_ports::calls::scope(collector.work(None)).await;
    let (worked, counted) = worked;
    assert_eq!(worked.expect("reviews can be read").done, 0);
    moorage_stories::assert_reads(&counted.calls.to_string(), expect!["16 table (16 query)"]);
    world.end().await;
}
