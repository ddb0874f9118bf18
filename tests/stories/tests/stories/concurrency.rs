//! Many at once. Each story is told in several orders: calls of the storage are held back by chance. What
//! is true at the end of each is what is true of every world (`moorage_stories::invariants`).

#![expect(
    clippy::disallowed_methods,
    reason = "`serde_json::json!` unwraps inside; storage takes the machine's time"
)]

use std::sync::Arc;
use std::time::Duration;

use moorage_ports::calls::Call;
use moorage_ports::faults::{Fault, Injector, Plan};
use moorage_ports::testing_context::ManualClock;
use moorage_stories::{Answer, Ask};
use serde_json::json;

use crate::World;

const AT_ONCE: usize = 16;

/// In how many orders each story is told: `MOORAGE_ORDERS=500` looks for the rare ones.
fn orders() -> u64 {
    std::env::var("MOORAGE_ORDERS").map_or(6, |orders| orders.parse().expect("a number of orders"))
}

/// Tells a story of pushes several times, each time in another order.
async fn in_many_orders(story: impl AsyncFn(&World)) {
    for seed in 0..orders() {
        tell(World::new().await, seed, &story).await;
    }
}

/// The same, of pushes and deletes.
async fn with_deletes_in_many_orders(story: impl AsyncFn(&World)) {
    for seed in 0..orders() {
        let mut world = World::new().await;
        world.accept_dead_holds();
        tell(world, seed, &story).await;
    }
}

async fn tell(mut world: World, seed: u64, story: &impl AsyncFn(&World)) {
    let delays = [1, 2, 5].map(|ms| Fault::Delay(Duration::from_millis(ms)));
    let plan = Plan::Seeded { seed, per_mille: 400, calls: Call::ALL.into(), faults: delays.into() };
    let injector = Injector::new(plan, world.clock().clone());
    world.restart_with(|setup| setup.faults = Some(injector)).await;
    let ticking = tokio::spawn(tick(world.clock().clone()));
    story(&world).await;
    ticking.abort();
    world.end().await;
}

/// Lets time pass for those who are held back, and only then: while nobody sleeps, storage is at work, and on engines of
/// others that takes time of the machine, in which days of a story would go by.
async fn tick(clock: Arc<ManualClock>) {
    loop {
        if clock.asleep() > 0 {
            clock.advance(Duration::from_millis(1));
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Asks everything at once.
async fn at_once(asks: impl IntoIterator<Item = Ask>) -> Vec<Answer> {
    let asked: Vec<_> = asks.into_iter().map(|ask| tokio::spawn(ask.into_future())).collect();
    let mut answers = Vec::new();
    for answer in asked {
        answers.push(answer.await.expect("a request is answered"));
    }
    answers
}

fn all_are(answers: &[Answer], status: u16) {
    for answer in answers {
        answer.is(status);
    }
}

/// How many answers have this status; the others have the other one.
fn count(answers: &[Answer], status: u16, other: u16) -> usize {
    let mut count = 0;
    for answer in answers {
        if answer.status() == status {
            count += 1;
        } else {
            answer.is(other);
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_blob() {
    in_many_orders(async |world| {
        let layer = world.blob("layer");
        let put = |_| world.ask("POST /v2/app/blobs/uploads/?digest=<layer>").body(&layer);
        all_are(&at_once((0..AT_ONCE).map(put)).await, 201);
        // One of the objects is the blob, the others were given up.
        let snapshot = world.snapshot().await;
        let trash = snapshot.rows.keys().filter(|key| key.partition().starts_with("trash#")).count();
        assert_eq!(snapshot.objects.len(), trash + 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_blob_everywhere() {
    in_many_orders(async |world| {
        let layer = world.blob("layer");
        let mut asks = Vec::new();
        for n in 0..AT_ONCE {
            asks.push(world.ask(format!("POST /v2/app-{n}/blobs/uploads/?digest=<layer>")).body(&layer));
            asks.push(world.ask(format!("POST /v2/mounted-{n}/blobs/uploads/?mount=<layer>")));
        }
        let answers = at_once(asks).await;
        for (n, answer) in answers.iter().enumerate() {
            // A mount may have come before the first of the blobs.
            assert!(answer.status() == 201 || n % 2 == 1 && answer.status() == 202, "{}", answer.outline());
        }
        for n in 0..AT_ONCE {
            world.ask(format!("GET /v2/app-{n}/blobs/<layer>")).await.is(200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_mount() {
    in_many_orders(async |world| {
        let layer = world.blob("layer");
        world.push_blobs("app", &[&layer]).await;
        let mount = |_| world.ask("POST /v2/other/blobs/uploads/?mount=<layer>&from=app");
        all_are(&at_once((0..AT_ONCE).map(mount)).await, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_manifest() {
    in_many_orders(async |world| {
        let image = world.push_image("other", "v1").await;
        for blob in ["config", "layer"] {
            world.ask(format!("POST /v2/app/blobs/uploads/?mount=<{blob}>")).await.is(201);
        }
        let put = |n| world.ask(format!("PUT /v2/app/manifests/v{}", n % 4)).manifest(&image);
        all_are(&at_once((0..AT_ONCE).map(put)).await, 201);
        assert_eq!(world.ask("GET /v2/app/tags/list").await.json()["tags"], json!(["v0", "v1", "v2", "v3"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_tag() {
    in_many_orders(async |world| {
        let bares: Vec<_> = (0..AT_ONCE).map(|n| world.bare(&format!("bare {n}"))).collect();
        all_are(
            &at_once(bares.iter().map(|bare| world.ask("PUT /v2/app/manifests/v1").manifest(bare))).await,
            201,
        );
        world.ask("GET /v2/app/manifests/v1").await.is(200);
        let snapshot = world.snapshot().await;
        assert_eq!(snapshot.rows.keys().filter(|key| key.sort().starts_with("held#tag#")).count(), 1);
    })
    .await;
}

/// Images of the same layers, and an index over them that comes too early or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn overlapping_manifests() {
    in_many_orders(async |world| {
        let config = world.blob("config");
        let layers: Vec<_> = (0..4).map(|n| world.blob(&format!("layer {n}"))).collect();
        let images: Vec<_> = (0..8)
            .map(|n| {
                world.image(&format!("image {n}"), &config, &[&layers[n % 4], &layers[(n / 4 + n + 1) % 4]])
            })
            .collect();
        let index = world.index("index", &images.iter().collect::<Vec<_>>());
        world.push_blobs("app", &[&config]).await;
        world.push_blobs("app", &layers.iter().collect::<Vec<_>>()).await;
        let put = |manifest| world.ask("PUT /v2/app/manifests/v1").manifest(manifest);
        let mut asks: Vec<_> = images.iter().chain(&images).map(put).collect();
        asks.insert(8, put(&index));
        asks.push(put(&index));
        let answers = at_once(asks).await;
        for (n, answer) in answers.iter().enumerate() {
            assert!(
                answer.status() == 201 || [8, 17].contains(&n) && answer.status() == 404,
                "{}",
                answer.outline()
            );
        }
        world.push("app", "v1", &index).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_push_against_a_delete_of_the_same() {
    with_deletes_in_many_orders(async |world| {
        let image = world.push_image("app", "v1").await;
        let ask = |n| match n % 4 {
            0 | 1 => world.ask(format!("PUT /v2/app/manifests/v{}", n % 3)).manifest(&image),
            2 => world.ask("DELETE /v2/app/manifests/<image>"),
            _ => world.ask("DELETE /v2/app/manifests/v1"),
        };
        let answers = at_once((0..AT_ONCE).map(ask)).await;
        for (n, answer) in answers.iter().enumerate() {
            let expected: &[u16] = if n % 4 < 2 { &[201] } else { &[202, 404] };
            assert!(expected.contains(&answer.status()), "{}", answer.outline());
        }
    })
    .await;
}

/// With more tags than one transaction takes away.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_push_against_a_delete_of_many_tags() {
    with_deletes_in_many_orders(async |world| {
        let bare = world.bare("bare");
        let put = |first: usize| {
            let tags: Vec<String> = (first..first + 20).map(|n| format!("tag=t{n}")).collect();
            world.ask(format!("PUT /v2/app/manifests/<bare>?{}", tags.join("&"))).manifest(&bare)
        };
        put(0).await.is(201);
        put(20).await.is(201);
        let delete = || world.ask("DELETE /v2/app/manifests/<bare>");
        for answer in at_once([put(0), delete(), put(10), delete(), put(20)]).await {
            assert!([201, 202, 404].contains(&answer.status()), "{}", answer.outline());
        }
    })
    .await;
}

/// One of the two is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_index_against_a_delete_of_its_child() {
    with_deletes_in_many_orders(async |world| {
        let child = world.bare("child");
        let index = world.index("index", &[&child]);
        world.push("app", "child", &child).await;
        let answers = at_once([
            world.ask("PUT /v2/app/manifests/v1").manifest(&index),
            world.ask("DELETE /v2/app/manifests/<child>"),
        ])
        .await;
        let statuses = [answers[0].status(), answers[1].status()];
        assert!([[201, 405], [404, 202]].contains(&statuses), "{statuses:?}");
    })
    .await;
}

/// Likewise.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_image_against_a_delete_of_its_layer() {
    with_deletes_in_many_orders(async |world| {
        let (config, layer) = (world.blob("config"), world.blob("layer"));
        let image = world.image("image", &config, &[&layer]);
        world.push_blobs("app", &[&config, &layer]).await;
        let answers = at_once([
            world.ask("PUT /v2/app/manifests/v1").manifest(&image),
            world.ask("DELETE /v2/app/blobs/<layer>"),
        ])
        .await;
        let statuses = [answers[0].status(), answers[1].status()];
        assert!([[201, 405], [404, 202]].contains(&statuses), "{statuses:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_upload_against_a_delete_of_the_same() {
    with_deletes_in_many_orders(async |world| {
        let layer = world.blob("layer");
        world.push_blobs("app", &[&layer]).await;
        let ask = |n| match n % 2 {
            0 => world.ask("POST /v2/app/blobs/uploads/?digest=<layer>").body(&layer),
            _ => world.ask("DELETE /v2/app/blobs/<layer>"),
        };
        let answers = at_once((0..AT_ONCE).map(ask)).await;
        for (n, answer) in answers.iter().enumerate() {
            let expected: &[u16] = if n % 2 == 0 { &[201] } else { &[202, 404] };
            assert!(expected.contains(&answer.status()), "{}", answer.outline());
        }
    })
    .await;
}

/// Both are stored, one is recorded; the other client is told where to go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn chunks_for_the_same_place() {
    in_many_orders(async |world| {
        world.blob("layer");
        let upload = world.opened("app").await;
        let patch = |_| world.ask(format!("PATCH {upload}")).header("content-range", "0-2").body("lay");
        let answers = at_once((0..AT_ONCE).map(patch)).await;
        assert_eq!(count(&answers, 202, 416), 1);
        assert!(answers.iter().all(|answer| answer.header("range") == "0-2"));
        world.ask(format!("PUT {upload}?digest=<layer>")).body("er").await.is(201);
        world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_upload_closed() {
    in_many_orders(async |world| {
        world.blob("layer");
        let upload = world.opened("app").await;
        world.ask(format!("PATCH {upload}")).body("layer").await.is(202);
        let put = |_| world.ask(format!("PUT {upload}?digest=<layer>"));
        all_are(&at_once((0..AT_ONCE).map(put)).await, 201);
        world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    })
    .await;
}

/// Whose bytes come too late to be needed is told to send them again, and then learns that the blob is here.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_upload_closed_with_its_last_bytes() {
    in_many_orders(async |world| {
        world.blob("layer");
        let upload = world.opened("app").await;
        world.ask(format!("PATCH {upload}")).body("lay").await.is(202);
        let put = |_| world.ask(format!("PUT {upload}?digest=<layer>")).body("er");
        assert_ne!(count(&at_once((0..AT_ONCE).map(put)).await, 201, 400), 0);
        put(0).await.is(201);
        world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    })
    .await;
}

/// One of them is made, of its own bytes; the token is used once. On S3 it may be neither: the last bytes of both are
/// the part of one number, and those that come later take the place of those that were claimed, which S3 then finds
/// out by their ETag. Never are both made, nor one of the other's bytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_upload_closed_as_two_blobs() {
    in_many_orders(async |world| {
        world.blob("layer");
        world.blob("laying");
        let upload = world.opened("app").await;
        world.ask(format!("PATCH {upload}")).body("lay").await.is(202);
        let put = |n| match n % 2 {
            0 => world.ask(format!("PUT {upload}?digest=<layer>")).body("er"),
            _ => world.ask(format!("PUT {upload}?digest=<laying>")).body("ing"),
        };
        let answers = at_once((0..AT_ONCE).map(put)).await;
        let made = |n| answers.iter().skip(n).step_by(2).any(|answer| answer.status() == 201);
        let outlines: Vec<String> = answers.iter().map(Answer::outline).collect();
        assert!(!(made(0) && made(1)), "{outlines:?}");
        assert!(World::is_aws() || made(0) || made(1), "{outlines:?}");
        for (n, name) in ["layer", "laying"].into_iter().enumerate() {
            let answer = world.ask(format!("GET /v2/app/blobs/<{name}>")).await;
            assert_eq!(answer.status(), if made(n) { 200 } else { 404 }, "{name}: {outlines:?}");
        }
    })
    .await;
}

/// Whoever is wrong about the digest takes nothing away from whoever is right.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_upload_closed_rightly_and_wrongly() {
    in_many_orders(async |world| {
        world.blob("layer");
        world.blob("other");
        let upload = world.opened("app").await;
        world.ask(format!("PATCH {upload}")).body("layer").await.is(202);
        let put =
            |n: usize| world.ask(format!("PUT {upload}?digest={}", ["<layer>", "<other:sha512>"][n % 2]));
        let answers = at_once((0..4).map(put)).await;
        if answers.iter().any(|answer| answer.status() == 201) {
            world.ask("GET /v2/app/blobs/<layer>").await.is(200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_upload_closed_and_cancelled() {
    in_many_orders(async |world| {
        world.blob("layer");
        let upload = world.opened("app").await;
        world.ask(format!("PATCH {upload}")).body("layer").await.is(202);
        let answers = at_once([
            world.ask(format!("PUT {upload}?digest=<layer>")),
            world.ask(format!("DELETE {upload}")),
        ])
        .await;
        if answers[0].status() == 201 {
            world.ask("GET /v2/app/blobs/<layer>").await.is(200);
        }
    })
    .await;
}

/// Pushed, deleted and pushed again while the list is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn referrers_that_come_and_go() {
    with_deletes_in_many_orders(async |world| {
        let image = world.bare("image");
        let referrers: Vec<_> = (0..4)
            .map(|n| world.referrer(&format!("referrer {n}"), "application/vnd.example.r", &image))
            .collect();
        let mut asks = Vec::new();
        for referrer in &referrers {
            let line = format!("/v2/app/manifests/{}", referrer.digest);
            asks.extend([
                world.ask(format!("PUT {line}")).manifest(referrer),
                world.ask(format!("DELETE {line}")),
                world.ask(format!("PUT {line}")).manifest(referrer),
                world.ask("GET /v2/app/referrers/<image>"),
            ]);
        }
        for (n, answer) in at_once(asks).await.iter().enumerate() {
            let expected: &[u16] = [&[201][..], &[202, 404], &[201], &[200]][n % 4];
            assert!(expected.contains(&answer.status()), "{}", answer.outline());
        }
    })
    .await;
}

/// The first push makes the repository, whichever it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_pushes() {
    in_many_orders(async |world| {
        let bares: Vec<_> = (0..AT_ONCE).map(|n| world.bare(&format!("bare {n}"))).collect();
        let put = |(n, bare)| world.ask(format!("PUT /v2/app/manifests/v{n}")).manifest(bare);
        all_are(&at_once(bares.iter().enumerate().map(put)).await, 201);
        assert_eq!(world.ask("GET /v2/_catalog").await.json(), json!({ "repositories": ["app"] }));
        let tags = world.ask("GET /v2/app/tags/list").await.json()["tags"].as_array().map(Vec::len);
        assert_eq!(tags, Some(AT_ONCE));
    })
    .await;
}
