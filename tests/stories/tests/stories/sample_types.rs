//! The types that are built in: their own examples, real and broken, pushed under each strictness. Which are broken how is
//! in `samples/types/examples`; a new type is not a line here.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use std::collections::BTreeSet;

use moorage_oci::Digest;
use moorage_types::Finding;
use moorage_types::testing::{Built, Expected, examples, samples};
use serde_json::json;

use crate::World;

/// Names of the definitions.
fn names() -> Vec<String> {
    let files = std::fs::read_dir(samples()).expect("the samples are there");
    let mut names: Vec<String> = files
        .filter_map(|file| {
            file.expect("a file").file_name().to_str()?.strip_suffix(".json").map(str::to_owned)
        })
        .filter(|name| !name.ends_with(".schema"))
        .collect();
    names.sort();
    assert!(names.len() > 20, "{names:?}");
    names
}

/// A registry in which three repositories take the same things differently.
async fn world() -> World {
    let world = World::new().await;
    for (repository, strictness) in [("strict", "enforce"), ("mild", "warn"), ("free", "off")] {
        let policy = json!({ "types": { "unknown": "allow", "rules": strictness, "config": strictness } });
        world.ask(format!("PUT /v2/{repository}/_moorage/policy")).body(policy.to_string()).await.is(204);
    }
    world
}

/// Pushes what an artifact needs, which is pushed before it: blobs, children, subject. Whether all of it was taken: what
/// was not was refused for its type.
async fn push_needs(
    world: &World,
    pushed: &mut BTreeSet<(String, Digest)>,
    repository: &str,
    artifact: &Built,
) -> bool {
    for (digest, bytes) in &artifact.blobs {
        if pushed.insert((repository.to_owned(), digest.clone())) {
            let line = format!("POST /v2/{repository}/blobs/uploads/?digest={digest}");
            world.ask(line).body(bytes.clone()).await.is(201);
        }
    }
    let needs: Vec<&Built> = artifact.children.iter().chain(artifact.subject.as_deref()).collect();
    let mut all = true;
    for needed in needs {
        if pushed.contains(&(repository.to_owned(), needed.digest.clone())) {
            continue;
        }
        let is_whole = Box::pin(push_needs(world, pushed, repository, needed)).await;
        let line = format!("PUT /v2/{repository}/manifests/{}", needed.digest);
        let answer =
            world.ask(line).header("content-type", &needed.media_type).body(needed.bytes.clone()).await;
        if answer.status() == 201 {
            pushed.insert((repository.to_owned(), needed.digest.clone()));
        } else {
            answer.is_refused(400, "MANIFEST_INVALID");
        }
        all = all && is_whole && answer.status() == 201;
    }
    all
}

/// One type at a time, so that each name of a failure says which.
async fn try_type(world: &World, name: &str) {
    let mut pushed = BTreeSet::new();
    let examples = examples(name);
    for (number, passing) in examples.passes.iter().enumerate() {
        let story = format!("{name}, {}", passing.name);
        assert!(push_needs(world, &mut pushed, "strict", &passing.artifact).await, "{story}: what it needs");
        let answer = world
            .ask(format!("PUT /v2/strict/manifests/{name}-{number}"))
            .header("content-type", &passing.artifact.media_type)
            .body(passing.artifact.bytes.clone())
            .await;
        assert_eq!((answer.status(), answer.header("warning")), (201, ""), "{story}: {}", answer.outline());
    }
    for (number, breaking) in examples.breaks.iter().enumerate() {
        let story = format!("{name}, {}", breaking.name);
        for repository in ["mild", "free"] {
            let is_whole = push_needs(world, &mut pushed, repository, &breaking.artifact).await;
            assert!(is_whole, "{story}: {repository} takes all of it");
        }
        let push = |repository: &str, reference: &str| {
            world
                .ask(format!("PUT /v2/{repository}/manifests/{reference}"))
                .header("content-type", &breaking.artifact.media_type)
                .body(breaking.artifact.bytes.clone())
        };
        // What it needs may be broken too, and is then refused by itself.
        let tag = format!("{name}-broken-{number}");
        let is_whole = push_needs(world, &mut pushed, "strict", &breaking.artifact).await;
        let refused = push("strict", &tag).await;
        if is_whole {
            refused.is_refused(400, "MANIFEST_INVALID");
            let reasons = &refused.json()["errors"][0]["detail"]["reasons"];
            let expected: Vec<(String, String, String)> = breaking.findings.iter().map(told).collect();
            let found: Vec<(String, String, String)> = reasons
                .as_array()
                .unwrap_or_else(|| panic!("{story}: no reasons"))
                .iter()
                .map(|reason| {
                    let text = |field: &str| reason[field].as_str().unwrap_or_default().to_owned();
                    (text("within"), text("pointer"), text("rule"))
                })
                .collect();
            // The manifest is judged before its config is read: what is refused for itself needs no second reason.
            let by_manifest: Vec<_> =
                expected.iter().filter(|(within, ..)| within == "manifest").cloned().collect();
            assert_eq!(found, if by_manifest.is_empty() { expected } else { by_manifest }, "{story}");
        } else {
            assert!(refused.status() >= 400, "{story}");
        }
        let warned = push("mild", &tag).await;
        warned.is(201);
        assert!(warned.header("warning").starts_with("299 - \""), "{story}: no warning");
        let taken = push("free", &tag).await;
        assert_eq!((taken.status(), taken.header("warning")), (201, ""), "{story}");
    }
}

fn told(expected: &Expected) -> (String, String, String) {
    let finding = Finding {
        within: expected.within,
        pointer: expected.pointer.clone(),
        rule: expected.rule,
        found: String::new(),
        expected: String::new(),
    };
    let said = serde_json::to_value(&finding).expect("a finding is JSON");
    let text = |field: &str| said[field].as_str().unwrap_or_default().to_owned();
    (text("within"), text("pointer"), text("rule"))
}

/// Every real artifact passes where rules are enforced; every broken one is refused with the reasons that its example
/// gives, is warned about where that is asked for, and is taken where nothing is.
#[tokio::test]
async fn are_held_to_their_own_examples() {
    let all = names();
    // Shares of the types, so that the one place where they are slow has some at once.
    let shares = all.chunks(all.len().div_ceil(4));
    let worlds = shares.map(|share| async move {
        let world = world().await;
        for name in share {
            try_type(&world, name).await;
        }
        world.end().await;
    });
    futures_util::future::join_all(worlds).await;
}
