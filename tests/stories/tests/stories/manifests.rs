//! Pushing manifests (end-7a, end-7b): what is taken, byte for byte, and what is refused.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use moorage_oci::media_type::{OCI_ARTIFACT_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use moorage_stories::{assert_reads, expect};
use serde_json::json;

use crate::World;

#[tokio::test]
async fn by_tag() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.ask("PUT /v2/app/manifests/v1").manifest(&bare).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <bare>
        location: /v2/app/manifests/<bare>
    "#]]);
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<bare> / 0#body: 159 bytes
        manifest#app#<bare> / 0#self: live ~1, application/vnd.oci.image.manifest.v1+json, 159 bytes
        manifest#app#<bare> / held#kept#~1
        manifest#app#<bare> / held#tag#v1#~2
        repo#app / manifest#<bare>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <bare> at ~2, application/vnd.oci.image.manifest.v1+json, 159 bytes
    "#]]);
}

#[tokio::test]
async fn by_digest() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.ask("PUT /v2/app/manifests/<bare>").manifest(&bare).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <bare>
        location: /v2/app/manifests/<bare>
    "#]]);
    world.ask("GET /v2/app/manifests/<bare>").await.is(200);
    world.ask("GET /v2/app/tags/list").await.shows(expect![[r#"
        200 OK
        content-length: 24
        content-type: application/json

        {"name":"app","tags":[]}
    "#]]);
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<bare> / 0#body: 159 bytes
        manifest#app#<bare> / 0#self: live ~1, application/vnd.oci.image.manifest.v1+json, 159 bytes
        repo#app / manifest#<bare>
        repo#app / policy: in the catalog
    "#]]);
}

/// A manifest has the digest it was pushed by, and is not found by another.
#[tokio::test]
async fn by_its_sha512() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.ask("PUT /v2/app/manifests/<bare:sha512>?tag=v1").manifest(&bare).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <bare:sha512>
        location: /v2/app/manifests/<bare:sha512>
        oci-tag: v1
    "#]]);
    world.ask("GET /v2/app/manifests/v1").await.shows(expect![[r#"
        200 OK
        content-length: 159
        content-type: application/vnd.oci.image.manifest.v1+json
        docker-content-digest: <bare:sha512>

        the bytes of <bare>
    "#]]);
    world.ask("GET /v2/app/manifests/<bare>").await.is_refused(404, "MANIFEST_UNKNOWN");
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<bare:sha512> / 0#body: 159 bytes
        manifest#app#<bare:sha512> / 0#self: live ~1, application/vnd.oci.image.manifest.v1+json, 159 bytes
        manifest#app#<bare:sha512> / held#kept#~1
        manifest#app#<bare:sha512> / held#tag#v1#~2
        repo#app / manifest#<bare:sha512>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <bare:sha512> at ~2, application/vnd.oci.image.manifest.v1+json, 159 bytes
    "#]]);
}

#[tokio::test]
async fn by_a_wrong_digest() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.bare("other");
    world.ask("PUT /v2/app/manifests/<other>?tag=v1").manifest(&bare).await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"DIGEST_INVALID","message":"the digest of what came is not <other>, but <bare>; nothing was stored, send the bytes again"}]}
    "#]]);
    world.end().await.is(expect![""]);
}

/// Nothing is written the second time.
#[tokio::test]
async fn the_same_again() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.push("app", "v1", &bare).await;
    let before = world.snapshot().await;
    world.push("app", "v1", &bare).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <bare>
        location: /v2/app/manifests/<bare>
    "#]]);
    assert_eq!(world.snapshot().await.rows, before.rows);
    world.end().await;
}

#[tokio::test]
async fn with_several_tags() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.ask("PUT /v2/app/manifests/<bare>?tag=a").manifest(&bare).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <bare>
        location: /v2/app/manifests/<bare>
        oci-tag: a
    "#]]);
    world.ask("PUT /v2/app/manifests/v1?tag=b&tag=c&tag=b").manifest(&bare).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <bare>
        location: /v2/app/manifests/<bare>
        oci-tag: b
        oci-tag: c
        oci-tag: b
    "#]]);
    world.ask("GET /v2/app/tags/list").await.shows(expect![[r#"
        200 OK
        content-length: 40
        content-type: application/json

        {"name":"app","tags":["a","b","c","v1"]}
    "#]]);
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<bare> / 0#body: 159 bytes
        manifest#app#<bare> / 0#self: live ~1, application/vnd.oci.image.manifest.v1+json, 159 bytes
        manifest#app#<bare> / held#kept#~1
        manifest#app#<bare> / held#tag#a#~2
        manifest#app#<bare> / held#tag#b#~3
        manifest#app#<bare> / held#tag#c#~4
        manifest#app#<bare> / held#tag#v1#~5
        repo#app / manifest#<bare>
        repo#app / policy: in the catalog
        repo#app / tag#a: <bare> at ~2, application/vnd.oci.image.manifest.v1+json, 159 bytes
        repo#app / tag#b: <bare> at ~3, application/vnd.oci.image.manifest.v1+json, 159 bytes
        repo#app / tag#c: <bare> at ~4, application/vnd.oci.image.manifest.v1+json, 159 bytes
        repo#app / tag#v1: <bare> at ~5, application/vnd.oci.image.manifest.v1+json, 159 bytes
    "#]]);
}

#[tokio::test]
async fn with_as_many_tags_as_it_may() {
    let world = World::new().await;
    let bare = world.bare("bare");
    let tags = |count: usize| (0..count).map(|n| format!("tag=t{n:02}")).collect::<Vec<_>>().join("&");
    for count in [10, 32] {
        let answer =
            world.ask(format!("PUT /v2/app-{count}/manifests/<bare>?{}", tags(count))).manifest(&bare).await;
        answer.is(201);
        let listed = world.ask(format!("GET /v2/app-{count}/tags/list")).await.json();
        assert_eq!(listed["tags"].as_array().map(Vec::len), Some(count));
    }
    let answer = world.ask(format!("PUT /v2/app/manifests/<bare>?{}", tags(33))).manifest(&bare).await;
    answer.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"MANIFEST_INVALID","message":"a push may carry at most 32 tags, this one has 33; push again with the others"}]}
    "#]]);
    // The tag in the path is one of them.
    let answer = world.ask(format!("PUT /v2/app/manifests/v1?{}", tags(32))).manifest(&bare).await;
    answer.is_refused(400, "MANIFEST_INVALID");
    world.ask("GET /v2/app/manifests/<bare>").await.is(404);
    world.end().await;
}

#[tokio::test]
async fn with_what_is_no_tag() {
    let world = World::new().await;
    let bare = world.bare("bare");
    world.ask("PUT /v2/app/manifests/-v1").manifest(&bare).await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"MANIFEST_INVALID","message":"`-v1` is not a tag: it has `-` at character 1. A tag is made of letters a-z and A-Z, digits, `_`, `.` and `-`, and starts with neither of the last two"}]}
    "#]]);
    world.ask("PUT /v2/app/manifests/<bare>?tag=v1&tag=a%20b").manifest(&bare).await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"MANIFEST_INVALID","message":"`a b` is not a tag: it has ` ` at character 2. A tag is made of letters a-z and A-Z, digits, `_`, `.` and `-`, and starts with neither of the last two"}]}
    "#]]);
    world.ask("PUT /v2/app/manifests/sha256:0").manifest(&bare).await.is_refused(400, "DIGEST_INVALID");
    world.end().await.is(expect![""]);
}

/// An editor on Windows leaves one: it is skipped when the manifest is read, and kept.
#[tokio::test]
async fn with_a_byte_order_mark() {
    let world = World::new().await;
    let plain = world.bare("plain");
    let marked = world.content("marked", OCI_MANIFEST, ["\u{feff}".as_bytes(), &plain.bytes].concat());
    world.push("app", "v1", &marked).await;
    world.ask("GET /v2/app/manifests/v1").await.shows(expect![[r#"
        200 OK
        content-length: 163
        content-type: application/vnd.oci.image.manifest.v1+json
        docker-content-digest: <marked>

        the bytes of <marked>
    "#]]);
    world.end().await;
}

/// White space, order, unknown fields: nothing of it is ours to change.
#[tokio::test]
async fn byte_for_byte() {
    let world = World::new().await;
    let text = "\n {\"zebra\" : [1e2, {\"\\u0061\": null}],\r\n\t\"layers\":[ ],\"artifactType\": \"a/b\" ,\
                \"schemaVersion\": 2, \"config\": null}  \n";
    let spaced = world.content("spaced", OCI_MANIFEST, text);
    world.push("app", "v1", &spaced).await;
    assert_eq!(world.ask("GET /v2/app/manifests/v1").await.is(200).body, text);
    world.end().await;
}

#[tokio::test]
async fn what_is_not_a_manifest() {
    let world = World::new().await;
    let mut said = String::new();
    for bytes in [
        b"".as_slice(),
        b"not JSON",
        b"[]",
        b"{}",
        b"{\"layers\":[]} more",
        b"{\"layers\":[],\"annotations\":{\"a\":\"\xff\"}}",
        br#"{"artifactType":"a/b","layers":[],"artifactType":"c/d"}"#,
        br#"{"artifactType":"a/b","layers":[],"annotations":{"a":"1","\u0061":"2"}}"#,
        br#"{"artifactType":"a/b","layers":[],"unknown":[{"x":1,"x":1}]}"#,
        br#"{"artifactType":"a/b","layers":{}}"#,
        br#"{"artifactType":"a/b","layers":[{"mediaType":"a/b","size":1}]}"#,
        br#"{"artifactType":"a/b","layers":[{"mediaType":"a/b","size":1,"digest":"sha256:0"}]}"#,
        br#"{"artifactType":"a/b","layers":[],"manifests":[{}]}"#,
        br#"{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#,
        br#"{"layers":[]}"#,
    ] {
        let put = world.ask("PUT /v2/app/manifests/v1").header("content-type", OCI_MANIFEST);
        let answer = put.body(bytes).await;
        answer.is_refused(400, "MANIFEST_INVALID");
        said += &format!("{}\n    {}\n", String::from_utf8_lossy(bytes), answer.message());
    }
    assert_reads(
        &said,
        expect![[r#"

        the manifest is not JSON: EOF while parsing a value at line 1 column 0
    not JSON
        the manifest is not JSON: expected ident at line 1 column 2
    []
        the manifest is a list: it must be a JSON object
    {}
        the manifest's /config is missing: an image manifest has a `config`, or an `artifactType` in its place
    {"layers":[]} more
        the manifest is not JSON: trailing characters at line 1 column 15
    {"layers":[],"annotations":{"a":"�"}}
        the manifest is not UTF-8 from byte 33 on: write it in UTF-8
    {"artifactType":"a/b","layers":[],"artifactType":"c/d"}
        the manifest has the key `artifactType` twice in one object, at the top: remove one of them
    {"artifactType":"a/b","layers":[],"annotations":{"a":"1","\u0061":"2"}}
        the manifest has the key `a` twice in one object, at /annotations: remove one of them
    {"artifactType":"a/b","layers":[],"unknown":[{"x":1,"x":1}]}
        the manifest has the key `x` twice in one object, at /unknown/0: remove one of them
    {"artifactType":"a/b","layers":{}}
        the manifest's /layers is an object: it must be a list of descriptors
    {"artifactType":"a/b","layers":[{"mediaType":"a/b","size":1}]}
        the manifest's /layers/0 has no `digest`: a descriptor has `mediaType`, `digest` and `size`
    {"artifactType":"a/b","layers":[{"mediaType":"a/b","size":1,"digest":"sha256:0"}]}
        the manifest's /layers/0/digest: `sha256:0` is not a digest: sha256 has 64 hexadecimal digits and this has 1: send all of them
    {"artifactType":"a/b","layers":[],"manifests":[{}]}
        the manifest is `application/vnd.oci.image.manifest.v1+json` and has `manifests` all the same: remove those, or correct its media type
    {"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}
        the manifest says in `mediaType` that it is `application/vnd.oci.image.index.v1+json`, but was sent with Content-Type `application/vnd.oci.image.manifest.v1+json`: send it with the former
    {"layers":[]}
        the manifest's /config is missing: an image manifest has a `config`, or an `artifactType` in its place
"#]],
    );
    world.end().await.is(expect![""]);
}

#[tokio::test]
async fn what_it_is_called() {
    let world = World::new().await;
    let text = format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[]}}"#);
    world.content("index", OCI_INDEX, text.clone());
    for (header, code) in
        [(OCI_INDEX, 201), ("application/vnd.oci.image.index.v1+json; charset=utf-8", 201), ("", 201)]
    {
        let put = world.ask("PUT /v2/app/manifests/v1").header("content-type", header).body(text.clone());
        put.await.is(code);
    }
    world.ask("PUT /v2/app/manifests/v1").body(text.clone()).await.is(201);
    world.ask("PUT /v2/app/manifests/v1").header("content-type", OCI_MANIFEST).body(text).await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"MANIFEST_INVALID","message":"the manifest says in `mediaType` that it is `application/vnd.oci.image.index.v1+json`, but was sent with Content-Type `application/vnd.oci.image.manifest.v1+json`: send it with the former"}]}
    "#]]);
    assert_eq!(world.ask("GET /v2/app/manifests/v1").await.is(200).header("content-type"), OCI_INDEX);
    world.end().await;
}

/// As long as the longest that every client reads, and one byte more.
#[tokio::test]
async fn as_long_as_it_may_be() {
    const MAX: usize = 4 * 1024 * 1024;
    let world = World::new().await;
    let long = |name: &str, bytes: usize| {
        let text = r#"{"schemaVersion":2,"artifactType":"a/b","layers":[],"filler":""}"#;
        let text = text.replace(r#":"""#, &format!(r#":"{}""#, "x".repeat(bytes - text.len())));
        assert_eq!(text.len(), bytes);
        world.content(name, OCI_MANIFEST, text)
    };
    let (longest, too_long) = (long("longest", MAX), long("too long", MAX + 1));
    world.push("app", "v1", &longest).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <longest>
        location: /v2/app/manifests/<longest>
    "#]]);
    world.ask("GET /v2/app/manifests/v1").await.shows(expect![[r#"
        200 OK
        content-length: 4194304
        content-type: application/vnd.oci.image.manifest.v1+json
        docker-content-digest: <longest>

        the bytes of <longest>
    "#]]);
    world.ask("PUT /v2/app/manifests/v2").manifest(&too_long).await.shows(expect![[r#"
        413 Payload Too Large
        content-type: application/json

        {"errors":[{"code":"SIZE_INVALID","message":"the manifest has more than 4194304 bytes, the most that this registry takes"}]}
    "#]]);
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<longest> / 0#self: live ~1, application/vnd.oci.image.manifest.v1+json, 4194304 bytes, manifests/<longest>/app/~1
        manifest#app#<longest> / held#kept#~1
        manifest#app#<longest> / held#tag#v1#~2
        repo#app / manifest#<longest>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <longest> at ~2, application/vnd.oci.image.manifest.v1+json, 4194304 bytes
        object manifests/<longest>/app/~1: 4194304 bytes
    "#]]);
}

/// Up to 384 KiB the bytes are in the table, and one read has all; above they are an object.
#[tokio::test]
async fn bytes_in_the_table_and_out_of_it() {
    const MAX: usize = 384 * 1024;
    let world = World::new().await;
    for (name, bytes) in [("shorter", MAX), ("longer", MAX + 1)] {
        let empty = world.bare_with(&format!("empty {name}"), json!({ "filler": "" }));
        let filler = "x".repeat(bytes - empty.bytes.len());
        let manifest = world
            .bare_with(name, json!({ "filler": filler, "annotations": { "name": format!("empty {name}") } }));
        assert_eq!(manifest.bytes.len(), bytes);
        world.push("app", name, &manifest).await;
    }
    world.ask("GET /v2/app/manifests/shorter").await.costs(expect!["2 table (1 get, 1 query)"]).shows(
        expect![[r#"
        200 OK
        content-length: 393216
        content-type: application/vnd.oci.image.manifest.v1+json
        docker-content-digest: <shorter>

        the bytes of <shorter>
    "#]],
    );
    world
        .ask("GET /v2/app/manifests/longer")
        .await
        .costs(expect!["2 table (1 get, 1 query), 1 blob (1 get)"])
        .shows(expect![[r#"
        200 OK
        content-length: 393217
        content-type: application/vnd.oci.image.manifest.v1+json
        docker-content-digest: <longer>

        the bytes of <longer>
    "#]]);
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<longer> / 0#self: live ~1, application/vnd.oci.image.manifest.v1+json, 393217 bytes, manifests/<longer>/app/~1
        manifest#app#<longer> / held#kept#~1
        manifest#app#<longer> / held#tag#longer#~2
        manifest#app#<shorter> / 0#body: 393216 bytes
        manifest#app#<shorter> / 0#self: live ~3, application/vnd.oci.image.manifest.v1+json, 393216 bytes
        manifest#app#<shorter> / held#kept#~3
        manifest#app#<shorter> / held#tag#shorter#~4
        repo#app / manifest#<longer>
        repo#app / manifest#<shorter>
        repo#app / policy: in the catalog
        repo#app / tag#longer: <longer> at ~2, application/vnd.oci.image.manifest.v1+json, 393217 bytes
        repo#app / tag#shorter: <shorter> at ~4, application/vnd.oci.image.manifest.v1+json, 393216 bytes
        object manifests/<longer>/app/~1: 393217 bytes
    "#]]);
}

#[tokio::test]
async fn of_a_type_that_nobody_knows() {
    let world = World::new().await;
    let layer = world.blob("layer");
    let strange = world.content(
        "strange",
        "application/vnd.example.thing.v7+json",
        json!({ "layers": [layer.descriptor(), 7, {}], "config": "none", "anything": true }).to_string(),
    );
    // What looks like a descriptor in its usual place is one.
    world.ask("PUT /v2/app/manifests/v1").manifest(&strange).await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"the manifest names something that is not in this repository: blob <layer>; push what is missing first","detail":{"missing":[{"digest":"<layer>","kind":"blob"}]}}]}
    "#]]);
    world.push_blobs("app", &[&layer]).await;
    world.push("app", "v1", &strange).await;
    world.ask("GET /v2/app/manifests/v1").await.shows(expect![[r#"
        200 OK
        content-length: 196
        content-type: application/vnd.example.thing.v7+json
        docker-content-digest: <strange>

        the bytes of <strange>
    "#]]);
    world.end().await;
}

#[tokio::test]
async fn of_the_retired_artifact_type() {
    let world = World::new().await;
    let (blob, subject) = (world.blob("blob"), world.bare("subject"));
    world.push_blobs("app", &[&blob]).await;
    let artifact = world.manifest(
        "artifact",
        &json!({
            "mediaType": OCI_ARTIFACT_MANIFEST, "artifactType": "application/vnd.example.sbom",
            "blobs": [blob.descriptor()], "subject": subject.descriptor(),
        }),
    );
    world.push("app", "v1", &artifact).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <artifact>
        location: /v2/app/manifests/<artifact>
        oci-subject: <subject>
    "#]]);
    world.ask("GET /v2/app/manifests/v1").await.shows(expect![[r#"
        200 OK
        content-length: 427
        content-type: application/vnd.oci.artifact.manifest.v1+json
        docker-content-digest: <artifact>

        the bytes of <artifact>
    "#]]);
    world.ask("DELETE /v2/app/blobs/<blob>").await.is_refused(405, "UNSUPPORTED");
    world.end().await.is(expect![[r#"
        blob#<blob> / content: live ~1, 4 bytes, <blob>/app/~2
        blob#<blob> / grant#app: live ~3, 4 bytes, <blob>/app/~2
        blob#<blob> / held#app#<artifact>#~4
        blob#<blob> / held-content#app#~3
        catalog / app
        manifest#app#<artifact> / 0#body: 427 bytes
        manifest#app#<artifact> / 0#self: live ~4, application/vnd.oci.artifact.manifest.v1+json, 427 bytes, about <subject> as `application/vnd.example.sbom`, which was not there
        manifest#app#<artifact> / held#kept#~4
        manifest#app#<artifact> / held#tag#v1#~5
        manifest#app#<subject> / referrer#application/vnd.example.sbom#<artifact>: {"mediaType":"application/vnd.oci.artifact.manifest.v1+json","digest":"<artifact>","size":427,"artifactType":"application/vnd.example.sbom"}
        repo#app / manifest#<artifact>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <artifact> at ~5, application/vnd.oci.artifact.manifest.v1+json, 427 bytes
        object <blob>/app/~2: 4 bytes
    "#]]);
}
