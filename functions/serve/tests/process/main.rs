//! The process, from outside: how it starts, what it says, what it refuses, and how it stops.

mod events;
mod gateway;
mod management;
mod throttling;
mod types;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A `moorage` that is up, on a port of its own. Killed when the test is over.
struct Moorage {
    child: Child,
    greeting: String,
    address: String,
}

fn moorage(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_moorage"));
    command.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Moorage {
    fn start(data: &Path, more: &[&str]) -> Self {
        let data = data.to_str().expect("UTF-8");
        let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--data", data];
        arguments.extend(more);
        Self::spawn(&mut moorage(&arguments))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut greeting = String::new();
        while !greeting.contains("Ctrl-C") {
            let line = lines.next().expect("it greets before it ends").expect("UTF-8");
            greeting.push_str(&line);
            greeting.push('\n');
        }
        let address =
            greeting.split("http://").nth(1).and_then(|rest| rest.split(',').next()).expect("an address");
        Self { address: address.to_owned(), child, greeting }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream
    }

    /// The whole answer to one request, after which the connection is closed.
    fn ask(&self, request_line: &str, body: &str) -> String {
        let mut stream = self.connect();
        let length = body.len();
        write!(stream, "{request_line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
            .expect("sent");
        read_all(&mut stream)
    }

    fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().expect("kill");
        assert!(status.success());
    }

    fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("it ends");
        let mut log = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut log).expect("UTF-8");
        (status, log)
    }
}

impl Drop for Moorage {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to kill.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// Ends with an error and says why.
fn refusal(arguments: &[&str]) -> String {
    refusal_of(&mut moorage(arguments))
}

fn refusal_of(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "it should have been refused");
    assert!(output.stdout.is_empty(), "a refusal is no greeting");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn it_says_where_it_listens_where_the_data_is_and_what_to_try() {
    let data = tempfile::tempdir().expect("a directory");
    let moorage = Moorage::start(data.path(), &[]);
    let data = data.path().to_str().expect("UTF-8");
    assert!(!moorage.address.ends_with(":0"), "{}", moorage.greeting);
    for said in [data, "docker push", "curl http://"] {
        assert!(moorage.greeting.contains(said), "{said} is not in:\n{}", moorage.greeting);
    }
    assert!(moorage.ask("GET /v2/", "").starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn a_second_process_on_the_same_data_is_told_of_the_first() {
    let data = tempfile::tempdir().expect("a directory");
    let first = Moorage::start(data.path(), &[]);
    let refused = refusal(&["--listen", "127.0.0.1:0", "--data", data.path().to_str().expect("UTF-8")]);
    assert!(refused.contains(&first.child.id().to_string()), "{refused}");
    assert!(refused.contains(&first.address), "{refused}");
    drop(first);
    Moorage::start(data.path(), &[]);
}

#[test]
fn an_address_that_others_reach_needs_an_explicit_choice() {
    let data = tempfile::tempdir().expect("a directory");
    let data = data.path().join("not-made");
    let refused = refusal(&["--listen", "0.0.0.0:0", "--data", data.to_str().expect("UTF-8")]);
    assert!(refused.contains("--anonymous pull"), "{refused}");
    assert!(!data.exists(), "nothing was touched");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let data = tempfile::tempdir().expect("a directory");
    let first = Moorage::start(data.path(), &[]);
    let other = tempfile::tempdir().expect("a directory");
    let refused = refusal(&["--listen", &first.address, "--data", other.path().to_str().expect("UTF-8")]);
    assert!(refused.contains(&format!("can't listen on {}", first.address)), "{refused}");
    assert!(refused.contains("--listen"), "{refused}");
}

#[test]
fn pull_only_refuses_a_push() {
    let data = tempfile::tempdir().expect("a directory");
    let moorage = Moorage::start(data.path(), &["--anonymous", "pull"]);
    let answer = moorage.ask("POST /v2/a/blobs/uploads/", "");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("DENIED"), "{answer}");
}

/// SIGTERM comes while a blob is half-way here: it is taken, answered, and there after the next start.
#[test]
fn what_is_in_flight_is_finished_before_it_stops() {
    for signal in ["TERM", "INT"] {
        let data = tempfile::tempdir().expect("a directory");
        let moorage = Moorage::start(data.path(), &[]);
        // sha256 of "hello world"
        let digest = "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
        let mut stream = moorage.connect();
        write!(stream, "POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello ")
            .expect("sent");
        // A second request, answered, shows that the first one was received.
        moorage.ask("GET /v2/", "");
        moorage.signal(signal);
        // The listener is closed first: no new connection is taken.
        while TcpStream::connect(&moorage.address).is_ok() {}
        stream.write_all(b"world").expect("sent");
        let answer = read_all(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
        let (status, log) = moorage.wait();
        assert!(status.success(), "{status}: {log}");

        let again = Moorage::start(data.path(), &[]);
        let answer = again.ask(&format!("GET /v2/a/blobs/{digest}"), "");
        assert!(answer.ends_with("\r\n\r\nhello world"), "{answer}");
    }
}

#[test]
fn a_connection_that_asks_nothing_does_not_hold_up_the_end() {
    let data = tempfile::tempdir().expect("a directory");
    let moorage = Moorage::start(data.path(), &[]);
    let _never_asks = moorage.connect();
    let mut asked_once = moorage.connect();
    asked_once.write_all(b"HEAD /v2/ HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    let mut answer = [0; 1024];
    assert!(asked_once.read(&mut answer).expect("an answer") > 0);
    moorage.signal("TERM");
    let (status, log) = moorage.wait();
    assert!(status.success(), "{status}: {log}");
    // Both connections are still ours: the process ended on its own.
    drop(asked_once);
}

#[test]
fn a_log_that_nobody_reads_on_a_terminal_is_json() {
    let data = tempfile::tempdir().expect("a directory");
    let moorage = Moorage::start(data.path(), &[]);
    moorage.ask("GET /v2/a/manifests/v1", "");
    moorage.signal("TERM");
    let (_, log) = moorage.wait();
    let line =
        log.lines().find(|line| line.contains(r#""operation":"manifest""#)).expect("a line for the request");
    for said in [
        r#""repository":"a""#,
        r#""reference":"v1""#,
        r#""status":404"#,
        r#""backend_calls":"1 table (1 get)""#,
    ] {
        assert!(line.contains(said), "{said} is not in {line}");
    }
    assert!(log.lines().all(|line| line.starts_with('{') && line.ends_with('}')), "{log}");
}

#[test]
fn help_names_every_option_and_its_variable() {
    let output = moorage(&["--help"]).output().expect("it runs");
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    for option in [
        "listen",
        "data",
        "anonymous",
        "missing",
        "manifest-bytes-max",
        "upload-age-max",
        "log",
        "bucket",
        "table",
        "redirect-bytes-min",
        "client-requests-per-second",
        "events-file",
        "events-webhook",
        "events-webhook-secret",
        "events-source",
        "search",
    ] {
        assert!(help.contains(&format!("--{option}")), "--{option} is not in:\n{help}");
        let variable = format!("MOORAGE_{}", option.to_uppercase().replace('-', "_"));
        assert!(help.contains(&variable), "{variable} is not in:\n{help}");
    }
}

#[test]
fn a_client_over_its_limit_is_told_to_come_back() {
    let data = tempfile::tempdir().expect("a directory");
    let moorage = Moorage::start(data.path(), &["--client-requests-per-second", "1"]);
    // A burst of five; a slow machine may give one back meanwhile, so that it takes a few more.
    let refused =
        (0..50).map(|_| moorage.ask("GET /v2/_catalog", "")).find(|answer| !answer.contains(" 200 OK"));
    let refused = refused.expect("fifty requests take less than 45 s");
    assert!(refused.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{refused}");
    for said in ["retry-after: 1\r\n", r#""code":"TOOMANYREQUESTS""#, "wait 1 s", "registry/2.0"] {
        assert!(refused.contains(said), "{said} is not in:\n{refused}");
    }
    moorage.signal("TERM");
    let (_, log) = moorage.wait();
    let line = log.lines().find(|line| line.contains(r#""status":429"#)).expect("a line for the refusal");
    assert!(line.contains(r#""backend_calls":"none""#), "{line}");
}

#[test]
fn a_limit_of_nothing_is_no_limit_and_refused() {
    let output = moorage(&["--client-requests-per-second", "0"]).output().expect("it runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("'0' for '--client-requests-per-second"), "{said}");
}
