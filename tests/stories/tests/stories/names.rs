//! Names of repositories: every one that the specification allows works everywhere.

use moorage_stories::{assert_reads, expect};

use crate::World;

/// A name may end in a word of the API, and have the API's words anywhere in it.
#[tokio::test]
async fn that_end_in_a_word_of_the_api() {
    for word in
        ["blobs", "manifests", "tags", "uploads", "referrers", "list", "blobs/uploads", "tags/list", "v2"]
    {
        let world = World::new().await;
        let name = format!("team/{word}");
        let (config, layer) = (world.blob("config"), world.blob("layer"));
        let image = world.image("image", &config, &[&layer]);
        world.push_blobs(&name, &[&config]).await;
        let upload = world.opened(&name).await;
        world.ask(format!("PATCH {upload}")).body("layer").await.is(202);
        world.ask(format!("GET {upload}")).await.is(204);
        world.ask(format!("PUT {upload}?digest=<layer>")).await.is(201);
        world.push(&name, "v1", &image).await;
        let signature = world.referrer("signature", "application/vnd.example.signature", &image);
        world.push_untagged(&name, &signature).await;
        for path in [
            "blobs/<layer>",
            "manifests/v1",
            "manifests/<image>",
            "tags/list",
            "referrers/<image>",
            "_oci/ext/discover",
        ] {
            world.ask(format!("GET /v2/{name}/{path}")).await.is(200);
        }
        let answer =
            world.ask(format!("POST /v2/other/{word}/blobs/uploads/?mount=<layer>&from={name}")).await;
        answer.is(201);
        let referrers = world.ask(format!("GET /v2/{name}/referrers/<image>")).await.json();
        assert_eq!(referrers["manifests"][0]["digest"], signature.digest.as_str(), "{name}");
        assert_eq!(world.ask("GET /v2/_catalog").await.json()["repositories"][0], name);
        world.ask(format!("DELETE /v2/{name}/manifests/<image>")).await.is(202);
        world.ask(format!("DELETE /v2/{name}/blobs/<layer>")).await.is(202);
        world.end().await;
    }
}

/// Nested names are names of their own: what is in `a/b` is not in `a`.
#[tokio::test]
async fn that_are_nested() {
    let world = World::new().await;
    let (outer, inner) = (world.bare("outer"), world.bare("inner"));
    world.push("a", "v1", &outer).await;
    world.push("a/b", "v1", &inner).await;
    for (name, digest) in [("a", &outer.digest), ("a/b", &inner.digest)] {
        let answer = world.ask(format!("HEAD /v2/{name}/manifests/v1")).await;
        assert_eq!(answer.is(200).header("docker-content-digest"), digest.as_str());
    }
    world.ask("GET /v2/a/manifests/<inner>").await.is(404);
    world.ask("GET /v2/b/manifests/v1").await.is(404);
    world.end().await.is(expect![[r#"
        catalog / a
        catalog / a/b
        manifest#a#<outer> / 0#body: 160 bytes
        manifest#a#<outer> / 0#self: live ~1, application/vnd.oci.image.manifest.v1+json, 160 bytes
        manifest#a#<outer> / held#kept#~1
        manifest#a#<outer> / held#tag#v1#~2
        manifest#a/b#<inner> / 0#body: 160 bytes
        manifest#a/b#<inner> / 0#self: live ~3, application/vnd.oci.image.manifest.v1+json, 160 bytes
        manifest#a/b#<inner> / held#kept#~3
        manifest#a/b#<inner> / held#tag#v1#~4
        repo#a / manifest#<outer>
        repo#a / policy: in the catalog
        repo#a / tag#v1: <outer> at ~2, application/vnd.oci.image.manifest.v1+json, 160 bytes
        repo#a/b / manifest#<inner>
        repo#a/b / policy: in the catalog
        repo#a/b / tag#v1: <inner> at ~4, application/vnd.oci.image.manifest.v1+json, 160 bytes
    "#]]);
}

/// 255 characters and the longest tag, referrer type and digest still fit the keys of every store.
#[tokio::test]
async fn as_long_as_they_may_be() {
    let world = World::new().await;
    let longest = format!("{}a", "a/".repeat(127));
    assert_eq!(longest.len(), 255);
    let (config, layer) = (world.blob("config"), world.blob("layer"));
    let image = world.image("image", &config, &[&layer]);
    for blob in ["config", "layer"] {
        world.ask(format!("POST /v2/{longest}/blobs/uploads/?digest=<{blob}>")).body(blob).await.is(201);
    }
    let tag = "t".repeat(128);
    world.push(&longest, &tag, &image).await;
    world.push(&longest, "<image:sha512>", &image).await;
    let signature = world.referrer("signature", &format!("application/{}", "x".repeat(243)), &image);
    world.push(&longest, "<signature:sha512>", &signature).await;
    for path in [
        "blobs/<layer>",
        &format!("manifests/{tag}"),
        "manifests/<image:sha512>",
        "referrers/<image>",
        "tags/list",
    ] {
        world.ask(format!("GET /v2/{longest}/{path}")).await.is(200);
    }
    world.ask(format!("GET /v2/{longest}a/tags/list")).await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"NAME_INVALID","message":"`a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/…` is not a repository name: it has 256 characters, and at most 255 are allowed: shorten it"}]}
    "#]]);
    world.end().await;
}

#[tokio::test]
async fn that_are_none() {
    let world = World::new().await;
    let mut said = String::new();
    for name in
        ["App", "-app", "app-", "a..b", "a___b", "app/", "a//b", "a%20b", "a%23b", "a%2F", "%C3%A4", "a_-b"]
    {
        let answer = world.ask(format!("GET /v2/{name}/tags/list")).await;
        answer.is_refused(400, "NAME_INVALID");
        said += &format!("{name}: {}\n", answer.message());
    }
    assert_reads(
        &said,
        expect![[r#"
        App: `App` is not a repository name: it goes wrong at character 1, `A`. Each part between slashes is made of a-z and 0-9, and between those one `.`, one or two `_`, or dashes, as in `team/my-app`
        -app: `-app` is not a repository name: it goes wrong at character 1, `-`. Each part between slashes is made of a-z and 0-9, and between those one `.`, one or two `_`, or dashes, as in `team/my-app`
        app-: `app-` is not a repository name: it goes wrong at character 5. Each part between slashes is made of a-z and 0-9, and between those one `.`, one or two `_`, or dashes, as in `team/my-app`
        a..b: `a..b` is not a repository name: it goes wrong at character 3, `.`. Each part between slashes is made of a-z and 0-9, and between those one `.`, one or two `_`, or dashes, as in `team/my-app`
        a___b: `a___b` is not a repository name: it goes wrong at character 4, `_`. Each part between slashes is made of a-z and 0-9, and between those one `.`, one or two `_`, or dashes, as in `team/my-app`
        app/: `app/` is not a repository name: it goes wrong at character 5. Each part between slashes is made of a-z and 0-9, and between those one `.`, one or two `_`, or dashes, as in `team/my-app`
        a//b: `a//b` is not a repository name: it goes wrong at character 3, `/`. Each part between slashes is made of a-z and 0-9, and between those one `.`, one or two `_`, or dashes, as in `team/my-app`
        a%20b: `a b` is not a repository name: it goes wrong at character 2, ` `. Each part between slashes is made of a-z and 0-9, and between those one `.`, one or two `_`, or dashes, as in `team/my-app`
        a%23b: `a#b` is not a repository name: it goes wrong at character 2, `#`. Each part between slashes is made of a-z and 0-9, and between those one `.`, one or two `_`, or dashes, as in `team/my-app`
        a%2F: `a/` is not a repository name: it goes wrong at character 3. Each part between slashes is made of a-z and 0-9, and between those one `.`, one or two `_`, or dashes, as in `team/my-app`
        %C3%A4: `ä` is not a repository name: it goes wrong at character 1, `ä`. Each part between slashes is made of a-z and 0-9, and between those one `.`, one or two `_`, or dashes, as in `team/my-app`
        a_-b: `a_-b` is not a repository name: it goes wrong at character 3, `-`. Each part between slashes is made of a-z and 0-9, and between those one `.`, one or two `_`, or dashes, as in `team/my-app`
    "#]],
    );
    world.ask("GET /v2/%ff/tags/list").await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"NAME_INVALID","message":"the path is not valid: it is not UTF-8"}]}
    "#]]);
    world.blob("layer");
    for line in [
        "HEAD /v2/App/blobs/<layer>",
        "DELETE /v2/App/blobs/<layer>",
        "PUT /v2/App/manifests/v1",
        "DELETE /v2/App/manifests/v1",
        "POST /v2/App/blobs/uploads/",
        "PATCH /v2/App/blobs/uploads/x",
        "GET /v2/App/referrers/<layer>",
    ] {
        world.ask(line).await.is(400);
    }
    world.end().await.is(expect![""]);
}
