//! Mounting a blob from another repository (end-11).

use moorage_stories::expect;

use crate::World;

#[tokio::test]
async fn from_the_repository_that_has_it() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    world.ask("POST /v2/other/blobs/uploads/?mount=<layer>&from=app").await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <layer>
        location: /v2/other/blobs/<layer>
    "#]]);
    world.ask("GET /v2/other/blobs/<layer>").await.is(200);
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#other: live ~4, 5 bytes, <layer>/app/~2
        blob#<layer> / held-content#app#~3
        blob#<layer> / held-content#other#~4
        object <layer>/app/~2: 5 bytes
    "#]]);
}

/// From anywhere, since whoever may push may pull everything.
#[tokio::test]
async fn from_nowhere_in_particular() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    world.ask("POST /v2/other/blobs/uploads/?mount=<layer>").await.is(201);
    world.ask("GET /v2/other/blobs/<layer>").await.is(200);
    world.end().await;
}

/// Then it is an upload like any other.
#[tokio::test]
async fn what_is_not_there_is_uploaded() {
    let world = World::new().await;
    world.blob("layer");
    let answer = world.ask("POST /v2/other/blobs/uploads/?mount=<layer>&from=app").await;
    answer.shows(expect![[r#"
        202 Accepted
        content-length: 0
        location: /v2/other/blobs/uploads/<token>
        range: 0-0
    "#]]);
    world.picture().await.is(expect![""]);
    let upload = answer.header("location");
    world.ask(format!("PUT {upload}?digest=<layer>")).body("layer").await.is(201);
    world.ask("GET /v2/other/blobs/<layer>").await.is(200);
    world.end().await;
}

#[tokio::test]
async fn from_a_repository_that_does_not_have_it() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    world.ask("POST /v2/other/blobs/uploads/?mount=<layer>&from=third").await.is(202);
    world.ask("GET /v2/other/blobs/<layer>").await.is(404);
    world.end().await;
}

#[tokio::test]
async fn again_and_to_where_it_is() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    for line in ["app/blobs/uploads/?mount=<layer>&from=app", "app/blobs/uploads/?mount=<layer>"] {
        world.ask(format!("POST /v2/{line}")).await.is(201);
    }
    for _ in 0..2 {
        world.ask("POST /v2/other/blobs/uploads/?mount=<layer>&from=app").await.is(201);
    }
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#other: live ~4, 5 bytes, <layer>/app/~2
        blob#<layer> / held-content#app#~3
        blob#<layer> / held-content#other#~4
        object <layer>/app/~2: 5 bytes
    "#]]);
}

/// Each repository has a grant of its own.
#[tokio::test]
async fn it_outlives_where_it_came_from() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    world.ask("POST /v2/other/blobs/uploads/?mount=<layer>&from=app").await.is(201);
    world.ask("DELETE /v2/app/blobs/<layer>").await.is(202);
    world.ask("GET /v2/app/blobs/<layer>").await.is(404);
    world.ask("GET /v2/other/blobs/<layer>").await.is(200);
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#other: live ~3, 5 bytes, <layer>/app/~2
        blob#<layer> / held-content#other#~3
        object <layer>/app/~2: 5 bytes
    "#]]);
}

/// What was deleted cannot be mounted, neither from there nor back to it.
#[tokio::test]
async fn a_deleted_blob() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    world.ask("DELETE /v2/app/blobs/<layer>").await.is(202);
    world.ask("POST /v2/other/blobs/uploads/?mount=<layer>&from=app").await.is(202);
    world.ask("GET /v2/other/blobs/<layer>").await.is(404);
    world.end().await;
}

/// It was hidden, since a deleted manifest still needs it, and is there again.
#[tokio::test]
async fn to_where_it_is_hidden() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    world.ask("POST /v2/other/blobs/uploads/?mount=<layer>&from=app").await.is(201);
    world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
    world.ask("DELETE /v2/app/blobs/<layer>").await.is(202);
    world.ask("POST /v2/app/blobs/uploads/?mount=<layer>&from=other").await.is(201);
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.end().await;
}

#[tokio::test]
async fn what_is_no_digest_and_no_name() {
    let world = World::new().await;
    world.blob("layer");
    world.ask("POST /v2/other/blobs/uploads/?mount=layer").await.is_refused(400, "DIGEST_INVALID");
    world.ask("POST /v2/other/blobs/uploads/?mount=<layer>&from=App").await.is_refused(400, "NAME_INVALID");
    world.end().await;
}
