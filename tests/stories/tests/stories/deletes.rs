//! Deleting manifests and blobs (end-9, end-10): what goes, what stays for a restore, and what is refused.

use std::time::Duration;

use moorage_ports::Reviewed;
use moorage_ports::calls::Call;
use moorage_ports::faults::{Fault, Injector, Plan, Point};
use moorage_stories::expect;

use crate::World;

#[tokio::test]
async fn a_manifest() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.push_untagged("app", &bare).await;
    world.ask("DELETE /v2/app/manifests/<bare>").await.shows(expect![[r#"
        202 Accepted
        content-length: 0
    "#]]);
    world.ask("GET /v2/app/manifests/<bare>").await.is_refused(404, "MANIFEST_UNKNOWN");
    world.ask("HEAD /v2/app/manifests/<bare>").await.is(404);
    world.ask("DELETE /v2/app/manifests/<bare>").await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"MANIFEST_UNKNOWN","message":"repository app has no manifest <bare>; look at its tags with GET /v2/app/tags/list"}]}
    "#]]);
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<bare> / 0#body: 159 bytes
        manifest#app#<bare> / 0#self: recycled ~1, application/vnd.oci.image.manifest.v1+json, 159 bytes
        repo#app / manifest#<bare>
        repo#app / policy: in the catalog
        repo#app / recycled#01767225600000#<bare>
    "#]]);
}

/// Its tags go with it, and only its own.
#[tokio::test]
async fn a_manifest_with_its_tags() {
    let world = World::new().await;
    let (bare, other) = (world.bare("bare"), world.bare("other"));
    world.ask("PUT /v2/app/manifests/<bare>?tag=v1&tag=v2&tag=moved").manifest(&bare).await.is(201);
    world.push("app", "moved", &other).await;
    world.ask("DELETE /v2/app/manifests/<bare>").await.is(202);
    world.ask("GET /v2/app/manifests/v1").await.is_refused(404, "MANIFEST_UNKNOWN");
    world.ask("HEAD /v2/app/manifests/v2").await.is(404);
    world.ask("GET /v2/app/tags/list").await.shows(expect![[r#"
        200 OK
        content-length: 31
        content-type: application/json

        {"name":"app","tags":["moved"]}
    "#]]);
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<bare> / 0#body: 159 bytes
        manifest#app#<bare> / 0#self: recycled ~1, application/vnd.oci.image.manifest.v1+json, 159 bytes
        manifest#app#<bare> / held#kept#~1
        manifest#app#<bare> / was-tagged#01767225600000#v1
        manifest#app#<bare> / was-tagged#01767225600000#v2
        manifest#app#<other> / 0#body: 160 bytes
        manifest#app#<other> / 0#self: live ~2, application/vnd.oci.image.manifest.v1+json, 160 bytes
        manifest#app#<other> / held#kept#~2
        manifest#app#<other> / held#tag#moved#~3
        repo#app / manifest#<bare>
        repo#app / manifest#<other>
        repo#app / policy: in the catalog
        repo#app / recycled#01767225600000#<bare>
        repo#app / tag#moved: <other> at ~3, application/vnd.oci.image.manifest.v1+json, 160 bytes
    "#]]);
}

/// However many they are.
#[tokio::test]
async fn a_manifest_with_many_tags() {
    for count in [1, 32, 33, 100] {
        let world = World::new().await;
        let bare = world.bare("bare");
        let tags: Vec<String> = (0..count).map(|n| format!("tag=t{n:02}")).collect();
        for some in tags.chunks(32) {
            world
                .ask(format!("PUT /v2/app/manifests/<bare>?{}", some.join("&")))
                .manifest(&bare)
                .await
                .is(201);
        }
        world.ask("DELETE /v2/app/manifests/<bare>").await.is(202);
        assert_eq!(world.ask("GET /v2/app/tags/list").await.json()["tags"], serde_json::json!([]));
        let rows = world.snapshot().await.rows;
        assert_eq!(rows.keys().filter(|key| key.former_tag().is_some()).count(), count);
        assert_eq!(rows.keys().filter(|key| key.sort().starts_with("held#tag#")).count(), 0);
        world.end().await;
    }
}

/// Nothing changes; once the index is gone, nothing stands in the way.
#[tokio::test]
async fn a_manifest_that_an_index_needs() {
    let world = World::new().await;
    let child = world.bare("child");
    let index = world.index("index", &[&child]);
    world.push("app", "child", &child).await;
    world.push("app", "v1", &index).await;
    let before = world.picture().await;
    world.ask("DELETE /v2/app/manifests/<child>").await.shows(expect![[r#"
        405 Method Not Allowed
        content-type: application/json

        {"errors":[{"code":"UNSUPPORTED","message":"index <index> needs manifest <child>; delete the index first","detail":{"index":"<index>"}}]}
    "#]]);
    assert_eq!(world.picture().await, before);
    world.ask("GET /v2/app/manifests/child").await.is(200);
    world.ask("DELETE /v2/app/manifests/<index>").await.is(202);
    world.ask("GET /v2/app/manifests/<child>").await.is(200);
    world.ask("DELETE /v2/app/manifests/<child>").await.is(202);
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<child> / 0#body: 160 bytes
        manifest#app#<child> / 0#self: recycled ~1, application/vnd.oci.image.manifest.v1+json, 160 bytes
        manifest#app#<child> / held#index#<index>#~2
        manifest#app#<child> / held#kept#~1
        manifest#app#<child> / was-held
        manifest#app#<child> / was-tagged#01767225600000#child
        manifest#app#<index> / 0#body: 271 bytes
        manifest#app#<index> / 0#self: recycled ~2, application/vnd.oci.image.index.v1+json, 271 bytes
        manifest#app#<index> / held#kept#~2
        manifest#app#<index> / was-tagged#01767225600000#v1
        repo#app / manifest#<child>
        repo#app / manifest#<index>
        repo#app / policy: in the catalog
        repo#app / recycled#01767225600000#<child>
        repo#app / recycled#01767225600000#<index>
    "#]]);
}

/// An index of another repository, or one that names it as remote, has no say.
#[tokio::test]
async fn a_manifest_that_only_others_name() {
    let world = World::new().await;
    let child = world.bare("child");
    let index = world.index("index", &[&child]);
    let remote = world.index_of("remote", &[child.descriptor_with(serde_json::json!({ "remote": true }))]);
    world.push_untagged("other", &child).await;
    world.push_untagged("other", &index).await;
    world.push_untagged("app", &child).await;
    world.push_untagged("app", &remote).await;
    world.ask("DELETE /v2/app/manifests/<child>").await.is(202);
    world.ask("GET /v2/other/manifests/<child>").await.is(200);
    world.end().await;
}

/// With the same incarnation, and what it holds held all the time.
#[tokio::test]
async fn a_manifest_that_is_pushed_again() {
    let world = World::new().await;
    let image = world.push_image("app", "v1").await;
    world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
    world.picture().await.is(expect![[r#"
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
        manifest#app#<image> / 0#self: recycled ~4, application/vnd.oci.image.manifest.v1+json, 392 bytes
        manifest#app#<image> / held#kept#~4
        manifest#app#<image> / was-tagged#01767225600000#v1
        repo#app / manifest#<image>
        repo#app / policy: in the catalog
        repo#app / recycled#01767225600000#<image>
        object <config>/app/~2: 6 bytes
        object <layer>/app/~6: 5 bytes
    "#]]);
    world.push("app", "v2", &image).await;
    world.ask("GET /v2/app/manifests/<image>").await.is(200);
    world.ask("GET /v2/app/tags/list").await.shows(expect![[r#"
        200 OK
        content-length: 28
        content-type: application/json

        {"name":"app","tags":["v2"]}
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
        manifest#app#<image> / held#tag#v2#~8
        manifest#app#<image> / was-tagged#01767225600000#v1
        repo#app / manifest#<image>
        repo#app / policy: in the catalog
        repo#app / tag#v2: <image> at ~8, application/vnd.oci.image.manifest.v1+json, 392 bytes
        object <config>/app/~2: 6 bytes
        object <layer>/app/~6: 5 bytes
    "#]]);
}

/// An index does not bring its children back: what was deleted must be pushed first.
#[tokio::test]
async fn an_index_over_a_deleted_child() {
    let world = World::new().await;
    let child = world.bare("child");
    let index = world.index("index", &[&child]);
    world.push_untagged("app", &child).await;
    world.ask("DELETE /v2/app/manifests/<child>").await.is(202);
    world.ask("PUT /v2/app/manifests/v1").manifest(&index).await.is_refused(404, "MANIFEST_BLOB_UNKNOWN");
    world.push_untagged("app", &child).await;
    world.push("app", "v1", &index).await;
    world.end().await;
}

/// The grant goes. The bytes are for the collector, who knows when nobody needs them.
#[tokio::test]
async fn a_blob() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    world.ask("DELETE /v2/app/blobs/<layer>").await.shows(expect![[r#"
        202 Accepted
        content-length: 0
    "#]]);
    world.ask("GET /v2/app/blobs/<layer>").await.is_refused(404, "BLOB_UNKNOWN");
    world.ask("HEAD /v2/app/blobs/<layer>").await.is(404);
    world.ask("DELETE /v2/app/blobs/<layer>").await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"BLOB_UNKNOWN","message":"repository app has no blob <layer>; push it, or mount it from another repository"}]}
    "#]]);
    world.picture().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
        object <layer>/app/~2: 5 bytes
    "#]]);
    world.push_blobs("app", &[&layer]).await;
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, <layer>/app/~2
        blob#<layer> / held-content#app#~3
        trash#<layer>/app/~4 / self
        object <layer>/app/~2: 5 bytes
        object <layer>/app/~4: 5 bytes
    "#]]);
}

#[tokio::test]
async fn a_blob_that_a_manifest_needs() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    let before = world.picture().await;
    world.ask("DELETE /v2/app/blobs/<layer>").await.shows(expect![[r#"
        405 Method Not Allowed
        content-type: application/json

        {"errors":[{"code":"UNSUPPORTED","message":"manifest <image> needs blob <layer>; delete the manifest first","detail":{"manifest":"<image>"}}]}
    "#]]);
    world.ask("DELETE /v2/app/blobs/<config>").await.is_refused(405, "UNSUPPORTED");
    assert_eq!(world.picture().await, before);
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.end().await;
}

/// It is hidden, and its bytes stay for a restore of the manifest.
#[tokio::test]
async fn a_blob_that_a_deleted_manifest_needs() {
    let world = World::new().await;
    let image = world.push_image("app", "v1").await;
    world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
    world.ask("DELETE /v2/app/blobs/<layer>").await.is(202);
    world.ask("GET /v2/app/blobs/<layer>").await.is_refused(404, "BLOB_UNKNOWN");
    world.ask("DELETE /v2/app/blobs/<layer>").await.is_refused(404, "BLOB_UNKNOWN");
    world.picture().await.is(expect![[r#"
        blob#<config> / content: live ~1, 6 bytes, <config>/app/~2
        blob#<config> / grant#app: live ~3, 6 bytes, <config>/app/~2
        blob#<config> / held#app#<image>#~4
        blob#<config> / held-content#app#~3
        blob#<layer> / content: live ~5, 5 bytes, <layer>/app/~6
        blob#<layer> / grant#app: recycled ~7, 5 bytes, <layer>/app/~6
        blob#<layer> / held#app#<image>#~4
        blob#<layer> / held-content#app#~7
        catalog / app
        manifest#app#<image> / 0#body: 392 bytes
        manifest#app#<image> / 0#self: recycled ~4, application/vnd.oci.image.manifest.v1+json, 392 bytes
        manifest#app#<image> / held#kept#~4
        manifest#app#<image> / was-tagged#01767225600000#v1
        repo#app / manifest#<image>
        repo#app / policy: in the catalog
        repo#app / recycled#01767225600000#<image>
        object <config>/app/~2: 6 bytes
        object <layer>/app/~6: 5 bytes
    "#]]);
    // The manifest alone does not come back: its blob must come first, and then it does.
    let answer = world.ask("PUT /v2/app/manifests/v1").manifest(&image).await;
    answer.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"the manifest names something that is not in this repository: blob <layer>; push what is missing first","detail":{"missing":[{"digest":"<layer>","kind":"blob"}]}}]}
    "#]]);
    world.ask("POST /v2/app/blobs/uploads/?digest=<layer>").body("layer").await.is(201);
    world.push("app", "v1", &image).await;
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
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
        manifest#app#<image> / was-tagged#01767225600000#v1
        repo#app / manifest#<image>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <image> at ~8, application/vnd.oci.image.manifest.v1+json, 392 bytes
        trash#<layer>/app/~9 / self
        object <config>/app/~2: 6 bytes
        object <layer>/app/~9: 5 bytes
        object <layer>/app/~6: 5 bytes
    "#]]);
}

/// What one repository deletes, another still has.
#[tokio::test]
async fn a_blob_that_another_repository_has() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    world.push_blobs("other", &[&layer]).await;
    world.ask("DELETE /v2/app/blobs/<layer>").await.is(202);
    world.ask("GET /v2/app/blobs/<layer>").await.is(404);
    world.ask("GET /v2/other/blobs/<layer>").await.is(200);
    world.end().await;
}

#[tokio::test]
async fn what_was_never_there() {
    let world = World::new().await;
    world.blob("layer");
    world.ask("DELETE /v2/app/blobs/<layer>").await.is_refused(404, "BLOB_UNKNOWN");
    world.ask("DELETE /v2/app/manifests/<layer>").await.is_refused(404, "MANIFEST_UNKNOWN");
    world.ask("DELETE /v2/app/manifests/v1").await.is_refused(404, "MANIFEST_UNKNOWN");
    world.ask("DELETE /v2/app/blobs/layer").await.is_refused(400, "DIGEST_INVALID");
    world.ask("DELETE /v2/app/manifests/sha256:0").await.is_refused(400, "DIGEST_INVALID");
    world.end().await.is(expect![""]);
}

/// A collector that finds condemned what a client is just deleting goes on with it: the client's delete is answered as if it
/// had done that itself.
#[tokio::test]
async fn a_collector_is_faster() {
    let mut world = World::new().await;
    let (image, blob) = (world.bare("image"), world.blob("blob"));
    world.push_untagged("app", &image).await;
    world.push_blobs("app", &[&blob]).await;
    let app = || "app".parse().expect("a name");
    for (path, of, kind) in [
        ("manifests/<image>", Reviewed::Manifest(app(), image.digest.clone()), Call::Transact),
        ("blobs/<blob>", Reviewed::Grant(app(), blob.digest.clone()), Call::Put),
    ] {
        // The second step of a delete is held back; the first of a blob's is a put too.
        let number = if kind == Call::Put { 2 } else { 1 };
        let delay = Fault::Delay(Duration::from_secs(60));
        let plan = Plan::List(vec![(Point::Kind(kind, number), delay)]);
        let injector = Injector::new(plan, world.clock().clone());
        world.restart_with(|setup| setup.faults = Some(injector)).await;
        let deleting = tokio::spawn(world.ask(format!("DELETE /v2/app/{path}")).into_future());
        while world.clock().asleep() == 0 {
            tokio::task::yield_now().await;
        }
        world.collector().review(&of).await.expect("it can be done");
        world.clock().advance(Duration::from_secs(60));
        deleting.await.expect("it is answered").is(202);
        world.ask(format!("GET /v2/app/{path}")).await.is(404);
        world.ask(format!("DELETE /v2/app/{path}")).await.is(404);
    }
    world.end().await;
}
