//! The audit: nothing is found where all is well, everything where it is not; and what was lost costs an audit, never
//! data.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use std::time::Duration;

use moorage_collector::Repair;
use moorage_oci::Digest;
use moorage_operations::MissingChildren;
use moorage_ports::calls::Call;
use moorage_ports::facts::{Fact, SearchedRecord, State, TrashRecord};
use moorage_ports::faults::{Fault, Injector, Moment, Plan, Point};
use moorage_ports::{
    Action, ByteStream, Cursor, Durability, Expect, Holder, Incarnation, Item, Key, Nonce, ObjectKey,
    SearchPlace, SearchScope, SearchTerm, Timestamp, Version,
};
use moorage_stories::{assert_reads, expect};
use serde_json::json;

use crate::World;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const APP: &str = "app";

/// A bit of everything, some of it on its way out.
async fn a_busy_world() -> World {
    let world = World::new().await;
    let image = world.push_image(APP, "v1").await;
    let index = world.index("index", &[&image]);
    world.push(APP, "index", &index).await;
    world.push_untagged(APP, &world.referrer("signature", "a/b", &image)).await;
    world.push_untagged(APP, &world.bare("untagged")).await;
    world.push(APP, "deleted", &world.bare("deleted")).await;
    world.ask("DELETE /v2/app/manifests/<deleted>").await.is(202);
    world.push_blobs(APP, &[&world.blob("unused")]).await;
    world.ask("POST /v2/other/blobs/uploads/?mount=<layer>&from=app").await.is(201);
    let open = world.opened(APP).await;
    world.ask(format!("PATCH {open}")).body(world.blob("open").bytes.clone()).await.is(202);
    world
}

async fn put(world: &World, item: Item) {
    let put = world.ports().table.put(item, Expect::Anything, Durability::OnAnswer).await;
    put.expect("it can be written");
}

/// Whatever changed until now is lost: it was never read, and is not kept any more.
async fn lose_the_feed(world: &World) {
    let table = world.ports().table;
    let mut cursor = Cursor::default();
    loop {
        let page = table.changes(&cursor, 10_000).await.expect("the feed can be read");
        if page.changes.is_empty() {
            break;
        }
        cursor = page.next;
    }
    put(world, Item::once(Key::feed_place(), Fact::FeedPlace { cursor })).await;
}

/// At every time of its life; and without `--repair` nothing is written.
#[tokio::test]
async fn where_all_is_well() {
    let world = a_busy_world().await;
    for after in [0, 30, 50, 24 * 12] {
        world.collect_for(after * HOUR).await;
        let (rows, feed) =
            (world.snapshot().await, world.ports().table.changes(&Cursor::default(), 10_000).await);
        let (audited, told) = world.audit(Repair::No).await;
        assert_eq!(told, [""; 0], "after {after} hours more");
        assert_eq!(audited.objects, rows.objects.len() as u64);
        let now = world.snapshot().await;
        assert!((now.rows, now.objects) == (rows.rows, rows.objects), "something was changed");
        let changes = world.ports().table.changes(&Cursor::default(), 10_000).await.expect("the feed");
        assert!(changes.changes == feed.expect("the feed").changes, "the feed has something new");
    }
    world.end().await;
}

/// What nobody has read yet will ask for its reviews: nothing is missing.
#[tokio::test]
async fn where_the_collector_is_behind() {
    let world = a_busy_world().await;
    let (_, told) = world.audit(Repair::No).await;
    assert_eq!(told, [""; 0]);
    world.end().await;
}

/// A day without the stream: an audit finds what no review waits for, and asks; then everything comes to the same
/// end as without the loss.
#[tokio::test]
async fn a_day_without_the_stream() {
    let (sound, lossy) = (a_busy_world().await, a_busy_world().await);
    for world in [&sound, &lossy] {
        // Things also lose what held them on that day.
        world.ask("DELETE /v2/app/manifests/index").await.is(202);
        world.ask("DELETE /v2/app/manifests/<signature>").await.is(202);
        world.clock().advance(DAY);
        world.push(APP, "late", &world.bare("late")).await;
        world.ask("DELETE /v2/app/manifests/<late>").await.is(202);
    }
    lose_the_feed(&lossy).await;
    let before = lossy.snapshot().await;
    let (_, told) = lossy.audit(Repair::No).await;
    assert_reads(
        &(told.join("\n") + "\n"),
        expect![[r#"
            no review: grant#app#<unused> (NotAsked)
            no review: grant#other#<layer> (NotAsked)
            no review: manifest#app#<deleted> (NotAsked)
            no review: manifest#app#<late> (NotAsked)
            no review: manifest#app#<signature> (NotAsked)
            no review: manifest#app#<untagged> (NotAsked)
            no review: upload#~1 (NotAsked)
            not searched: manifest#app#<image> / 0#self (NotAsked)
            not searched: manifest#app#<index> / 0#self (NotAsked)
            not searched: manifest#app#<untagged> / 0#self (NotAsked)
        "#]],
    );
    assert_eq!(lossy.snapshot().await.rows, before.rows, "it was only told");
    let (audited, told_again) = lossy.audit(Repair::Yes).await;
    assert_eq!((audited.found, audited.repaired), (told.len() as u64, told.len() as u64));
    assert_eq!(told_again, told.iter().map(|told| told.replace("NotAsked", "Done")).collect::<Vec<_>>());
    let (_, told) = lossy.audit(Repair::No).await;
    assert_eq!(told, [""; 0], "all of it waits now");
    for world in [&sound, &lossy] {
        for _ in 0..2 {
            world.collect_for(12 * DAY).await;
        }
    }
    let (_, told) = lossy.audit(Repair::No).await;
    assert_eq!(told, [""; 0]);
    let searched = async |world: &World| -> Vec<Key> {
        world.snapshot().await.rows.into_keys().filter(is_of_search).collect()
    };
    assert_eq!(searched(&lossy).await, searched(&sound).await);
    assert_eq!(sound.end().await, lossy.end().await);
}

fn is_of_search(key: &Key) -> bool {
    key.search_place().is_some() || key.searched_manifest().is_some()
}

/// A registry from before there was a search, or where it was off: nothing is wrong there until it is on. Then an audit
/// has everything written that can be found; what is in the recycle bin can't be.
#[tokio::test]
async fn where_nothing_is_searched_yet() {
    let mut world = World::set_up(|setup| setup.settings.search = false).await;
    let image = world.push_image(APP, "v1").await;
    world.push(APP, "index", &world.index("index", &[&image])).await;
    world.push(APP, "deleted", &world.bare("deleted")).await;
    world.ask("DELETE /v2/app/manifests/<deleted>").await.is(202);
    world.collect().await;
    let (_, told) = world.audit(Repair::Yes).await;
    assert_eq!(told, [""; 0]);
    assert!(!world.snapshot().await.rows.keys().any(is_of_search));

    world.restart_with(|setup| setup.settings.search = true).await;
    let (_, told) = world.audit(Repair::Yes).await;
    assert_reads(
        &(told.join("\n") + "\n"),
        expect![[r#"
        not searched: manifest#app#<image> / 0#self (Done)
        not searched: manifest#app#<index> / 0#self (Done)
    "#]],
    );
    let (_, told) = world.audit(Repair::No).await;
    assert_eq!(told, [""; 0]);
    world.ask("POST /v2/app/_moorage/recycle-bin/<deleted>").await.is(200);
    let (_, told) = world.audit(Repair::No).await;
    assert_eq!(told, [""; 0], "a collector will read of it");
    world.collect().await;
    let (_, told) = world.audit(Repair::No).await;
    assert_eq!(told, [""; 0]);
    world.end().await;
}

/// What a lost change, or a race of two collectors with one that died, may leave: it is found, and put right.
#[tokio::test]
async fn what_is_searched_and_wrong() {
    let world = World::new().await;
    let image = world.push_image(APP, "v1").await;
    world.push(APP, "bare", &world.bare("bare")).await;
    world.push(APP, "lost", &world.bare("lost")).await;
    world.collect().await;
    let (before, repository) = (world.snapshot().await, APP.parse().expect("a name"));
    let said_of = |digest: &Digest| match &before.rows[&Key::searched(&repository, digest)].fact {
        Fact::Searched(searched) => searched.clone(),
        other => panic!("{other:?}"),
    };
    let digest = |name: &str| world.filled(name).parse::<Digest>().expect("a digest");
    let (bare, lost, nobody) = (digest("<bare>"), digest("<lost>"), Digest::sha256(b"nobody"));
    let of_image = said_of(&image.digest);
    let entry = |digest: &Digest, term: &SearchTerm, pushed: Timestamp| {
        let place = SearchPlace { pushed, repository: repository.clone(), digest: digest.clone() };
        Key::search_entry(SearchScope::Repository(&repository), term, &place)
    };
    let (all, never) = (SearchTerm::all(), SearchTerm::platform("never/said"));
    // Of nobody, of an earlier life, and what no item lists.
    for item in [
        Item::at(Key::searched(&repository, &nobody), Version(Nonce(7)), Fact::Searched(of_image.clone())),
        Item::once(entry(&nobody, &all, of_image.pushed), Fact::SearchEntry),
        Item::at(
            Key::searched(&repository, &bare),
            Version(Nonce(8)),
            Fact::Searched(SearchedRecord { incarnation: Incarnation(Nonce(7)), ..said_of(&bare) }),
        ),
        Item::once(entry(&image.digest, &never, of_image.pushed), Fact::SearchEntry),
        Item::once(entry(&image.digest, &all, Timestamp(7)), Fact::SearchEntry),
        Item::once(entry(&Digest::sha256(b"another"), &all, Timestamp(7)), Fact::SearchEntry),
    ] {
        put(&world, item).await;
    }
    // An entry that is missing, and an item.
    let table = world.ports().table;
    let entry = entry(&image.digest, &all, of_image.pushed);
    let mut gone = moorage_collector::search_entries(&repository, &lost, &said_of(&lost));
    gone.extend([entry, Key::searched(&repository, &lost)]);
    for key in gone {
        table.delete(&key, Expect::Anything, Durability::OnAnswer).await.expect("it can be deleted");
    }
    let (_, told) = world.audit(Repair::No).await;
    let (audited, done) = world.audit(Repair::Yes).await;
    assert_eq!((audited.found, audited.repaired), (told.len() as u64, told.len() as u64));
    assert_reads(
        &(done.join("\n") + "\n"),
        expect![[r#"
        not searched: manifest#app#<lost> / 0#self (Done)
        not searched: search-in#app#all / 98232774399999#app#<image> (Done)
        stale search: search-in#app#all / 99999999999992#app#<image> (Done)
        stale search: search-in#app#all / 99999999999992#app#sha256:ae448ac8… (Done)
        stale search: search-in#app#platform#never/said / 98232774399999#app#<image> (Done)
        stale search: searched#app#<bare> / self (Done)
        stale search: searched#app#sha256:6382b3cc… / self (Done)
    "#]],
    );
    let (_, told) = world.audit(Repair::No).await;
    assert_eq!(told, [""; 0]);
    // But for versions all is as it was.
    let rows = |rows: std::collections::BTreeMap<Key, Item>| {
        let rows = rows.into_iter().filter(|(key, _)| is_of_search(key));
        rows.map(|(key, item)| (key, item.fact)).collect::<Vec<_>>()
    };
    assert_eq!(rows(world.snapshot().await.rows), rows(before.rows));
    world.end().await;
}

/// Without the audit it would stay so for ever.
#[tokio::test]
async fn a_day_without_the_stream_and_without_an_audit() {
    let world = World::new().await;
    world.push_blobs(APP, &[&world.blob("unused")]).await;
    lose_the_feed(&world).await;
    world.collect_for(30 * DAY).await;
    world.ask("GET /v2/app/blobs/<unused>").await.is(200);
    let (audited, _) = world.audit(Repair::Yes).await;
    assert_eq!((audited.found, audited.repaired), (1, 1), "the grant, which holds its content");
    world.collect_for(3 * DAY).await;
    world.ask("GET /v2/app/blobs/<unused>").await.is(404);
    world.end().await;
}

/// What a pusher leaves that died at the wrong moment: it blocks nothing, and no review finds it.
#[tokio::test]
async fn what_the_dead_left() {
    let mut world = World::new().await;
    let image = world.push_image(APP, "v1").await;
    world.collect_for(50 * HOUR).await;
    let before = world.snapshot().await;
    let repository = APP.parse().expect("a name");
    let nobody = Digest::sha256(b"nobody");
    let life = Incarnation(Nonce(7));
    let layer: Digest = world.filled("<layer>").parse().expect("a digest");
    let (image, tag) = (image.digest, "gone".parse().expect("a tag"));
    for item in [
        Item::once(Key::held_by_manifest(&repository, &layer, &nobody, life), Fact::Hold),
        Item::once(Key::held_by_index(&repository, &image, &nobody, life), Fact::Hold),
        Item::once(Key::held_by_tag(&repository, &image, &tag, Version(Nonce(7))), Fact::Hold),
        Item::once(Key::held_by_policy(&repository, &image, life), Fact::Hold),
        Item::once(Key::held_by_grant(&repository, &layer, life), Fact::Hold),
        Item::once(Key::remote_in(&repository, &image, &nobody, life), Fact::RemoteIn { urls: Vec::new() }),
        Item::once(Key::was_held(&repository, &nobody), Fact::WasHeld),
        Item::once(Key::was_tagged(&repository, &nobody, Timestamp(5), &tag), Fact::WasTagged),
        Item::once(Key::listed(&repository, &nobody), Fact::Listed),
        Item::once(Key::recycled(&repository, Timestamp(5), &image), Fact::Recycled),
        Item::once(Key::body(&repository, &nobody), Fact::Body("{}".into())),
    ] {
        put(&world, item).await;
    }
    world.accept_dead_holds();
    let (_, told) = world.audit(Repair::Yes).await;
    assert_reads(
        &(told.join("\n") + "\n"),
        expect![[r#"
        dead hold: blob#<layer> / held#app#sha256:6382b3cc…#~1 (Done)
        dead hold: blob#<layer> / held-content#app#~1 (Done)
        dead hold: manifest#app#<image> / held#index#sha256:6382b3cc…#~1 (Done)
        dead hold: manifest#app#<image> / held#kept#~1 (Done)
        dead hold: manifest#app#<image> / held#tag#gone#~1 (Done)
        dead hold: manifest#app#<image> / remote-in#sha256:6382b3cc…#~1 (Done)
        left over: manifest#app#sha256:6382b3cc… / 0#body (Done)
        left over: manifest#app#sha256:6382b3cc… / was-held (Done)
        left over: manifest#app#sha256:6382b3cc… / was-tagged#00000000000005#gone (Done)
        left over: repo#app / manifest#sha256:6382b3cc… (Done)
        left over: repo#app / recycled#00000000000005#<image> (Done)
    "#]],
    );
    let (_, told) = world.audit(Repair::No).await;
    assert_eq!(told, [""; 0]);
    assert_eq!(world.snapshot().await.objects, before.objects);
    world.collect_for(50 * HOUR).await;
    world.ask("GET /v2/app/manifests/v1").await.is(200);
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.end().await;
}

/// A pusher that slept until a collector had given its record up: what it puts then is nobody's, and where it dies before
/// it looks again, also the bytes and the entry in the list stay.
#[tokio::test]
async fn what_an_overtaken_pusher_leaves() {
    let hours = Duration::from_secs(3 * 60 * 60);
    for dies in [false, true] {
        let mut world = World::new().await;
        world.accept_dead_holds();
        world.push_image(APP, "v1").await;
        let blob = world.blob("blob");
        world.push_blobs(APP, &[&blob]).await;
        let (child, other) = (world.bare("child"), world.image("other", &blob, &[]));
        world.push_untagged(APP, &child).await;
        let index = world.index("index", &[&child, &other]);
        world.push_untagged(APP, &other).await;
        let sleeps = (Point::Kind(Call::BatchWrite, 1), Fault::Delay(hours));
        let stops = (Point::Kind(Call::Get, if dies { 1 } else { u64::MAX }), Fault::Stop(Moment::Before));
        let injector = Injector::new(Plan::List(vec![sleeps, stops]), world.clock().clone());
        world.restart_with(|setup| setup.faults = Some(injector.clone())).await;
        let push = world.ask("PUT /v2/app/manifests/<index>").manifest(&index);
        let pusher = tokio::spawn(push.into_future());
        while world.clock().asleep() == 0 {
            tokio::task::yield_now().await;
        }
        // The collector is not held up. Its pusher wakes up last of all.
        let half = hours - Duration::from_secs(1);
        world.clock().advance(half);
        world.collect().await;
        world.ask("GET /v2/app/manifests/<index>").await.is(404);
        world.clock().advance(hours - half);
        if dies {
            let stops = |fault: Option<Fault>| matches!(fault, Some(Fault::Stop(_)));
            while !injector.decisions().iter().any(|decision| stops(decision.fault)) {
                tokio::task::yield_now().await;
            }
            pusher.abort();
        } else {
            pusher.await.expect("a request is answered").is(201);
        }
        let (_, told) = world.audit(Repair::Yes).await;
        let told = told.join("\n") + "\n";
        if dies {
            assert_reads(
                &told,
                expect![[r#"
        dead hold: manifest#app#<child> / held#index#<index>#~1 (Done)
        dead hold: manifest#app#<other> / held#index#<index>#~1 (Done)
        left over: manifest#app#<index> / 0#body (Done)
        left over: repo#app / manifest#<index> (Done)
    "#]],
            );
        } else {
            assert_reads(
                &told,
                expect![[r#"
        dead hold: manifest#app#<child> / held#index#<index>#~1 (Done)
        dead hold: manifest#app#<other> / held#index#<index>#~1 (Done)
    "#]],
            );
        }
        let (_, told) = world.audit(Repair::No).await;
        assert_eq!(told, [""; 0]);
        world.collect_for(50 * HOUR).await;
        world.ask("GET /v2/app/manifests/<child>").await.is(200);
        world.end().await;
    }
}

/// A manifest whose holds were lost: they are put back as long as what it needs is there.
#[tokio::test]
async fn holds_that_are_missing() {
    let world = World::new().await;
    let image = world.push_image(APP, "v1").await;
    let foreign = world.blob("foreign").descriptor_with(json!({
        "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "urls": ["https://one.example/layer"],
    }));
    let elsewhere = world.bare("elsewhere").descriptor_with(json!({ "remote": true }));
    let more = world.bare_with("more", json!({ "layers": [foreign] }));
    world.push_untagged(APP, &more).await;
    let index = world.index_of("index", &[image.descriptor(), more.descriptor(), elsewhere]);
    world.push(APP, "index", &index).await;
    // In the recycle bin, with what only it needs.
    let secret = world.blob("secret");
    world.push_blobs(APP, &[&secret]).await;
    let binned = world.bare_with("binned", json!({ "layers": [secret.descriptor()] }));
    world.push(APP, "binned", &binned).await;
    world.ask("DELETE /v2/app/manifests/<binned>").await.is(202);
    world.ask("DELETE /v2/app/blobs/<secret>").await.is(202);
    world.collect_for(50 * HOUR).await;

    let before = world.snapshot().await;
    let table = world.ports().table;
    let lost = |key: &&Key| {
        key.holder().is_some_and(|holder| matches!(holder, Holder::Index(..) | Holder::Manifest(..)))
            || key.naming_index().is_some()
    };
    let lost: Vec<Key> = before.rows.keys().filter(lost).cloned().collect();
    for key in &lost {
        table.delete(key, Expect::Anything, Durability::OnAnswer).await.expect("it can be deleted");
    }
    // One of what is not held any more is about to go.
    let repository = APP.parse().expect("a name");
    let key = Key::manifest(&repository, &image.digest);
    let mut condemned = table.get(&key).await.expect("it can be read").expect("it is there");
    condemned.version = Some(Version(Nonce(7)));
    condemned.fact.node_mut().expect("it is a node").state = State::Condemned;
    put(&world, condemned).await;

    let (_, told) = world.audit(Repair::No).await;
    assert_eq!(told.len(), lost.len());
    let (_, told) = world.audit(Repair::Yes).await;
    assert_reads(
        &(told.join("\n") + "\n"),
        expect![[r#"
        missing hold: blob#<config> / held#app#<image>#~1 (Done)
        missing hold: blob#<foreign> / held#app#<more>#~1 (Done)
        missing hold: blob#<layer> / held#app#<image>#~1 (Done)
        missing hold: blob#<secret> / held#app#<binned>#~1 (Done)
        missing hold: manifest#app#<elsewhere> / remote-in#<index>#~1 (Done)
        missing hold: manifest#app#<image> / held#index#<index>#~1 (Done)
        missing hold: manifest#app#<more> / held#index#<index>#~1 (Done)
    "#]],
    );
    let (_, told) = world.audit(Repair::No).await;
    assert_eq!(told, [""; 0]);
    assert!(world.snapshot().await.rows.keys().eq(before.rows.keys()), "nothing else was changed");
    world.collect_for(50 * HOUR).await;
    for there in ["manifests/index", "manifests/<more>", "manifests/<image>", "blobs/<layer>"] {
        world.ask(format!("GET /v2/app/{there}")).await.is(200);
    }
    world.ask("POST /v2/app/_moorage/recycle-bin/<binned>").await.is(200);
    world.ask("GET /v2/app/blobs/<secret>").await.is(200);
    world.end().await;
}

/// What a manifest needs and is not there can't be made by an audit. Where manifests are taken without it, it is not told.
#[tokio::test]
async fn children_that_are_missing() {
    for missing in [MissingChildren::Refuse, MissingChildren::Allow] {
        let world = World::set_up(|setup| setup.settings.missing = missing).await;
        let (config, layer) = (world.blob("config"), world.blob("layer"));
        let image = world.image("image", &config, &[&layer]);
        world.push_blobs(APP, &[&config, &layer]).await;
        world.push(APP, "v1", &image).await;
        let index = world.index("index", &[&image]);
        world.push(APP, "index", &index).await;
        world.push(APP, "other", &world.image("other", &layer, &[])).await;
        world.collect_for(50 * HOUR).await;
        let (table, repository) = (world.ports().table, APP.parse().expect("a name"));
        let mut lost = Vec::new();
        for key in [Key::grant(&repository, &layer.digest), Key::manifest(&repository, &image.digest)] {
            lost.push(table.get(&key).await.expect("it can be read").expect("it is there"));
            table.delete(&key, Expect::Anything, Durability::OnAnswer).await.expect("it can be deleted");
        }
        let (_, told) = world.audit(Repair::No).await;
        let told: Vec<_> = told.into_iter().filter(|told| told.starts_with("child missing")).collect();
        match missing {
            MissingChildren::Refuse => assert_reads(
                &(told.join("\n") + "\n"),
                expect![[r#"
        child missing: manifest#app#<index> / 0#self needs manifest#app#<image> / 0#self (NotAsked)
        child missing: manifest#app#<other> / 0#self needs blob#<layer> / grant#app (NotAsked)
    "#]],
            ),
            MissingChildren::Allow => assert_eq!(told, [""; 0]),
        }
        // The story ends whole.
        for item in lost {
            put(&world, item).await;
        }
        let (_, told) = world.audit(Repair::No).await;
        assert_eq!(told, [""; 0]);
        world.end().await;
    }
}

/// Objects that a record names and that were given up all the same: they are taken out of the trash before the collector
/// deletes them. A tombstone whose object is there again goes too.
#[tokio::test]
async fn named_objects_in_the_trash() {
    let world = World::new().await;
    let long = world.bare_with("long", json!({ "annotations": { "long": "a".repeat(400_000) } }));
    world.push(APP, "long", &long).await;
    world.push_image(APP, "v1").await;
    world.collect_for(50 * HOUR).await;
    let (table, repository) = (world.ports().table, APP.parse().expect("a name"));
    let get = async |key: &Key| table.get(key).await.expect("it can be read").expect("it is there").fact;
    let digest = |name: &str| world.filled(name).parse::<Digest>().expect("a digest");
    let Fact::Manifest(manifest) = get(&Key::manifest(&repository, &long.digest)).await else { panic!() };
    let Fact::Content(layer) = get(&Key::content(&digest("<layer>"))).await else { panic!() };
    let Fact::Content(config) = get(&Key::content(&digest("<config>"))).await else { panic!() };
    for (object, deleted) in [
        (manifest.object.expect("it is too long for an item"), false),
        (layer.object, false),
        (config.object, true),
    ] {
        let trash = TrashRecord { since: world.now(), parts_id: None, deleted };
        put(&world, Item::once(Key::trash(&object), Fact::Trash(trash))).await;
    }
    let (_, told) = world.audit(Repair::Yes).await;
    assert_reads(
        &(told.join("\n") + "\n"),
        expect![[r#"
        in the trash: blob#<config> / content names <config>/app/~1 (Done)
        in the trash: blob#<layer> / content names <layer>/app/~1 (Done)
        in the trash: manifest#app#<long> / 0#self names manifests/<long>/app/~1 (Done)
    "#]],
    );
    let (_, told) = world.audit(Repair::No).await;
    assert_eq!(told, [""; 0]);
    world.collect_for(50 * HOUR).await;
    for there in ["manifests/long", "blobs/<layer>", "blobs/<config>"] {
        world.ask(format!("GET /v2/app/{there}")).await.is(200);
    }
    world.end().await;
}

/// Entries that contradict their records, as a defect might leave them.
#[tokio::test]
async fn tags_and_referrers_that_are_wrong() {
    let world = World::new().await;
    let image = world.push_image(APP, "v1").await;
    let signature = world.referrer("signature", "a/b", &image);
    world.push_untagged(APP, &signature).await;
    world.collect_for(50 * HOUR).await;
    let (table, repository) = (world.ports().table, APP.parse().expect("a name"));
    let get = async |key: &Key| table.get(key).await.expect("it can be read").expect("it is there");
    let v1 = get(&Key::tag(&repository, &"v1".parse().expect("a tag"))).await;

    // A tag without its hold, one to nowhere, an entry too many and one too few.
    let version = v1.version.expect("a tag has one");
    let tag = |name: &str| name.parse().expect("a tag");
    let hold = Key::held_by_tag(&repository, &image.digest, &tag("v1"), version);
    let entry = Key::referrer(&repository, &image.digest, "a/b", &signature.digest);
    let (nowhere, wrong) =
        (Digest::sha256(b"nowhere"), Key::referrer(&repository, &image.digest, "c/d", &signature.digest));
    let mut lost = v1.clone();
    lost.key = Key::tag(&repository, &tag("lost"));
    if let Fact::Tag(target) = &mut lost.fact {
        target.digest = nowhere;
    }
    let stale = Item { key: wrong, ..get(&entry).await };
    table
        .batch_write(vec![
            Action::Delete(hold, Expect::Anything),
            Action::Delete(entry, Expect::Anything),
            Action::Put(lost, Expect::Anything),
            Action::Put(stale, Expect::Anything),
        ])
        .await
        .expect("it can be written");
    let (_, told) = world.audit(Repair::Yes).await;
    assert_reads(
        &(told.join("\n") + "\n"),
        expect![[r#"
        dangling tag: repo#app / tag#lost (Done)
        missing referrer: manifest#app#<image> / referrer#a/b#<signature> (Done)
        stale referrer: manifest#app#<image> / referrer#c/d#<signature> (Done)
        unheld tag: repo#app / tag#v1 (Done)
    "#]],
    );
    let (_, told) = world.audit(Repair::No).await;
    assert_eq!(told, [""; 0]);
    world.ask("GET /v2/app/manifests/lost").await.is(404);
    world.ask("GET /v2/app/manifests/v1").await.is(200);
    world.ask("GET /v2/app/referrers/<image>").await.is(200).shows(expect![[r#"
        200 OK
        content-length: 296
        content-type: application/vnd.oci.image.index.v1+json

        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"<signature>","size":307,"artifactType":"a/b","annotations":{"name":"signature"}}]}
    "#]]);
    world.collect_for(50 * HOUR).await;
    world.ask("GET /v2/app/manifests/<signature>").await.is(200);
    world.end().await;
}

/// An object whose record was never made: given up once no upload can name it any more, whatever made it. What
/// somebody else put into the bucket is told, and left alone.
#[tokio::test]
async fn objects_that_nobody_names() {
    let world = World::new().await;
    world.push_image(APP, "v1").await;
    world.collect_for(50 * HOUR).await;
    let blobs = world.ports().blobs;
    let digest = Digest::sha256(b"lost");
    let ours = [
        ObjectKey::blob(&digest, &APP.parse().expect("a name"), Nonce(1)),
        ObjectKey::upload(Nonce(2)),
        ObjectKey::tail(Nonce(3)),
        ObjectKey::manifest(&digest, &APP.parse().expect("a name"), Incarnation(Nonce(4))),
    ];
    let foreign = ObjectKey::from_stored("photos/cat.jpg");
    for key in ours.iter().chain([&foreign]) {
        let body: ByteStream = Box::pin(futures_util::stream::iter([Ok("lost".into())]));
        blobs.put(key, &digest, None, body, Durability::OnAnswer).await.expect("it can be made");
    }
    // A key whose tombstone is there: deleted once, and made again by somebody who came late.
    let tombstone = TrashRecord { since: world.now(), parts_id: None, deleted: true };
    put(&world, Item::once(Key::trash(&ours[0]), Fact::Trash(tombstone))).await;
    let (_, told) = world.audit(Repair::Yes).await;
    assert_eq!(told, ["foreign object: photos/cat.jpg (Cannot)"], "the others may be named yet");
    world.collect_for(49 * HOUR).await;
    let (_, told) = world.audit(Repair::Yes).await;
    // Where the objects' times are those of a machine's clock, they are younger than the story's time.
    let told = told.join("\n") + "\n";
    assert_reads(
        &told,
        world.where_it_is(
            expect![[r#"
                foreign object: photos/cat.jpg (Cannot)
                nameless object: manifests/sha256:76f75e61…/app/~1 (Done)
                nameless object: sha256:76f75e61…/app/~1 (Done)
                nameless object: tails/~1 (Done)
                nameless object: uploads/~1 (Done)
            "#]],
            expect![[r#"
        foreign object: photos/cat.jpg (Cannot)
    "#]],
        ),
    );
    world.collect_for(2 * HOUR).await;
    let left = blobs.list("", None, 100).await.expect("objects can be listed");
    let lost = left.iter().filter(|key| ours.contains(key)).count();
    assert_eq!(lost, if World::is_aws() { ours.len() } else { 0 });
    assert!(left.contains(&foreign));
    for key in left.iter().filter(|key| ours.contains(key) || **key == foreign) {
        blobs.delete(key).await.expect("it can be deleted");
    }
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.collect_for(50 * HOUR).await;
    world.end().await;
}

/// What is gone for good is told, and nothing is made of it.
#[tokio::test]
async fn bytes_that_are_missing() {
    let world = World::new().await;
    let image = world.push_image(APP, "v1").await;
    let (ports, repository) = (world.ports(), APP.parse().expect("a name"));
    let layer: Digest = world.filled("<layer>").parse().expect("a digest");
    let key = Key::content(&layer);
    let found = ports.table.get(&key).await.expect("it can be read").expect("it is there");
    let Fact::Content(content) = &found.fact else { panic!("{found:?} is no content") };
    assert_eq!(content.node.state, State::Live);
    let body = Key::body(&repository, &image.digest);
    let bytes = ports.table.get(&body).await.expect("it can be read").expect("it is there");
    ports.blobs.delete(&content.object).await.expect("it can be deleted");
    ports.table.delete(&body, Expect::Anything, Durability::OnAnswer).await.expect("it can be deleted");
    let (audited, told) = world.audit(Repair::Yes).await;
    assert_reads(
        &(world.shown(&told.join("\n")) + "\n"),
        expect![[r#"
        bytes missing: blob#<layer> / content names <layer>/app/~1 (Cannot)
        bytes missing: manifest#app#<image> / 0#self has no body (Cannot)
    "#]],
    );
    assert_eq!((audited.found, audited.repaired), (2, 0));

    // The story ends whole.
    let stream: ByteStream = Box::pin(futures_util::stream::iter([Ok("layer".into())]));
    let made = ports.blobs.put(&content.object, &layer, None, stream, Durability::OnAnswer).await;
    made.expect("it can be made");
    put(&world, bytes).await;
    let (_, told) = world.audit(Repair::No).await;
    assert_eq!(told, [""; 0]);
    world.end().await;
}
