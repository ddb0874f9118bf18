//! Artifact types: what a push is held to, by the policies and by the definitions of types.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use std::time::Duration;

use moorage_oci::media_type;
use moorage_stories::{Content, expect};
use serde_json::{Value, json};

use crate::World;

const HELM: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const NOTE: &str = "application/vnd.example.note.v1+json";
const NOTE_TEXT: &str = "application/vnd.example.note.text";

/// A type that nobody has thought of yet.
fn note() -> Value {
    json!({
        "type": NOTE,
        "kind": "manifest",
        "version": "1.0.0",
        "title": { "en": "Note" },
        "config": {
            "mediaTypes": [NOTE],
            "presence": "required",
            "schema": { "type": "object", "required": ["author"], "properties": { "author": { "type": "string" } } },
        },
        "layers": { "of": [{ "mediaTypes": [NOTE_TEXT], "min": 1, "max": 1 }] },
        "logo": "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 8 8\"><circle cx=\"4\" cy=\"4\" r=\"3\"/></svg>",
        "get": "oras pull {registry}/{repository}:{tag}",
    })
}

async fn put_type(world: &World, place: &str, definition: &Value) {
    let line = format!("PUT /v2/{place}_moorage/types/{}", definition["type"].as_str().expect("a type"));
    world.ask(line).body(definition.to_string()).await.is(201);
}

async fn set(world: &World, place: &str, types: &Value) {
    let policy = json!({ "types": types });
    world.ask(format!("PUT /v2/{place}_moorage/policy")).body(policy.to_string()).await.is(204);
}

/// A note with this config and these layers, whose blobs are pushed.
async fn made_note(world: &World, name: &str, config: &Value, layers: &[(&str, &str)]) -> Content {
    let config = world.content(&format!("config of {name}"), NOTE, config.to_string());
    let layer = |(layer, media_type): &(&str, &str)| {
        let layer = format!("{layer} of {name}");
        world.content(&layer, media_type, layer.clone())
    };
    let layers: Vec<Content> = layers.iter().map(layer).collect();
    let blobs: Vec<&Content> = layers.iter().chain([&config]).collect();
    world.push_blobs("app", &blobs).await;
    let layers: Vec<Value> = layers.iter().map(Content::descriptor).collect();
    world.manifest(
        name,
        &json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "config": config.descriptor(),
            "layers": layers,
        }),
    )
}

/// One JSON file, and the registry knows a type that nobody knew.
#[tokio::test]
async fn a_new_type_is_one_file() {
    let world = World::new().await;
    let strict = json!({ "unknown": "deny", "rules": "enforce", "config": "enforce" });
    set(&world, "", &strict).await;
    let good = made_note(&world, "good", &json!({ "author": "me" }), &[("text", NOTE_TEXT)]).await;
    world.ask("PUT /v2/app/manifests/v1").manifest(&good).await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"MANIFEST_INVALID","message":"the artifact is not what its type or this repository's policy demands: the whole: found application/vnd.example.note.v1+json, expected a type with a definition; see GET /v2/_moorage/types","detail":{"reasons":[{"within":"manifest","pointer":"","rule":"type-unknown","found":"application/vnd.example.note.v1+json","expected":"a type with a definition; see GET /v2/_moorage/types"}]}}]}
    "#]]);
    put_type(&world, "", &note()).await;
    world.clock().advance(Duration::from_secs(5));
    world.ask("PUT /v2/app/manifests/v1").manifest(&good).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <good>
        location: /v2/app/manifests/<good>
    "#]]);
    let bad = made_note(&world, "bad", &json!({ "author": 7 }), &[("text", NOTE_TEXT)]).await;
    world.ask("PUT /v2/app/manifests/v2").manifest(&bad).await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"MANIFEST_INVALID","message":"the artifact is not what its type or this repository's policy demands: config /author: found 7, expected a value of type string","detail":{"reasons":[{"within":"config","pointer":"/author","rule":"config-content","found":"7","expected":"a value of type string"}]}}]}
    "#]]);
    let worse = made_note(
        &world,
        "worse",
        &json!({}),
        &[("text", NOTE_TEXT), ("more", NOTE_TEXT), ("strange", "a/b")],
    )
    .await;
    world.ask("PUT /v2/app/manifests/v2").manifest(&worse).await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"MANIFEST_INVALID","message":"the artifact is not what its type or this repository's policy demands: /layers/2: found a/b, expected `application/vnd.example.note.text`; /layers/1: found 2 such layers, expected at most 1 layer of type `application/vnd.example.note.text`","detail":{"reasons":[{"within":"manifest","pointer":"/layers/2","rule":"layer-type","found":"a/b","expected":"`application/vnd.example.note.text`"},{"within":"manifest","pointer":"/layers/1","rule":"layers-too-many","found":"2 such layers","expected":"at most 1 layer of type `application/vnd.example.note.text`"}]}}]}
    "#]]);
    world.end().await.is(expect![[r#"
        blob#<config of good> / content: live ~1, 15 bytes, <config of good>/app/~2
        blob#<config of good> / grant#app: live ~3, 15 bytes, <config of good>/app/~2
        blob#<config of good> / held#app#<good>#~4
        blob#<config of good> / held-content#app#~3
        blob#<strange of worse> / content: live ~5, 16 bytes, <strange of worse>/app/~6
        blob#<strange of worse> / grant#app: live ~7, 16 bytes, <strange of worse>/app/~6
        blob#<strange of worse> / held-content#app#~7
        blob#<text of bad> / content: live ~8, 11 bytes, <text of bad>/app/~9
        blob#<text of bad> / grant#app: live ~10, 11 bytes, <text of bad>/app/~9
        blob#<text of bad> / held#app#<bad>#~11
        blob#<text of bad> / held-content#app#~10
        blob#<more of worse> / content: live ~12, 13 bytes, <more of worse>/app/~13
        blob#<more of worse> / grant#app: live ~14, 13 bytes, <more of worse>/app/~13
        blob#<more of worse> / held-content#app#~14
        blob#<config of worse> / content: live ~15, 2 bytes, <config of worse>/app/~16
        blob#<config of worse> / grant#app: live ~17, 2 bytes, <config of worse>/app/~16
        blob#<config of worse> / held-content#app#~17
        blob#<text of worse> / content: live ~18, 13 bytes, <text of worse>/app/~19
        blob#<text of worse> / grant#app: live ~20, 13 bytes, <text of worse>/app/~19
        blob#<text of worse> / held-content#app#~20
        blob#<config of bad> / content: live ~21, 12 bytes, <config of bad>/app/~22
        blob#<config of bad> / grant#app: live ~23, 12 bytes, <config of bad>/app/~22
        blob#<config of bad> / held#app#<bad>#~11
        blob#<config of bad> / held-content#app#~23
        blob#<text of good> / content: live ~24, 12 bytes, <text of good>/app/~25
        blob#<text of good> / grant#app: live ~26, 12 bytes, <text of good>/app/~25
        blob#<text of good> / held#app#<good>#~4
        blob#<text of good> / held-content#app#~26
        catalog / app
        manifest#app#<bad> / 0#body: 385 bytes
        manifest#app#<bad> / 0#self: deleting ~11, application/vnd.oci.image.manifest.v1+json, 385 bytes
        manifest#app#<good> / 0#body: 385 bytes
        manifest#app#<good> / 0#self: live ~4, application/vnd.oci.image.manifest.v1+json, 385 bytes
        manifest#app#<good> / held#kept#~4
        manifest#app#<good> / held#tag#v1#~27
        moorage / policy: {"unknown":"deny","rules":"enforce","config":"enforce"}
        repo#app / manifest#<bad>
        repo#app / manifest#<good>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <good> at ~27, application/vnd.oci.image.manifest.v1+json, 385 bytes
        types / type#application/vnd.example.note.v1+json: application/vnd.example.note.v1+json, version 1.0.0
        types / type-version#application/vnd.example.note.v1+json#1.0.0: application/vnd.example.note.v1+json, version 1.0.0
        object <config of good>/app/~2: 15 bytes
        object <strange of worse>/app/~6: 16 bytes
        object <text of bad>/app/~9: 11 bytes
        object <more of worse>/app/~13: 13 bytes
        object <config of worse>/app/~16: 2 bytes
        object <text of worse>/app/~19: 13 bytes
        object <config of bad>/app/~22: 12 bytes
        object <text of good>/app/~25: 12 bytes
    "#]]);
}

/// Nothing of a refused push is visible, by tag or by digest; what it uploaded is collected.
#[tokio::test]
async fn what_was_refused_leaves_nothing() {
    let world = World::new().await;
    set(&world, "app/", &json!({ "rules": "enforce" })).await;
    let before = world.picture().await;
    let config = world.content("config", HELM, r#"{"name":"a","version":"1.0.0"}"#);
    let layer = world.content("layer", "application/vnd.oci.image.layer.v1.tar", "layer");
    world.push_blobs("app", &[&config, &layer]).await;
    let document = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config.descriptor(), "layers": [layer.descriptor()],
    });
    let chart = world.manifest("chart", &document);
    world.ask("PUT /v2/app/manifests/v1").manifest(&chart).await.is_refused(400, "MANIFEST_INVALID");
    world.ask("PUT /v2/app/manifests/<chart>").manifest(&chart).await.is_refused(400, "MANIFEST_INVALID");
    world.ask("GET /v2/app/manifests/v1").await.is_refused(404, "MANIFEST_UNKNOWN");
    world.ask("GET /v2/app/manifests/<chart>").await.is_refused(404, "MANIFEST_UNKNOWN");
    world.ask("GET /v2/app/tags/list").await.shows(expect![[r#"
        200 OK
        content-length: 24
        content-type: application/json

        {"name":"app","tags":[]}
    "#]]);
    world.collect_for(Duration::from_secs(14 * 24 * 60 * 60)).await;
    assert_eq!(world.picture().await.to_string(), before.to_string());
    world.end().await;
}

/// A warning says what a refusal would.
#[tokio::test]
async fn a_warning_travels_in_a_header() {
    let world = World::new().await;
    set(&world, "app/", &json!({ "unknown": "warn", "rules": "warn", "config": "warn" })).await;
    put_type(&world, "app/", &note()).await;
    let bad = made_note(&world, "bad", &json!({}), &[("text", NOTE_TEXT), ("strange", "a/\"b")]).await;
    world.ask("PUT /v2/app/manifests/<bad>").manifest(&bad).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <bad>
        location: /v2/app/manifests/<bad>
        warning: 299 - "/layers/1: found a/\"b, expected `application/vnd.example.note.text`"
        warning: 299 - "config /author: found nothing, expected `author`, which must be there"
    "#]]);
    // What is there already is judged again where it is given a tag.
    world.ask("PUT /v2/app/manifests/v1").manifest(&bad).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <bad>
        location: /v2/app/manifests/<bad>
        warning: 299 - "/layers/1: found a/\"b, expected `application/vnd.example.note.text`"
    "#]]);
    world.ask("PUT /v2/app/manifests/v2").manifest(&world.bare("nobody's")).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <nobody's>
        location: /v2/app/manifests/<nobody's>
        warning: 299 - "the whole: found application/vnd.example, expected a type with a definition; see GET /v2/_moorage/types"
    "#]]);
    world.end().await;
}

/// By default everything passes, and says nothing.
#[tokio::test]
async fn off_is_the_default() {
    let world = World::new().await;
    put_type(&world, "app/", &note()).await;
    let bad = made_note(&world, "bad", &json!({}), &[("strange", "a/b")]).await;
    world.ask("PUT /v2/app/manifests/v1").manifest(&bad).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <bad>
        location: /v2/app/manifests/<bad>
    "#]]);
    world.ask("GET /v2/app/_moorage/policy").await.shows(expect![[r#"
        200 OK
        content-length: 30
        content-type: application/json

        {"untagged":{"action":"keep"}}
    "#]]);
    world.ask("GET /v2/_moorage/policy").await.shows(expect![[r#"
        200 OK
        content-length: 12
        content-type: application/json

        {"types":{}}
    "#]]);
    world.end().await;
}

#[tokio::test]
async fn only_some_types_are_allowed() {
    let world = World::new().await;
    let bare = world.bare("bare");
    set(&world, "", &json!({ "allowed": "registered" })).await;
    world.ask("PUT /v2/app/manifests/v1").manifest(&bare).await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"MANIFEST_INVALID","message":"the artifact is not what its type or this repository's policy demands: the whole: found application/vnd.example, expected a type with a definition; see GET /v2/_moorage/types","detail":{"reasons":[{"within":"manifest","pointer":"","rule":"type-unknown","found":"application/vnd.example","expected":"a type with a definition; see GET /v2/_moorage/types"}]}}]}
    "#]]);
    set(&world, "app/", &json!({ "allowed": ["application/vnd.example*"] })).await;
    world.push("app", "v1", &bare).await;
    let other = world.bare_with("other", json!({ "artifactType": "application/spdx+json" }));
    world.ask("PUT /v2/app/manifests/v2").manifest(&other).await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"MANIFEST_INVALID","message":"the artifact is not what its type or this repository's policy demands: the whole: found application/spdx+json, expected a type that this repository takes: application/vnd.example*","detail":{"reasons":[{"within":"manifest","pointer":"","rule":"type-not-allowed","found":"application/spdx+json","expected":"a type that this repository takes: application/vnd.example*"}]}}]}
    "#]]);
    set(&world, "app/", &json!({ "allowed": "any" })).await;
    world.push("app", "v2", &other).await;
    world.end().await;
}

/// A repository's policy holds from the next push on; the registry's within 5 seconds, in every process.
#[tokio::test]
async fn a_change_is_seen_within_its_time() {
    let world = World::new().await;
    let other = world.client();
    let bare = world.bare("bare");
    other.push("app", "v1", &bare).await;
    set(&world, "app/", &json!({ "unknown": "deny" })).await;
    other.ask("PUT /v2/app/manifests/v2").manifest(&bare).await.is_refused(400, "MANIFEST_INVALID");
    set(&world, "app/", &json!({})).await;
    other.push("app", "v2", &bare).await;

    set(&world, "", &json!({ "unknown": "deny" })).await;
    world.clock().advance(Duration::from_secs(5));
    other.ask("PUT /v2/app/manifests/v3").manifest(&bare).await.is_refused(400, "MANIFEST_INVALID");
    set(&world, "", &json!({})).await;
    world.clock().advance(Duration::from_secs(5));
    other.push("app", "v3", &bare).await;
    world.end().await;
}

/// What the rules cost: nothing but a key in a batch that is read anyway, a page of definitions after they changed, and
/// for a config that is checked one read of it.
#[tokio::test]
async fn what_the_rules_cost() {
    let world = World::new().await;
    world.push("app", "warm", &world.bare("warm")).await;
    let good = made_note(&world, "good", &json!({ "author": "me" }), &[("text", NOTE_TEXT)]).await;
    world
        .ask("PUT /v2/app/manifests/v1")
        .manifest(&good)
        .await
        .costs(expect!["6 table (2 batch_get of 5, 2 put, 1 batch_write of 4, 1 transact of 4)"]);
    set(&world, "app/", &json!({ "rules": "enforce" })).await;
    put_type(&world, "app/", &note()).await;
    let next = made_note(&world, "next", &json!({ "author": "you" }), &[("text", NOTE_TEXT)]).await;
    world
        .ask("PUT /v2/app/manifests/v2")
        .manifest(&next)
        .await
        .costs(expect!["7 table (2 batch_get of 5, 1 query, 2 put, 1 batch_write of 4, 1 transact of 4)"]);
    set(&world, "app/", &json!({ "rules": "enforce", "config": "enforce" })).await;
    let last = made_note(&world, "last", &json!({ "author": "us" }), &[("text", NOTE_TEXT)]).await;
    world.ask("PUT /v2/app/manifests/v3").manifest(&last).await.costs(expect![
        "6 table (2 batch_get of 5, 2 put, 1 batch_write of 4, 1 transact of 4), 1 blob (1 get)"
    ]);
    world.end().await;
}

/// What was let in once comes out of the recycle bin, whatever the policy says by then.
#[tokio::test]
async fn a_restore_is_not_judged() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.push("app", "v1", &bare).await;
    world.ask("DELETE /v2/app/manifests/<bare>").await.is(202);
    set(&world, "app/", &json!({ "unknown": "deny" })).await;
    world.ask("POST /v2/app/_moorage/recycle-bin/<bare>").await.is(200);
    world.ask("GET /v2/app/manifests/v1").await.is(200);
    world.end().await;
}

/// Definitions are listed, read, versioned and deleted; of a registry and of a repository.
#[tokio::test]
async fn definitions_are_managed() {
    for place in ["", "app/"] {
        let world = World::new().await;
        put_type(&world, place, &note()).await;
        let path = format!("/v2/{place}_moorage/types/{NOTE}");
        let read = world.ask(format!("GET {path}")).await;
        assert_eq!(read.json()["version"], "1.0.0");
        // The same again is no news; another text under the same version is refused.
        put_type(&world, place, &note()).await;
        let mut changed = note();
        changed["title"] = json!({ "en": "Remark" });
        world.ask(format!("PUT {path}")).body(changed.to_string()).await.is_refused(403, "DENIED");
        changed["version"] = json!("1.1.0");
        put_type(&world, place, &changed).await;
        assert_eq!(world.ask(format!("GET {path}")).await.json()["title"]["en"], "Remark");
        assert_eq!(world.ask(format!("GET {path}/versions/1.0.0")).await.json()["title"]["en"], "Note");
        let versions = world.ask(format!("GET {path}/versions")).await.json();
        let versions: Vec<&str> = versions["versions"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|v| v["version"].as_str())
            .collect();
        assert_eq!(versions, ["1.0.0", "1.1.0"]);
        let listed = world.ask(format!("GET /v2/{place}_moorage/types?n=200")).await.json();
        let own: Vec<&Value> =
            listed["types"].as_array().expect("a list").iter().filter(|one| one["type"] == NOTE).collect();
        assert_eq!(own.len(), 1);
        world.ask(format!("DELETE {path}")).await.is(202);
        world.ask(format!("GET {path}")).await.is_refused(404, "NAME_UNKNOWN");
        world.ask(format!("DELETE {path}")).await.is_refused(404, "NAME_UNKNOWN");
        assert_eq!(world.ask(format!("GET {path}/versions/1.0.0")).await.json()["title"]["en"], "Note");
        world.end().await;
    }
}

/// The list of a registry has what is built in, page by page.
#[tokio::test]
async fn the_list_of_types_has_pages() {
    let world = World::new().await;
    put_type(&world, "", &note()).await;
    let whole = world.ask("GET /v2/_moorage/types").await.json();
    let mut paged = Vec::new();
    let mut next = Some("/v2/_moorage/types?n=2".to_owned());
    while let Some(path) = next {
        let page = world.ask(format!("GET {path}")).await;
        paged.extend(page.json()["types"].as_array().expect("a list").clone());
        next = page.next().map(str::to_owned);
    }
    assert_eq!(whole["types"], json!(paged));
    let types: Vec<&str> = paged.iter().filter_map(|one| one["type"].as_str()).collect();
    assert!(types.contains(&NOTE) && types.contains(&HELM) && types.is_sorted(), "{types:?}");
    world.end().await;
}

/// Those that are built in are switched off in the policy, all or some, and not deleted.
#[tokio::test]
async fn what_is_built_in_can_be_switched_off() {
    let world = World::new().await;
    let helm = format!("/v2/_moorage/types/{HELM}");
    world.ask(format!("GET {helm}")).await.is(200);
    world.ask(format!("DELETE {helm}")).await.is_refused(405, "UNSUPPORTED");
    let config = world.content("config", HELM, r#"{"name":"a","version":"1.0.0"}"#);
    let layer = world.content("layer", CHART, "layer");
    let chart = |name: &str| {
        world.manifest(
            name,
            &json!({
                "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config.descriptor(),
                "layers": [layer.descriptor()], "annotations": { "name": name },
            }),
        )
    };
    world.push_blobs("app", &[&config, &layer]).await;
    set(&world, "", &json!({ "allowed": "registered" })).await;
    world.push("app", "v1", &chart("known")).await;
    set(&world, "", &json!({ "allowed": "registered", "off": ["application/vnd.cncf.helm.*"] })).await;
    world.clock().advance(Duration::from_secs(5));
    world
        .ask("PUT /v2/app/manifests/v2")
        .manifest(&chart("unknown"))
        .await
        .is_refused(400, "MANIFEST_INVALID");
    world.end().await;
}

/// A logo is served so that nothing in it can do anything.
#[tokio::test]
async fn a_logo_is_harmless() {
    let world = World::new().await;
    put_type(&world, "app/", &note()).await;
    world.ask(format!("GET /v2/app/_moorage/types/{NOTE}/logo")).await.shows(expect![[r##"
        200 OK
        content-disposition: inline; filename="logo.svg"
        content-length: 253
        content-security-policy: default-src 'none'; sandbox
        content-type: image/svg+xml
        x-content-type-options: nosniff

        <svg viewBox="0 0 8 8" width="8" height="8" xmlns="http://www.w3.org/2000/svg"><path fill="#000000" stroke="none" d="M 7 4 C 7 5.6568546 5.6568546 7 4 7 C 2.3431458 7 1 5.6568546 1 4 C 1 2.3431458 2.3431458 1 4 1 C 5.6568546 1 7 2.3431458 7 4 Z"/></svg>
    "##]]);
    let mut hostile = note();
    hostile["logo"] = json!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 8 8\"><script>alert(1)</script></svg>"
    );
    let line = format!("PUT /v2/app/_moorage/types/{NOTE}");
    world.ask(line).body(hostile.to_string()).await.is_refused(400, "UNSUPPORTED");
    world.end().await;
}

#[tokio::test]
async fn a_definition_that_is_wrong_is_refused_with_all_its_faults() {
    let world = World::new().await;
    let mut wrong = note();
    wrong["kind"] = json!("thing");
    wrong["title"] = json!({ "de": "Notiz" });
    let line = format!("PUT /v2/_moorage/types/{NOTE}");
    world.ask(&line).body(wrong.to_string()).await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"UNSUPPORTED","message":"the definition is not valid: 1:235: /kind: is \"thing\": it must be \"manifest\" or \"index\"; 1:451: /title: has no `en`: it must be there","detail":{"faults":[{"pointer":"/kind","line":1,"column":235,"problem":"is \"thing\": it must be \"manifest\" or \"index\""},{"pointer":"/title","line":1,"column":451,"problem":"has no `en`: it must be there"}]}}]}
    "#]]);
    let mut other = note();
    other["type"] = json!("application/vnd.example.other");
    world.ask(&line).body(other.to_string()).await.is_refused(400, "UNSUPPORTED");
    for policy in
        [r#"{"types": {"allowed": "some"}}"#, r#"{"types": {"rules": "maybe"}}"#, r#"{"tpyes": {}}"#]
    {
        world.ask("PUT /v2/_moorage/policy").body(policy).await.is_refused(400, "UNSUPPORTED");
        world.ask("PUT /v2/app/_moorage/policy").body(policy).await.is_refused(400, "UNSUPPORTED");
    }
    world.end().await;
}
