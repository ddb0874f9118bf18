//! What HEAD reported to somebody who may push is there for the manifest push that follows: for at least the
//! grace.

use std::time::Duration;

use moorage_http::Access;
use moorage_ports::facts::State;
use moorage_ports::{Durability, Expect, Fact, Item, Key};
use moorage_stories::expect;

use crate::World;

const HOUR: Duration = Duration::from_secs(60 * 60);

const HEADS: [&str; 2] = ["HEAD /v2/app/blobs/<layer>", "HEAD /v2/app/manifests/<image>"];

/// The records that these ask for.
fn nodes(world: &World) -> [Key; 2] {
    let digest = |name: &str| world.filled(name).parse().expect("a digest");
    let app = "app".parse().expect("a name");
    [Key::grant(&app, &digest("<layer>")), Key::manifest(&app, &digest("<image>"))]
}

async fn read(world: &World, key: &Key) -> Item {
    world.ports().table.get(key).await.expect("it can be read").expect("it is there")
}

/// Hours from now for which a node is kept.
async fn hours_left(world: &World, key: &Key) -> u64 {
    let item = read(world, key).await;
    item.fact.node().expect("a node").keep_until.since_ms(world.now()) / 3_600_000
}

/// As a collector sets it.
async fn set_state(world: &World, key: &Key, state: State) {
    let mut item = read(world, key).await;
    match &mut item.fact {
        Fact::Grant(grant) => grant.node.state = state,
        Fact::Manifest(manifest) => manifest.node.state = state,
        _ => panic!("not a node that is asked for"),
    }
    let table = world.ports().table;
    table.put(item, Expect::Anything, Durability::OnAnswer).await.expect("it can be written");
}

/// At first twice the grace; moved on when less than the grace is left, once.
#[tokio::test]
async fn for_the_grace() {
    for which in [0, 1] {
        let world = World::new().await;
        world.push_image("app", "v1").await;
        let (head, node) = (HEADS[which], &nodes(&world)[which]);
        let mut seen = String::new();
        for hours in [0, 24, 1, 0, 24, 1] {
            world.clock().advance(HOUR * hours);
            let before = hours_left(&world, node).await;
            let answer = world.ask(head).await;
            let after = hours_left(&world, node).await;
            seen += &format!("{before} h left, then {after} h: {}\n", answer.is(200).calls);
        }
        moorage_stories::assert_reads(
            &seen,
            expect![[r#"
            48 h left, then 48 h: 1 table (1 get)
            24 h left, then 24 h: 1 table (1 get)
            23 h left, then 48 h: 2 table (1 get, 1 keep_until)
            48 h left, then 48 h: 1 table (1 get)
            24 h left, then 24 h: 1 table (1 get)
            23 h left, then 48 h: 2 table (1 get, 1 keep_until)
        "#]],
        );
        world.end().await;
    }
}

/// By a tag nothing is promised, and a GET never writes.
#[tokio::test]
async fn not_by_a_tag_and_not_by_get() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    world.clock().advance(HOUR * 40);
    let before = world.snapshot().await;
    for (line, cost) in [
        ("HEAD /v2/app/manifests/v1", "1 table (1 get)"),
        ("GET /v2/app/manifests/v1", "2 table (1 get, 1 query)"),
        ("GET /v2/app/manifests/<image>", "1 table (1 query)"),
        ("GET /v2/app/blobs/<layer>", "1 table (1 get), 1 blob (1 get)"),
    ] {
        assert_eq!(world.ask(line).await.is(200).calls.to_string(), cost, "{line}");
    }
    assert_eq!(world.snapshot().await.rows, before.rows);
    world.end().await;
}

/// Nobody may push: nobody relies on the answer.
#[tokio::test]
async fn not_where_nobody_may_push() {
    let mut world = World::new().await;
    world.push_image("app", "v1").await;
    world.restart_with(|setup| setup.access = Access::PullOnly).await;
    world.clock().advance(HOUR * 40);
    let before = world.snapshot().await;
    for head in HEADS {
        world.ask(head).await.is(200).costs(expect!["1 table (1 get)"]);
    }
    assert_eq!(world.snapshot().await.rows, before.rows);
    world.end().await;
}

/// A collector was about to take it.
#[tokio::test]
async fn though_it_was_condemned() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    for (head, node) in HEADS.into_iter().zip(nodes(&world)) {
        set_state(&world, &node, State::Condemned).await;
        let version = read(&world, &node).await.version;
        world.ask(head).await.is(200).costs(expect!["2 table (1 get, 1 keep_until)"]);
        let now = read(&world, &node).await;
        assert_eq!(now.fact.node().map(|node| node.state), Some(State::Live));
        // The collector's next step, on the version that it read, comes too late.
        assert_ne!(now.version, version);
    }
    world.end().await;
}

/// It is going, and nothing brings it back.
#[tokio::test]
async fn not_once_it_goes() {
    for state in [State::Deleting, State::Recycled] {
        for (head, which) in HEADS.into_iter().zip(0..) {
            let world = World::new().await;
            world.push_image("app", "v1").await;
            let node = &nodes(&world)[which];
            let was = read(&world, node).await;
            set_state(&world, node, state).await;
            world.clock().advance(HOUR * 40);
            let before = world.snapshot().await;
            world.ask(head).await.is(404);
            assert_eq!(world.snapshot().await.rows, before.rows, "{head}, {state:?}");
            // A world ends as one that nobody has tampered with.
            let table = world.ports().table;
            table.put(was, Expect::Anything, Durability::OnAnswer).await.expect("it can be written");
            world.end().await;
        }
    }
}
