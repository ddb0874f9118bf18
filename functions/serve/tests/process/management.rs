//! The commands for those who run a registry: what they say of it, and with which status they end.

use std::path::Path;

use moorage_embedded::{Embedded, Options};
use moorage_ports::{Context, Durability, Expect, Fact, Incarnation, Item, Key, Nonce, WriteTable};

use crate::{Moorage, moorage};

/// sha256 of "hello world"
const DIGEST: &str = "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

/// The status, and all that was said.
fn run(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let data = data.to_str().expect("UTF-8");
    let output = moorage(&[arguments, &["--data", data, "--log", "off"]].concat()).output().expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).expect("UTF-8"))
}

/// A directory with one blob, and the process that serves it.
fn served() -> (tempfile::TempDir, Moorage) {
    let data = tempfile::tempdir().expect("a directory");
    let moorage = Moorage::start(data.path(), &[]);
    let pushed = moorage.ask(&format!("POST /v2/a/blobs/uploads/?digest={DIGEST}"), "hello world");
    assert!(pushed.starts_with("HTTP/1.1 201 Created\r\n"), "{pushed}");
    (data, moorage)
}

#[test]
fn a_directory_that_is_served_is_asked_through_its_process() {
    let (data, moorage) = served();
    let (status, said) = run(data.path(), &["explain", "a", DIGEST]);
    assert_eq!(status, Some(1), "{said}");
    let remedy = format!("ask it with GET http://{}/v2/a/_moorage/explain/{DIGEST}", moorage.address);
    assert!(said.contains(&remedy), "{said}");
    let answer = moorage.ask(&format!("GET /v2/a/_moorage/explain/{DIGEST}"), "");
    assert!(answer.contains(r#""kind":"blob","state":"live","reason":"nothing holds it;"#), "{answer}");
    let (status, said) = run(data.path(), &["audit"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains(&moorage.address), "{said}");
}

#[test]
fn what_is_stored_is_explained_and_a_dry_run_takes_nothing_away() {
    let (data, moorage) = served();
    moorage.signal("TERM");
    moorage.wait();
    let (status, said) = run(data.path(), &["explain", "a", DIGEST]);
    assert_eq!(status, Some(0), "{said}");
    for told in ["blob, live: nothing holds it;", "\n  keep until: ", "\n  goes, not before: "] {
        assert!(said.contains(told), "{told} is not in {said}");
    }
    let (status, said) = run(data.path(), &["explain", "b", DIGEST]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("repository b has no manifest"), "{said}");
    // The blob stays for two days; its content is looked at as soon.
    let (status, said) = run(data.path(), &["collect", "--dry-run"]);
    assert_eq!((status, said.as_str()), (Some(0), "0 due; nothing was changed\n"));
    let (status, said) = run(data.path(), &["audit"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.ends_with(" and 1 objects: all is as it should be\n"), "{said}");
}

#[test]
fn an_audit_says_by_its_status_whether_it_found_something() {
    let data = tempfile::tempdir().expect("a directory");
    let store = Embedded::open(data.path(), Options::default(), &Context::system()).expect("it opens");
    let (repository, digest) = ("a".parse().expect("a name"), DIGEST.parse().expect("a digest"));
    let hold = Key::held_by_grant(&repository, &digest, Incarnation(Nonce(7)));
    let dead = Item::once(hold, Fact::Hold);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a thread");
    runtime.block_on(store.put(dead, Expect::Anything, Durability::OnAnswer)).expect("it can be written");
    store.close();
    let found = format!("dead hold: blob#{DIGEST} / held-content#a#00000000000000000000000000000007");
    for (arguments, ending, status) in
        [(&["audit"][..], "", 1), (&["audit", "--repair"], "; repaired", 1), (&["audit"], "", 0)]
    {
        let (ended, said) = run(data.path(), arguments);
        assert_eq!(ended, Some(status), "{arguments:?}: {said}");
        assert_eq!(said.contains(&format!("{found}{ending}\n")), status == 1, "{arguments:?}: {said}");
    }
    let (status, said) = run(data.path(), &["audit", "--bucket", "b"]);
    assert_eq!(status, Some(2), "{said}");
}
