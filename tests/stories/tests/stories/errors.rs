//! Refusals: which code and status each has, and that every route says what may be asked of it.
//!
//! What they look like is checked of every answer of every story (`moorage_stories::Answer`).

use std::collections::BTreeSet;

use moorage_http::{Access, ErrorCode};
use moorage_ports::calls::Call;
use moorage_ports::faults::{Fault, Injector, Moment, Plan, Point};
use moorage_stories::{assert_reads, expect};

use crate::World;

/// Each code of the specification, by one request that is refused with it. Nobody has an account yet, so
/// nobody is UNAUTHORIZED.
#[tokio::test]
async fn every_code() {
    let mut world = World::new().await;
    let (layer, bare) = (world.blob("layer"), world.bare("bare"));
    let image = world.image("image", &layer, &[]);
    world.push("app", "v1", &bare).await;
    let upload = world.opened("app").await;
    let refused = [
        world.ask("GET /v2/app/blobs/<layer>"),
        world.ask(format!("PATCH {upload}")).header("content-range", "5-9").body("layer"),
        world.ask("GET /v2/app/blobs/uploads/x"),
        world.ask("GET /v2/app/blobs/layer"),
        world.ask("PUT /v2/app/manifests/v1").manifest(&image),
        world.ask("PUT /v2/app/manifests/v1").body("{}"),
        world.ask("GET /v2/app/manifests/v2"),
        world.ask("GET /v2/App/manifests/v1"),
        world.ask("GET /v2/other/tags/list"),
        world.ask(format!("PATCH {upload}")).header("content-range", "0-3").body("layer"),
        world.ask("POST /v2/app/manifests/v1"),
    ];
    let (mut seen, mut codes) = (String::new(), BTreeSet::new());
    for ask in refused {
        let line = ask.line();
        let answer = ask.await;
        seen += &format!("{}: {line}\n", answer.outline());
        codes.insert(answer.code());
    }
    let failing = Plan::List(vec![(Point::Each(Call::Get), Fault::Error(Moment::Before))]);
    let injector = Injector::new(failing, world.clock().clone());
    world.restart_with(|setup| setup.faults = Some(injector)).await;
    let answer = world.ask("GET /v2/app/manifests/v1").await;
    seen += &format!("{}: GET /v2/app/manifests/v1, and the storage fails\n", answer.outline());
    codes.insert(answer.code());
    world.restart_with(|setup| (setup.faults, setup.access) = (None, Access::PullOnly)).await;
    let answer = world.ask("DELETE /v2/app/manifests/v1").await;
    seen += &format!("{}: DELETE /v2/app/manifests/v1, which nobody may\n", answer.outline());
    codes.insert(answer.code());
    assert_reads(
        &seen,
        expect![[r#"
        404 BLOB_UNKNOWN: GET /v2/app/blobs/<layer>
        416 BLOB_UPLOAD_INVALID: PATCH /v2/app/blobs/uploads/<token>
        404 BLOB_UPLOAD_UNKNOWN: GET /v2/app/blobs/uploads/<token>
        400 DIGEST_INVALID: GET /v2/app/blobs/layer
        404 MANIFEST_BLOB_UNKNOWN: PUT /v2/app/manifests/v1
        400 MANIFEST_INVALID: PUT /v2/app/manifests/v1
        404 MANIFEST_UNKNOWN: GET /v2/app/manifests/v2
        400 NAME_INVALID: GET /v2/App/manifests/v1
        404 NAME_UNKNOWN: GET /v2/other/tags/list
        400 SIZE_INVALID: PATCH /v2/app/blobs/uploads/<token>
        405 UNSUPPORTED: POST /v2/app/manifests/v1
        503 TOOMANYREQUESTS: GET /v2/app/manifests/v1, and the storage fails
        403 DENIED: DELETE /v2/app/manifests/v1, which nobody may
    "#]],
    );

    let all: BTreeSet<String> = ErrorCode::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    assert_eq!(all.difference(&codes).collect::<Vec<_>>(), ["UNAUTHORIZED"]);
    world.end().await;
}

#[tokio::test]
async fn what_a_route_does_not_do() {
    let world = World::new().await;
    world.blob("layer");
    let mut seen = String::new();
    for line in [
        "PUT /v2/",
        "POST /v2/_catalog",
        "DELETE /v2/_oci/ext/discover",
        "PUT /v2/app/tags/list",
        "POST /v2/app/referrers/<layer>",
        "POST /v2/app/manifests/v1",
        "PATCH /v2/app/blobs/<layer>",
        "PUT /v2/app/blobs/<layer>",
        "GET /v2/app/blobs/uploads/",
        "POST /v2/app/blobs/uploads/x",
        "OPTIONS /v2/app/manifests/v1",
    ] {
        let answer = world.ask(line).await;
        seen += &format!("{line}: {}, allow: {}\n", answer.outline(), answer.header("allow"));
    }
    assert_reads(
        &seen,
        expect![[r#"
        PUT /v2/: 405 UNSUPPORTED, allow: GET, HEAD
        POST /v2/_catalog: 405 UNSUPPORTED, allow: GET
        DELETE /v2/_oci/ext/discover: 405 UNSUPPORTED, allow: GET
        PUT /v2/app/tags/list: 405 UNSUPPORTED, allow: GET
        POST /v2/app/referrers/<layer>: 405 UNSUPPORTED, allow: GET
        POST /v2/app/manifests/v1: 405 UNSUPPORTED, allow: GET, HEAD, PUT, DELETE
        PATCH /v2/app/blobs/<layer>: 405 UNSUPPORTED, allow: GET, HEAD, DELETE
        PUT /v2/app/blobs/<layer>: 405 UNSUPPORTED, allow: GET, HEAD, DELETE
        GET /v2/app/blobs/uploads/: 405 UNSUPPORTED, allow: POST
        POST /v2/app/blobs/uploads/x: 405 UNSUPPORTED, allow: GET, PATCH, PUT, DELETE
        OPTIONS /v2/app/manifests/v1: 405 UNSUPPORTED, allow: GET, HEAD, PUT, DELETE
    "#]],
    );
    world.ask("PUT /v2/app/tags/list").await.shows(expect![[r#"
        405 Method Not Allowed
        allow: GET
        content-type: application/json

        {"errors":[{"code":"UNSUPPORTED","message":"PUT is not supported here; use GET"}]}
    "#]]);
    world.end().await;
}

#[tokio::test]
async fn what_is_no_route() {
    let world = World::new().await;
    world.ask("GET /v1/").await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"NAME_UNKNOWN","message":"there is no such route; the API begins at /v2/"}]}
    "#]]);
    for path in [
        "/",
        "/v2x",
        "/v2/app",
        "/v2/app/tags",
        "/v2/app/tags/list/",
        "/v2/app/things/v1",
        "/v2//manifests/v1",
    ] {
        let answer = world.ask(format!("GET {path}")).await;
        assert!(
            matches!(answer.code().as_str(), "NAME_UNKNOWN" | "NAME_INVALID"),
            "{path}: {}",
            answer.outline()
        );
    }
    world.end().await;
}
