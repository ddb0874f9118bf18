//! Keys are built in `keys.rs` and `object_keys.rs`, and nowhere else: no other source writes a piece of one,
//! and only adapters take one as it was stored.

use std::fs;
use std::path::{Path, PathBuf};

/// How parts of keys begin, as they would stand in a source.
const PIECES: [&str; 26] = [
    "\"repo#",
    "\"tag#",
    "\"manifest#",
    "\"recycled#",
    "\"0#",
    "\"held#",
    "\"held-content#",
    "\"was-held\"",
    "\"was-tagged#",
    "\"referrer#",
    "\"remote-in#",
    "\"blob#",
    "\"grant#",
    "\"upload#",
    "\"upload-secret\"",
    "\"review#",
    "\"trash#",
    "\"type#",
    "\"tag-history#",
    "\"search#",
    "\"search-in#",
    "\"searched#",
    "\"{digest}/",
    "\"uploads/",
    "\"manifests/{",
    "\"{}/{}/{}\"",
];

/// Where pieces of keys belong, and who may take keys as they were stored: from the workspace's root.
const BUILDERS: [&str; 6] = [
    "shared/registry/ports/src/keys.rs",
    "shared/registry/ports/src/keys/reviewed.rs",
    "shared/registry/ports/src/keys/search.rs",
    "shared/registry/ports/src/keys/tag_history.rs",
    "shared/registry/ports/src/keys/types.rs",
    "shared/registry/ports/src/object_keys.rs",
];
/// S3 tells `ingest` of keys as they are stored.
const ADAPTERS: [&str; 3] = ["shared/embedded/", "shared/aws/", "shared/lambda/src/ingest.rs"];

/// What in a source builds a key, each with its line. `path` is from the workspace's root.
fn offences(path: &str, text: &str) -> Vec<String> {
    if BUILDERS.contains(&path) || is_test(path) {
        return Vec::new();
    }
    let takes_stored = ADAPTERS.iter().any(|adapter| path.starts_with(adapter));
    let mut offences = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.trim_start();
        // Unit tests end a file.
        if code.starts_with("#[cfg(test)]") {
            break;
        }
        if code.starts_with("//") {
            continue;
        }
        for piece in PIECES.iter().filter(|piece| code.contains(**piece)) {
            offences.push(format!("{path}:{number}: {piece}…: a key is built in keys.rs or object_keys.rs"));
        }
        if code.contains("Key::from_stored") && !takes_stored {
            offences.push(format!("{path}:{number}: only an adapter takes a key as it was stored"));
        }
    }
    offences
}

/// Test code, by where it is. The contract suite is one.
fn is_test(path: &str) -> bool {
    let in_tests = path.split('/').any(|part| part == "tests");
    in_tests || path.ends_with("tests.rs") || path.starts_with("shared/registry/ports/src/contract/")
}

/// The sources of the workspace.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the workspace can be read") {
        let path = entry.expect("a folder of the workspace can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn in_the_whole_workspace() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let mut found = Vec::new();
    for folder in ["shared", "functions", "infra", "samples"] {
        if root.join(folder).is_dir() {
            sources(&root.join(folder), &mut found);
        }
    }
    let mut offending = Vec::new();
    for source in &found {
        let path = source.strip_prefix(&root).expect("it was found there").to_string_lossy().into_owned();
        let text = fs::read_to_string(source).expect("a source can be read");
        offending.extend(offences(&path, &text));
    }
    let seen = |path: &str| found.iter().any(|source| source.ends_with(path));
    assert!(BUILDERS.iter().all(|builder| seen(builder)), "the builders are where this test thinks");
    assert!(offending.is_empty(), "keys are built elsewhere:\n{}", offending.join("\n"));
}

#[test]
fn the_test_sees_what_it_is_for() {
    let source = "//! A doc may say \"repo#app\".\nlet key = format!(\"repo#{name}\");\nlet mine = Key::from_stored(p, s);";
    let elsewhere = offences("shared/registry/operations/src/pull.rs", source);
    assert_eq!(
        elsewhere,
        [
            "shared/registry/operations/src/pull.rs:2: \"repo#…: a key is built in keys.rs or object_keys.rs",
            "shared/registry/operations/src/pull.rs:3: only an adapter takes a key as it was stored",
        ]
    );
    let in_adapter = offences("shared/embedded/src/rows.rs", source);
    assert_eq!(in_adapter.len(), 1, "an adapter takes stored keys, and builds none: {in_adapter:?}");
    for allowed in [
        "shared/registry/ports/src/keys.rs",
        "shared/embedded/tests/store.rs",
        "functions/serve/src/a/tests.rs",
    ] {
        assert_eq!(offences(allowed, source), [""; 0], "{allowed}");
    }
    let tested = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{source}\n}}");
    assert_eq!(offences("shared/http/src/route.rs", &tested), [""; 0]);
}
