//! Blobs that came straight to the store: S3 tells of each object once or more, late, in any order, and of the
//! objects of our own uploads too.

use std::sync::Arc;

use futures_util::stream;
use moorage_operations::{Common, Push, Recorded, Settings, TokenSecret};
use moorage_ports::facts::TrashRecord;
use moorage_ports::testing_context::TestContext;
use moorage_ports::{Context, Durability, Expect, Fact, Item, Key, Nonce, ObjectKey, Put};
use moorage_stories::{Content, expect};

use crate::World;

/// What `ingest` runs.
fn ingest(world: &World) -> Push {
    let ports = world.ports();
    let context = Context { clock: world.clock().clone(), random: TestContext::new(99).random };
    let secret = TokenSecret::new(*b"not used");
    Push::new(ports.table, ports.blobs, Common { context, settings: Arc::new(Settings::default()), secret })
}

/// A client puts an object straight into the store, under the key that its upload has.
async fn put(world: &World, repository: &str, blob: &Content, upload: u128) -> ObjectKey {
    let key = ObjectKey::blob(&blob.digest, &repository.parse().expect("a name"), Nonce(upload));
    let body = Box::pin(stream::iter([Ok(blob.bytes.clone())]));
    let size = Some(blob.bytes.len() as u64);
    let stored = world.ports().blobs.put(&key, &blob.digest, size, body, Durability::OnAnswer).await;
    assert!(matches!(stored, Ok(Put::Stored { .. })), "{stored:?}");
    key
}

/// The store tells of an object.
async fn told(push: &Push, key: &ObjectKey, size: u64) -> Recorded {
    let (digest, repository, _) = key.blob_parts().expect("the key of a blob");
    push.record_object(&repository, &digest, key, size).await.expect("the storage answers")
}

#[tokio::test]
async fn a_blob_is_there_once_its_object_was_told_of() {
    let world = World::new().await;
    let (layer, push) = (world.blob("layer"), ingest(&world));
    let key = put(&world, "app", &layer, 1).await;
    world.ask("HEAD /v2/app/blobs/<layer>").await.is(404);
    assert_eq!(told(&push, &key, 5).await, Recorded::Done);
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.ask("GET /v2/other/blobs/<layer>").await.is(404);
    // Again, and again.
    for _ in 0..2 {
        assert_eq!(told(&push, &key, 5).await, Recorded::Before);
    }
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, <layer>/app/~2
        blob#<layer> / held-content#app#~3
        object <layer>/app/~2: 5 bytes
    "#]]);
}

#[tokio::test]
async fn what_our_own_upload_made_is_recorded_before() {
    let world = World::new().await;
    let (layer, push) = (world.blob("layer"), ingest(&world));
    world.push_blobs("app", &[&layer]).await;
    let before = world.picture().await;
    let key = world.snapshot().await.objects.keys().next().expect("it has an object").clone();
    assert_eq!(told(&push, &key, 5).await, Recorded::Before);
    assert_eq!(world.end().await, before);
}

/// Between the upload's object and its records.
#[tokio::test]
async fn whoever_comes_first_records_it_and_the_other_finds_it() {
    let world = World::new().await;
    let (layer, one, other) = (world.blob("layer"), ingest(&world), ingest(&world));
    let key = put(&world, "app", &layer, 1).await;
    let (first, second) = tokio::join!(told(&one, &key, 5), told(&other, &key, 5));
    assert!([first, second].contains(&Recorded::Done), "{first:?}, {second:?}");
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    let snapshot = world.snapshot().await;
    assert!(!snapshot.rows.values().any(|item| matches!(item.fact, Fact::Trash(_))), "nothing is given up");
    world.end().await;
}

/// Each repository has its own grant; one object is enough.
#[tokio::test]
async fn the_second_object_of_a_blob_is_given_up() {
    let world = World::new().await;
    let (layer, push) = (world.blob("layer"), ingest(&world));
    let first = put(&world, "app", &layer, 1).await;
    let again = put(&world, "app", &layer, 2).await;
    let other = put(&world, "other/app", &layer, 3).await;
    for (key, recorded) in [
        (&other, Recorded::Done),
        (&again, Recorded::Done),
        (&first, Recorded::Done),
        (&again, Recorded::InTrash),
        (&other, Recorded::Before),
        (&first, Recorded::InTrash),
    ] {
        assert_eq!(told(&push, key, 5).await, recorded, "{key}");
    }
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.ask("GET /v2/other/app/blobs/<layer>").await.is(200);
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/other/app/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, <layer>/other/app/~2
        blob#<layer> / grant#other/app: live ~4, 5 bytes, <layer>/other/app/~2
        blob#<layer> / held-content#app#~3
        blob#<layer> / held-content#other/app#~4
        trash#<layer>/app/~5 / self
        trash#<layer>/app/~6 / self
        object <layer>/app/~5: 5 bytes
        object <layer>/app/~6: 5 bytes
        object <layer>/other/app/~2: 5 bytes
    "#]]);
}

#[tokio::test]
async fn what_was_given_up_is_never_recorded() {
    let world = World::new().await;
    let (layer, push) = (world.blob("layer"), ingest(&world));
    let key = put(&world, "app", &layer, 1).await;
    let trash = Fact::Trash(TrashRecord { since: world.now(), parts_id: None, deleted: false });
    let trash = Item::once(Key::trash(&key), trash);
    world.ports().table.put(trash, Expect::Anything, Durability::OnAnswer).await.expect("it is stored");
    assert_eq!(told(&push, &key, 5).await, Recorded::InTrash);
    world.ask("HEAD /v2/app/blobs/<layer>").await.is(404);
    world.end().await.is(expect![[r#"
        trash#<layer>/app/~1 / self
        object <layer>/app/~1: 5 bytes
    "#]]);
}

/// An event that is late, or is not of this object.
#[tokio::test]
async fn what_is_gone_or_of_another_size_is_not_recorded() {
    let world = World::new().await;
    let (layer, push) = (world.blob("layer"), ingest(&world));
    let key = put(&world, "app", &layer, 1).await;
    assert_eq!(told(&push, &key, 6).await, Recorded::NotThere);
    world.ports().blobs.delete(&key).await.expect("it goes");
    assert_eq!(told(&push, &key, 5).await, Recorded::NotThere);
    world.ask("HEAD /v2/app/blobs/<layer>").await.is(404);
    world.end().await.is(expect![""]);
}

/// The client's word is the last one. The store often tells of an upload after the client has gone on.
#[tokio::test]
async fn a_late_event_does_not_bring_a_deleted_blob_back() {
    let world = World::new().await;
    let (layer, push) = (world.blob("layer"), ingest(&world));
    let key = put(&world, "app", &layer, 1).await;
    assert_eq!(told(&push, &key, 5).await, Recorded::Done);
    world.ask("DELETE /v2/app/blobs/<layer>").await.is(202);
    assert_eq!(told(&push, &key, 5).await, Recorded::Before);
    world.ask("HEAD /v2/app/blobs/<layer>").await.is(404);
    // A new upload does.
    let new = put(&world, "app", &layer, 2).await;
    assert_eq!(told(&push, &new, 5).await, Recorded::Done);
    world.ask("GET /v2/app/blobs/<layer>").await.is(200);
    world.end().await;
}
