//! Searching: what was pushed is found by what it is, once a collector has read of it; what is deleted is found no more,
//! at once.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use std::collections::BTreeSet;
use std::time::Duration;

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::limits::BATCH_WRITE_ITEMS_MAX;
use moorage_ports::{Action, Expect, Fact, Item, Key, SearchPlace, SearchScope, SearchTerm, Timestamp};
use moorage_stories::{Content, assert_reads, expect};
use serde_json::json;

use crate::World;

const HOUR: Duration = Duration::from_secs(60 * 60);
const NOTE: &str = "application/vnd.example.note";

/// What one page finds, and where the next one is.
async fn page(world: &World, path: &str) -> (Vec<String>, Option<String>) {
    let answer = world.ask(format!("GET {path}")).await;
    answer.is(200);
    let found = answer.json();
    let found = found["results"].as_array().expect("a list").iter().map(|result| {
        let said = |what: &str| result[what].as_str().expect("a text");
        world.shown(&format!("{}@{}", said("repository"), said("digest")))
    });
    (found.collect(), answer.next().map(str::to_owned))
}

/// What all pages find, one after the other; each has as many as were asked for at most.
async fn pages(world: &World, path: &str, most: usize) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let (some, after) = page(world, &path).await;
        assert!(some.len() <= most, "{path}: {some:?}");
        found.extend(some);
        next = after;
    }
    found
}

async fn found(world: &World, query: &str) -> Vec<String> {
    page(world, &format!("/v2/_moorage/search{query}")).await.0
}

fn note(world: &World, name: &str, annotations: &serde_json::Value) -> Content {
    world.bare_with(name, json!({ "artifactType": NOTE, "annotations": annotations }))
}

/// An image for one platform.
async fn push_image(world: &World, name: &str, config: &serde_json::Value) -> Content {
    let config = world.blob_of(&format!("config of {name}"), config.to_string());
    world.push_blobs("team/app", &[&config]).await;
    let image = world.image(name, &config, &[]);
    world.push_untagged("team/app", &image).await;
    world.clock().advance(HOUR);
    image
}

/// Three repositories with a bit of everything, an hour apart.
async fn filled() -> World {
    let world = World::new().await;
    let labelled = json!({ "Labels": { "team": "blue", "a=b": "c" } });
    let amd = json!({ "os": "linux", "architecture": "amd64", "config": labelled });
    let arm = json!({ "os": "linux", "architecture": "arm", "variant": "v7" });
    let amd = push_image(&world, "amd64", &amd).await;
    let arm = push_image(&world, "arm", &arm).await;
    let entry = |image: &Content, platform| image.descriptor_with(json!({ "platform": platform }));
    let both = world.index_of(
        "both",
        &[
            entry(&amd, json!({ "os": "linux", "architecture": "amd64" })),
            entry(&arm, json!({ "os": "linux", "architecture": "arm", "variant": "v7" })),
        ],
    );
    world.push("team/app", "v1", &both).await;
    world.clock().advance(HOUR);
    let red = note(&world, "red note", &json!({ "colour": "red", "number": "1" }));
    let blue = note(&world, "blue note", &json!({ "colour": "blue", "number": "1", "a=b": "c d" }));
    for (repository, tag, manifest) in
        [("notes", "red", &red), ("notes", "blue", &blue), ("team/notes", "red", &red)]
    {
        world.push(repository, tag, manifest).await;
        world.clock().advance(HOUR);
    }
    world.collect().await;
    world
}

#[tokio::test]
async fn what_is_found_by_what() {
    let world = filled().await;
    let mut seen = String::new();
    for query in [
        "",
        "?type=application/vnd.example.note",
        "?type=application%2Fvnd.example.note&annotation=colour=red",
        "?type=application/vnd.example.other",
        "?platform=linux/amd64",
        "?platform=linux/arm",
        "?platform=linux/arm/v7",
        "?platform=linux/arm/v6",
        "?platform=linux/a",
        "?annotation=colour=red",
        "?annotation=colour=red&annotation=number=1",
        "?annotation=colour=red&annotation=number=2",
        "?annotation=a=b=c%20d",
        "?annotation=colour=",
        "?label=team=blue",
        "?label=team=blue&label=a=b=c",
        "?label=team=red",
        "?since=2026-01-01T04:00:00Z",
        "?before=2026-01-01T02:00:00Z",
        "?since=2026-01-01T00:00:00Z&before=2026-01-01T04:00:00Z&platform=linux/arm",
        "?since=2026-01-01T04:00:00Z&before=2026-01-01T04:00:00.5Z",
        "?since=2027-01-01T00:00:00Z",
    ] {
        seen += &format!("{query}\n");
        found(&world, query).await.iter().for_each(|it| seen += &format!("  {it}\n"));
    }
    for path in ["/v2/notes/_moorage/search", "/v2/notes/_moorage/search?annotation=colour=red"] {
        seen += &format!("{path}\n");
        page(&world, path).await.0.iter().for_each(|it| seen += &format!("  {it}\n"));
    }
    assert_reads(
        &seen,
        expect![[r#"

          team/notes@<red note>
          notes@<blue note>
          notes@<red note>
          team/app@<both>
          team/app@<arm>
          team/app@<amd64>
        ?type=application/vnd.example.note
          team/notes@<red note>
          notes@<blue note>
          notes@<red note>
        ?type=application%2Fvnd.example.note&annotation=colour=red
          team/notes@<red note>
          notes@<red note>
        ?type=application/vnd.example.other
        ?platform=linux/amd64
          team/app@<both>
          team/app@<amd64>
        ?platform=linux/arm
          team/app@<both>
          team/app@<arm>
        ?platform=linux/arm/v7
          team/app@<both>
          team/app@<arm>
        ?platform=linux/arm/v6
        ?platform=linux/a
        ?annotation=colour=red
          team/notes@<red note>
          notes@<red note>
        ?annotation=colour=red&annotation=number=1
          team/notes@<red note>
          notes@<red note>
        ?annotation=colour=red&annotation=number=2
        ?annotation=a=b=c%20d
          notes@<blue note>
        ?annotation=colour=
        ?label=team=blue
          team/app@<amd64>
        ?label=team=blue&label=a=b=c
          team/app@<amd64>
        ?label=team=red
        ?since=2026-01-01T04:00:00Z
          team/notes@<red note>
        ?before=2026-01-01T02:00:00Z
          team/app@<arm>
          team/app@<amd64>
        ?since=2026-01-01T00:00:00Z&before=2026-01-01T04:00:00Z&platform=linux/arm
          team/app@<both>
          team/app@<arm>
        ?since=2026-01-01T04:00:00Z&before=2026-01-01T04:00:00.5Z
        ?since=2027-01-01T00:00:00Z
        /v2/notes/_moorage/search
          notes@<blue note>
          notes@<red note>
        /v2/notes/_moorage/search?annotation=colour=red
          notes@<red note>
    "#]],
    );
    world.end().await;
}

#[tokio::test]
async fn what_is_said_of_a_manifest() {
    let world = filled().await;
    world.ask("GET /v2/team/app/_moorage/search?platform=linux/amd64").await.shows(expect![[r#"
        200 OK
        content-length: 716
        content-type: application/json

        {"results":[{"repository":"team/app","digest":"<both>","mediaType":"application/vnd.oci.image.index.v1+json","artifactType":"application/vnd.oci.image.index.v1+json","size":534,"pushed":"2026-01-01T02:00:00.000Z","platforms":["linux/amd64","linux/arm/v7"],"annotations":{"name":"both"},"labels":{}},{"repository":"team/app","digest":"<amd64>","mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.oci.image.config.v1+json","size":247,"pushed":"2026-01-01T00:00:00.000Z","platforms":["linux/amd64"],"annotations":{},"labels":{"a=b":"c","team":"blue"}}]}
    "#]]);
    let long = world.bare_with("long", json!({ "annotations": { "b": "x".repeat(9000), "a": "1" } }));
    world.push("long", "v1", &long).await;
    world.collect().await;
    let answer = world.ask("GET /v2/long/_moorage/search").await.json();
    assert_eq!(answer["results"][0]["incomplete"], true);
    assert_eq!(answer["results"][0]["annotations"], json!({ "a": "1" }));
    world.end().await;
}

/// Whatever the size of a page, and wherever it is looked.
#[tokio::test]
async fn page_by_page() {
    let world = World::new().await;
    let mut pushed = Vec::new();
    for number in 0..20 {
        let repository = ["app", "app/more", "app-more"][number % 3];
        let bare = world.bare(&format!("number {number:02}"));
        world.push_untagged(repository, &bare).await;
        pushed.push(format!("{repository}@<number {number:02}>"));
        // Some come in one moment.
        if number % 4 == 0 {
            world.clock().advance(HOUR);
        }
    }
    world.collect().await;
    let all = found(&world, "").await;
    assert_eq!(all.iter().collect::<BTreeSet<_>>(), pushed.iter().collect());
    assert_eq!(all.len(), pushed.len());
    for n in 1..=7 {
        assert_eq!(pages(&world, &format!("/v2/_moorage/search?n={n}"), n).await, all, "n={n}");
        let path = format!("/v2/app/_moorage/search?n={n}&type=application/vnd.example");
        let of_app: Vec<&String> = all.iter().filter(|it| it.starts_with("app@")).collect();
        assert_eq!(pages(&world, &path, n).await.iter().collect::<Vec<_>>(), of_app, "n={n}");
    }
    assert_eq!(found(&world, "?n=20").await, all);
    assert_eq!(page(&world, "/v2/_moorage/search?n=20").await.1, None, "nothing follows");
    assert_eq!(page(&world, "/v2/_moorage/search?n=0").await, (Vec::new(), None));
    world.end().await;
}

/// All that was asked for stays, as it was.
#[tokio::test]
async fn the_link_to_the_next_page() {
    let world = filled().await;
    let query = "?n=1&annotation=colour=red&annotation=number%3D1&type=application/vnd.example.note&since=2026-01-01T00:00:00%2B00:00";
    let (first, next) = page(&world, &format!("/v2/_moorage/search{query}")).await;
    assert_eq!(first, ["team/notes@<red note>"]);
    let next = next.expect("a second page");
    let (kept, last) = next.rsplit_once('&').expect("parameters");
    let expected = "/v2/_moorage/search?n=1&annotation=colour%3Dred&annotation=number%3D1&type=application%2Fvnd.example.note\
                    &since=2026-01-01T00%3A00%3A00%2B00%3A00";
    assert_eq!(kept, expected);
    assert!(last.starts_with("last=") && last.contains("%23team%2Fnotes%23sha256%3A"), "{last}");
    assert_eq!(page(&world, &next).await, (vec!["notes@<red note>".to_owned()], None));
    world.end().await;
}

/// No collector needs to know of it.
#[tokio::test]
async fn what_is_deleted_is_not_found() {
    let world = filled().await;
    let red = ["team/notes@<red note>", "notes@<red note>"];
    assert_eq!(found(&world, "?annotation=colour=red").await, red);
    world.ask("DELETE /v2/notes/manifests/<red note>").await.is(202);
    assert_eq!(found(&world, "?annotation=colour=red").await, red[..1]);
    world.collect().await;
    assert_eq!(found(&world, "?annotation=colour=red").await, red[..1]);
    world.ask("POST /v2/notes/_moorage/recycle-bin/<red note>").await.is(200);
    assert_eq!(found(&world, "?annotation=colour=red").await, red);
    world.ask("DELETE /v2/notes/manifests/<red note>").await.is(202);
    world.ask("DELETE /v2/notes/_moorage/recycle-bin/<red note>").await.is(202);
    assert_eq!(found(&world, "?annotation=colour=red").await, red[..1]);
    world.collect().await;
    assert_eq!(found(&world, "?annotation=colour=red").await, red[..1]);
    world.end().await;
}

/// Once, and as what is new.
#[tokio::test]
async fn what_is_pushed_again_after_it_was_collected() {
    for read_between in [true, false] {
        pushed_again(read_between).await;
    }
}

async fn pushed_again(read_between: bool) {
    let world = filled().await;
    let red = world.ask("GET /v2/notes/manifests/red").await;
    world.ask("DELETE /v2/notes/manifests/<red note>").await.is(202);
    world.ask("DELETE /v2/notes/_moorage/recycle-bin/<red note>").await.is(202);
    // Also where a collector reads of both at once.
    if read_between {
        world.collect().await;
    }
    let pushed = world.ask("PUT /v2/notes/manifests/red").body(red.body.clone());
    pushed.header("content-type", red.header("content-type")).await.is(201);
    world.collect().await;
    assert_eq!(found(&world, "?annotation=colour=red").await, ["notes@<red note>", "team/notes@<red note>"]);
    assert_eq!(found(&world, "").await.first().map(String::as_str), Some("notes@<red note>"));
    world.end().await;
}

/// What is there already is not newer for that.
#[tokio::test]
async fn what_is_pushed_twice() {
    let world = filled().await;
    let before = found(&world, "").await;
    let red = world.ask("GET /v2/notes/manifests/red").await;
    let pushed = world.ask("PUT /v2/notes/manifests/again").body(red.body.clone());
    pushed.header("content-type", red.header("content-type")).await.is(201);
    world.collect().await;
    assert_eq!(found(&world, "").await, before);
    world.end().await;
}

/// Entries under `all`, in their repository and in a shard, of manifests that are not there: as a race leaves them behind.
fn left_behind(repository: &str, count: u16) -> Vec<Item> {
    let repository: RepositoryName = repository.parse().expect("a name");
    let entries = (0..count).flat_map(|number| {
        let digest = Digest::sha256(&number.to_be_bytes());
        let scopes = [SearchScope::shard_of(&repository, &digest), SearchScope::Repository(&repository)];
        let place = SearchPlace {
            pushed: Timestamp(number.into()),
            repository: repository.clone(),
            digest: digest.clone(),
        };
        scopes.map(|scope| Key::search_entry(scope, &SearchTerm::all(), &place))
    });
    entries.map(|key| Item::once(key, Fact::SearchEntry)).collect()
}

async fn write(world: &World, items: &[Item], action: fn(Item) -> Action) {
    for some in items.chunks(BATCH_WRITE_ITEMS_MAX) {
        let some = some.iter().cloned().map(action).collect();
        world.ports().table.batch_write(some).await.expect("it can be written");
    }
}

async fn put(world: &World, items: &[Item]) {
    write(world, items, |item| Action::Put(item, Expect::Anything)).await;
}

async fn remove(world: &World, items: &[Item]) {
    write(world, items, |item| Action::Delete(item.key, Expect::Anything)).await;
}

/// It is short, or empty, and says where to go on.
#[tokio::test]
async fn a_page_looks_at_so_many_candidates_and_no_more() {
    let world = filled().await;
    let entries = left_behind("notes", 700);
    put(&world, &entries).await;
    for path in ["/v2/notes/_moorage/search", "/v2/_moorage/search?label=team=red"] {
        let answer = world.ask(format!("GET {path}")).await;
        assert!(answer.is(200).next().is_some(), "{path}");
        assert!(answer.calls.table() < 100, "{path}: {}", answer.calls);
    }
    assert_eq!(found(&world, "?label=team=red").await, [""; 0]);
    let (first, next) = page(&world, "/v2/notes/_moorage/search").await;
    assert_eq!(first, ["notes@<blue note>", "notes@<red note>"]);
    assert_eq!(page(&world, &next.expect("a second page")).await, (Vec::new(), None));
    assert_eq!(pages(&world, "/v2/_moorage/search?n=3", 3).await.len(), 6);
    remove(&world, &entries).await;
    world.end().await;
}

/// One query in a repository, one for each shard across all, and one read of what they name; several, each of more, where
/// candidates are not what is searched for.
#[tokio::test]
async fn a_page_costs_the_same_whatever_there_is() {
    let world = World::new().await;
    for number in 0..10 {
        world.push_untagged("app", &world.bare(&format!("number {number}"))).await;
        world.clock().advance(HOUR);
    }
    world.collect().await;
    let entries = left_behind("app", 2000);
    let mut seen = Vec::new();
    for more in [&[], entries.as_slice()] {
        put(&world, more).await;
        let mut costs = String::new();
        for path in [
            "/v2/_moorage/search?n=5",
            "/v2/_moorage/search?n=5&type=application/vnd.example",
            "/v2/app/_moorage/search?n=5",
            "/v2/app/_moorage/search?n=5&annotation=name=number%203",
            "/v2/app/_moorage/search?n=5&type=application/vnd.example.other",
            "/v2/app/_moorage/search?n=5&since=2026-01-01T06:00:00Z",
        ] {
            let answer = world.ask(format!("GET {path}")).await;
            costs += &format!("{path}\n  {}\n", answer.is(200).calls);
        }
        seen.push(costs);
    }
    assert_eq!(seen[0], seen[1], "with 10, and with 2,000 more");
    assert_reads(
        &seen[0],
        expect![[r#"
        /v2/_moorage/search?n=5
          9 table (1 batch_get of 10, 8 query)
        /v2/_moorage/search?n=5&type=application/vnd.example
          9 table (1 batch_get of 10, 8 query)
        /v2/app/_moorage/search?n=5
          2 table (1 batch_get of 10, 1 query)
        /v2/app/_moorage/search?n=5&annotation=name=number%203
          2 table (1 batch_get of 2, 1 query)
        /v2/app/_moorage/search?n=5&type=application/vnd.example.other
          1 table (1 query)
        /v2/app/_moorage/search?n=5&since=2026-01-01T06:00:00Z
          2 table (1 batch_get of 6, 1 query)
    "#]],
    );
    remove(&world, &entries).await;
    world.end().await;
}

#[tokio::test]
async fn what_cannot_be_asked() {
    let world = filled().await;
    let mut seen = String::new();
    for query in [
        "types=x",
        "n=1&q=nginx",
        "type=",
        "type=a&type=b",
        "platform=linux",
        "platform=linux/",
        "platform=linux/arm/v7/x",
        "annotation=colour",
        "annotation=",
        "annotation==red",
        "annotation=colour=red&annotation=number",
        "label=team",
        "lead=label",
        "lead=type&platform=linux/arm",
        "since=yesterday",
        "before=2026-01-01",
        "n=x",
        "last=x",
        "last=1#notes#sha256:00",
    ] {
        let query = query.replace('#', "%23");
        let answer = world.ask(format!("GET /v2/_moorage/search?{query}")).await;
        answer.is_refused(400, "UNSUPPORTED");
        seen += &format!("{query}\n  {}\n", answer.message());
    }
    assert_reads(
        &seen,
        expect![[r#"
            types=x
              there is no query parameter `types` here; use type, platform, annotation, label, lead, since, before, n, last
            n=1&q=nginx
              there is no query parameter `q` here; use type, platform, annotation, label, lead, since, before, n, last
            type=
              the query parameter `type` is not valid: expected an artifact type
            type=a&type=b
              the query parameter `type` is not valid: say it once
            platform=linux
              the query parameter `platform` is not valid: expected `<os>/<architecture>` or `<os>/<architecture>/<variant>`, such as linux/arm64, found `linux`
            platform=linux/
              the query parameter `platform` is not valid: expected `<os>/<architecture>` or `<os>/<architecture>/<variant>`, such as linux/arm64, found `linux/`
            platform=linux/arm/v7/x
              the query parameter `platform` is not valid: expected `<os>/<architecture>` or `<os>/<architecture>/<variant>`, such as linux/arm64, found `linux/arm/v7/x`
            annotation=colour
              the query parameter `annotation` is not valid: expected `<name>=<value>`, found `colour`
            annotation=
              the query parameter `annotation` is not valid: expected `<name>=<value>`, found ``
            annotation==red
              the query parameter `annotation` is not valid: expected `<name>=<value>`, found `=red`
            annotation=colour=red&annotation=number
              the query parameter `annotation` is not valid: expected `<name>=<value>`, found `number`
            label=team
              the query parameter `label` is not valid: expected `<name>=<value>`, found `team`
            lead=label
              the query parameter `lead` is not valid: expected annotation, type, platform or all, found `label`
            lead=type&platform=linux/arm
              the query parameter `lead` is not valid: ask for a `type` too: what leads must be one of the criteria, and be able to lead
            since=yesterday
              the query parameter `since` is not valid: expected a time such as 2026-11-26T13:00:00Z, found `yesterday`
            before=2026-01-01
              the query parameter `before` is not valid: expected a time such as 2026-11-26T13:00:00Z, found `2026-01-01`
            n=x
              the query parameter `n` is not valid: expected how many names to list, found `x`
            last=x
              the query parameter `last` is not valid: take it from the Link of the page before
            last=1%23notes%23sha256:00
              the query parameter `last` is not valid: take it from the Link of the page before
        "#]],
    );
    let many = "annotation=a=b&".repeat(33);
    let answer = world.ask(format!("GET /v2/_moorage/search?{many}")).await;
    answer.is_refused(400, "UNSUPPORTED");
    assert_eq!(answer.message(), "the query parameter `annotation` is not valid: say at most 32");
    world.ask("GET /v2/Notes/_moorage/search").await.is_refused(400, "NAME_INVALID");
    for method in ["HEAD", "POST", "PUT", "DELETE"] {
        for path in ["/v2/_moorage/search", "/v2/notes/_moorage/search"] {
            let answer = world.ask(format!("{method} {path}")).await;
            assert_eq!((answer.status(), answer.header("allow")), (405, "GET"), "{method} {path}");
        }
    }
    world.end().await;
}

/// An annotation leads only to those that have it among their first; where something else leads, each counts.
#[tokio::test]
async fn which_criterion_leads() {
    let world = World::new().await;
    let many: serde_json::Map<_, _> = (10..30).map(|n| (format!("a{n}"), json!("x"))).collect();
    world.push("notes", "v1", &note(&world, "many", &json!(many))).await;
    world.collect().await;
    let of_type = format!("?type={NOTE}&annotation=a29=x");
    for (query, is_found) in [
        ("?annotation=a10=x".to_owned(), true),
        (of_type.clone(), false),
        (format!("{of_type}&lead=annotation"), false),
        (format!("{of_type}&lead=type"), true),
        (format!("{of_type}&lead=all"), true),
        (format!("?type={NOTE}&annotation=a29=y&lead=type"), false),
    ] {
        assert_eq!(found(&world, &query).await.len(), usize::from(is_found), "{query}");
    }
    world.end().await;
}

/// A repository that nobody knows has nothing, and neither has a registry that is empty.
#[tokio::test]
async fn where_there_is_nothing() {
    let world = World::new().await;
    for path in ["/v2/_moorage/search", "/v2/nobody/_moorage/search", "/v2/nobody/_moorage/search?type=x&n=1"]
    {
        let answer = world.ask(format!("GET {path}")).await;
        assert_eq!(
            (answer.is(200).header("content-type"), answer.next()),
            ("application/json", None),
            "{path}"
        );
        assert_eq!(answer.json(), json!({ "results": [] }), "{path}");
    }
    world.end().await;
}

/// Nothing is written for it, and whoever asks is told.
#[tokio::test]
async fn a_registry_that_is_not_searched() {
    let world = World::set_up(|setup| setup.settings.search = false).await;
    world.push("app", "v1", &world.bare("bare")).await;
    world.collect().await;
    for path in ["/v2/_moorage/search", "/v2/app/_moorage/search?n=0"] {
        let answer = world.ask(format!("GET {path}")).await;
        answer.is_refused(404, "UNSUPPORTED");
        assert_eq!(answer.message(), "this registry cannot be searched: its owner has switched that off");
    }
    let extensions = world.ask("GET /v2/_oci/ext/discover").await.json().to_string();
    assert!(!extensions.contains("_moorage/search"), "{extensions}");
    let is_searched = |item: &Item| matches!(item.fact, Fact::Searched(_) | Fact::SearchEntry);
    assert!(!world.snapshot().await.rows.values().any(is_searched));
    world.end().await;
}
