//! What is written for those who search: by the collector, for each manifest that is there, and taken away with it.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use moorage_collector::{Collector, Steps, searched_anew};
use moorage_oci::{Digest, RepositoryName};
use moorage_operations::{MissingChildren, Settings};
use moorage_ports::calls::{Call, scope};
use moorage_ports::facts::{ManifestRecord, SearchedRecord};
use moorage_ports::faults::{Fault, Faults, Injector, Moment, Plan, Point};
use moorage_ports::testing_context::SeededRandom;
use moorage_ports::{Change, Context, Cursor, Durability, Expect, Fact, Item, Key, SearchTerm};
use moorage_stories::{Content, assert_reads, expect};
use serde_json::{Value, json};

use crate::World;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const APP: &str = "app";

fn app() -> RepositoryName {
    APP.parse().expect("a name")
}

/// An image with a config that says what it is for.
async fn push_image(world: &World, name: &str, config: &Value) -> Content {
    let config = world.blob_of(&format!("config of {name}"), config.to_string());
    let image = world.image(name, &config, &[]);
    world.push_blobs(APP, &[&config]).await;
    world.push_untagged(APP, &image).await;
    image
}

fn for_linux(architecture: &str) -> Value {
    json!({ "os": "linux", "architecture": architecture, "config": { "Labels": { "for": architecture } } })
}

/// Everything that is searched.
async fn items(world: &World) -> Vec<Item> {
    let is_of_search = |item: &Item| matches!(item.fact, Fact::SearchEntry | Fact::Searched(_));
    world.snapshot().await.rows.into_values().filter(is_of_search).collect()
}

/// The same, but for versions: each writing has its own.
async fn items_of_no_version(world: &World) -> Vec<Item> {
    let items = items(world).await.into_iter();
    items.map(|item| Item { version: None, ..item }).collect()
}

/// What is said of manifests; the entries are those that it lists, which each story's end looks at.
async fn said(world: &World) -> BTreeMap<Digest, SearchedRecord> {
    let said = |item: Item| match item.fact {
        Fact::Searched(searched) => Some((item.key.searched_manifest().expect("of a manifest").1, searched)),
        _ => None,
    };
    items(world).await.into_iter().filter_map(said).collect()
}

async fn record(world: &World, digest: &Digest) -> ManifestRecord {
    match world.ports().table.get(&Key::manifest(&app(), digest)).await {
        Ok(Some(Item { fact: Fact::Manifest(record), .. })) => record,
        other => panic!("{digest}: {other:?}"),
    }
}

/// All that has happened to the table.
async fn changes(world: &World) -> Vec<Change> {
    let (table, mut cursor, mut changes) = (world.ports().table, Cursor::default(), Vec::new());
    loop {
        let page = table.changes(&cursor, 1000).await.expect("the feed can be read");
        if page.changes.is_empty() {
            return changes;
        }
        changes.extend(page.changes);
        cursor = page.next;
    }
}

/// A collector whose storage fails.
fn failing(world: &World, injector: &Arc<Injector>) -> Collector {
    let ports = world.ports();
    let table = Arc::new(Faults::new(ports.table, injector));
    let blobs = Arc::new(Faults::new(ports.blobs, injector));
    let context = Context { clock: world.clock().clone(), random: Arc::new(SeededRandom::new(3)) };
    let times = Settings::default().times();
    let steps = Steps { table, blobs: blobs.clone(), context, times };
    Collector::new(steps, blobs).searched(true)
}

/// A world whose collectors write nothing that is searched: those of the story do.
async fn where_others_do_not_search() -> World {
    World::set_up(|setup| setup.settings.search = false).await
}

/// Deletes a manifest, and has it leave the recycle bin at once: its life is over.
async fn remove_for_good(world: &World, name: &str) {
    world.ask(format!("DELETE /v2/app/manifests/<{name}>")).await.is(202);
    world.ask(format!("DELETE /v2/app/_moorage/recycle-bin/<{name}>")).await.is(202);
}

/// A config that cannot be read holds up nothing: its image is found by less, and that is said.
#[tokio::test]
async fn an_object_that_cannot_be_read() {
    let world = where_others_do_not_search().await;
    let image = push_image(&world, "image", &for_linux("arm64")).await;
    let plan = Plan::List(vec![(Point::Each(Call::GetBlob), Fault::Error(Moment::Before))]);
    let collector = failing(&world, &Injector::new(plan, world.clock().clone()));
    collector.follow().await.expect("the feed is read all the same");
    assert_eq!(collector.follow().await.expect("the feed can be read"), 0, "all of it was read");
    let said = &said(&world).await[&image.digest];
    assert_eq!((said.platforms.len(), said.labels.len(), said.left_out), (0, 0, true));
    world.end().await;
}

/// An image, an index and an artifact: each can be found by what it says, in its repository and in a shard of all.
#[tokio::test]
async fn what_is_pushed() {
    let world = World::new().await;
    let config = json!({
        "os": "linux", "architecture": "arm64", "variant": "v8", "config": { "Labels": { "team": "a/b" } },
    });
    let image = push_image(&world, "image", &config).await;
    let entry = image.descriptor_with(json!({ "platform": { "os": "linux", "architecture": "arm64" } }));
    let attestation = world.bare("attestation");
    world.push_untagged(APP, &attestation).await;
    let of_none =
        attestation.descriptor_with(json!({ "platform": { "os": "unknown", "architecture": "unknown" } }));
    world.clock().advance(HOUR);
    world.push(APP, "index", &world.index_of("index", &[entry, of_none])).await;
    world.push_untagged(APP, &world.referrer("signature", "application/vnd.example.signature", &image)).await;
    world.collect().await;
    let mut seen = String::new();
    for item in items(&world).await {
        let json = serde_json::to_string(&item.fact).expect("it is JSON");
        let shown = if item.fact == Fact::SearchEntry { String::new() } else { format!(": {json}") };
        seen += &format!("{:?}{shown}\n", item.key);
    }
    assert_reads(
        &world.shown(&seen),
        expect![[r#"
        search#4#all / 98232774399999#app#<attestation>
        search#4#all / 98232774399999#app#<image>
        search#4#annotation#name=attestation / 98232774399999#app#<attestation>
        search#4#platform#linux/arm64 / 98232774399999#app#<image>
        search#4#type#application/vnd.example / 98232774399999#app#<attestation>
        search#4#type#application/vnd.oci.image.config.v1+json / 98232774399999#app#<image>
        search#7#all / 98232770799999#app#<index>
        search#7#all / 98232770799999#app#<signature>
        search#7#annotation#name=index / 98232770799999#app#<index>
        search#7#annotation#name=signature / 98232770799999#app#<signature>
        search#7#platform#linux/arm64 / 98232770799999#app#<index>
        search#7#type#application/vnd.example.signature / 98232770799999#app#<signature>
        search#7#type#application/vnd.oci.image.index.v1+json / 98232770799999#app#<index>
        search-in#app#all / 98232770799999#app#<index>
        search-in#app#all / 98232770799999#app#<signature>
        search-in#app#all / 98232774399999#app#<attestation>
        search-in#app#all / 98232774399999#app#<image>
        search-in#app#annotation#name=attestation / 98232774399999#app#<attestation>
        search-in#app#annotation#name=index / 98232770799999#app#<index>
        search-in#app#annotation#name=signature / 98232770799999#app#<signature>
        search-in#app#platform#linux/arm64 / 98232770799999#app#<index>
        search-in#app#platform#linux/arm64 / 98232774399999#app#<image>
        search-in#app#type#application/vnd.example / 98232774399999#app#<attestation>
        search-in#app#type#application/vnd.example.signature / 98232770799999#app#<signature>
        search-in#app#type#application/vnd.oci.image.config.v1+json / 98232774399999#app#<image>
        search-in#app#type#application/vnd.oci.image.index.v1+json / 98232770799999#app#<index>
        searched#app#<attestation> / self: {"searched":{"incarnation":"~1","pushed":1767225600000,"media_type":"application/vnd.oci.image.manifest.v1+json","size":166,"artifact_type":"application/vnd.example","platforms":[],"annotations":{"name":"attestation"},"labels":{},"terms":["all","type#application/vnd.example","annotation#name=attestation"]}}
        searched#app#<image> / self: {"searched":{"incarnation":"~2","pushed":1767225600000,"media_type":"application/vnd.oci.image.manifest.v1+json","size":247,"artifact_type":"application/vnd.oci.image.config.v1+json","platforms":["linux/arm64/v8"],"annotations":{},"labels":{"team":"a/b"},"terms":["all","type#application/vnd.oci.image.config.v1+json","platform#linux/arm64"]}}
        searched#app#<index> / self: {"searched":{"incarnation":"~3","pushed":1767229200000,"media_type":"application/vnd.oci.image.index.v1+json","size":526,"artifact_type":"application/vnd.oci.image.index.v1+json","platforms":["linux/arm64"],"annotations":{"name":"index"},"labels":{},"terms":["all","type#application/vnd.oci.image.index.v1+json","platform#linux/arm64","annotation#name=index"]}}
        searched#app#<signature> / self: {"searched":{"incarnation":"~4","pushed":1767229200000,"media_type":"application/vnd.oci.image.manifest.v1+json","size":337,"artifact_type":"application/vnd.example.signature","platforms":[],"annotations":{"name":"signature"},"labels":{},"terms":["all","type#application/vnd.example.signature","annotation#name=signature"]}}
    "#]],
    );
    world.end().await;
}

/// Whatever is unusual: what can be known is written, and nothing is held up.
#[tokio::test]
async fn what_cannot_be_understood() {
    let world = World::set_up(|setup| setup.settings.missing = MissingChildren::Allow).await;
    // A config that is none, one that is missing, one that is too long, and texts that storages do not like.
    push_image(&world, "odd", &json!([1, 2])).await;
    world.push_untagged(APP, &world.image("of nothing", &world.blob("missing"), &[])).await;
    let long = json!({ "os": "linux", "architecture": "amd64", "filler": "x".repeat(256 * 1024) });
    push_image(&world, "of a long config", &long).await;
    let labels = json!({ "os": "linux", "architecture": "amd64\u{0}", "config": { "Labels": { "": "x", "\u{0}": "" } } });
    push_image(&world, "labels", &labels).await;
    let annotations = json!({
        "": "nameless", "zero": "a\u{0}b", "hash": "a#b", "long": "x".repeat(2000), "wide": "\u{1f980}".repeat(100),
    });
    world.push_untagged(APP, &world.bare_with("texts", json!({ "annotations": annotations }))).await;
    // Too long for an item.
    let filler = json!({ "annotations": { "a": "b" }, "filler": "x".repeat(400 * 1024) });
    world.push_untagged(APP, &world.bare_with("long", filler)).await;
    world.collect().await;
    let mut seen: Vec<String> = Vec::new();
    for (digest, of) in said(&world).await {
        let annotations: Vec<_> =
            of.annotations.iter().map(|(name, value)| format!("{name}={}", value.len())).collect();
        seen.push(format!(
            "{digest}: {}platforms {:?}, labels {:?}, annotations {annotations:?}\n    {:?}\n",
            if of.left_out { "incomplete, " } else { "" },
            of.platforms,
            of.labels,
            of.terms.iter().map(SearchTerm::as_str).collect::<Vec<_>>(),
        ));
    }
    let mut seen: Vec<String> = seen.iter().map(|line| world.shown(line)).collect();
    seen.sort();
    assert_reads(
        &seen.concat(),
        expect![[r#"
        <labels>: incomplete, platforms [], labels {"\0": ""}, annotations []
            ["all", "type#application/vnd.oci.image.config.v1+json"]
        <long>: platforms [], labels {}, annotations ["a=1"]
            ["all", "type#application/vnd.example", "annotation#a=b"]
        <odd>: platforms [], labels {}, annotations []
            ["all", "type#application/vnd.oci.image.config.v1+json"]
        <of a long config>: incomplete, platforms [], labels {}, annotations []
            ["all", "type#application/vnd.oci.image.config.v1+json"]
        <of nothing>: platforms [], labels {}, annotations []
            ["all", "type#application/vnd.oci.image.config.v1+json"]
        <texts>: incomplete, platforms [], labels {}, annotations ["hash=3", "wide=400", "zero=3"]
            ["all", "type#application/vnd.example", "annotation#hash=a#b", "annotation#sha256:b2fec9ad…"]
    "#]],
    );
    world.end().await;
}

/// A day later it is asked for again, and again: nothing of that is worth a call.
#[tokio::test]
async fn what_is_only_kept_longer() {
    let world = World::new().await;
    let image = push_image(&world, "image", &for_linux("amd64")).await;
    world.push_untagged(APP, &world.bare("bare")).await;
    world.collect().await;
    let before = items(&world).await;
    let known = changes(&world).await.len();
    for _ in 0..3 {
        world.clock().advance(25 * HOUR);
        world.push_untagged(APP, &image).await;
        world.ask("HEAD /v2/app/manifests/<bare>").await.is(200);
        world.push(APP, "v1", &image).await;
    }
    let later = changes(&world).await.split_off(known);
    let of_manifests =
        later.iter().filter(|change| matches!(change.new, Some(Item { fact: Fact::Manifest(_), .. })));
    assert!(of_manifests.count() >= 6, "records were changed");
    assert_eq!(later.iter().filter_map(searched_anew).count(), 0);
    world.collect().await;
    assert_eq!(items(&world).await, before);
    world.end().await;
}

/// Its life goes on: also what is known of when it was pushed.
#[tokio::test]
async fn through_the_recycle_bin() {
    let world = World::new().await;
    let image = push_image(&world, "image", &for_linux("amd64")).await;
    let pushed = world.now();
    world.collect().await;
    let before = items(&world).await;
    assert_eq!(record(&world, &image.digest).await.pushed, Some(pushed));
    for back in ["restored", "pushed again"] {
        world.clock().advance(HOUR);
        world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
        world.collect().await;
        assert_eq!(items(&world).await, before, "in the bin");
        world.clock().advance(HOUR);
        if back == "restored" {
            world.ask("POST /v2/app/_moorage/recycle-bin/<image>").await.is(200);
        } else {
            world.push_untagged(APP, &image).await;
        }
        world.collect().await;
        assert_eq!(items(&world).await, before, "{back}");
        assert_eq!(record(&world, &image.digest).await.pushed, Some(pushed), "{back}");
    }
    world.end().await;
}

/// With everything that leads to it. Pushed again it has a life of its own.
#[tokio::test]
async fn what_is_collected() {
    let world = World::new().await;
    let image = push_image(&world, "image", &for_linux("amd64")).await;
    world.push(APP, "v1", &world.index("index", &[&image])).await;
    world.collect().await;
    let before = said(&world).await;
    assert_eq!(before.len(), 2);
    world.ask("DELETE /v2/app/manifests/<index>").await.is(202);
    world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
    world.collect_for(30 * DAY).await;
    assert_eq!(items(&world).await, []);

    push_image(&world, "other", &for_linux("s390x")).await;
    let config = world.filled("<config of image>");
    world
        .ask(format!("POST /v2/app/blobs/uploads/?digest={config}"))
        .body(for_linux("amd64").to_string())
        .await
        .is(201);
    world.push_untagged(APP, &image).await;
    world.collect().await;
    let after = said(&world).await;
    let (old, new) = (&before[&image.digest], &after[&image.digest]);
    assert_eq!((new.pushed, &new.terms), (world.now(), &old.terms));
    assert_ne!(new.incarnation, old.incarnation);
    assert_eq!(record(&world, &image.digest).await.pushed, Some(world.now()));
    world.end().await;
}

/// Twice, in another order, and to another collector: what is there is the same; and nothing comes back that is gone.
#[tokio::test]
async fn changes_that_are_told_again() {
    let world = World::new().await;
    push_image(&world, "image", &for_linux("amd64")).await;
    world.push(APP, "gone", &world.bare("gone")).await;
    world.ask("DELETE /v2/app/manifests/<gone>").await.is(202);
    let first = world.collect().await;
    assert_eq!(said(&world).await.len(), 1, "what was deleted before is in the bin, and was never searched");
    world.push(APP, "binned", &world.bare("binned")).await;
    world.collect().await;
    world.ask("DELETE /v2/app/manifests/<binned>").await.is(202);
    for what in ["in the bin", "gone"] {
        if what == "gone" {
            world.ask("DELETE /v2/app/_moorage/recycle-bin/<binned>").await.is(202);
        }
        world.collect().await;
        let before = items(&world).await;
        let mut told = changes(&world).await;
        told.reverse();
        first.heed(&told).await.expect("it can be written");
        told.extend(told.clone());
        world.collector().heed(&told).await.expect("it can be written");
        for change in &told {
            world.collector().heed(std::slice::from_ref(change)).await.expect("it can be written");
        }
        assert_eq!(items(&world).await, before, "{what}");
    }
    assert_eq!(said(&world).await.len(), 1);
    world.end().await;
}

/// One that comes when all is over: nobody wrote anything before.
#[tokio::test]
async fn a_collector_that_comes_late() {
    let world = where_others_do_not_search().await;
    let image = push_image(&world, "image", &for_linux("amd64")).await;
    let gone = push_image(&world, "gone", &for_linux("arm64")).await;
    world.push(APP, "v1", &world.index("index", &[&image])).await;
    remove_for_good(&world, "gone").await;
    world.collect().await;
    assert_eq!(items(&world).await, []);
    world.push_untagged(APP, &world.bare("new")).await;
    let late = world.collector().searched(true);
    late.heed(&changes(&world).await).await.expect("it can be written");
    let said = said(&world).await;
    assert_eq!(said.len(), 3);
    assert!(!said.contains_key(&gone.digest));
    world.end().await;
}

/// Until it is done, or its storage has stopped answering: then it never goes on.
async fn until_it_stops(collector: Collector, told: Vec<Change>, injector: &Injector) {
    let task = tokio::spawn(async move { collector.heed(&told).await });
    let has_stopped = || injector.decisions().iter().any(|d| matches!(d.fault, Some(Fault::Stop(_))));
    while !has_stopped() && !task.is_finished() {
        tokio::task::yield_now().await;
    }
    task.abort();
    let _ = task.await;
}

/// At each call that writes, before, amid and after it; then another collector is told of the same changes. When items
/// are written, and when they are taken away.
#[tokio::test]
async fn a_collector_that_dies() {
    let reference = {
        let world = World::new().await;
        some_of_each(&world).await;
        world.collect().await;
        let items = items_of_no_version(&world).await;
        world.end().await;
        items
    };
    let deaths = [
        Fault::Stop(Moment::Before),
        Fault::Error(Moment::Before),
        Fault::Error(Moment::Midway),
        Fault::Error(Moment::After),
    ];
    // Each is many worlds, which take their time there.
    let deaths = if World::is_aws() { &deaths[..1] } else { &deaths };
    for &death in deaths {
        for number in 1.. {
            let world = where_others_do_not_search().await;
            some_of_each(&world).await;
            let mut has_died = false;
            for phase in ["pushed", "gone"] {
                if phase == "gone" {
                    for name in ["index", "signature", "image"] {
                        remove_for_good(&world, name).await;
                    }
                }
                let plan = Plan::List(vec![(Point::Write(number), death)]);
                let injector = Injector::new(plan, world.clock().clone());
                let told = changes(&world).await;
                until_it_stops(failing(&world, &injector), told.clone(), &injector).await;
                has_died |= injector.decisions().iter().any(|decision| decision.fault.is_some());
                world.collector().searched(true).heed(&told).await.expect("it can be written");
                let expected = if phase == "pushed" { &*reference } else { &[] };
                assert_eq!(items_of_no_version(&world).await, expected, "{phase}: write {number}, {death}");
            }
            world.end().await;
            if !has_died {
                assert!(number > 7, "a review is asked for, and each manifest takes two writes");
                break;
            }
        }
    }
}

async fn some_of_each(world: &World) {
    let image = push_image(world, "image", &for_linux("amd64")).await;
    world.push_untagged(APP, &world.index("index", &[&image])).await;
    world.push_untagged(APP, &world.referrer("signature", "a/b", &image)).await;
}

/// A collector sleeps between two of its steps, and meanwhile the manifest goes for good; or comes back in another life.
#[tokio::test]
async fn a_life_that_ends_while_it_is_written() {
    // Of one change: a review is asked for, then come the item and its entries, then a last look.
    let sleeps_before =
        [Point::Kind(Call::BatchGet, 1), Point::Kind(Call::Put, 1), Point::Kind(Call::BatchWrite, 2)];
    for sleeps in sleeps_before {
        for comes_back in [false, true] {
            let case = format!("asleep before {sleeps:?}, comes back: {comes_back}");
            let world = where_others_do_not_search().await;
            let image = push_image(&world, "image", &for_linux("amd64")).await;
            let told = changes(&world).await;
            let long = (sleeps, Fault::Delay(HOUR));
            let injector = Injector::new(Plan::List(vec![long]), world.clock().clone());
            let collector = failing(&world, &injector);
            let begins =
                told.iter().filter(|change| searched_anew(change).is_some()).cloned().collect::<Vec<_>>();
            assert_eq!(begins.len(), 1);
            let again = begins.clone();
            let sleeper = tokio::spawn(async move { collector.heed(&begins).await });
            while world.clock().asleep() == 0 {
                assert!(!sleeper.is_finished(), "{case}");
                tokio::task::yield_now().await;
            }
            remove_for_good(&world, "image").await;
            world.collector().searched(true).heed(&changes(&world).await).await.expect("it can be written");
            assert_eq!(items(&world).await, [], "{case}");
            let mut expected = Vec::new();
            if comes_back {
                world.clock().advance(HOUR / 2);
                world.push_untagged(APP, &image).await;
                world
                    .collector()
                    .searched(true)
                    .heed(&changes(&world).await)
                    .await
                    .expect("it can be written");
                expected = items(&world).await;
                assert_eq!(expected.len(), 7, "{case}");
            }
            world.clock().advance(HOUR);
            sleeper.await.expect("it wakes up").expect("it can be written");
            assert_eq!(items(&world).await, expected, "{case}");
            // And the change may be told once more.
            world.collector().searched(true).heed(&again).await.expect("it can be written");
            assert_eq!(items(&world).await, expected, "{case}");
            world.end().await;
        }
    }
}

/// One that dies while it writes for a life that is over: the change is told again, and all of it goes.
#[tokio::test]
async fn a_collector_that_dies_after_the_life() {
    // Before the entries, amid them, and before the last look.
    for (dies, death) in [
        (Point::Kind(Call::BatchWrite, 2), Fault::Stop(Moment::Before)),
        (Point::Kind(Call::BatchWrite, 2), Fault::Error(Moment::Midway)),
        (Point::Kind(Call::Get, 2), Fault::Stop(Moment::Before)),
    ] {
        let world = where_others_do_not_search().await;
        push_image(&world, "image", &for_linux("amd64")).await;
        let mut told = changes(&world).await;
        told.retain(|change| searched_anew(change).is_some());
        let plan = vec![(Point::Kind(Call::Put, 1), Fault::Delay(HOUR)), (dies, death)];
        let injector = Injector::new(Plan::List(plan), world.clock().clone());
        let sleeper = until_it_stops(failing(&world, &injector), told.clone(), &injector);
        let meanwhile = async {
            while world.clock().asleep() == 0 {
                tokio::task::yield_now().await;
            }
            remove_for_good(&world, "image").await;
            world.clock().advance(HOUR);
        };
        tokio::join!(sleeper, meanwhile);
        assert_ne!(items(&world).await, [], "{dies:?}");
        world.collector().searched(true).heed(&told).await.expect("it can be written");
        assert_eq!(items(&world).await, [], "{dies:?}");
        world.end().await;
    }
}

/// What search adds to what a collector does of a change anyway: what is written of a pushed image, what a change costs
/// that ends nothing, and what is taken away.
#[tokio::test]
async fn what_it_costs() {
    let world = where_others_do_not_search().await;
    let image = push_image(&world, "image", &for_linux("amd64")).await;
    let key = Key::manifest(&app(), &image.digest);
    let state = |item: &Option<Item>| match item.as_ref().and_then(|item| item.fact.node()) {
        Some(node) => format!("{:?}", node.state),
        None => "absent".to_owned(),
    };
    let (mut seen, mut known) = (String::new(), 0);
    for phase in ["lives", "goes"] {
        if phase == "goes" {
            remove_for_good(&world, "image").await;
            world.collect().await;
        }
        let mut told = changes(&world).await;
        told.retain(|change| change.key == key);
        for change in told.iter().skip(known) {
            seen += &format!("{} to {}\n", state(&change.old), state(&change.new));
            for (is_searched, with) in [(false, "without search"), (true, "with it")] {
                let collector = world.collector().searched(is_searched);
                let (done, counted) = scope(collector.heed(std::slice::from_ref(change))).await;
                done.expect("it can be written");
                seen += &format!("    {with}: {}\n", counted.calls);
            }
        }
        known = told.len();
    }
    assert_reads(
        &seen,
        expect![[r#"
        absent to Pending
            without search: 1 table (1 batch_write of 1)
            with it: 1 table (1 batch_write of 1)
        Pending to Live
            without search: 1 table (1 batch_write of 1)
            with it: 6 table (2 get, 1 batch_get of 3, 1 put, 2 batch_write of 7), 1 blob (1 get)
        Live to Condemned
            without search: 1 table (1 batch_write of 1)
            with it: 1 table (1 batch_write of 1)
        Condemned to Recycled
            without search: 1 table (1 batch_write of 1)
            with it: 1 table (1 batch_write of 1)
        Recycled to Deleting
            without search: 1 table (1 batch_write of 1)
            with it: 4 table (1 batch_get of 3, 1 delete, 2 batch_write of 7)
        Deleting to absent
            without search: none
            with it: 1 table (1 batch_get of 3)
    "#]],
    );
    assert_eq!(items(&world).await, []);
    world.end().await;
}

/// What an older version wrote does not say since when it is there: about when follows from how long it is kept.
#[tokio::test]
async fn a_manifest_of_an_older_version() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.push_untagged(APP, &bare).await;
    let (table, pushed) = (world.ports().table, world.now());
    let key = Key::manifest(&app(), &bare.digest);
    let mut item = table.get(&key).await.expect("it can be read").expect("it is there");
    if let Fact::Manifest(record) = &mut item.fact {
        record.pushed = None;
    }
    table.put(item, Expect::Anything, Durability::OnAnswer).await.expect("it can be written");
    world.clock().advance(DAY);
    world.collect().await;
    assert_eq!(said(&world).await[&bare.digest].pushed, pushed);
    world.end().await;
}
