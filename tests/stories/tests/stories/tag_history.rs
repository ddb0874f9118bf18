//! Where a tag pointed, and when: written by the collector, kept when the tag goes.

use std::time::Duration;

use moorage_oci::media_type::OCI_INDEX;
use moorage_ports::{Cursor, Fact};
use moorage_stories::{Content, assert_reads, expect};

use crate::World;

const HOUR: Duration = Duration::from_secs(60 * 60);
const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Points `tag` to each of these, an hour apart.
async fn point(world: &World, tag: &str, manifests: &[&Content]) {
    for manifest in manifests {
        world.push("app", tag, manifest).await;
        world.clock().advance(HOUR);
    }
}

/// A page of a history, one line each; and where the next one is.
async fn page(world: &World, path: &str) -> (Vec<String>, Option<String>) {
    let answer = world.ask(format!("GET {path}")).await;
    answer.is(200);
    let index = answer.json();
    let lines = index["manifests"].as_array().expect("a list").iter().map(|line| {
        let said = |what: &str| {
            let said = &line["annotations"][format!("org.opencontainers.distribution.tag.{what}")];
            said.as_str().expect("a text").to_owned()
        };
        let digest = world.shown(line["digest"].as_str().expect("a digest"));
        // The feed's clock is not the story's everywhere.
        let at =
            if World::is_aws() && said("event") == "deleted" { String::new() } else { said("timestamp") };
        format!("{} {digest} {at}", said("event"))
    });
    (lines.collect(), answer.next().map(str::to_owned))
}

async fn history(world: &World, tag: &str) -> Vec<String> {
    page(world, &format!("/v2/app/_oci/tag-history/{tag}")).await.0
}

fn created(name: &str, hour: u64) -> String {
    format!("created <{name}> 2026-01-01T{hour:02}:00:00.000Z")
}

fn deleted(name: &str, hour: u64) -> String {
    let at = if World::is_aws() { String::new() } else { format!("2026-01-01T{hour:02}:00:00.000Z") };
    format!("deleted <{name}> {at}")
}

/// How many lines are stored.
async fn lines_stored(world: &World) -> usize {
    let rows = world.snapshot().await.rows;
    rows.values().filter(|item| matches!(item.fact, Fact::TagHistory(_))).count()
}

/// One query, whatever the tag has been through.
#[tokio::test]
async fn a_tag_that_moved() {
    let world = World::new().await;
    let (old, new) = (world.bare("old"), world.bare("new"));
    point(&world, "v1", &[&old, &new]).await;
    point(&world, "v1.0", &[&old]).await;
    world.collect().await;
    // Where it points already is no event.
    point(&world, "v1", &[&new]).await;
    world.collect().await;
    let answer = world.ask("GET /v2/app/_oci/tag-history/v1").await;
    answer.is(200).costs(expect!["1 table (1 query)"]);
    assert_eq!(answer.header("content-type"), OCI_INDEX);
    let index = answer.json();
    assert_eq!((&index["schemaVersion"], &index["mediaType"]), (&2.into(), &OCI_INDEX.into()));
    assert_eq!(index["manifests"][0]["size"], new.bytes.len());
    assert_eq!(index["manifests"][0]["mediaType"], new.media_type);
    assert_eq!(history(&world, "v1").await, [created("new", 1), created("old", 0)]);
    let tags = world.ask("GET /v2/app/tags/list").await.json()["tags"].to_string();
    assert_eq!(tags, r#"["v1","v1.0"]"#);
    world.end().await;
}

/// By itself, and with its manifest; and how it came back.
#[tokio::test]
async fn a_tag_that_was_deleted() {
    let world = World::new().await;
    let bare = world.bare("bare");
    point(&world, "v1", &[&bare]).await;
    world.ask("DELETE /v2/app/manifests/v1").await.is(202);
    // Whenever a collector reads of it.
    world.clock().advance(HOUR);
    world.collect().await;
    point(&world, "v1", &[&bare]).await;
    world.ask("DELETE /v2/app/manifests/<bare>").await.is(202);
    world.collect().await;
    world.clock().advance(HOUR);
    world.ask("POST /v2/app/_moorage/recycle-bin/<bare>").await.is(200);
    world.collect().await;
    let expected =
        [created("bare", 4), deleted("bare", 3), created("bare", 2), deleted("bare", 1), created("bare", 0)];
    assert_eq!(history(&world, "v1").await, expected);
    world.end().await;
}

/// What was deleted for good is in it all the same.
#[tokio::test]
async fn a_manifest_that_is_gone() {
    let world = World::new().await;
    world.push_image("app", "v1").await;
    world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
    world.collect_for(30 * 24 * HOUR).await;
    world.ask("GET /v2/app/manifests/<image>").await.is(404);
    assert_eq!(history(&world, "v1").await, [deleted("image", 0), created("image", 0)]);
    world.end().await;
}

/// Twice, and in another order.
#[tokio::test]
async fn changes_that_are_told_again() {
    let world = World::new().await;
    let (one, two) = (world.bare("one"), world.bare("two"));
    for _ in 0..3 {
        point(&world, "v1", &[&one, &two]).await;
        world.ask("DELETE /v2/app/manifests/v1").await.is(202);
        world.clock().advance(HOUR);
    }
    let first = world.collect().await;
    let before = world.snapshot().await.rows;
    let told = world.ports().table.changes(&Cursor::default(), 1000).await.expect("the feed");
    world.clock().advance(HOUR);
    let mut changes = told.changes;
    changes.reverse();
    first.heed(&changes).await.expect("it can be written");
    changes.extend(changes.clone());
    world.collector().heed(&changes).await.expect("it can be written");
    let after = world.snapshot().await.rows;
    let history = |rows: &std::collections::BTreeMap<_, moorage_ports::Item>| {
        let lines = rows.values().filter(|item| matches!(item.fact, Fact::TagHistory(_)));
        lines.cloned().collect::<Vec<_>>()
    };
    assert_eq!(history(&before).len(), 9);
    assert_eq!(history(&after), history(&before));
    world.end().await;
}

/// Two moves in one millisecond are two lines.
#[tokio::test]
async fn a_tag_that_moves_fast() {
    let world = World::new().await;
    for at in 0..5 {
        world.push("app", "v1", &world.bare(&format!("bare {at}"))).await;
    }
    world.collect().await;
    assert_eq!(history(&world, "v1").await.len(), 5);
    world.end().await;
}

#[tokio::test]
async fn page_by_page() {
    let world = World::new().await;
    let (one, two) = (world.bare("one"), world.bare("two"));
    point(&world, "v1", &[&one, &two, &one, &two, &one]).await;
    world.collect().await;
    let mut seen = String::new();
    for query in [
        "?n=2",
        "?n=0",
        "?n=9",
        "?before=2026-01-01T02:00:00Z",
        "?before=2026-01-01T04:00:00.000000001%2B02:00",
        "?since=2026-01-01T02:00:00Z",
        "?since=2026-01-01T00:00:00Z&before=2026-01-01T03:00:00Z&n=1",
        "?digest=<two>",
        "?digest=<two>&n=1",
        "?since=2027-01-01T00:00:00Z",
    ] {
        seen += &format!("{query}\n");
        let mut path = Some(format!("/v2/app/_oci/tag-history/v1{query}"));
        while let Some(at) = path {
            let (lines, next) = page(&world, &at).await;
            // A page may be empty, and be followed by more.
            if !lines.is_empty() {
                seen += &format!("  {}\n", lines.join(", "));
            }
            path = next;
        }
    }
    assert_reads(
        &world.shown(&seen),
        expect![[r#"
            ?n=2
              created <one> 2026-01-01T04:00:00.000Z, created <two> 2026-01-01T03:00:00.000Z
              created <one> 2026-01-01T02:00:00.000Z, created <two> 2026-01-01T01:00:00.000Z
              created <one> 2026-01-01T00:00:00.000Z
            ?n=0
            ?n=9
              created <one> 2026-01-01T04:00:00.000Z, created <two> 2026-01-01T03:00:00.000Z, created <one> 2026-01-01T02:00:00.000Z, created <two> 2026-01-01T01:00:00.000Z, created <one> 2026-01-01T00:00:00.000Z
            ?before=2026-01-01T02:00:00Z
              created <two> 2026-01-01T01:00:00.000Z, created <one> 2026-01-01T00:00:00.000Z
            ?before=2026-01-01T04:00:00.000000001%2B02:00
              created <one> 2026-01-01T02:00:00.000Z, created <two> 2026-01-01T01:00:00.000Z, created <one> 2026-01-01T00:00:00.000Z
            ?since=2026-01-01T02:00:00Z
              created <one> 2026-01-01T04:00:00.000Z, created <two> 2026-01-01T03:00:00.000Z
            ?since=2026-01-01T00:00:00Z&before=2026-01-01T03:00:00Z&n=1
              created <one> 2026-01-01T02:00:00.000Z
              created <two> 2026-01-01T01:00:00.000Z
            ?digest=<two>
              created <two> 2026-01-01T03:00:00.000Z, created <two> 2026-01-01T01:00:00.000Z
            ?digest=<two>&n=1
              created <two> 2026-01-01T03:00:00.000Z
              created <two> 2026-01-01T01:00:00.000Z
            ?since=2027-01-01T00:00:00Z
        "#]],
    );
    world.end().await;
}

#[tokio::test]
async fn what_has_none() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.push("app", "v1", &bare).await;
    world.collect().await;
    for path in ["app/_oci/tag-history/v2", "nobody/_oci/tag-history/v1"] {
        let answer = world.ask(format!("GET /v2/{path}")).await;
        assert_eq!(answer.is(200).json()["manifests"].as_array().map(Vec::len), Some(0), "{path}");
    }
    for (query, code) in [
        ("v1?n=x", "UNSUPPORTED"),
        ("v1?before=yesterday", "UNSUPPORTED"),
        ("v1?since=", "UNSUPPORTED"),
        ("v1?last=x", "UNSUPPORTED"),
        ("v1?digest=x", "DIGEST_INVALID"),
        ("-v1", "MANIFEST_INVALID"),
    ] {
        world.ask(format!("GET /v2/app/_oci/tag-history/{query}")).await.is_refused(400, code);
    }
    world.ask("GET /v2/App/_oci/tag-history/v1").await.is_refused(400, "NAME_INVALID");
    world.ask("DELETE /v2/app/_oci/tag-history/v1").await.is_refused(405, "UNSUPPORTED");
    world.ask("GET /v2/app/_oci/tag-history").await.is_refused(404, "NAME_UNKNOWN");
    world.end().await;
}

/// After a year, when other tags of the repository move.
#[tokio::test]
async fn old_lines_go() {
    let world = World::new().await;
    let (one, two) = (world.bare("one"), world.bare("two"));
    for build in 0..20 {
        point(&world, &format!("build-{build:02}"), &[&one]).await;
    }
    world.collect().await;
    assert_eq!(lines_stored(&world).await, 20);
    world.clock().advance(YEAR);
    for (build, left) in [(20, 13), (21, 6), (22, 3), (23, 4)] {
        point(&world, &format!("build-{build}"), &[&two]).await;
        world.collect().await;
        assert_eq!(lines_stored(&world).await, left, "after {build}");
    }
    world.end().await;
}
