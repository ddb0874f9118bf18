//! What a manifest names: held from the push on, and required, but for what lives elsewhere.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use moorage_oci::media_type::{OCI_INDEX, OCI_MANIFEST};
use moorage_operations::MissingChildren;
use moorage_stories::{Content, expect};
use serde_json::json;

use crate::World;

/// Each child is held by each index that has it, with the index's incarnation.
#[tokio::test]
async fn an_index_of_images_and_of_an_index() {
    let world = World::new().await;
    let (one, two) = (world.bare("one"), world.bare("two"));
    let inner = world.index("inner", &[&one, &two]);
    let outer = world.index("outer", &[&inner, &one]);
    for manifest in [&one, &two, &inner] {
        world.push_untagged("app", manifest).await;
    }
    world.push("app", "v1", &outer).await.shows(expect![[r#"
        201 Created
        content-length: 0
        docker-content-digest: <outer>
        location: /v2/app/manifests/<outer>
    "#]]);
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<outer> / 0#body: 421 bytes
        manifest#app#<outer> / 0#self: live ~1, application/vnd.oci.image.index.v1+json, 421 bytes
        manifest#app#<outer> / held#kept#~1
        manifest#app#<outer> / held#tag#v1#~2
        manifest#app#<one> / 0#body: 158 bytes
        manifest#app#<one> / 0#self: live ~3, application/vnd.oci.image.manifest.v1+json, 158 bytes
        manifest#app#<one> / held#index#<outer>#~1
        manifest#app#<one> / held#index#<inner>#~4
        manifest#app#<one> / was-held
        manifest#app#<two> / 0#body: 158 bytes
        manifest#app#<two> / 0#self: live ~5, application/vnd.oci.image.manifest.v1+json, 158 bytes
        manifest#app#<two> / held#index#<inner>#~4
        manifest#app#<two> / was-held
        manifest#app#<inner> / 0#body: 424 bytes
        manifest#app#<inner> / 0#self: live ~4, application/vnd.oci.image.index.v1+json, 424 bytes
        manifest#app#<inner> / held#index#<outer>#~1
        manifest#app#<inner> / was-held
        repo#app / manifest#<outer>
        repo#app / manifest#<one>
        repo#app / manifest#<two>
        repo#app / manifest#<inner>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <outer> at ~2, application/vnd.oci.image.index.v1+json, 421 bytes
    "#]]);
}

/// BuildKit's caches are such: an entry that is no manifest is a blob.
#[tokio::test]
async fn an_index_of_blobs() {
    let world = World::new().await;
    let layer = world.blob("layer");
    world.push_blobs("app", &[&layer]).await;
    let cache = world.index("cache", &[&layer]);
    world.push("app", "v1", &cache).await;
    world.ask("DELETE /v2/app/blobs/<layer>").await.is_refused(405, "UNSUPPORTED");
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, <layer>/app/~2
        blob#<layer> / held#app#<cache>#~4
        blob#<layer> / held-content#app#~3
        catalog / app
        manifest#app#<cache> / 0#body: 265 bytes
        manifest#app#<cache> / 0#self: live ~4, application/vnd.oci.image.index.v1+json, 265 bytes
        manifest#app#<cache> / held#kept#~4
        manifest#app#<cache> / held#tag#v1#~5
        repo#app / manifest#<cache>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <cache> at ~5, application/vnd.oci.image.index.v1+json, 265 bytes
        object <layer>/app/~2: 5 bytes
    "#]]);
}

/// An entry that lives elsewhere is not needed here, however the index says that it does; asking for it
/// tells where to go.
#[tokio::test]
async fn an_index_with_entries_that_live_elsewhere() {
    let world = World::new().await;
    let (here, field, annotation) = (world.bare("here"), world.bare("field"), world.bare("annotation"));
    world.push_untagged("app", &here).await;
    let urls = json!(["https://one.example/v2/app/manifests/1", "https://two.example/v2/app/manifests/1"]);
    let index = world.index_of(
        "index",
        &[
            here.descriptor(),
            field.descriptor_with(json!({ "remote": true, "urls": urls })),
            annotation.descriptor_with(json!({ "annotations": { "dev.moorage.remote": "true" } })),
        ],
    );
    world.push("app", "v1", &index).await;
    world.ask("GET /v2/app/manifests/v1").await.shows(expect![[r#"
        200 OK
        content-length: 726
        content-type: application/vnd.oci.image.index.v1+json
        docker-content-digest: <index>

        the bytes of <index>
    "#]]);
    world.ask("GET /v2/app/manifests/<field>").await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest <field> is not kept here: index <index> names it as remote; get it from https://one.example/v2/app/manifests/1 or https://two.example/v2/app/manifests/1","detail":{"index":"<index>","urls":["https://one.example/v2/app/manifests/1","https://two.example/v2/app/manifests/1"]}}]}
    "#]]);
    world.ask("GET /v2/app/manifests/<annotation>").await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest <annotation> is not kept here: index <index> names it as remote; get it from where its publisher says","detail":{"index":"<index>","urls":[]}}]}
    "#]]);
    world.ask("HEAD /v2/app/manifests/<field>").await.is(404);
    // Brought here after all, it is there, and the index does not hold it.
    world.push_untagged("app", &field).await;
    world.ask("GET /v2/app/manifests/<field>").await.is(200);
    world.ask("DELETE /v2/app/manifests/<field>").await.is(202);
    world.end().await.is(expect![[r#"
        catalog / app
        manifest#app#<annotation> / remote-in#<index>#~1
        manifest#app#<index> / 0#body: 726 bytes
        manifest#app#<index> / 0#self: live ~1, application/vnd.oci.image.index.v1+json, 726 bytes
        manifest#app#<index> / held#kept#~1
        manifest#app#<index> / held#tag#v1#~2
        manifest#app#<field> / 0#body: 160 bytes
        manifest#app#<field> / 0#self: recycled ~3, application/vnd.oci.image.manifest.v1+json, 160 bytes
        manifest#app#<field> / remote-in#<index>#~1: https://one.example/v2/app/manifests/1 https://two.example/v2/app/manifests/1
        manifest#app#<here> / 0#body: 159 bytes
        manifest#app#<here> / 0#self: live ~4, application/vnd.oci.image.manifest.v1+json, 159 bytes
        manifest#app#<here> / held#index#<index>#~1
        manifest#app#<here> / was-held
        repo#app / manifest#<index>
        repo#app / manifest#<field>
        repo#app / manifest#<here>
        repo#app / policy: in the catalog
        repo#app / recycled#01767225600000#<field>
        repo#app / tag#v1: <index> at ~2, application/vnd.oci.image.index.v1+json, 726 bytes
    "#]]);
}

/// `urls` alone do not say that something is not here.
#[tokio::test]
async fn urls_alone_are_not_remote() {
    let world = World::new().await;
    let child = world.bare("child");
    let index =
        world.index_of("index", &[child.descriptor_with(json!({ "urls": ["https://one.example/x"] }))]);
    world.ask("PUT /v2/app/manifests/v1").manifest(&index).await.is_refused(404, "MANIFEST_BLOB_UNKNOWN");
    world.end().await;
}

/// Layers that may not be distributed are held if they are here, and not missed if not.
#[tokio::test]
async fn an_image_with_foreign_layers() {
    let world = World::new().await;
    let (config, here, not_here) = (world.blob("config"), world.blob("here"), world.blob("not here"));
    world.push_blobs("app", &[&config, &here]).await;
    let foreign = json!({
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "urls": ["https://one.example/layer"],
    });
    let windows = world.manifest(
        "windows",
        &json!({
            "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": config.descriptor(),
            "layers": [here.descriptor_with(foreign.clone()), not_here.descriptor_with(foreign)],
        }),
    );
    world.push("app", "v1", &windows).await;
    world.ask("DELETE /v2/app/blobs/<here>").await.is_refused(405, "UNSUPPORTED");
    world.end().await.is(expect![[r#"
        blob#<config> / content: live ~1, 6 bytes, <config>/app/~2
        blob#<config> / grant#app: live ~3, 6 bytes, <config>/app/~2
        blob#<config> / held#app#<windows>#~4
        blob#<config> / held-content#app#~3
        blob#<not here> / held#app#<windows>#~4
        blob#<here> / content: live ~5, 4 bytes, <here>/app/~6
        blob#<here> / grant#app: live ~7, 4 bytes, <here>/app/~6
        blob#<here> / held#app#<windows>#~4
        blob#<here> / held-content#app#~7
        catalog / app
        manifest#app#<windows> / 0#body: 659 bytes
        manifest#app#<windows> / 0#self: live ~4, application/vnd.docker.distribution.manifest.v2+json, 659 bytes
        manifest#app#<windows> / held#kept#~4
        manifest#app#<windows> / held#tag#v1#~8
        repo#app / manifest#<windows>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <windows> at ~8, application/vnd.docker.distribution.manifest.v2+json, 659 bytes
        object <config>/app/~2: 6 bytes
        object <here>/app/~6: 4 bytes
    "#]]);
}

/// As cnab-to-oci writes a bundle: a config manifest without media type, whose layers are null.
#[tokio::test]
async fn a_cnab_bundle() {
    let world = World::new().await;
    let (bundle_json, layer) = (world.blob_of("bundle.json", "{}"), world.blob("layer"));
    world.push_blobs("app", &[&bundle_json, &layer]).await;
    let config = json!({
        "schemaVersion": 2, "layers": null,
        "config": bundle_json.descriptor_with(json!({ "mediaType": "application/vnd.cnab.config.v1+json" })),
    });
    let config = world.content("config", OCI_MANIFEST, config.to_string());
    let invocation = world.image("invocation", &bundle_json, &[&layer]);
    for manifest in [&config, &invocation] {
        world.push_untagged("app", manifest).await;
    }
    let entry = |manifest: &Content, kind: &str| {
        manifest.descriptor_with(json!({ "annotations": { "io.cnab.manifest.type": kind } }))
    };
    let index = json!({
        "schemaVersion": 2, "manifests": [entry(&config, "config"), entry(&invocation, "invocation")],
        "annotations": { "org.opencontainers.artifactType": "application/vnd.cnab.manifest.v1" },
    });
    let index = world.content("bundle", OCI_INDEX, index.to_string());
    world.push("app", "v1", &index).await;
    world.ask("GET /v2/app/manifests/<config>").await.shows(expect![[r#"
        200 OK
        content-length: 186
        content-type: application/vnd.oci.image.manifest.v1+json
        docker-content-digest: <config>

        the bytes of <config>
    "#]]);
    world.end().await.is(expect![[r#"
        blob#<bundle.json> / content: live ~1, 2 bytes, <bundle.json>/app/~2
        blob#<bundle.json> / grant#app: live ~3, 2 bytes, <bundle.json>/app/~2
        blob#<bundle.json> / held#app#<invocation>#~4
        blob#<bundle.json> / held#app#<config>#~5
        blob#<bundle.json> / held-content#app#~3
        blob#<layer> / content: live ~6, 5 bytes, <layer>/app/~7
        blob#<layer> / grant#app: live ~8, 5 bytes, <layer>/app/~7
        blob#<layer> / held#app#<invocation>#~4
        blob#<layer> / held-content#app#~8
        catalog / app
        manifest#app#<bundle> / 0#body: 526 bytes
        manifest#app#<bundle> / 0#self: live ~9, application/vnd.oci.image.index.v1+json, 526 bytes
        manifest#app#<bundle> / held#kept#~9
        manifest#app#<bundle> / held#tag#v1#~10
        manifest#app#<invocation> / 0#body: 392 bytes
        manifest#app#<invocation> / 0#self: live ~4, application/vnd.oci.image.manifest.v1+json, 392 bytes
        manifest#app#<invocation> / held#index#<bundle>#~9
        manifest#app#<invocation> / was-held
        manifest#app#<config> / 0#body: 186 bytes
        manifest#app#<config> / 0#self: live ~5, application/vnd.oci.image.manifest.v1+json, 186 bytes
        manifest#app#<config> / held#index#<bundle>#~9
        manifest#app#<config> / was-held
        repo#app / manifest#<bundle>
        repo#app / manifest#<invocation>
        repo#app / manifest#<config>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <bundle> at ~10, application/vnd.oci.image.index.v1+json, 526 bytes
        object <bundle.json>/app/~2: 2 bytes
        object <layer>/app/~7: 5 bytes
    "#]]);
}

/// The answer names each of what is missing; nothing of the push is visible; and once what was missing has
/// come, the same push succeeds.
#[tokio::test]
async fn an_image_whose_blobs_are_missing() {
    let world = World::new().await;
    let (config, layer) = (world.blob("config"), world.blob("layer"));
    let image = world.image("image", &config, &[&layer]);
    world.ask("PUT /v2/app/manifests/v1").manifest(&image).await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"the manifest names things that are not in this repository: blob <config>, blob <layer>; push what is missing first","detail":{"missing":[{"digest":"<config>","kind":"blob"},{"digest":"<layer>","kind":"blob"}]}}]}
    "#]]);
    for reference in ["v1", "<image>"] {
        world.ask(format!("GET /v2/app/manifests/{reference}")).await.is_refused(404, "MANIFEST_UNKNOWN");
    }
    world.ask("GET /v2/app/tags/list").await.is_refused(404, "NAME_UNKNOWN");
    world.ask("GET /v2/_catalog").await.shows(expect![[r#"
        200 OK
        content-length: 19
        content-type: application/json

        {"repositories":[]}
    "#]]);
    world.picture().await.is(expect![[r#"
        blob#<config> / held#app#<image>#~1
        blob#<layer> / held#app#<image>#~1
        manifest#app#<image> / 0#body: 392 bytes
        manifest#app#<image> / 0#self: deleting ~1, application/vnd.oci.image.manifest.v1+json, 392 bytes
        repo#app / manifest#<image>
    "#]]);
    world.push_blobs("app", &[&config]).await;
    world.ask("PUT /v2/app/manifests/v1").manifest(&image).await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"the manifest names something that is not in this repository: blob <layer>; push what is missing first","detail":{"missing":[{"digest":"<layer>","kind":"blob"}]}}]}
    "#]]);
    world.push_blobs("app", &[&layer]).await;
    world.push("app", "v1", &image).await;
    world.end().await.is(expect![[r#"
        blob#<config> / content: live ~1, 6 bytes, <config>/app/~2
        blob#<config> / grant#app: live ~3, 6 bytes, <config>/app/~2
        blob#<config> / held#app#<image>#~4
        blob#<config> / held-content#app#~3
        blob#<layer> / content: live ~5, 5 bytes, <layer>/app/~6
        blob#<layer> / grant#app: live ~7, 5 bytes, <layer>/app/~6
        blob#<layer> / held#app#<image>#~4
        blob#<layer> / held-content#app#~7
        catalog / app
        manifest#app#<image> / 0#body: 392 bytes
        manifest#app#<image> / 0#self: live ~4, application/vnd.oci.image.manifest.v1+json, 392 bytes
        manifest#app#<image> / held#kept#~4
        manifest#app#<image> / held#tag#v1#~8
        repo#app / manifest#<image>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <image> at ~8, application/vnd.oci.image.manifest.v1+json, 392 bytes
        object <config>/app/~2: 6 bytes
        object <layer>/app/~6: 5 bytes
    "#]]);
}

/// A blob of another repository is not there, and neither is a manifest.
#[tokio::test]
async fn an_index_whose_images_are_missing() {
    let world = World::new().await;
    let (here, elsewhere, nowhere) = (world.bare("here"), world.bare("elsewhere"), world.bare("nowhere"));
    world.push_untagged("app", &here).await;
    world.push_untagged("other", &elsewhere).await;
    let index = world.index("index", &[&here, &elsewhere, &nowhere]);
    world.ask("PUT /v2/app/manifests/<index>").manifest(&index).await.shows(expect![[r#"
        404 Not Found
        content-type: application/json

        {"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"the manifest names things that are not in this repository: manifest <elsewhere>, manifest <nowhere>; push what is missing first","detail":{"missing":[{"digest":"<elsewhere>","kind":"manifest"},{"digest":"<nowhere>","kind":"manifest"}]}}]}
    "#]]);
    for manifest in [&elsewhere, &nowhere] {
        world.push_untagged("app", manifest).await;
    }
    world.push_untagged("app", &index).await;
    world.end().await;
}

/// The message names a few, the detail all.
#[tokio::test]
async fn an_index_whose_many_images_are_missing() {
    let world = World::new().await;
    let children: Vec<_> = (0..150).map(|n| world.bare(&format!("child-{n:03}"))).collect();
    let index = world.index("index", &children.iter().collect::<Vec<_>>());
    let answer = world.ask("PUT /v2/app/manifests/v1").manifest(&index).await;
    let refusal = answer.is_refused(404, "MANIFEST_BLOB_UNKNOWN").json();
    let missing = refusal["errors"][0]["detail"]["missing"].as_array().expect("what is missing");
    assert_eq!(missing.len(), 150);
    for (child, missing) in children.iter().zip(missing) {
        assert_eq!(*missing, json!({ "digest": child.digest.as_str(), "kind": "manifest" }));
    }
    assert!(answer.message().ends_with("and 145 more; push what is missing first"), "{}", answer.message());
    for child in &children {
        world.push_untagged("app", child).await;
    }
    world.push("app", "v1", &index).await;
    world.end().await;
}

/// What is missing is held before it comes.
#[tokio::test]
async fn where_children_may_come_later() {
    let world = World::set_up(|setup| setup.settings.missing = MissingChildren::Allow).await;
    let (layer, child) = (world.blob("layer"), world.bare("child"));
    let index = world.index("index", &[&layer, &child]);
    world.push("app", "v1", &index).await;
    world.picture().await.is(expect![[r#"
        blob#<layer> / held#app#<index>#~1
        catalog / app
        manifest#app#<child> / held#index#<index>#~1
        manifest#app#<child> / was-held
        manifest#app#<index> / 0#body: 418 bytes
        manifest#app#<index> / 0#self: live ~1, application/vnd.oci.image.index.v1+json, 418 bytes
        manifest#app#<index> / held#kept#~1
        manifest#app#<index> / held#tag#v1#~2
        repo#app / manifest#<index>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <index> at ~2, application/vnd.oci.image.index.v1+json, 418 bytes
    "#]]);
    world.push_blobs("app", &[&layer]).await;
    world.push_untagged("app", &child).await;
    world.ask("DELETE /v2/app/blobs/<layer>").await.is_refused(405, "UNSUPPORTED");
    world.ask("DELETE /v2/app/manifests/<child>").await.is_refused(405, "UNSUPPORTED");
    world.end().await.is(expect![[r#"
        blob#<layer> / content: live ~1, 5 bytes, <layer>/app/~2
        blob#<layer> / grant#app: live ~3, 5 bytes, <layer>/app/~2
        blob#<layer> / held#app#<index>#~4
        blob#<layer> / held-content#app#~3
        catalog / app
        manifest#app#<child> / 0#body: 160 bytes
        manifest#app#<child> / 0#self: live ~5, application/vnd.oci.image.manifest.v1+json, 160 bytes
        manifest#app#<child> / held#index#<index>#~4
        manifest#app#<child> / was-held
        manifest#app#<index> / 0#body: 418 bytes
        manifest#app#<index> / 0#self: live ~4, application/vnd.oci.image.index.v1+json, 418 bytes
        manifest#app#<index> / held#kept#~4
        manifest#app#<index> / held#tag#v1#~6
        repo#app / manifest#<child>
        repo#app / manifest#<index>
        repo#app / policy: in the catalog
        repo#app / tag#v1: <index> at ~6, application/vnd.oci.image.index.v1+json, 418 bytes
        object <layer>/app/~2: 5 bytes
    "#]]);
}

/// A config may be absent in three ways.
#[tokio::test]
async fn without_a_config() {
    let world = World::new().await;
    let empty = world.blob_of("empty", "{}");
    world.push_blobs("app", &[&empty]).await;
    let empty_config = empty.descriptor_with(json!({ "mediaType": "application/vnd.oci.empty.v1+json" }));
    let configs = [
        ("the empty descriptor", empty_config),
        ("no digest", json!({ "mediaType": "application/vnd.example.config", "digest": null })),
        ("none", json!(null)),
    ];
    for (name, config) in configs {
        let manifest = world.bare_with(name, json!({ "config": config }));
        world.push_untagged("app", &manifest).await;
    }
    // A digest that is there is an edge, the empty blob's too.
    world.ask("DELETE /v2/app/blobs/<empty>").await.is_refused(405, "UNSUPPORTED");
    world.end().await.is(expect![[r#"
        blob#<empty> / content: live ~1, 2 bytes, <empty>/app/~2
        blob#<empty> / grant#app: live ~3, 2 bytes, <empty>/app/~2
        blob#<empty> / held#app#<the empty descriptor>#~4
        blob#<empty> / held-content#app#~3
        catalog / app
        manifest#app#<the empty descriptor> / 0#body: 326 bytes
        manifest#app#<the empty descriptor> / 0#self: live ~4, application/vnd.oci.image.manifest.v1+json, 326 bytes
        manifest#app#<none> / 0#body: 173 bytes
        manifest#app#<none> / 0#self: live ~5, application/vnd.oci.image.manifest.v1+json, 173 bytes
        manifest#app#<no digest> / 0#body: 234 bytes
        manifest#app#<no digest> / 0#self: live ~6, application/vnd.oci.image.manifest.v1+json, 234 bytes
        repo#app / manifest#<the empty descriptor>
        repo#app / manifest#<none>
        repo#app / manifest#<no digest>
        repo#app / policy: in the catalog
        object <empty>/app/~2: 2 bytes
    "#]]);
}
