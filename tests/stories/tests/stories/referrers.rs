//! Referrers (end-12): what is about a manifest, by type, page by page, from the moment of its push.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use moorage_oci::media_type::OCI_INDEX;
use moorage_stories::{Answer, Client, Content, assert_reads, expect};
use serde_json::{Value, json};

use crate::World;

const SIGNATURE: &str = "application/vnd.example.signature+json";
const SBOM: &str = "application/spdx+json";

/// The digests of a list, and of every page that follows.
async fn all_pages(client: &Client, path: &str) -> (Vec<String>, usize) {
    let (mut digests, mut pages) = (Vec::new(), 0);
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let answer = client.ask(format!("GET {path}")).await;
        digests.extend(listed(&answer));
        pages += 1;
        next = answer.next().map(str::to_owned);
    }
    (digests, pages)
}

fn listed(answer: &Answer) -> Vec<String> {
    let index = answer.is(200).json();
    assert_eq!((&index["schemaVersion"], &index["mediaType"]), (&json!(2), &json!(OCI_INDEX)));
    let digest = |entry: &Value| entry["digest"].as_str().expect("a digest").to_owned();
    index["manifests"].as_array().expect("a list").iter().map(digest).collect()
}

fn sorted_digests<'c>(contents: impl IntoIterator<Item = &'c Content>) -> Vec<String> {
    let mut digests: Vec<String> = contents.into_iter().map(|content| content.digest.to_string()).collect();
    digests.sort();
    digests
}

/// Never 404: a client that got one would look for tags instead.
#[tokio::test]
async fn of_nothing() {
    let world = World::new().await;
    world.bare("image");
    world.ask("GET /v2/app/referrers/<image>").await.shows(expect![[r#"
        200 OK
        content-length: 88
        content-type: application/vnd.oci.image.index.v1+json

        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}
    "#]]);
    world.ask("GET /v2/app/referrers/<image>?artifactType=a/b").await.shows(expect![[r#"
        200 OK
        content-length: 88
        content-type: application/vnd.oci.image.index.v1+json
        oci-filters-applied: artifactType

        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}
    "#]]);
    world.ask("GET /v2/app/referrers/v1").await.is_refused(400, "DIGEST_INVALID");
    world.end().await.is(expect![""]);
}

/// With its artifact type and all of its annotations.
#[tokio::test]
async fn of_an_image() {
    let world = World::new().await;
    let image = world.bare("image");
    world.push("app", "v1", &image).await;
    let signature = world.referrer("signature", SIGNATURE, &image);
    let sbom = world.bare_with(
        "sbom",
        json!({
            "artifactType": SBOM, "subject": image.descriptor(), "annotations": { "b": "2", "a": "ä \" \\" },
        }),
    );
    world.push_untagged("app", &signature).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <signature>
        location: /v2/app/manifests/<signature>
        oci-subject: <image>
    "#]]);
    world.push("app", "sbom", &sbom).await;
    world.ask("GET /v2/app/referrers/<image>").await.shows(expect![[r#"
        200 OK
        content-length: 562
        content-type: application/vnd.oci.image.index.v1+json

        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"<sbom>","size":329,"artifactType":"application/spdx+json","annotations":{"a":"ä \" \\","b":"2"}},{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"<signature>","size":342,"artifactType":"application/vnd.example.signature+json","annotations":{"name":"signature"}}]}
    "#]]);
    // Another repository knows nothing of it.
    assert!(listed(&world.ask("GET /v2/other/referrers/<image>").await).is_empty());
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<signature> / 0#body: 342 bytes
        manifest#app#<signature> / 0#self: live ~1, application/vnd.oci.image.manifest.v1+json, 342 bytes, about <image> as `application/vnd.example.signature+json`, which was there
        manifest#app#<sbom> / 0#body: 329 bytes
        manifest#app#<sbom> / 0#self: live ~2, application/vnd.oci.image.manifest.v1+json, 329 bytes, about <image> as `application/spdx+json`, which was there
        manifest#app#<sbom> / held#kept#~2
        manifest#app#<sbom> / held#tag#sbom#~3
        manifest#app#<image> / 0#body: 160 bytes
        manifest#app#<image> / 0#self: live ~4, application/vnd.oci.image.manifest.v1+json, 160 bytes
        manifest#app#<image> / held#kept#~4
        manifest#app#<image> / held#tag#v1#~5
        manifest#app#<image> / referrer#application/spdx+json#<sbom>: {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"<sbom>","size":329,"artifactType":"application/spdx+json","annotations":{"a":"ä \" \\","b":"2"}}
        manifest#app#<image> / referrer#application/vnd.example.signature+json#<signature>: {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"<signature>","size":342,"artifactType":"application/vnd.example.signature+json","annotations":{"name":"signature"}}
        repo#app / manifest#<signature>
        repo#app / manifest#<sbom>
        repo#app / manifest#<image>
        repo#app / policy: in the catalog
        repo#app / tag#sbom: <sbom> at ~3, application/vnd.oci.image.manifest.v1+json, 329 bytes
        repo#app / tag#v1: <image> at ~5, application/vnd.oci.image.manifest.v1+json, 160 bytes
    "#]]);
}

#[tokio::test]
async fn of_one_type() {
    let world = World::new().await;
    let image = world.bare("image");
    let (signature, sbom) =
        (world.referrer("signature", SIGNATURE, &image), world.referrer("sbom", SBOM, &image));
    for manifest in [&image, &signature, &sbom] {
        world.push_untagged("app", manifest).await;
    }
    world.ask("GET /v2/app/referrers/<image>?artifactType=application/spdx%2Bjson").await.shows(expect![[r#"
        200 OK
        content-length: 309
        content-type: application/vnd.oci.image.index.v1+json
        oci-filters-applied: artifactType

        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"<sbom>","size":320,"artifactType":"application/spdx+json","annotations":{"name":"sbom"}}]}
    "#]]);
    for (filter, expected) in [
        ("application%2Fvnd.example.signature%2Bjson", vec![&signature]),
        // A plus is a plus: many write it as it is.
        ("application/vnd.example.signature+json", vec![&signature]),
        ("application/vnd.example.signature", vec![]),
        ("application/spdx", vec![]),
        ("", vec![&signature, &sbom]),
    ] {
        let answer = world.ask(format!("GET /v2/app/referrers/<image>?artifactType={filter}")).await;
        let mut seen = listed(&answer);
        seen.sort();
        assert_eq!(seen, sorted_digests(expected), "{filter}");
        assert_eq!(answer.header("oci-filters-applied"), if filter.is_empty() { "" } else { "artifactType" });
    }
    world.end().await;
}

/// An image's type is that of its config where it has no other; an index without a type has none.
#[tokio::test]
async fn under_which_type() {
    let world = World::new().await;
    let (image, config) = (world.bare("image"), world.blob("config"));
    world.push_blobs("app", &[&config]).await;
    let helm = config.descriptor_with(json!({ "mediaType": "application/vnd.cncf.helm.config.v1+json" }));
    let by_config = world.bare_with(
        "by config",
        json!({
            "artifactType": null, "config": helm, "subject": image.descriptor(),
        }),
    );
    let typed = world.manifest("typed", &json!({
        "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "artifactType": SBOM, "subject": image.descriptor(),
    }));
    let untyped = world.manifest(
        "untyped",
        &json!({
            "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "subject": image.descriptor(),
        }),
    );
    for manifest in [&by_config, &typed, &untyped] {
        world.push_untagged("app", manifest).await;
    }
    world.ask("GET /v2/app/referrers/<image>").await.shows(expect![[r#"
        200 OK
        content-length: 672
        content-type: application/vnd.oci.image.index.v1+json

        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"<untyped>","size":251},{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"<typed>","size":290,"artifactType":"application/spdx+json"},{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"<by config>","size":464,"artifactType":"application/vnd.cncf.helm.config.v1+json","annotations":{"name":"by config"}}]}
    "#]]);
    let helm = world
        .ask("GET /v2/app/referrers/<image>?artifactType=application/vnd.cncf.helm.config.v1+json")
        .await;
    assert_eq!(listed(&helm), [by_config.digest.as_str()]);
    world.end().await.is(expect![[r#"
        blob#<config> / content: live ~1, 6 bytes, <config>/app/~2
        blob#<config> / grant#app: live ~3, 6 bytes, <config>/app/~2
        blob#<config> / held#app#<by config>#~4
        blob#<config> / held-content#app#~3
        catalog / app
        manifest#app#<typed> / 0#body: 290 bytes
        manifest#app#<typed> / 0#self: live ~5, application/vnd.oci.image.index.v1+json, 290 bytes, about <image> as `application/spdx+json`, which was not there
        manifest#app#<image> / referrer##<untyped>: {"mediaType":"application/vnd.oci.image.index.v1+json","digest":"<untyped>","size":251}
        manifest#app#<image> / referrer#application/spdx+json#<typed>: {"mediaType":"application/vnd.oci.image.index.v1+json","digest":"<typed>","size":290,"artifactType":"application/spdx+json"}
        manifest#app#<image> / referrer#application/vnd.cncf.helm.config.v1+json#<by config>: {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"<by config>","size":464,"artifactType":"application/vnd.cncf.helm.config.v1+json","annotations":{"name":"by config"}}
        manifest#app#<untyped> / 0#body: 251 bytes
        manifest#app#<untyped> / 0#self: live ~6, application/vnd.oci.image.index.v1+json, 251 bytes, about <image> as ``, which was not there
        manifest#app#<by config> / 0#body: 464 bytes
        manifest#app#<by config> / 0#self: live ~4, application/vnd.oci.image.manifest.v1+json, 464 bytes, about <image> as `application/vnd.cncf.helm.config.v1+json`, which was not there
        repo#app / manifest#<typed>
        repo#app / manifest#<untyped>
        repo#app / manifest#<by config>
        repo#app / policy: in the catalog
        object <config>/app/~2: 6 bytes
    "#]]);
}

/// What an artifact type may hold is nobody's business; a key's parts are kept apart all the same.
#[tokio::test]
async fn of_types_that_no_key_can_have() {
    let world = World::new().await;
    let image = world.bare("image");
    let long = |last: &str| format!("application/{}{last}", "x".repeat(300));
    let types = ["a#b".to_owned(), "a".to_owned(), "a#".to_owned(), long("1"), long("2"), "ä/ö#".to_owned()];
    let mut referrers = Vec::new();
    for (n, artifact_type) in types.iter().enumerate() {
        let referrer = world.referrer(&format!("referrer {n}"), artifact_type, &image);
        world.push_untagged("app", &referrer).await;
        referrers.push(referrer);
    }
    for (referrer, artifact_type) in referrers.iter().zip(&types) {
        let filter = artifact_type.replace('#', "%23").replace('ä', "%C3%A4").replace('ö', "%C3%B6");
        let answer = world.ask(format!("GET /v2/app/referrers/<image>?artifactType={filter}")).await;
        assert_eq!(listed(&answer), [referrer.digest.as_str()], "{artifact_type}");
        assert_eq!(answer.json()["manifests"][0]["artifactType"], *artifact_type);
    }
    let (all, _) = all_pages(&world, &world.filled("/v2/app/referrers/<image>")).await;
    assert_eq!(all.len(), types.len());
    world.end().await;
}

/// It is listed from the first moment, and the subject says so when it comes.
#[tokio::test]
async fn before_the_subject_is_there() {
    let world = World::new().await;
    let image = world.bare("image");
    let signature = world.referrer("signature", SIGNATURE, &image);
    world.push_untagged("app", &signature).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <signature>
        location: /v2/app/manifests/<signature>
        oci-subject: <image>
    "#]]);
    assert_eq!(listed(&world.ask("GET /v2/app/referrers/<image>").await), [signature.digest.as_str()]);
    world.ask("GET /v2/app/manifests/<image>").await.is(404);
    world.push("app", "v1", &image).await;
    assert_eq!(listed(&world.ask("GET /v2/app/referrers/<image>").await), [signature.digest.as_str()]);
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<signature> / 0#body: 342 bytes
        manifest#app#<signature> / 0#self: live ~1, application/vnd.oci.image.manifest.v1+json, 342 bytes, about <image> as `application/vnd.example.signature+json`, which was not there
        manifest#app#<image> / 0#body: 160 bytes
        manifest#app#<image> / 0#self: live ~2, application/vnd.oci.image.manifest.v1+json, 160 bytes
        manifest#app#<image> / held#kept#~2
        manifest#app#<image> / held#tag#v1#~3
        manifest#app#<image> / referrer#application/vnd.example.signature+json#<signature>: {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"<signature>","size":342,"artifactType":"application/vnd.example.signature+json","annotations":{"name":"signature"}}
        repo#app / manifest#<signature>
        repo#app / manifest#<image>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <image> at ~3, application/vnd.oci.image.manifest.v1+json, 160 bytes
    "#]]);
}

#[tokio::test]
async fn of_a_referrer() {
    let world = World::new().await;
    let image = world.bare("image");
    let sbom = world.referrer("sbom", SBOM, &image);
    let signature = world.referrer("signature", SIGNATURE, &sbom);
    for manifest in [&image, &sbom, &signature] {
        world.push_untagged("app", manifest).await;
    }
    assert_eq!(listed(&world.ask("GET /v2/app/referrers/<image>").await), [sbom.digest.as_str()]);
    assert_eq!(listed(&world.ask("GET /v2/app/referrers/<sbom>").await), [signature.digest.as_str()]);
    world.end().await;
}

/// The entry goes in the step that deletes it, and comes back with it.
#[tokio::test]
async fn one_that_is_deleted() {
    let world = World::new().await;
    let image = world.bare("image");
    let signature = world.referrer("signature", SIGNATURE, &image);
    world.push_untagged("app", &image).await;
    world.push_untagged("app", &signature).await;
    world.ask("DELETE /v2/app/manifests/<signature>").await.is(202);
    assert!(listed(&world.ask("GET /v2/app/referrers/<image>").await).is_empty());
    world.picture().await.is(expect![[r#"
        catalog / app
        manifest#app#<signature> / 0#body: 342 bytes
        manifest#app#<signature> / 0#self: recycled ~1, application/vnd.oci.image.manifest.v1+json, 342 bytes, about <image> as `application/vnd.example.signature+json`, which was there
        manifest#app#<image> / 0#body: 160 bytes
        manifest#app#<image> / 0#self: live ~2, application/vnd.oci.image.manifest.v1+json, 160 bytes
        repo#app / manifest#<signature>
        repo#app / manifest#<image>
        repo#app / policy: in the catalog
        repo#app / recycled#01767225600000#<signature>
    "#]]);
    world.push_untagged("app", &signature).await;
    assert_eq!(listed(&world.ask("GET /v2/app/referrers/<image>").await), [signature.digest.as_str()]);
    world.end().await;
}

/// The list is an answer about a digest: it does not need the subject.
#[tokio::test]
async fn of_a_subject_that_is_deleted() {
    let world = World::new().await;
    let image = world.bare("image");
    let signature = world.referrer("signature", SIGNATURE, &image);
    world.push_untagged("app", &image).await;
    world.push_untagged("app", &signature).await;
    world.ask("DELETE /v2/app/manifests/<image>").await.is(202);
    assert_eq!(listed(&world.ask("GET /v2/app/referrers/<image>").await), [signature.digest.as_str()]);
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<signature> / 0#body: 342 bytes
        manifest#app#<signature> / 0#self: live ~1, application/vnd.oci.image.manifest.v1+json, 342 bytes, about <image> as `application/vnd.example.signature+json`, which was there
        manifest#app#<image> / 0#body: 160 bytes
        manifest#app#<image> / 0#self: recycled ~2, application/vnd.oci.image.manifest.v1+json, 160 bytes
        manifest#app#<image> / referrer#application/vnd.example.signature+json#<signature>: {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"<signature>","size":342,"artifactType":"application/vnd.example.signature+json","annotations":{"name":"signature"}}
        repo#app / manifest#<signature>
        repo#app / manifest#<image>
        repo#app / policy: in the catalog
        repo#app / recycled#01767225600000#<image>
    "#]]);
}

/// More than one page: the links lead to all of them, each once, with the filter too.
#[tokio::test]
async fn a_great_many() {
    let world = World::new().await;
    let image = world.bare("image");
    let mut signatures = Vec::new();
    for n in 0..620 {
        let signature = world.referrer(&format!("signature {n:03}"), SIGNATURE, &image);
        world.push_untagged("app", &signature).await;
        signatures.push(signature);
    }
    let sboms = [world.referrer("sbom 1", SBOM, &image), world.referrer("sbom 2", SBOM, &image)];
    for sbom in &sboms {
        world.push_untagged("app", sbom).await;
    }
    let list = world.filled("/v2/app/referrers/<image>");
    let (mut all, pages) = all_pages(&world, &list).await;
    all.sort();
    assert!(all == sorted_digests(signatures.iter().chain(&sboms)), "other referrers than were pushed");
    assert_eq!(pages, 2);
    let (of_type, pages) = all_pages(&world, &format!("{list}?artifactType={SIGNATURE}")).await;
    assert!(of_type == sorted_digests(&signatures), "other signatures than were pushed");
    assert_eq!(pages, 2);
    let answer =
        world.ask(format!("GET {list}?artifactType=application%2Fvnd.example.signature%2Bjson")).await;
    assert_reads(
        &world.shown(answer.header("link")),
        expect![[
            r#"</v2/app/referrers/<image>?artifactType=application%2Fvnd.example.signature%2Bjson&last=<place>>; rel="next""#
        ]],
    );
    world.ask(format!("GET {list}?last=v1")).await.shows(expect![[r#"
        400 Bad Request
        content-type: application/json

        {"errors":[{"code":"UNSUPPORTED","message":"the query parameter `last` is not valid: it is not from the Link of an earlier page; begin again without it"}]}
    "#]]);
    world.end().await;
}

/// Over 64 KiB of annotations stay in the manifest, from which the list reads them; and a page ends before
/// it gets longer than what clients read.
#[tokio::test]
async fn with_huge_annotations() {
    let world = World::new().await;
    let image = world.bare("image");
    let mut referrers = Vec::new();
    for n in 0..7 {
        let annotations = json!({ "filler": "x".repeat(700_000), "n": n.to_string() });
        let more = json!({ "artifactType": SBOM, "subject": image.descriptor(), "annotations": annotations });
        let referrer = world.bare_with(&format!("sbom {n}"), more);
        world.push_untagged("app", &referrer).await;
        referrers.push(referrer);
    }
    let list = world.filled("/v2/app/referrers/<image>");
    let first = world.ask(format!("GET {list}")).await;
    assert!(first.body.len() < 4 * 1024 * 1024, "{} bytes", first.body.len());
    assert_eq!(first.json()["manifests"][0]["annotations"]["filler"].as_str().map(str::len), Some(700_000));
    let (all, pages) = all_pages(&world, &list).await;
    assert_eq!((all, pages), (sorted_digests(&referrers), 2));
    world.end().await;
}
