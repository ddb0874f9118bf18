//! `moorage serve` on S3 and DynamoDB: both in this process, served on a loopback port.

use std::process::Command;

use moorage_engines::{Engines, Served};
use tokio::runtime::Runtime;

use crate::{Moorage, moorage, refusal, refusal_of};

/// sha256 of "hello world"
const DIGEST: &str = "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

/// Engines that answer while a test looks on.
pub(crate) struct Aws {
    pub(crate) served: Served,
    _runtime: Runtime,
}

impl Aws {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let served = runtime.block_on(Engines::serve()).expect("a port");
        Self { served, _runtime: runtime }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = moorage(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(arguments).envs(self.served.environment());
        command
    }

    pub(crate) fn gateway(&self, arguments: &[&str]) -> Moorage {
        Moorage::spawn(&mut self.command(arguments))
    }
}

const BOTH: [&str; 4] = ["--bucket", "blobs-of-mine", "--table", "references-of-mine"];

fn both<'a>(more: &[&'a str]) -> Vec<&'a str> {
    BOTH.iter().chain(more).copied().collect()
}

pub(crate) fn push(moorage: &Moorage) {
    let answer = moorage.ask(&format!("POST /v2/a/blobs/uploads/?digest={DIGEST}"), "hello world");
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"text/x-hello","config":{{"mediaType":"text/plain","digest":"{DIGEST}","size":11}},"layers":[]}}"#
    );
    let answer = moorage.ask("PUT /v2/a/manifests/v1", &manifest);
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
}

fn pull(moorage: &Moorage) {
    let blob = moorage.ask(&format!("GET /v2/a/blobs/{DIGEST}"), "");
    assert!(blob.starts_with("HTTP/1.1 200 OK\r\n") && blob.ends_with("\r\n\r\nhello world"), "{blob}");
    let manifest = moorage.ask("GET /v2/a/manifests/v1", "");
    assert!(manifest.contains("text/x-hello"), "{manifest}");
}

#[test]
fn what_one_process_made_and_took_another_serves() {
    let aws = Aws::start();
    let data = tempfile::tempdir().expect("a directory");
    let unused = data.path().join("unused");
    let with_data = both(&["--create", "--data", unused.to_str().expect("UTF-8")]);
    let first = aws.gateway(&with_data);
    push(&first);
    pull(&first);
    assert!(!unused.exists(), "--data is not used");

    // Beside the first, with nothing to make, and by the variables.
    let mut command = aws.command(&[]);
    command.env("MOORAGE_BUCKET", BOTH[1]).env("MOORAGE_TABLE", BOTH[3]);
    let second = Moorage::spawn(&mut command);
    pull(&second);

    first.signal("TERM");
    let (status, log) = first.wait();
    assert!(status.success(), "{status}: {log}");
    pull(&second);
    // Where everything is there, --create changes nothing.
    pull(&aws.gateway(&with_data));
}

#[test]
fn it_says_where_blobs_and_references_are_and_nothing_secret() {
    let aws = Aws::start();
    let moorage = aws.gateway(&both(&["--create"]));
    for said in [BOTH[1], BOTH[3], &aws.served.url()] {
        assert!(moorage.greeting.contains(said), "{said} is not in:\n{}", moorage.greeting);
    }
    for secret in [moorage_engines::ACCESS_KEY, moorage_engines::SECRET_KEY] {
        assert!(!moorage.greeting.contains(secret), "{}", moorage.greeting);
    }
}

#[test]
fn a_redirect_leads_to_the_bucket_with_the_digest() {
    let aws = Aws::start();
    let moorage = aws.gateway(&both(&["--create", "--redirect-bytes-min", "0"]));
    push(&moorage);
    let answer = moorage.ask(&format!("GET /v2/a/blobs/{DIGEST}"), "");
    assert!(answer.starts_with("HTTP/1.1 307 Temporary Redirect\r\n"), "{answer}");
    assert!(answer.contains(&format!("location: {}/{}/", aws.served.url(), BOTH[1])), "{answer}");
    assert!(answer.contains(&format!("docker-content-digest: {DIGEST}")), "{answer}");
}

#[test]
fn what_is_missing_is_named_and_nothing_is_made() {
    let aws = Aws::start();
    let refused = refusal_of(&mut aws.command(&BOTH));
    for said in [BOTH[1], BOTH[3], "--create"] {
        assert!(refused.contains(said), "{said} is not in:\n{refused}");
    }
    // It made neither: the same is missing the second time.
    assert_eq!(refusal_of(&mut aws.command(&BOTH)), refused);

    drop(aws.gateway(&both(&["--create"])));
    let refused = refusal_of(&mut aws.command(&["--bucket", BOTH[1], "--table", "not-there"]));
    assert!(refused.contains("not-there") && !refused.contains(BOTH[1]), "{refused}");
    let refused = refusal_of(&mut aws.command(&["--bucket", "not-there", "--table", BOTH[3]]));
    assert!(refused.contains("not-there") && !refused.contains(BOTH[3]), "{refused}");
}

#[test]
fn half_of_a_place_is_refused() {
    let refused = refusal(&["--bucket", "blobs"]);
    assert!(refused.contains("--table"), "{refused}");
    let refused = refusal(&["--table", "references"]);
    assert!(refused.contains("--bucket"), "{refused}");
    let refused = refusal(&["--create"]);
    assert!(refused.contains("--bucket"), "{refused}");
}

#[test]
fn a_region_that_is_not_set_is_asked_for() {
    let aws = Aws::start();
    let refused = refusal_of(aws.command(&BOTH).env_remove("AWS_REGION"));
    assert!(refused.contains("AWS_REGION"), "{refused}");
}
