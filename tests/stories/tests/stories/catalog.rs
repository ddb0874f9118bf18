//! The catalog: the repositories that have, or had, a manifest.

use moorage_stories::{assert_reads, expect};

use crate::World;

#[tokio::test]
async fn of_nothing() {
    let world = World::new().await;
    world.ask("GET /v2/_catalog").await.shows(expect![[r#"
        200 OK
        content-length: 19
        content-type: application/json

        {"repositories":[]}
    "#]]);
    world.end().await.is(expect![""]);
}

/// In byte order, where `-` comes before `/`.
#[tokio::test]
async fn page_by_page() {
    let world = World::new().await;
    let (bare, layer) = (world.bare("bare"), world.blob("layer"));
    for repository in ["b", "a/b", "a", "a-b", "a/b/c"] {
        world.push(repository, "v1", &bare).await;
    }
    // A blob alone makes no repository.
    world.push_blobs("blobs", &[&layer]).await;
    let mut seen = String::new();
    for query in ["", "?n=2", "?n=2&last=a-b", "?n=2&last=a/b/c", "?n=0", "?last=a%2Fb", "?last=zzz", "?n=5"]
    {
        let answer = world.ask(format!("GET /v2/_catalog{query}")).await;
        let names = answer.is(200).json()["repositories"].to_string();
        seen += &format!("{query}: {names} {}\n", answer.header("link")).replace(" \n", "\n");
    }
    assert_reads(
        &seen,
        expect![[r#"
        : ["a","a-b","a/b","a/b/c","b"]
        ?n=2: ["a","a-b"] </v2/_catalog?n=2&last=a-b>; rel="next"
        ?n=2&last=a-b: ["a/b","a/b/c"] </v2/_catalog?n=2&last=a%2Fb%2Fc>; rel="next"
        ?n=2&last=a/b/c: ["b"]
        ?n=0: []
        ?last=a%2Fb: ["a/b/c","b"]
        ?last=zzz: []
        ?n=5: ["a","a-b","a/b","a/b/c","b"]
    "#]],
    );
    world.ask("GET /v2/_catalog?n=x").await.is_refused(400, "UNSUPPORTED");
    world.end().await;
}

#[tokio::test]
async fn a_great_many() {
    let world = World::new().await;
    let bare = world.bare("bare");
    let names: Vec<String> = (0..150).map(|n| format!("team-{:02}/app-{n:03}", n % 7)).collect();
    for name in &names {
        world.push_untagged(name, &bare).await;
    }
    let mut sorted = names;
    sorted.sort();
    for n in [1, 7, 100] {
        let mut next = Some(format!("/v2/_catalog?n={n}"));
        let mut seen = Vec::<String>::new();
        while let Some(path) = next {
            let answer = world.ask(format!("GET {path}")).await;
            let page: Vec<String> =
                serde_json::from_value(answer.json()["repositories"].clone()).expect("names");
            assert!(!page.is_empty() && page.len() <= n);
            seen.extend(page);
            next = answer.next().map(str::to_owned);
        }
        assert!(seen == sorted, "other repositories than were pushed to, in pages of {n}");
    }
    world.end().await;
}

/// It is not said to be there before its first manifest is; it stays when the last one is deleted.
#[tokio::test]
async fn a_repository_comes_with_its_first_manifest() {
    let world = World::new().await;
    let bare = world.bare("bare");
    let child = world.bare("child");
    let index = world.index("index", &[&child]);
    world.ask("PUT /v2/app/manifests/v1").manifest(&index).await.is(404);
    world.ask("GET /v2/_catalog").await.shows(expect![[r#"
        200 OK
        content-length: 19
        content-type: application/json

        {"repositories":[]}
    "#]]);
    world.push_untagged("app", &bare).await;
    world.ask("DELETE /v2/app/manifests/<bare>").await.is(202);
    world.ask("GET /v2/_catalog").await.shows(expect![[r#"
        200 OK
        content-length: 24
        content-type: application/json

        {"repositories":["app"]}
    "#]]);
    world.end().await;
}

#[tokio::test]
async fn which_extensions_there_are() {
    let world = World::new().await;
    world.ask("GET /v2/_oci/ext/discover").await.shows(expect![[r#"
        200 OK
        content-length: 758
        content-type: application/json

        {"extensions":[{"name":"_oci","url":"https://github.com/opencontainers/distribution-spec/blob/main/extensions/_oci.md","description":"Says which extensions there are, and where a tag pointed.","endpoints":["_oci/ext/discover","_oci/tag-history/<tag>"]},{"name":"_moorage","url":"https://github.com/moorage/moorage","description":"A repository's recycle bin and its policy, why something is kept or when it goes, the definitions of artifact types, and a search for artifacts.","endpoints":["_moorage/types","_moorage/types/<type>","_moorage/types/<type>/logo","_moorage/types/<type>/versions","_moorage/types/<type>/versions/<version>","_moorage/recycle-bin/","_moorage/recycle-bin/<digest>","_moorage/policy","_moorage/explain/<digest>","_moorage/search"]}]}
    "#]]);
    world.ask("GET /v2/team/app/_oci/ext/discover").await.is(200);
    world.ask("GET /v2/Team/_oci/ext/discover").await.is_refused(400, "NAME_INVALID");
    world.end().await;
}
