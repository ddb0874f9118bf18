//! Events of a process: into a file, whatever kills it, and to a webhook, whoever is down.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use moorage_ports::Context;
use serde_json::Value;
use sha2::Sha256;

use crate::gateway::Aws;
use crate::{Moorage, moorage, refusal, refusal_of};

/// How long something may take to come.
const WAIT_MAX: Duration = Duration::from_secs(60);

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Pushes a manifest that is like no other, and answers its digest.
fn push(moorage: &Moorage, number: usize) -> String {
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","artifactType":"text/x-{number}","manifests":[]}}"#
    );
    let answer = moorage.ask(&format!("PUT /v2/a.b/manifests/v{number}"), &manifest);
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    let digest = answer.lines().find_map(|line| line.strip_prefix("docker-content-digest: "));
    digest.expect("a digest").to_owned()
}

/// Looks until it is so.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let clock = Context::system().clock;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a thread");
    let began = clock.monotonic();
    while !is_so() {
        assert!(clock.monotonic() - began < WAIT_MAX, "{what} did not come");
        runtime.block_on(clock.sleep(Duration::from_millis(20)));
    }
}

/// The events that a file has. A line that a crash tore is none.
fn events_in(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn pushed(events: &[Value]) -> BTreeSet<String> {
    let digest = |event: &Value| event["data"]["digest"].as_str().expect("a digest").to_owned();
    events.iter().filter(|event| event["type"] == "dev.moorage.artifact.pushed").map(digest).collect()
}

#[test]
fn each_push_that_was_answered_is_in_the_file_whatever_killed_the_process() {
    let data = tempfile::tempdir().expect("a directory");
    let file = data.path().join("events.jsonl");
    let options = ["--events-file", file.to_str().expect("UTF-8"), "--events-source", "https://r.example"];
    let mut answered = BTreeSet::new();
    for life in 0..5 {
        let moorage = Moorage::start(&data.path().join("data"), &options);
        for number in 0..8 {
            answered.insert(push(&moorage, life * 8 + number));
        }
        // Once before the feed was read again, once after; what it was about then is anything.
        if life % 2 == 0 {
            wait_until("an event", || pushed(&events_in(&file)).len() > life * 8);
        }
        moorage.signal("KILL");
        moorage.wait();
    }
    // As a write that the crash cut short.
    fs::OpenOptions::new()
        .append(true)
        .open(&file)
        .and_then(|mut file| file.write_all(b"{\"specversion\":\"1.0\",\"id\":\"a@sha2"))
        .expect("it can be written");
    let moorage = Moorage::start(&data.path().join("data"), &options);
    answered.insert(push(&moorage, 40));
    wait_until("each push", || pushed(&events_in(&file)) == answered);
    wait_until("each tag", || {
        let events = events_in(&file);
        let tags = events.iter().filter(|event| event["type"] == "dev.moorage.tag.pointed");
        tags.map(|event| event["data"]["tag"].to_string()).collect::<BTreeSet<_>>().len() == 41
    });
    let events = events_in(&file);
    let ids: BTreeSet<&str> = events.iter().map(|event| event["id"].as_str().expect("an id")).collect();
    assert_eq!(ids.len(), 82, "one id for each that happened");
    assert!(events.iter().all(|event| event["source"] == "https://r.example"));
    let torn = fs::read_to_string(&file).expect("it can be read");
    let torn = torn.lines().filter(|line| serde_json::from_str::<Value>(line).is_err()).count();
    assert!(torn >= 1, "the torn line is one of its own");
}

/// A receiver of a webhook on a port of its own, that refuses the first requests.
struct Receiver {
    address: SocketAddr,
    got: Arc<Mutex<Got>>,
}

#[derive(Default)]
struct Got {
    refused: usize,
    /// Head and body.
    taken: Vec<(String, String)>,
}

impl Receiver {
    fn start(refuses: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let got = Arc::new(Mutex::new(Got::default()));
        let shared = got.clone();
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, got) = (stream.expect("a connection"), shared.clone());
                thread::spawn(move || receive(&stream, &got, refuses));
            }
        });
        Self { address, got }
    }

    fn url(&self) -> String {
        format!("http://{}/events?token=x", self.address)
    }

    fn got<T>(&self, of: impl FnOnce(&Got) -> T) -> T {
        of(&self.got.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn receive(stream: &TcpStream, got: &Mutex<Got>, refuses: usize) {
    let mut lines = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if lines.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let mut body = vec![0; header(&head, "content-length").parse().expect("a number")];
        lines.read_exact(&mut body).expect("a body");
        let mut got = got.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match got.refused {
            // To itself: whoever follows goes round for ever.
            0 => "307 Temporary Redirect\r\nLocation: /events\r\nContent-Length: 0",
            refused if refused < refuses => "500 Internal Server Error\r\nContent-Length: 0",
            _ => "204 No Content",
        };
        if answer.starts_with("204") {
            got.taken.push((head, String::from_utf8(body).expect("UTF-8")));
        } else {
            got.refused += 1;
        }
        drop(got);
        let mut stream = stream;
        if write!(stream, "HTTP/1.1 {answer}\r\n\r\n").is_err() {
            return;
        }
    }
}

fn header<'h>(head: &'h str, name: &str) -> &'h str {
    let value = head.lines().find_map(|line| {
        line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    });
    value.unwrap_or_else(|| panic!("no {name} in {head}"))
}

#[test]
fn a_webhook_is_signed_and_sent_until_it_is_taken() {
    let data = tempfile::tempdir().expect("a directory");
    let receiver = Receiver::start(3);
    let mut command =
        moorage(&["serve", "--listen", "127.0.0.1:0", "--data", data.path().to_str().expect("UTF-8")]);
    command.env("MOORAGE_EVENTS_WEBHOOK", receiver.url()).env("MOORAGE_EVENTS_WEBHOOK_SECRET", SECRET);
    let moorage = Moorage::spawn(&mut command);
    let digest = push(&moorage, 1);
    wait_until("both events", || receiver.got(|got| got.taken.len() >= 2));
    assert_eq!(receiver.got(|got| got.refused), 3);
    let taken = receiver.got(|got| got.taken.clone());
    for (head, body) in &taken {
        assert!(head.starts_with("POST /events?token=x HTTP/1.1\r\n"), "{head}");
        assert_eq!(header(head, "content-type"), "application/cloudevents+json");
        let (id, at) = (header(head, "webhook-id"), header(head, "webhook-timestamp"));
        let key = STANDARD.decode(&SECRET["whsec_".len()..]).expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
        mac.update(format!("{id}.{at}.{body}").as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(header(head, "webhook-signature"), signature);
        let now = Context::system().clock.now().0 / 1000;
        assert!(now - at.parse::<u64>().expect("a number") < 60, "{at}");
        let event: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(
            (&event["specversion"], &event["data"]["digest"]),
            (&"1.0".into(), &digest.as_str().into())
        );
        // A full stop in it would make the signed text ambiguous.
        assert_eq!(id, event["id"].as_str().expect("an id").replace('.', "%2E"));
        assert!(!id.contains('.') && id.starts_with("a%2Eb"), "{id}");
    }
    let types: BTreeSet<String> = taken
        .iter()
        .map(|(_, body)| serde_json::from_str::<Value>(body).expect("JSON")["type"].to_string())
        .collect();
    assert_eq!(types.len(), 2, "{types:?}");
    moorage.signal("TERM");
    let (status, log) = moorage.wait();
    assert!(status.success(), "{status}: {log}");
    assert!(log.contains("the webhook answered 500") && !log.contains("token"), "{log}");
}

/// What a process did not hand over, the next does; cron's too.
#[test]
fn what_waits_for_a_receiver_that_was_down_is_told_by_collect_once() {
    let data = tempfile::tempdir().expect("a directory");
    let directory = data.path().to_str().expect("UTF-8");
    // A port that nobody listens on.
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("an address");
    let nobody = format!("http://{nobody}/");
    let moorage = Moorage::start(data.path(), &["--events-webhook", &nobody]);
    push(&moorage, 1);
    moorage.signal("TERM");
    moorage.wait();
    let once = |url: &str| {
        let arguments = ["collect", "--once", "--data", directory, "--log", "off", "--events-webhook", url];
        let output = crate::moorage(&arguments).output().expect("it runs");
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8"))
    };
    let (status, said) = once(&nobody);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("2 events were not taken"), "{said}");
    let receiver = Receiver::start(0);
    // The first is refused by its redirect.
    assert_eq!(once(&receiver.url()).0, Some(1));
    assert_eq!(once(&receiver.url()).0, Some(0));
    assert_eq!(receiver.got(|got| got.taken.len()), 2);
}

#[test]
fn what_nobody_could_be_told_by_is_refused() {
    let data = tempfile::tempdir().expect("a directory");
    let directory = data.path().to_str().expect("UTF-8");
    let unmade = data.path().join("unmade");
    let start = |options: &[&str]| {
        refusal(&[&["--listen", "127.0.0.1:0", "--data", unmade.to_str().expect("UTF-8")], options].concat())
    };
    let nowhere = data.path().join("nowhere/events");
    for (options, said) in [
        (&["--events-file", directory][..], "that is not a file"),
        (&["--events-file", nowhere.to_str().expect("UTF-8")], "in a directory that is there"),
        (&["--events-webhook", "example.org"], "no URL"),
        (&["--events-webhook", "http://x", "--events-webhook-secret", "x"], "whsec_"),
        (&["--events-file", "f", "--events-webhook", "http://x"], "give one of them"),
        (&["--events-file", "f", "--events-source", "a b"], "--events-source"),
    ] {
        let refused = start(options);
        assert!(refused.contains(said), "{options:?}: {refused}");
    }
    assert!(!unmade.exists(), "nothing was touched");

    let aws = Aws::start();
    let file = data.path().join("events");
    let options = [
        "--create",
        "--bucket",
        "b-of-mine",
        "--table",
        "t-of-mine",
        "--events-file",
        file.to_str().expect("UTF-8"),
    ];
    let refused = refusal_of(&mut aws.command(&options));
    assert!(refused.contains("--collect"), "{refused}");
    let moorage = aws.gateway(&[&options[..], &["--collect"]].concat());
    let digest = push(&moorage, 1);
    wait_until("the event", || pushed(&events_in(&file)).contains(&digest));
}
