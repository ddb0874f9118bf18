//! The recycle bin: what was deleted can be had back, whole, for as long as it is there.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use std::time::Duration;

use moorage_ports::faults::{Fault, Injector, Moment, Plan, Point};
use moorage_stories::expect;
use serde_json::json;

use crate::World;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// With the tags it had, its blobs and its place in the lists.
#[tokio::test]
async fn a_restore() {
    let world = World::new().await;
    let image = world.push_image("app", "v1").await;
    world.push("app", "v2", &image).await;
    let before = world.picture().await;
    world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
    world.ask("GET /v2/app/_moorage/recycle-bin/").await.shows(expect![[r#"
        200 OK
        content-length: 260
        content-type: application/json

        {"name":"app","manifests":[{"digest":"<image>","mediaType":"application/vnd.oci.image.manifest.v1+json","size":392,"recycledAt":"2026-01-01T00:00:00.000Z","keptUntil":"2026-01-08T00:00:00.000Z"}]}
    "#]]).costs(expect!["2 table (1 batch_get of 1, 1 query)"]);
    world.collect_for(6 * DAY).await;
    world
        .ask("POST /v2/app/_moorage/recycle-bin/<image>")
        .await
        .shows(expect![[r#"
        200 OK
        content-length: 140
        content-type: application/json
        docker-content-digest: <image>

        {"name":"app","manifests":["<image>"],"tags":["v1","v2"],"tagsElsewhere":[]}
    "#]])
        .costs(expect![
            "14 table (4 get, 3 batch_get of 8, 1 query, 2 put, 2 batch_write of 6, 2 transact of 8)"
        ]);
    for tag in ["v1", "v2"] {
        world.ask(format!("GET /v2/app/manifests/{tag}")).await.is(200);
    }
    world.ask("GET /v2/app/_moorage/recycle-bin/").await.shows(expect![[r#"
        200 OK
        content-length: 29
        content-type: application/json

        {"name":"app","manifests":[]}
    "#]]);
    world.collect_for(20 * DAY).await;
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    assert_eq!(world.end().await, before);
}

/// A tag that somebody uses for something else by now stays there.
#[tokio::test]
async fn a_restore_takes_no_tag_away() {
    let world = World::new().await;
    let (old, new) = (world.bare("old"), world.bare("new"));
    world.push("app", "v1", &old).await;
    world.push("app", "old", &old).await;
    world.ask("DELETE /v2/app/manifests/<old>").await.is(202);
    world.push("app", "v1", &new).await;
    world.ask("POST /v2/app/_moorage/recycle-bin/<old>").await.shows(expect![[r#"
        200 OK
        content-length: 140
        content-type: application/json
        docker-content-digest: <old>

        {"name":"app","manifests":["<old>"],"tags":["old"],"tagsElsewhere":["v1"]}
    "#]]);
    assert_eq!(
        world.ask("GET /v2/app/manifests/v1").await.header("docker-content-digest"),
        world.filled("<new>")
    );
    assert_eq!(
        world.ask("GET /v2/app/manifests/old").await.header("docker-content-digest"),
        world.filled("<old>")
    );
    world.end().await;
}

/// Tags of an earlier stay in the bin are not those it had.
#[tokio::test]
async fn a_restore_gives_back_the_tags_it_had_last() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.push("app", "first", &bare).await;
    world.ask("DELETE /v2/app/manifests/<bare>").await.is(202);
    world.clock().advance(DAY);
    world.push("app", "second", &bare).await;
    world.clock().advance(DAY);
    world.ask("DELETE /v2/app/manifests/<bare>").await.is(202);
    world.ask("POST /v2/app/_moorage/recycle-bin/<bare>").await.is(200);
    assert_eq!(world.ask("GET /v2/app/tags/list").await.json()["tags"], json!(["second"]));
    world.end().await;
}

/// With the children that are in the bin, innermost first; and blobs that were deleted since.
#[tokio::test]
async fn a_restore_of_an_index() {
    let world = World::new().await;
    let image = world.push_image("app", "image").await;
    let inner = world.index("inner", &[&image]);
    world.push("app", "inner", &inner).await;
    let outer = world.index("outer", &[&inner]);
    world.push("app", "v1", &outer).await;
    for name in ["outer", "inner", "image"] {
        world.ask(format!("DELETE /v2/app/manifests/<{name}>")).await.is(202);
    }
    world.ask("DELETE /v2/app/blobs/<layer>").await.is(202);
    world.ask("GET /v2/app/blobs/<layer>").await.is(404);
    world.collect_for(6 * DAY).await;
    world.ask("POST /v2/app/_moorage/recycle-bin/<outer>").await.shows(expect![[r#"
        200 OK
        content-length: 283
        content-type: application/json
        docker-content-digest: <outer>

        {"name":"app","manifests":["<image>","<inner>","<outer>"],"tags":["v1"],"tagsElsewhere":[]}
    "#]]);
    for what in ["manifests/<image>", "manifests/v1", "blobs/<layer>", "blobs/<config>"] {
        world.ask(format!("GET /v2/app/{what}")).await.is(200);
    }
    world.collect_for(40 * DAY).await;
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.end().await;
}

/// Refused: what an index in the bin needs for its own restore. Then nothing of it is left.
#[tokio::test]
async fn a_purge() {
    let world = World::new().await;
    let child = world.bare("child");
    world.push("app", "child", &child).await;
    let index = world.index("index", &[&child]);
    world.push("app", "v1", &index).await;
    for name in ["index", "child"] {
        world.ask(format!("DELETE /v2/app/manifests/<{name}>")).await.is(202);
    }
    world.ask("DELETE /v2/app/_moorage/recycle-bin/<child>").await.is_refused(405, "UNSUPPORTED");
    world.ask("DELETE /v2/app/_moorage/recycle-bin/<index>").await.is(202).costs(expect![
        "9 table (2 get, 1 batch_get of 3, 3 query, 1 put, 1 batch_write of 4, 1 transact of 5)"
    ]);
    world.ask("DELETE /v2/app/_moorage/recycle-bin/<child>").await.is(202);
    world.ask("POST /v2/app/_moorage/recycle-bin/<child>").await.is_refused(404, "MANIFEST_UNKNOWN");
    world.end().await.is(expect![[r#"
        catalog / app
        repo#app / policy: in the catalog
    "#]]);
}

#[tokio::test]
async fn what_is_not_in_it() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.push("app", "v1", &bare).await;
    for method in ["POST", "DELETE"] {
        world
            .ask(format!("{method} /v2/app/_moorage/recycle-bin/<bare>"))
            .await
            .is_refused(404, "MANIFEST_UNKNOWN");
        world.ask(format!("{method} /v2/app/_moorage/recycle-bin/x")).await.is_refused(400, "DIGEST_INVALID");
    }
    world.ask("PUT /v2/app/_moorage/recycle-bin/<bare>").await.is_refused(405, "UNSUPPORTED");
    world.ask("GET /v2/app/_moorage/recycle-bin/?last=x").await.is_refused(400, "UNSUPPORTED");
    world.ask("GET /v2/app/_moorage/nothing").await.is_refused(404, "NAME_UNKNOWN");
    world.end().await;
}

/// Page by page, the oldest first.
#[tokio::test]
async fn the_list() {
    let world = World::new().await;
    for at in 0..5 {
        let bare = world.bare(&format!("bare {at}"));
        world.push_untagged("app", &bare).await;
        world.clock().advance(DAY / 24);
        world.ask(format!("DELETE /v2/app/manifests/<bare {at}>")).await.is(202);
    }
    let mut seen = Vec::new();
    let mut path = "/v2/app/_moorage/recycle-bin/?n=2".to_owned();
    loop {
        let page = world.ask(format!("GET {path}")).await;
        for manifest in page.json()["manifests"].as_array().expect("a list") {
            seen.push(world.shown(manifest["digest"].as_str().expect("a digest")));
        }
        match page.next() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["<bare 0>", "<bare 1>", "<bare 2>", "<bare 3>", "<bare 4>"]);
    world.end().await;
}

/// One that dies before it has given the tags back can be repeated.
#[tokio::test]
async fn a_restore_that_stops_half_way() {
    let mut stopped = 0;
    for call in 1.. {
        let mut world = World::new().await;
        let image = world.push_image("app", "v1").await;
        world.push("app", "v2", &image).await;
        world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
        let plan = Plan::List(vec![(Point::Call(call), Fault::Error(Moment::After))]);
        let injector = Injector::new(plan, world.clock().clone());
        world.restart_with(|setup| setup.faults = Some(injector.clone())).await;
        let first = world.ask("POST /v2/app/_moorage/recycle-bin/<image>").await.status();
        let has_failed = injector.decisions().iter().any(|decision| decision.fault.is_some());
        world.restart_with(|setup| setup.faults = None).await;
        if has_failed {
            stopped += 1;
            assert_eq!(first, 503, "call {call}");
            let again = world.ask("POST /v2/app/_moorage/recycle-bin/<image>").await.status();
            // Or it had been done, but for its last words.
            assert!(again == 200 || again == 404, "call {call}: {again}");
        }
        for what in ["manifests/v1", "manifests/v2", "manifests/<image>", "blobs/<layer>"] {
            world.ask(format!("GET /v2/app/{what}")).await.is(200);
        }
        world.end().await;
        if !has_failed {
            break;
        }
    }
    assert!(stopped > 8, "{stopped} calls were made to fail");
}

/// A tag that was deleted after a restore does not come back with the next.
#[tokio::test]
async fn a_restore_of_what_is_there() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.push("app", "v1", &bare).await;
    world.ask("DELETE /v2/app/manifests/<bare>").await.is(202);
    world.ask("POST /v2/app/_moorage/recycle-bin/<bare>").await.is(200);
    world.ask("DELETE /v2/app/manifests/v1").await.is(202);
    world.ask("POST /v2/app/_moorage/recycle-bin/<bare>").await.is_refused(404, "MANIFEST_UNKNOWN");
    world.ask("GET /v2/app/manifests/v1").await.is(404);
    world.end().await;
}
