//! Why something is kept, or when and by what it goes; and what is said is what happens.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use std::time::Duration;

use moorage_collector::FeedReader;
use moorage_ports::Cursor;
use moorage_stories::{assert_reads, expect};
use serde_json::{Value, json};

use crate::World;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is said of one thing.
async fn explained(world: &World, repository: &str, name: &str) -> Value {
    let answer = world.ask(format!("GET /v2/{repository}/_moorage/explain/<{name}>")).await;
    answer.is(200);
    serde_json::from_str(&world.shown(&answer.json().to_string())).expect("names do no harm")
}

/// From the layer to the tag, in one answer.
#[tokio::test]
async fn what_is_tagged() {
    let world = World::new().await;
    let image = world.push_image("app", "image").await;
    let index = world.index("index", &[&image]);
    world.push("app", "v1", &index).await;
    world.ask("DELETE /v2/app/manifests/image").await.is(202);
    world.ask("GET /v2/app/_moorage/explain/<layer>").await.shows(expect![[r#"
        200 OK
        content-length: 647
        content-type: application/json

        {"name":"app","digest":"<layer>","kind":"blob","state":"live","reason":"manifest <image> holds it, which index <index> holds, which tag v1 holds","keptBy":[{"kind":"manifest","digest":"<image>","state":"live"},{"kind":"index","digest":"<index>","state":"live"},{"kind":"tag","tag":"v1"}],"keepUntil":"2026-01-03T00:00:00.000Z"}
    "#]]).costs(expect!["11 table (3 get, 4 batch_get of 11, 4 query)"]);
    world.ask("GET /v2/app/_moorage/explain/<index>").await.shows(expect![[r#"
        200 OK
        content-length: 233
        content-type: application/json

        {"name":"app","digest":"<index>","kind":"manifest","state":"live","reason":"tag v1 holds it","keptBy":[{"kind":"tag","tag":"v1"}],"keepUntil":"2026-01-03T00:00:00.000Z"}
    "#]]);
    world.end().await;
}

#[tokio::test]
async fn what_a_subject_and_the_policy_hold() {
    let world = World::new().await;
    let (subject, alone) = (world.bare("subject"), world.bare("alone"));
    world.push("app", "v1", &subject).await;
    world.push_untagged("app", &world.referrer("signature", "a/b", &subject)).await;
    world.push_untagged("app", &alone).await;
    assert_eq!(
        explained(&world, "app", "signature").await["keptBy"],
        json!([{ "kind": "subject", "digest": "<subject>", "state": "live" }, { "kind": "tag", "tag": "v1" }])
    );
    let before = explained(&world, "app", "alone").await;
    assert_eq!((&before["keptBy"], &before["goesAt"]), (&json!([]), &Value::Null));
    assert_eq!(
        before["reason"],
        "nothing holds it; the policy of its repository keeps manifests that nothing holds"
    );
    world.collect_for(49 * HOUR).await;
    assert_eq!(explained(&world, "app", "alone").await["keptBy"], json!([{ "kind": "policy" }]));
    world.end().await;
}

/// What is said to go at a time is there until then, and not after: at each step of its way.
#[tokio::test]
async fn what_is_said_is_what_happens() {
    let mut seen = String::new();
    // Two of them where a day takes seconds: what differs there is the storage, not what is decided.
    let all = ["unused", "image", "untagged", "layer"];
    for name in if World::is_aws() { &all[..2] } else { &all[..] } {
        let world = World::new().await;
        world.push_blobs("app", &[&world.blob("unused")]).await;
        world.push_untagged("app", &world.bare("untagged")).await;
        world.push_image("app", "v1").await;
        world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
        let policy = json!({ "untagged": { "action": "recycle", "after": "72h" } });
        world.ask("PUT /v2/app/_moorage/policy").body(policy.to_string()).await.is(204);
        world.collect().await;
        while let Some(said) = step(&world, name).await {
            seen += &said;
        }
        seen += &format!("{name}: gone\n");
        world.end().await;
    }
    let of_two = expect![[r#"
        unused, live: nothing holds it; it goes when its keep-until time is over
        unused: gone
        image, recycled: it is in the recycle bin; it goes for good when its time there is over
        image: gone
    "#]];
    let of_all = expect![[r#"
        unused, live: nothing holds it; it goes when its keep-until time is over
        unused: gone
        image, recycled: it is in the recycle bin; it goes for good when its time there is over
        image: gone
        untagged, live: nothing holds it; the policy of its repository lets such a manifest go after some time
        untagged, recycled: it is in the recycle bin; it goes for good when its time there is over
        untagged: gone
        layer, live: manifest <image> holds it; of that: it is in the recycle bin; it goes for good when its time there is over
        layer, live: nothing holds it; it goes when its keep-until time is over
        layer: gone
    "#]];
    assert_reads(&seen, if World::is_aws() { of_two } else { of_all });
}

/// Goes on to when it becomes something else, and answers what was said of it before; `None` once it is gone.
async fn step(world: &World, name: &str) -> Option<String> {
    let answer = world.ask(format!("GET /v2/app/_moorage/explain/<{name}>")).await;
    if answer.status() == 404 {
        return None;
    }
    let said = answer.json();
    let what = format!("{name}, {}: {}\n", text(&said["state"]), text(&said["reason"]));
    let goes = said["goesAt"].as_str().map(milliseconds);
    match goes.map(|goes| goes.saturating_sub(world.now().0)) {
        Some(left) if left > 0 => {
            world.clock().advance(Duration::from_millis(left - 1));
            world.collect().await;
            let still = explained(world, "app", name).await;
            assert_eq!(still["state"], said["state"], "{name}, a millisecond before");
            world.clock().advance(Duration::from_millis(1));
            world.collect().await;
            let now = world.ask(format!("GET /v2/app/_moorage/explain/<{name}>")).await;
            assert!(now.status() == 404 || now.json()["state"] != said["state"], "{name}, at that time");
        }
        // It is held, or its time is over and it is looked at a grace after it lost its last hold.
        _ => {
            while explained_if_there(world, name).await.is_some_and(|now| now["reason"] == said["reason"]) {
                world.collect_for(7 * DAY / 2).await;
            }
        }
    }
    Some(world.shown(&what))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("it is always said")
}

async fn explained_if_there(world: &World, name: &str) -> Option<Value> {
    let answer = world.ask(format!("GET /v2/app/_moorage/explain/<{name}>")).await;
    (answer.status() == 200).then(|| answer.json())
}

/// Milliseconds of a time as answers write it; whoever reads it in the year 2100 is wrong by a day.
fn milliseconds(text: &str) -> u64 {
    let number = |range: std::ops::Range<usize>| text[range].parse::<u64>().expect("a number");
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let days_before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap_days = (1970..year).filter(|year| year % 4 == 0).count() as u64;
    let days = (year - 1970) * 365 + leap_days + days_before[month as usize - 1] + day - 1;
    let seconds = ((days * 24 + number(11..13)) * 60 + number(14..16)) * 60 + number(17..19);
    seconds * 1000 + number(20..23)
}

/// What has other prospects: in the bin, hidden by a delete, being made, kept by what goes itself.
#[tokio::test]
async fn what_is_on_its_way() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
    world.ask("DELETE /v2/app/blobs/<layer>").await.is(202);
    world.ask("GET /v2/app/blobs/<layer>").await.is(404);
    let mut seen = String::new();
    for name in ["image", "layer", "config"] {
        seen += &format!("{}\n", explained(&world, "app", name).await);
    }
    assert_reads(
        &seen,
        expect![[r#"
        {"digest":"<image>","goesAt":"2026-01-08T00:00:00.000Z","keepUntil":"2026-01-03T00:00:00.000Z","keptBy":[],"kind":"manifest","name":"app","reason":"it is in the recycle bin; it goes for good when its time there is over","state":"recycled"}
        {"digest":"<layer>","keepUntil":"2026-01-03T00:00:00.000Z","keptBy":[{"digest":"<image>","goesAt":"2026-01-08T00:00:00.000Z","kind":"manifest","state":"recycled"}],"kind":"blob","name":"app","reason":"manifest <image> holds it; of that: it is in the recycle bin; it goes for good when its time there is over","state":"recycled"}
        {"digest":"<config>","keepUntil":"2026-01-03T00:00:00.000Z","keptBy":[{"digest":"<image>","goesAt":"2026-01-08T00:00:00.000Z","kind":"manifest","state":"recycled"}],"kind":"blob","name":"app","reason":"manifest <image> holds it; of that: it is in the recycle bin; it goes for good when its time there is over","state":"live"}
    "#]],
    );
    world.end().await;
}

/// Deeper than anybody nests: told as far as it goes, without more calls for it.
#[tokio::test]
async fn a_very_long_chain() {
    let world = World::new().await;
    let mut inner = world.bare("leaf");
    world.push_untagged("app", &inner).await;
    for depth in 0..40 {
        inner = world.index(&format!("index {depth}"), &[&inner]);
        world.push_untagged("app", &inner).await;
    }
    world.push("app", "v1", &inner).await;
    let answer = world.ask("GET /v2/app/_moorage/explain/<leaf>").await;
    let said = answer.json();
    assert_eq!((said["keptBy"].as_array().map(Vec::len), &said["more"]), (Some(32), &json!(true)));
    assert!(said["reason"].as_str().is_some_and(|reason| reason.ends_with(", and so on")));
    answer.costs(expect!["99 table (32 get, 34 batch_get of 101, 33 query)"]);
    let last = explained(&world, "app", "index 20").await;
    assert_eq!((&last["keptBy"][19], &last["more"]), (&json!({ "kind": "tag", "tag": "v1" }), &Value::Null));
    world.end().await;
}

#[tokio::test]
async fn what_cannot_be_explained() {
    let world = World::new().await;
    let (there, _nowhere) = (world.bare("there"), world.bare("nowhere"));
    world.push("app", "v1", &there).await;
    world.ask("GET /v2/app/_moorage/explain/<nowhere>").await.is_refused(404, "MANIFEST_UNKNOWN");
    world.ask("GET /v2/other/_moorage/explain/<there>").await.is_refused(404, "MANIFEST_UNKNOWN");
    world.ask("GET /v2/app/_moorage/explain/v1").await.is_refused(400, "DIGEST_INVALID");
    world.ask("POST /v2/app/_moorage/explain/<there>").await.is_refused(405, "UNSUPPORTED");
    world.end().await;
}

/// All that is due, and nothing is changed: not a row, not an object, not a place in the feed.
#[tokio::test]
async fn a_dry_run() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    let (used, settings) = (world.blob("used"), world.blob("settings"));
    world.push_blobs("app", &[&world.blob("unused"), &used, &settings]).await;
    let held = world.image("held", &settings, &[&used]);
    world.push("app", "held", &held).await;
    world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
    world.clock().advance(8 * DAY);

    let table = world.ports().table;
    let (rows, changes) = (world.snapshot().await, table.changes(&Cursor::default(), 10_000).await);
    let (mut seen, mut due) = (Vec::new(), 0);
    for _ in 0..2 {
        seen.clear();
        let collector = world.collector();
        let mut say = |of: &moorage_ports::Reviewed, said: Option<&moorage_collector::Explanation>| {
            let said = said.map_or_else(|| "not there any more".to_owned(), |said| said.reason());
            seen.push(world.shown(&format!("{of}: {said}\n")));
        };
        due = collector.steps().would_do(FeedReader::Collector, &mut say).await.expect("it can be read");
    }
    assert_eq!(due, seen.len());
    seen.sort();
    assert_reads(
        &seen.concat(),
        expect![[r#"
        content#<config>: the grant of app holds it, which manifest <image> holds; of that: it is in the recycle bin; it goes for good when its time there is over
        content#<layer>: the grant of app holds it, which manifest <image> holds; of that: it is in the recycle bin; it goes for good when its time there is over
        content#<settings>: the grant of app holds it, which manifest <held> holds, which tag held holds
        content#<unused>: the grant of app holds it; of that: nothing holds it; it goes when its keep-until time is over
        content#<used>: the grant of app holds it, which manifest <held> holds, which tag held holds
        grant#app#<config>: manifest <image> holds it; of that: it is in the recycle bin; it goes for good when its time there is over
        grant#app#<layer>: manifest <image> holds it; of that: it is in the recycle bin; it goes for good when its time there is over
        grant#app#<settings>: manifest <held> holds it, which tag held holds
        grant#app#<unused>: nothing holds it; it goes when its keep-until time is over
        grant#app#<used>: manifest <held> holds it, which tag held holds
        manifest#app#<held>: tag held holds it
        manifest#app#<image>: it is in the recycle bin; it goes for good when its time there is over
    "#]],
    );
    let after = world.snapshot().await;
    assert!((after.rows, after.objects) == (rows.rows, rows.objects), "something was changed");
    let now = table.changes(&Cursor::default(), 10_000).await.expect("the feed can be read").changes;
    assert!(now == changes.expect("the feed can be read").changes, "the feed has something new");

    // What was said to go goes, and nothing else does.
    world.collect().await;
    let mut gone = Vec::new();
    for name in ["image", "config", "layer", "held", "settings", "used", "unused"] {
        if explained_if_there(&world, name).await.is_none() {
            gone.push(name);
        }
    }
    assert_eq!(gone, ["image", "unused"]);
    world.end().await;
}
