//! A repository's policy.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use std::time::Duration;

use moorage_stories::expect;
use serde_json::json;

use crate::World;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn set(world: &World, policy: &serde_json::Value) {
    world.ask("PUT /v2/app/_moorage/policy").body(policy.to_string()).await.is(204);
}

#[tokio::test]
async fn as_it_is_and_as_it_is_set() {
    let world = World::new().await;
    world.ask("GET /v2/app/_moorage/policy").await.shows(expect![[r#"
        200 OK
        content-length: 30
        content-type: application/json

        {"untagged":{"action":"keep"}}
    "#]]);
    world.push_image("app", "v1").await;
    let policy = json!({ "untagged": { "action": "recycle", "after": "30days" }, "immutableTags": { "except": ["nightly*"] } });
    set(&world, &policy).await;
    assert_eq!(world.ask("GET /v2/app/_moorage/policy").await.json(), policy);
    set(&world, &json!({})).await;
    world.ask("GET /v2/app/_moorage/policy").await.shows(expect![[r#"
        200 OK
        content-length: 30
        content-type: application/json

        {"untagged":{"action":"keep"}}
    "#]]);
    world.end().await;
}

#[tokio::test]
async fn that_cannot_be_read() {
    let world = World::new().await;
    for wrong in [
        "",
        "[]",
        r#"{"untagged": {"action": "burn"}}"#,
        r#"{"untagged": {"action": "recycle"}}"#,
        r#"{"untagged": {"action": "recycle", "after": "soon"}}"#,
        r#"{"imutableTags": {}}"#,
    ] {
        let refused = world.ask("PUT /v2/app/_moorage/policy").body(wrong.to_owned()).await;
        refused.is_refused(400, "UNSUPPORTED");
    }
    let long = format!(r#"{{"untagged": {{"action": "keep"}}{}}}"#, " ".repeat(70_000));
    world.ask("PUT /v2/app/_moorage/policy").body(long).await.is_refused(400, "UNSUPPORTED");
    world.end().await;
}

/// Created once. What is excepted moves; what points there already may be pushed again; nothing of a refused push is
/// visible.
#[tokio::test]
async fn with_immutable_tags() {
    let world = World::new().await;
    set(&world, &json!({ "immutableTags": { "except": ["nightly-*", "latest"] } })).await;
    let (old, new) = (world.bare("old"), world.bare("new"));
    for tag in ["v1", "latest", "nightly-1"] {
        world.push("app", tag, &old).await;
        world.push("app", tag, &old).await;
    }
    world.push("app", "latest", &new).await;
    world.push("app", "nightly-1", &new).await;
    world.ask("DELETE /v2/app/manifests/<new>").await.is(202);
    let before = world.picture().await;
    world.ask("PUT /v2/app/manifests/v1").manifest(&new).await.shows(expect![[r#"
        403 Forbidden
        content-type: application/json

        {"errors":[{"code":"DENIED","message":"tag v1 points to <old> and is immutable here; push under another tag"}]}
    "#]]);
    world.ask("PUT /v2/app/manifests/v2?tag=v1").manifest(&new).await.is_refused(403, "DENIED");
    assert_eq!(world.picture().await, before);
    world.end().await;
}

/// Set later: what is untagged already is looked at too.
#[tokio::test]
async fn that_begins_to_recycle() {
    let world = World::new().await;
    let (bare, tagged) = (world.bare("bare"), world.bare("tagged"));
    world.push_untagged("app", &bare).await;
    world.push("app", "v1", &tagged).await;
    world.collect_for(20 * DAY).await;
    world.ask("GET /v2/app/manifests/<bare>").await.is(200);
    set(&world, &json!({ "untagged": { "action": "recycle", "after": "5d" } })).await;
    world.collect_for(4 * DAY).await;
    world.ask("GET /v2/app/manifests/<bare>").await.is(200);
    world.collect_for(2 * DAY).await;
    world.ask("GET /v2/app/manifests/<bare>").await.is(404);
    world.ask("GET /v2/app/manifests/<tagged>").await.is(200);
    world.end().await;
}
