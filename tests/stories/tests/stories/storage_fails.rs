//! Storage that fails: the client is told to come back, is told nothing of what is inside, and loses nothing.
//! And storage that is slow.

use std::time::Duration;

use moorage_ports::calls::Call;
use moorage_ports::faults::{Fault, Injector, Moment, Plan, Point};
use moorage_stories::{Answer, Client, Content, expect};

use crate::World;

/// A world with an image, whose storage from now on fails by this plan.
async fn failing(plan: Plan) -> World {
    let mut world = World::new().await;
    world.push_image("app", "v1").await;
    let injector = Injector::new(plan, world.clock().clone());
    world.restart_with(|setup| setup.faults = Some(injector)).await;
    world
}

#[tokio::test]
async fn whatever_is_asked() {
    let each = |call| (Point::Each(call), Fault::Error(Moment::Before));
    let world = failing(Plan::List(Call::ALL.map(each).into())).await;
    let bare = world.bare("bare");
    world.ask("GET /v2/app/manifests/v1").await.shows(expect![[r#"
        503 Service Unavailable
        content-type: application/json
        retry-after: 1

        {"errors":[{"code":"TOOMANYREQUESTS","message":"the registry could not reach its storage, or what is stored is damaged; try again, and tell the registry's owner if it stays so"}]}
    "#]]);
    for line in [
        "GET /v2/app/manifests/<image>",
        "GET /v2/app/blobs/<layer>",
        "GET /v2/app/tags/list",
        "GET /v2/_catalog",
        "GET /v2/app/referrers/<image>",
        "POST /v2/app/blobs/uploads/?digest=<bare>",
        "POST /v2/other/blobs/uploads/?mount=<layer>",
        "DELETE /v2/app/manifests/v1",
        "DELETE /v2/app/manifests/<image>",
        "DELETE /v2/app/blobs/<layer>",
    ] {
        let answer = world.ask(line).await;
        assert_eq!(answer.is_refused(503, "TOOMANYREQUESTS").header("retry-after"), "1", "{line}");
        assert!(!answer.message().contains("injected"), "{line}: {}", answer.message());
    }
    world.ask("HEAD /v2/app/manifests/v1").await.is(503);
    world.ask("PUT /v2/app/manifests/v2").manifest(&bare).await.is_refused(503, "TOOMANYREQUESTS");
    let upload = world.opened("app").await;
    for line in ["GET", "PATCH", "DELETE"] {
        world.ask(format!("{line} {upload}")).body("x").await.is_refused(503, "TOOMANYREQUESTS");
    }
    // What needs no storage goes on.
    world.ask("GET /v2/").await.is(200);
    world.end().await;
}

/// Makes the n-th storage call of some requests fail, for each n, before it did anything or after it did
/// all; then makes the requests again, which must succeed with one of the statuses `done`.
async fn at_every_call<T>(
    before: impl AsyncFn(&World) -> T,
    requests: impl AsyncFn(&Client, &T) -> Answer,
    done: &[u16],
) {
    for moment in [Moment::Before, Moment::Midway, Moment::After] {
        for number in 1.. {
            let mut world = World::new().await;
            let things = before(&world).await;
            let plan = Plan::List(vec![(Point::Call(number), Fault::Error(moment))]);
            let injector = Injector::new(plan, world.clock().clone());
            world.restart_with(|setup| setup.faults = Some(injector.clone())).await;
            let mut answer = requests(&world, &things).await;
            let has_failed = injector.decisions().iter().any(|decision| decision.fault.is_some());
            if has_failed {
                answer.is_refused(503, "TOOMANYREQUESTS");
                answer = requests(&world, &things).await;
            }
            assert!(done.contains(&answer.status()), "call {number}, {moment}: {}", answer.outline());
            world.end().await;
            if !has_failed {
                assert!(number > 2, "nothing was made to fail");
                break;
            }
        }
    }
}

#[tokio::test]
async fn while_an_image_is_pushed() {
    let before = async |world: &World| {
        let (config, layer) = (world.blob("config"), world.blob("layer"));
        world.image("image", &config, &[&layer])
    };
    let push = async |client: &Client, image: &Content| {
        for blob in ["config", "layer"] {
            let answer = client.ask(format!("POST /v2/app/blobs/uploads/?digest=<{blob}>")).body(blob).await;
            if answer.status() != 201 {
                return answer;
            }
        }
        client.ask("PUT /v2/app/manifests/v1").manifest(image).await
    };
    at_every_call(before, push, &[201]).await;
}

/// The client asks how far the upload has come, and goes on from there.
#[tokio::test]
async fn while_a_blob_is_uploaded_in_chunks() {
    let before = async |world: &World| {
        world.blob("layer");
        world.opened("app").await
    };
    let upload = async |client: &Client, upload: &String| {
        for (range, bytes) in [("0-2", "lay"), ("3-4", "er")] {
            let patch = client.ask(format!("PATCH {upload}")).header("content-range", range).body(bytes);
            let answer = patch.await;
            if ![202, 416, 404].contains(&answer.status()) {
                return answer;
            }
        }
        client.ask(format!("PUT {upload}?digest=<layer>")).await
    };
    at_every_call(before, upload, &[201]).await;
}

#[tokio::test]
async fn while_a_blob_is_mounted() {
    let before = async |world: &World| world.push_blobs("app", &[&world.blob("layer")]).await;
    let mount =
        async |client: &Client, (): &()| client.ask("POST /v2/other/blobs/uploads/?mount=<layer>").await;
    at_every_call(before, mount, &[201]).await;
}

#[tokio::test]
async fn while_a_tag_is_moved() {
    let before = async |world: &World| {
        let (old, new) = (world.bare("old"), world.bare("new"));
        world.push("app", "v1", &old).await;
        new
    };
    let put =
        async |client: &Client, new: &Content| client.ask("PUT /v2/app/manifests/v1").manifest(new).await;
    at_every_call(before, put, &[201]).await;
}

#[tokio::test]
async fn while_a_referrer_is_pushed() {
    let before = async |world: &World| {
        let image = world.bare("image");
        world.push_untagged("app", &image).await;
        world.referrer("signature", "application/vnd.example.signature", &image)
    };
    let put = async |client: &Client, signature: &Content| {
        client.ask("PUT /v2/app/manifests/<signature>").manifest(signature).await
    };
    at_every_call(before, put, &[201]).await;
}

/// The second request finds nothing where the first had done all but to answer.
#[tokio::test]
async fn while_a_manifest_is_deleted() {
    let before = async |world: &World| {
        let bare = world.bare("bare");
        for first in [0, 20] {
            let tags: Vec<String> = (first..first + 20).map(|n| format!("tag=t{n}")).collect();
            world
                .ask(format!("PUT /v2/app/manifests/<bare>?{}", tags.join("&")))
                .manifest(&bare)
                .await
                .is(201);
        }
    };
    let delete = async |client: &Client, (): &()| client.ask("DELETE /v2/app/manifests/<bare>").await;
    at_every_call(before, delete, &[202, 404]).await;
}

#[tokio::test]
async fn while_a_blob_is_deleted() {
    let before = async |world: &World| world.push_blobs("app", &[&world.blob("layer")]).await;
    let delete = async |client: &Client, (): &()| client.ask("DELETE /v2/app/blobs/<layer>").await;
    at_every_call(before, delete, &[202, 404]).await;
}

/// A push that took longer than half of the time after which a collector gives it up begins again, so that it
/// never puts a hold for a record that is gone.
#[tokio::test]
async fn for_too_long_to_go_on() {
    let slow = Fault::Delay(Duration::from_secs(31 * 60));
    let world = failing(Plan::List(vec![(Point::Kind(Call::BatchWrite, 1), slow)])).await;
    let bare = world.bare("bare");
    let put = tokio::spawn(world.ask("PUT /v2/app/manifests/v2").manifest(&bare).into_future());
    while world.clock().asleep() == 0 {
        tokio::task::yield_now().await;
    }
    world.clock().advance(Duration::from_secs(31 * 60));
    let answer = put.await.expect("a request is answered");
    answer
        .is(201)
        .costs(expect!["8 table (1 get, 2 batch_get of 4, 2 put, 2 batch_write of 4, 1 transact of 4)"]);
    world.end().await;
}
