//! The invariants themselves: take anything away from a world, or change it, and one of them says so.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use moorage_ports::facts::{
    ContentRecord, GrantRecord, ManifestRecord, Node, SearchedRecord, State, TagRecord, TrashRecord,
};
use moorage_ports::{Fact, Incarnation, Item, Key, Nonce, ObjectKey, Timestamp, Version};
use moorage_stories::invariants::{
    ALWAYS, WHERE_ALL_CHANGES_WERE_READ, WHERE_NO_COLLECTOR_IS_OVERTAKEN, WHERE_NOBODY_IS_OVERTAKEN,
    WHERE_NOTHING_FAILED, WHERE_NOTHING_IS_MISSING,
};
use moorage_stories::{Snapshot, assert_reads, expect};
use serde_json::json;

use crate::World;

const LONG_PARTS: &str = "few bytes are a tail there and no part, as `tails` tells it";

/// One of each kind of thing.
async fn some_world() -> World {
    let world = World::new().await;
    let image = world.push_image("app", "v1").await;
    let elsewhere = world.bare("elsewhere");
    let remote = elsewhere.descriptor_with(json!({ "remote": true }));
    let index = world.index_of("index", &[image.descriptor(), remote]);
    world.push_untagged("app", &index).await;
    let signature = world.referrer("signature", "application/vnd.example.signature", &image);
    world.push_untagged("app", &signature).await;
    let long = world.bare_with("long", json!({ "filler": "x".repeat(400 * 1024) }));
    world.push_untagged("app", &long).await;
    world.ask("POST /v2/other/blobs/uploads/?digest=<layer>").body("layer").await.is(201);
    let upload = world.opened("app").await;
    world.ask(format!("PATCH {upload}")).body("half").await.is(202);
    let gone = world.bare("gone");
    world.push("app", "gone", &gone).await;
    world.ask("DELETE /v2/app/manifests/<gone>").await.is(202);
    world
}

/// The names of the invariants that do not hold.
fn broken(snapshot: &Snapshot) -> String {
    let conditional = [WHERE_NOTHING_IS_MISSING, WHERE_NOTHING_FAILED, WHERE_NOBODY_IS_OVERTAKEN];
    let all = ALWAYS.into_iter().chain(conditional);
    let names: Vec<&str> =
        all.filter(|(_, invariant)| !invariant(snapshot).is_empty()).map(|(name, _)| name).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

#[tokio::test]
async fn what_is_taken_away_is_missed() {
    if World::is_untold_where_parts_are_long(LONG_PARTS) {
        return;
    }
    let world = some_world().await;
    let whole = world.snapshot().await;
    assert_eq!(broken(&whole), "nothing");
    let mut seen = String::new();
    for key in whole.rows.keys() {
        let mut snapshot = whole.clone();
        snapshot.rows.remove(key);
        seen += &format!("{key:?}: {}\n", broken(&snapshot));
    }
    for key in whole.objects.keys() {
        let mut snapshot = whole.clone();
        snapshot.objects.remove(key);
        seen += &format!("object {key}: {}\n", broken(&snapshot));
    }
    assert_reads(
        &world.shown(&seen),
        expect![[r#"
            blob#<config> / content: a live grant has its content, every object is somebody's
            blob#<config> / grant#app: a live manifest has its children, a hold is real
            blob#<config> / held#app#<image>#~1: a live manifest holds its children
            blob#<config> / held-content#app#~2: a live grant has its content
            blob#<layer> / content: a live grant has its content, every object is somebody's
            blob#<layer> / grant#app: a live manifest has its children, a hold is real
            blob#<layer> / grant#other: a hold is real
            blob#<layer> / held#app#<image>#~1: a live manifest holds its children
            blob#<layer> / held-content#app#~3: a live grant has its content
            blob#<layer> / held-content#other#~4: a live grant has its content
            catalog / app: a live manifest is listed
            manifest#app#<index> / 0#body: a live manifest has its bytes
            manifest#app#<index> / 0#self: a hold is real
            manifest#app#<elsewhere> / remote-in#<index>#~5: a live manifest holds its children
            manifest#app#<long> / 0#self: every object is somebody's
            manifest#app#<signature> / 0#body: a live manifest has its bytes
            manifest#app#<signature> / 0#self: a live referrer is listed under its subject
            manifest#app#<image> / 0#body: a live manifest has its bytes
            manifest#app#<image> / 0#self: a tag holds its target, a live manifest has its children, a hold is real
            manifest#app#<image> / held#index#<index>#~5: a live manifest holds its children
            manifest#app#<image> / held#kept#~1: a tag holds its target
            manifest#app#<image> / held#tag#v1#~6: a tag holds its target
            manifest#app#<image> / referrer#application/vnd.example.signature#<signature>: a live referrer is listed under its subject
            manifest#app#<image> / was-held: a live manifest holds its children
            manifest#app#<gone> / 0#body: a live manifest has its bytes
            manifest#app#<gone> / 0#self: a hold is real
            manifest#app#<gone> / held#kept#~7: nothing
            manifest#app#<gone> / was-tagged#01767225600000#gone: nothing
            moorage / format: nothing
            moorage / upload-secret: nothing
            repo#app / manifest#<index>: a live manifest is listed
            repo#app / manifest#<long>: a live manifest is listed
            repo#app / manifest#<signature>: a live manifest is listed
            repo#app / manifest#<image>: a live manifest is listed
            repo#app / manifest#<gone>: nothing
            repo#app / policy: a live manifest is listed
            repo#app / recycled#01767225600000#<gone>: nothing
            repo#app / tag#v1: a hold is real
            trash#<layer>/other/~8 / self: every object is somebody's
            upload#~9 / self: nothing
            object manifests/<long>/app/~10: a live manifest has its bytes
            object <config>/app/~11: a content has its object
            object <layer>/app/~12: a content has its object
            object <layer>/other/~8: nothing
        "#]],
    );
    world.end().await;
}

/// What is searched, once a collector has read all: an item of it too few, or that says something else.
#[tokio::test]
async fn what_is_searched_is_watched() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    world.collect().await;
    let whole = world.snapshot().await;
    let broken = |snapshot: &Snapshot| {
        let all_read = [WHERE_ALL_CHANGES_WERE_READ, WHERE_NO_COLLECTOR_IS_OVERTAKEN];
        let names = all_read.into_iter().filter(|(_, invariant)| !invariant(snapshot).is_empty());
        let mut names: Vec<&str> = names.map(|(name, _)| name).collect();
        let others = broken(snapshot);
        names.extend(Some(&*others).filter(|others| *others != "nothing"));
        names.join(", ")
    };
    assert_eq!(broken(&whole), "");
    let (mut entries, mut said) = (0, 0);
    for (key, item) in &whole.rows {
        let mut without = whole.clone();
        without.rows.remove(key);
        match &item.fact {
            Fact::SearchEntry => {
                entries += 1;
                assert_eq!(broken(&without), "what is there is searched", "{key:?}");
            }
            Fact::Searched(searched) => {
                said += 1;
                assert_eq!(broken(&without), "what is there is searched, what is searched is there");
                let mut with = |changed| {
                    without.rows.insert(key.clone(), Item { fact: Fact::Searched(changed), ..item.clone() });
                    broken(&without)
                };
                let longer = SearchedRecord { size: searched.size + 1, ..searched.clone() };
                assert_eq!(with(longer), "what is searched is right");
                let of_another_life =
                    SearchedRecord { incarnation: Incarnation(Nonce(1)), ..searched.clone() };
                assert_eq!(with(of_another_life), "what is there is searched, what is searched is there");
            }
            _ => {}
        }
    }
    assert_eq!((entries, said), (4, 1));
    world.end().await;
}

/// Every node in every other state, in another life; every tag at another version; every size another one.
#[tokio::test]
async fn what_is_changed_is_noticed() {
    let world = some_world().await;
    /// Answers whether it applies to the item.
    type Change = fn(&mut Item) -> bool;
    let changes: [(&str, Change); 8] = [
        ("of another life", |item| in_node(item, |node| node.incarnation = Incarnation(Nonce(1)))),
        ("pending", |item| in_node(item, |node| node.state = State::Pending)),
        ("condemned", |item| in_node(item, |node| node.state = State::Condemned)),
        ("recycled", |item| in_node(item, |node| node.state = State::Recycled)),
        ("deleting", |item| in_node(item, |node| node.state = State::Deleting)),
        ("of another version", |item| {
            item.version = Some(Version(Nonce(1)));
            matches!(item.fact, Fact::Tag(_))
        }),
        ("longer", |item| match &mut item.fact {
            Fact::Manifest(ManifestRecord { size, .. })
            | Fact::Content(ContentRecord { size, .. })
            | Fact::Grant(GrantRecord { size, .. })
            | Fact::Tag(TagRecord { size, .. }) => {
                *size += 1;
                true
            }
            _ => false,
        }),
        ("in another place", |item| match &mut item.fact {
            Fact::Content(ContentRecord { object, .. })
            | Fact::Grant(GrantRecord { object: Some(object), .. }) => {
                *object = ObjectKey::upload(Nonce(1));
                true
            }
            _ => false,
        }),
    ];
    let whole = world.snapshot().await;
    let mut seen = String::new();
    for key in whole.rows.keys() {
        for (change, made) in changes {
            let mut snapshot = whole.clone();
            if snapshot.rows.get_mut(key).is_some_and(made) {
                seen += &format!("{key:?} {change}: {}\n", broken(&snapshot));
            }
        }
    }
    assert_reads(
        &world.shown(&seen),
        expect![[r#"
        blob#<config> / content of another life: nothing
        blob#<config> / content pending: nothing is left half-way, a live grant has its content
        blob#<config> / content condemned: nothing is left half-way
        blob#<config> / content recycled: a live grant has its content
        blob#<config> / content deleting: a live grant has its content
        blob#<config> / content longer: a live grant has its content, a content has its object
        blob#<config> / content in another place: a live grant has its content, a content has its object, every object is somebody's
        blob#<config> / grant#app of another life: a live grant has its content, a hold is real
        blob#<config> / grant#app pending: nothing is left half-way, a live manifest has its children
        blob#<config> / grant#app condemned: nothing is left half-way
        blob#<config> / grant#app recycled: a live manifest has its children
        blob#<config> / grant#app deleting: a live manifest has its children
        blob#<config> / grant#app longer: a live grant has its content
        blob#<config> / grant#app in another place: a live grant has its content
        blob#<layer> / content of another life: nothing
        blob#<layer> / content pending: nothing is left half-way, a live grant has its content
        blob#<layer> / content condemned: nothing is left half-way
        blob#<layer> / content recycled: a live grant has its content
        blob#<layer> / content deleting: a live grant has its content
        blob#<layer> / content longer: a live grant has its content, a content has its object
        blob#<layer> / content in another place: a live grant has its content, a content has its object, every object is somebody's
        blob#<layer> / grant#app of another life: a live grant has its content, a hold is real
        blob#<layer> / grant#app pending: nothing is left half-way, a live manifest has its children
        blob#<layer> / grant#app condemned: nothing is left half-way
        blob#<layer> / grant#app recycled: a live manifest has its children
        blob#<layer> / grant#app deleting: a live manifest has its children
        blob#<layer> / grant#app longer: a live grant has its content
        blob#<layer> / grant#app in another place: a live grant has its content
        blob#<layer> / grant#other of another life: a live grant has its content, a hold is real
        blob#<layer> / grant#other pending: nothing is left half-way
        blob#<layer> / grant#other condemned: nothing is left half-way
        blob#<layer> / grant#other recycled: nothing
        blob#<layer> / grant#other deleting: nothing
        blob#<layer> / grant#other longer: a live grant has its content
        blob#<layer> / grant#other in another place: a live grant has its content
        manifest#app#<index> / 0#self of another life: a live manifest holds its children, a hold is real
        manifest#app#<index> / 0#self pending: nothing is left half-way
        manifest#app#<index> / 0#self condemned: nothing is left half-way
        manifest#app#<index> / 0#self recycled: nothing
        manifest#app#<index> / 0#self deleting: nothing
        manifest#app#<index> / 0#self longer: a live manifest has its bytes
        manifest#app#<long> / 0#self of another life: nothing
        manifest#app#<long> / 0#self pending: nothing is left half-way
        manifest#app#<long> / 0#self condemned: nothing is left half-way
        manifest#app#<long> / 0#self recycled: nothing
        manifest#app#<long> / 0#self deleting: nothing
        manifest#app#<long> / 0#self longer: a live manifest has its bytes
        manifest#app#<signature> / 0#self of another life: nothing
        manifest#app#<signature> / 0#self pending: nothing is left half-way, a live referrer is listed under its subject
        manifest#app#<signature> / 0#self condemned: nothing is left half-way
        manifest#app#<signature> / 0#self recycled: a live referrer is listed under its subject
        manifest#app#<signature> / 0#self deleting: a live referrer is listed under its subject
        manifest#app#<signature> / 0#self longer: a live manifest has its bytes
        manifest#app#<image> / 0#self of another life: a live manifest holds its children, a tag holds its target, a hold is real
        manifest#app#<image> / 0#self pending: nothing is left half-way, a tag holds its target, a live manifest has its children
        manifest#app#<image> / 0#self condemned: nothing is left half-way
        manifest#app#<image> / 0#self recycled: a tag holds its target, a live manifest has its children
        manifest#app#<image> / 0#self deleting: a tag holds its target, a live manifest has its children
        manifest#app#<image> / 0#self longer: a live manifest has its bytes, a tag holds its target
        manifest#app#<gone> / 0#self of another life: a hold is real
        manifest#app#<gone> / 0#self pending: nothing is left half-way
        manifest#app#<gone> / 0#self condemned: nothing is left half-way
        manifest#app#<gone> / 0#self recycled: nothing
        manifest#app#<gone> / 0#self deleting: nothing
        manifest#app#<gone> / 0#self longer: a live manifest has its bytes
        repo#app / tag#v1 of another version: a tag holds its target, a hold is real
        repo#app / tag#v1 longer: a tag holds its target
    "#]],
    );
    world.end().await;
}

#[tokio::test]
async fn what_is_given_up_is_not_in_use() {
    let world = some_world().await;
    let mut snapshot = world.snapshot().await;
    for key in snapshot.objects.clone().into_keys() {
        let trash = Fact::Trash(TrashRecord { since: Timestamp(0), parts_id: None, deleted: false });
        snapshot.rows.insert(Key::trash(&key), Item::once(Key::trash(&key), trash));
    }
    assert_eq!(broken(&snapshot), "a content has its object");
    world.end().await;
}

fn in_node(item: &mut Item, change: impl FnOnce(&mut Node)) -> bool {
    item.fact.node_mut().map(change).is_some()
}
