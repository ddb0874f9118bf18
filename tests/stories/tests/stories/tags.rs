//! Tags: their list (end-8), and what moving and deleting one does (end-9).

use moorage_stories::{assert_reads, expect};

use crate::World;

#[tokio::test]
async fn listed_in_order() {
    let world = World::new().await;
    let bare = world.bare("bare");
    for tag in ["v10", "v2", "latest", "V1", "1.0", "_x", "v1"] {
        world.push("app", tag, &bare).await;
    }
    world.ask("GET /v2/app/tags/list").await.shows(expect![[r#"
        200 OK
        content-length: 64
        content-type: application/json

        {"name":"app","tags":["1.0","V1","_x","latest","v1","v10","v2"]}
    "#]]);
    world.end().await;
}

#[tokio::test]
async fn page_by_page() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.ask("PUT /v2/app/manifests/a?tag=b&tag=c&tag=d&tag=e").manifest(&bare).await.is(201);
    let mut seen = String::new();
    for query in [
        "n=2",
        "n=2&last=b",
        "n=2&last=d",
        "n=5",
        "n=4",
        "n=0",
        "n=0&last=a",
        "n=99",
        "last=c",
        "last=e",
        "last=bb&n=1",
        "last=z",
        "n=00002",
        "n=99999999999999999999999",
    ] {
        let answer = world.ask(format!("GET /v2/app/tags/list?{query}")).await;
        let tags = answer.is(200).json()["tags"].to_string();
        seen += &format!("{query}: {tags} {}\n", answer.header("link")).replace(" \n", "\n");
    }
    assert_reads(
        &seen,
        expect![[r#"
        n=2: ["a","b"] </v2/app/tags/list?n=2&last=b>; rel="next"
        n=2&last=b: ["c","d"] </v2/app/tags/list?n=2&last=d>; rel="next"
        n=2&last=d: ["e"]
        n=5: ["a","b","c","d","e"]
        n=4: ["a","b","c","d"] </v2/app/tags/list?n=4&last=d>; rel="next"
        n=0: []
        n=0&last=a: []
        n=99: ["a","b","c","d","e"]
        last=c: ["d","e"]
        last=e: []
        last=bb&n=1: ["c"] </v2/app/tags/list?n=1&last=c>; rel="next"
        last=z: []
        n=00002: ["a","b"] </v2/app/tags/list?n=2&last=b>; rel="next"
        n=99999999999999999999999: ["a","b","c","d","e"]
    "#]],
    );
    for n in ["-1", "two", "", "1.5"] {
        world.ask(format!("GET /v2/app/tags/list?n={n}")).await.is_refused(400, "UNSUPPORTED");
    }
    world.ask("GET /v2/app/tags/list?n=two").await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"UNSUPPORTED","message":"the query parameter `n` is not valid: expected how many names to list, found `two`"}]}
    "#]]);
    world.end().await;
}

/// Whatever the size of the pages, following the links shows every tag once, in order, and no empty page.
#[tokio::test]
async fn a_great_many() {
    let world = World::new().await;
    let bare = world.bare("bare");
    let tags: Vec<String> = (0..2_500).map(|n| format!("v{n:04}")).collect();
    for some in tags.chunks(32) {
        let query: Vec<String> = some.iter().map(|tag| format!("tag={tag}")).collect();
        world.ask(format!("PUT /v2/app/manifests/<bare>?{}", query.join("&"))).manifest(&bare).await.is(201);
    }
    for (n, pages) in [(1, 2_500), (7, 358), (1_000, 3), (2_500, 1)] {
        let mut next = Some(format!("/v2/app/tags/list?n={n}"));
        let (mut seen, mut asked) = (Vec::new(), 0);
        while let Some(path) = next {
            let answer = world.ask(format!("GET {path}")).await;
            let page: Vec<String> = serde_json::from_value(answer.json()["tags"].clone()).expect("names");
            let last = page.last().expect("a page that was linked to has a tag");
            if let Some(next) = answer.next() {
                assert_eq!((page.len(), next), (n, format!("/v2/app/tags/list?n={n}&last={last}").as_str()));
            }
            next = answer.next().map(str::to_owned);
            seen.extend(page);
            asked += 1;
        }
        assert!(seen == tags, "other tags than were pushed, in pages of {n}");
        assert_eq!(asked, pages, "in pages of {n}");
    }
    let all = world.ask("GET /v2/app/tags/list").await;
    assert_eq!((all.json()["tags"].as_array().map(Vec::len), all.next()), (Some(2_500), None));
    world.end().await;
}

#[tokio::test]
async fn of_a_repository_that_nobody_pushed_to() {
    let world = World::new().await;
    world.ask("GET /v2/app/tags/list").await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"NAME_UNKNOWN","message":"repository app is not known; push a manifest to it to make it"}]}
    "#]]);
    // A blob makes no repository, a manifest does, and it stays one when all its tags are gone.
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    world.ask("GET /v2/app/tags/list?n=0").await.is_refused(404, "NAME_UNKNOWN");
    let bare = world.bare("bare");
    world.push("app", "v1", &bare).await;
    world.ask("DELETE /v2/app/manifests/v1").await.is(202);
    world.ask("GET /v2/app/tags/list").await.shows(expect![[r#"
        200 OK
        content-length: 24
        content-type: application/json

        {"name":"app","tags":[]}
    "#]]);
    world.end().await;
}

/// The hold goes with the tag, from the old target to the new one; what was tagged once stays.
#[tokio::test]
async fn a_tag_moves() {
    let world = World::new().await;
    let (old, new) = (world.bare("old"), world.bare("new"));
    world.push("app", "latest", &old).await;
    world.push("app", "latest", &new).await;
    world.ask("GET /v2/app/manifests/latest").await.shows(expect![[r#"
        200 OK
        content-length: 158
        content-type: application/vnd.oci.image.manifest.v1+json
        docker-content-digest: <new>

        the bytes of <new>
    "#]]);
    world.ask("GET /v2/app/manifests/<old>").await.is(200);
    world.picture().await.is(expect![[r#"
        catalog / app
        manifest#app#<old> / 0#body: 158 bytes
        manifest#app#<old> / 0#self: live ~1, application/vnd.oci.image.manifest.v1+json, 158 bytes
        manifest#app#<old> / held#kept#~1
        manifest#app#<new> / 0#body: 158 bytes
        manifest#app#<new> / 0#self: live ~2, application/vnd.oci.image.manifest.v1+json, 158 bytes
        manifest#app#<new> / held#kept#~2
        manifest#app#<new> / held#tag#latest#~3
        repo#app / manifest#<old>
        repo#app / manifest#<new>
        repo#app / policy: in the catalog
        repo#app / tag#latest: <new> at ~3, application/vnd.oci.image.manifest.v1+json, 158 bytes
    "#]]);
    world.push("app", "latest", &old).await;
    assert_eq!(
        world.ask("HEAD /v2/app/manifests/latest").await.header("docker-content-digest"),
        old.digest.as_str()
    );
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<old> / 0#body: 158 bytes
        manifest#app#<old> / 0#self: live ~1, application/vnd.oci.image.manifest.v1+json, 158 bytes
        manifest#app#<old> / held#kept#~1
        manifest#app#<old> / held#tag#latest#~2
        manifest#app#<new> / 0#body: 158 bytes
        manifest#app#<new> / 0#self: live ~3, application/vnd.oci.image.manifest.v1+json, 158 bytes
        manifest#app#<new> / held#kept#~3
        repo#app / manifest#<old>
        repo#app / manifest#<new>
        repo#app / policy: in the catalog
        repo#app / tag#latest: <old> at ~2, application/vnd.oci.image.manifest.v1+json, 158 bytes
    "#]]);
}

#[tokio::test]
async fn a_tag_is_deleted() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.push("app", "v1", &bare).await;
    world.ask("DELETE /v2/app/manifests/v1").await.shows(expect![[r#"
        202 Accepted
        content-length: 0
    "#]]);
    world.ask("GET /v2/app/manifests/v1").await.is_refused(404, "MANIFEST_UNKNOWN");
    world.ask("GET /v2/app/manifests/<bare>").await.is(200);
    world.ask("DELETE /v2/app/manifests/v1").await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"MANIFEST_UNKNOWN","message":"repository app has no manifest v1; look at its tags with GET /v2/app/tags/list"}]}
    "#]]);
    world.ask("DELETE /v2/app/manifests/-v1").await.is_refused(404, "MANIFEST_UNKNOWN");
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<bare> / 0#body: 159 bytes
        manifest#app#<bare> / 0#self: live ~1, application/vnd.oci.image.manifest.v1+json, 159 bytes
        manifest#app#<bare> / held#kept#~1
        repo#app / manifest#<bare>
        repo#app / policy: in the catalog
    "#]]);
}

/// Longest name a tag may have, and one character more.
#[tokio::test]
async fn long_names() {
    let world = World::new().await;
    let bare = world.bare("bare");
    let longest = "t".repeat(128);
    world.push("app", &longest, &bare).await;
    world.ask(format!("GET /v2/app/manifests/{longest}")).await.is(200);
    world
        .ask(format!("PUT /v2/app/manifests/{longest}t"))
        .manifest(&bare)
        .await
        .is_refused(400, "MANIFEST_INVALID");
    world.ask(format!("GET /v2/app/manifests/{longest}t")).await.is_refused(404, "MANIFEST_UNKNOWN");
    world.end().await;
}
