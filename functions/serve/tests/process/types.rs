//! `moorage types check`: for authors of definitions, with places that an editor can jump to.

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use super::moorage;

const RIGHT: &str = r#"{"type": "application/vnd.example.v1+json", "kind": "manifest", "version": "1.0.0", "title": {"en": "Example"}}"#;
const WRONG: &str = "{\n  \"type\": \"application/vnd.example.v1+json\",\n  \"kind\": \"thing\",\n  \"title\": {\"en\": \"Example\"}\n}\n";

fn check(directory: &Path, files: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut arguments = vec!["types", "check"];
    arguments.extend(files);
    let mut command = moorage(&arguments);
    let mut child = command.current_dir(directory).stdin(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("taken");
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn the_faults_of_definitions_are_told_with_their_places() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = directory.path();
    std::fs::write(at.join("right.json"), RIGHT).expect("written");
    std::fs::write(at.join("wrong.json"), WRONG).expect("written");
    let right = "right.json: right: application/vnd.example.v1+json 1.0.0\n";
    let wrong = "wrong.json:1:1: the whole: has no `version`: it must be there\n\
                 wrong.json:3:11: /kind: is \"thing\": it must be \"manifest\" or \"index\"\n";

    assert_eq!(check(at, &["right.json"], ""), (Some(0), right.to_owned(), String::new()));
    assert_eq!(
        check(at, &["wrong.json", "right.json"], ""),
        (Some(1), format!("{wrong}{right}"), String::new())
    );
    assert_eq!(check(at, &["-"], RIGHT), (Some(0), right.replace("right.json", "-"), String::new()));
    assert_eq!(check(at, &["-"], WRONG), (Some(1), wrong.replace("wrong.json", "-"), String::new()));

    let (status, told, problem) = check(at, &["none.json", "wrong.json"], "");
    assert_eq!((status, told.as_str()), (Some(2), wrong));
    assert!(problem.starts_with("moorage: none.json: "), "{problem}");
    assert!(std::fs::read_dir(at).expect("a directory").count() == 2, "nothing is made");
}

#[test]
fn the_shipped_definitions_are_right() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/types");
    let (status, told, problem) = check(&samples, &["oci-image.json", "helm-chart.json"], "");
    assert_eq!((status, problem.as_str()), (Some(0), ""), "{told}");
    assert_eq!(told.lines().count(), 2);
}
