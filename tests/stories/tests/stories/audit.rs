//! The audit: nothing is found where all is well, everything where it is not; and what was lost costs an audit, never
//! data.

use std::time::Duration;

use moorage_collector::Repair;
use moorage_oci::Digest;
use moorage_ports::facts::{Fact, State, TrashRecord};
use moorage_ports::{
    Action, ByteStream, Cursor, Durability, Expect, Incarnation, Item, Key, Nonce, ObjectKey, Timestamp,
    Version,
};
use moorage_stories::{assert_reads, expect};

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
    assert_eq!(sound.end().await, lossy.end().await);
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
