//! From outside: the program itself, with a tiny function of this package behind it.
#![expect(clippy::disallowed_methods, reason = "a test waits for real processes")]

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// `http://HOST:PORT` of the line that says so.
fn address(line: &str) -> String {
    line.trim_end().rsplit("http://").next().expect("an address").to_owned()
}

struct Door {
    child: Child,
    front: String,
    control: String,
    folder: TempDir,
}

impl Door {
    fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let template = include_str!("template.yaml").replace("SEEN_FILE", &at(&folder, "events"));
        std::fs::write(at(&folder, "template.yaml"), template).expect("the template");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_echo-function"), at(&folder, "echo")).expect("a link");
        let mut child = Command::new(env!("CARGO_BIN_EXE_front-door"))
            .args(["--template", &at(&folder, "template.yaml"), "--functions"])
            .arg(folder.path())
            .args(["--bucket", "bytes", "--table", "facts"])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("front-door starts");
        let mut lines = BufReader::new(child.stdout.take().expect("standard output"));
        let mut line = || {
            let mut line = String::new();
            lines.read_line(&mut line).expect("a line");
            address(&line)
        };
        let (front, control) = (line(), line());
        Self { child, front, control, folder }
    }

    fn get(&self, path: &str) -> (u16, String, Vec<u8>) {
        exchange(&self.front, &format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"), b"")
    }

    fn put(&self, headers: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
        let length = body.len();
        let head = format!(
            "PUT /v2/a HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        exchange(&self.front, &head, body)
    }

    fn tell(&self, path: &str, body: &str) {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        assert_eq!(exchange(&self.control, &head, body.as_bytes()).0, 202);
    }

    fn state(&self) -> Value {
        let head = "GET /state HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        serde_json::from_slice(&exchange(&self.control, head, b"").2).expect("the state")
    }

    /// The state, once it is as wanted.
    fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let state = self.state();
            if wanted(&state) {
                return state;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "never came: {state}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn terminate(&mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn at(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

/// Status, head and body. A client that writes its whole body first.
fn exchange(address: &str, head: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
    let mut socket = TcpStream::connect(address).expect("it listens");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    socket.write_all(head.as_bytes()).expect("the head is taken");
    socket.write_all(body).expect("the body is taken");
    let mut all = Vec::new();
    socket.read_to_end(&mut all).expect("an answer");
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&all[..end]).into_owned();
    (head[9..12].parse().expect("a status"), head, all[end + 4..].to_vec())
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("JSON")
}

fn exists(pid: u64) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

fn process_state(pid: u64) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process is there");
    stat.rsplit(") ").next().expect("fields")[..1].to_owned()
}

#[test]
fn a_request_becomes_an_event_of_format_2() {
    let door = Door::start(&[]);
    let head = "GET /v2/a%2Fb/my%20tag?x=1&x=2&y=%20 HTTP/1.1\r\nHost: a.example\r\nconnection: close\r\n\
                Accept: one\r\nAccept: two\r\nCookie: c=1; d=2\r\nUser-Agent: test\r\n\r\n";
    let (status, answered, body) = exchange(&door.front, head, b"");
    let event = json(&body);
    assert_eq!(status, 200);
    assert_eq!(answered.matches("set-cookie: ").count(), 2, "{answered}");
    // The members of the example in "Create AWS Lambda proxy integrations for HTTP APIs".
    let expected = serde_json::json!({
        "version": "2.0", "routeKey": "GET /v2/{proxy+}", "rawPath": "/v2/a/b/my tag",
        "rawQueryString": "x=1&x=2&y=%20", "cookies": ["c=1", "d=2"], "isBase64Encoded": false,
        "queryStringParameters": { "x": "1,2", "y": " " }, "pathParameters": { "proxy": "a/b/my tag" },
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&event[name], value, "{name}");
    }
    assert_eq!(event["headers"]["accept"], "one,two");
    assert_eq!(event["headers"]["cookie"], Value::Null);
    let context = &event["requestContext"];
    assert_eq!(context["http"]["method"], "GET");
    assert_eq!(context["http"]["path"], "/v2/a/b/my tag");
    assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["http"]["userAgent"], "test");
    assert!(context["requestId"].is_string() && context["timeEpoch"].is_u64());
}

#[test]
fn bodies_are_text_or_base64() {
    let door = Door::start(&[]);
    let seen = |kind: &str, body: &[u8]| {
        let event = json(&door.put(&format!("content-type: {kind}\r\n"), body).2);
        (event["body"].clone(), event["isBase64Encoded"].clone())
    };
    for kind in
        ["text/plain", "application/json", "application/vnd.oci.image.manifest.v1+json; charset=utf-8"]
    {
        assert_eq!(seen(kind, b"\xef\xbb\xbf{}"), ("\u{feff}{}".into(), false.into()), "{kind}");
    }
    assert_eq!(seen("application/octet-stream", b"{}"), ("e30=".into(), true.into()));
    // What AWS does with a text that is not UTF-8 is not known; here it is base64, so that no byte is lost.
    assert_eq!(seen("text/plain", b"\xff\xfe"), ("//4=".into(), true.into()));
}

#[test]
fn routes_are_those_of_the_template() {
    let door = Door::start(&[]);
    for path in ["/", "/v2", "/v3/a"] {
        let (status, _, body) = door.get(path);
        assert_eq!((status, body.as_slice()), (404, br#"{"message":"Not Found"}"#.as_slice()), "{path}");
    }
    assert_eq!(json(&door.get("/v2/").2)["routeKey"], "GET /v2/");
}

#[test]
fn six_megabytes_and_no_more_both_ways() {
    let door = Door::start(&[]);
    let words =
        br#"{"Message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}"#;
    // Too long as it is, and too long in base64 only; written whole before anything is read.
    for bytes in [7_000_000, 4_800_000] {
        let (status, head, body) = door.put("", &vec![b'x'; bytes]);
        assert_eq!((status, body.as_slice()), (413, words.as_slice()), "{bytes}");
        assert!(head.contains("x-amzn-errortype: RequestEntityTooLargeException"), "{head}");
    }
    let chunked = "PUT /v2/a HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut body = b"700000\r\n".to_vec();
    body.extend(vec![b'x'; 0x70_0000]);
    body.extend(b"\r\n0\r\n\r\n");
    assert_eq!(exchange(&door.front, chunked, &body).0, 413);
    assert_eq!(door.state()["functions"]["Echo"]["invocations"], 0, "no function was started for them");
    assert_eq!(door.put("", &vec![b'x'; 4_600_000]).0, 200);

    assert_eq!(door.get("/v2/a?size=6000000").2.len(), 6_000_000);
    let (status, _, body) = door.get("/v2/a?size=6300000");
    assert_eq!((status, body.as_slice()), (502, br#"{"message":"Internal Server Error"}"#.as_slice()));
}

#[test]
fn a_head_keeps_its_length_and_has_no_body() {
    let door = Door::start(&[]);
    let head = "HEAD /v2/a?length=12345 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let (status, head, body) = exchange(&door.front, head, b"");
    assert_eq!((status, body.len()), (200, 0));
    assert!(head.contains("content-length: 12345"), "{head}");
}

#[test]
fn it_is_frozen_between_invocations() {
    let door = Door::start(&[]);
    for round in 1..=3_u64 {
        assert_eq!(door.get("/v2/a").0, 200);
        let state = door.until(|state| state["functions"]["Echo"]["freezes"] == round);
        let pid = state["functions"]["Echo"]["instances"][0].as_u64().expect("one instance");
        assert_eq!(process_state(pid), "T");
        assert_eq!(state["functions"]["Echo"]["cold_starts"], 1);
    }
}

#[test]
fn several_instances_at_once_and_no_more_than_told() {
    let door = Door::start(&["--instances", "3"]);
    std::thread::scope(|scope| {
        for _ in 0..9 {
            scope.spawn(|| assert_eq!(door.get("/v2/a?wait=50").0, 200));
        }
    });
    let state = door.until(|state| state["functions"]["Echo"]["freezes"] == 9);
    assert_eq!(state["functions"]["Echo"]["instances"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_function_that_fails_ends_or_is_late() {
    let door = Door::start(&[]);
    let error = br#"{"message":"Internal Server Error"}"#.to_vec();
    assert_eq!(door.get("/v2/a?fail").2, error);
    let (status, _, body) = door.get("/v2/a?exit");
    assert_eq!((status, body), (502, error));
    let (status, _, body) = door.get("/v2/a?wait=60000");
    assert_eq!((status, body.as_slice()), (504, br#"{"message":"Gateway Timeout"}"#.as_slice()));
    assert_eq!(door.get("/v2/a").0, 200, "the next one gets a new instance");
    assert_eq!(door.state()["functions"]["Echo"]["timeouts"], 1);
}

#[test]
fn kills_come_now_and_then_and_from_the_seed() {
    let run = |seed: &str| {
        let door = Door::start(&["--kill-every", "3", "--seed", seed]);
        let statuses: Vec<_> = (0..24).map(|_| door.get("/v2/a?wait=40").0).collect();
        let kills = door.until(|state| state["functions"]["Echo"]["invocations"] == 24)["functions"]["Echo"]
            ["kills"]
            .as_u64()
            .expect("a number");
        (statuses, kills)
    };
    let (statuses, kills) = run("7");
    let lost = statuses.iter().filter(|status| **status == 502).count() as u64;
    assert!(statuses.iter().all(|status| matches!(status, 200 | 502)), "{statuses:?}");
    assert!(lost > 0 && lost < kills, "some while they work, some between: {lost} of {kills}");
    assert_eq!(run("7").0, statuses);
}

fn events(door: &Door) -> Vec<Value> {
    let text = std::fs::read_to_string(at(&door.folder, "events")).expect("events came");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn object_events_are_filtered_and_come_late_twice_and_in_no_order() {
    let door = Door::start(&["--events", "rough", "--seed", "3"]);
    door.tell("/events/s3", r#"{"key":"uploads/x","size":1}"#);
    for number in 0..20 {
        door.tell("/events/s3", &format!(r#"{{"key":"sha256:a/b c/{number}","size":{number}}}"#));
    }
    let state = door.until(|state| state["events"]["pending"] == 0);
    assert_eq!(state["events"]["delivered"], 20);
    let twice = state["events"]["duplicates"].as_u64().expect("a number");
    let sizes: Vec<_> =
        events(&door).iter().map(|event| event["Records"][0]["s3"]["object"]["size"].as_u64()).collect();
    assert!(twice > 0 && sizes.len() as u64 == 20 + twice, "{state}");
    assert!(!sizes.is_sorted(), "{sizes:?}");
    assert_eq!(events(&door)[0]["Records"][0]["s3"]["bucket"]["name"], "bytes");
    let key = events(&door)[0]["Records"][0]["s3"]["object"]["key"].as_str().map(str::to_owned);
    assert!(key.expect("a key").starts_with("sha256%3Aa/b+c/"));
}

#[test]
fn the_stream_is_in_order_for_one_item_and_retries_are_bounded() {
    let door = Door::start(&["--events", "rough", "--seed", "5"]);
    let record = |item: u64, sequence: &str| {
        format!(r#"{{"dynamodb":{{"Keys":{{"PK":{{"S":"{item}"}}}},"SequenceNumber":"{sequence}"}}}}"#)
    };
    for step in 0..20 {
        let records: Vec<_> = (0..8).map(|item| record(item, &format!("{step}"))).collect();
        door.tell("/events/stream", &format!(r#"{{"Records":[{}]}}"#, records.join(",")));
    }
    let state = door.until(|state| state["events"]["pending"] == 0);
    assert_eq!(state["events"]["delivered"], 160);
    let batches = events(&door);
    for item in 0..8 {
        let (name, mut seen) = (format!("{item}"), Vec::new());
        for record in batches.iter().flat_map(|batch| batch["Records"].as_array().expect("records")) {
            if record["dynamodb"]["Keys"]["PK"]["S"].as_str() == Some(name.as_str()) {
                let sequence = record["dynamodb"]["SequenceNumber"].as_str().expect("a text");
                seen.push(sequence.parse::<u64>().expect("a number"));
            }
        }
        // A batch that comes twice goes back, but never over one that has not come.
        let mut highest = None;
        for sequence in seen {
            assert!(highest.map_or(sequence == 0, |highest| sequence <= highest + 1), "item {item}");
            highest = highest.max(Some(sequence));
        }
        assert_eq!(highest, Some(19));
    }
    // One that fails for ever: tried 1 + 2 times (the template's retries), then given up.
    door.tell("/events/stream", &format!("[{}]", record(1, "bad")));
    let state = door.until(|state| state["events"]["pending"] == 0);
    assert_eq!((&state["events"]["failed"], &state["events"]["delivered"]), (&1.into(), &160.into()));
}

#[test]
fn the_schedule_fires() {
    let door = Door::start(&[]);
    door.tell("/events/schedule", "");
    door.until(|state| state["events"]["delivered"] == 1);
    assert_eq!(events(&door)[0]["detail-type"], "Scheduled Event");
}

#[test]
fn nothing_is_left_behind_even_in_the_middle_of_an_invocation() {
    for signal in ["TERM", "KILL"] {
        let mut door = Door::start(&[]);
        std::thread::scope(|scope| {
            let both =
                [scope.spawn(|| door.get("/v2/a?wait=100")), scope.spawn(|| door.get("/v2/a?wait=100"))];
            for one in both {
                assert_eq!(one.join().expect("an answer").0, 200);
            }
        });
        // One works, one is frozen.
        let mut busy = TcpStream::connect(&door.front).expect("it listens");
        busy.write_all(b"GET /v2/a?wait=1500 HTTP/1.1\r\nhost: a\r\n\r\n").expect("a request");
        let state = door.until(|state| state["functions"]["Echo"]["invocations"] == 3);
        let pids: Vec<_> = state["functions"]["Echo"]["instances"]
            .as_array()
            .expect("instances")
            .iter()
            .map(|pid| pid.as_u64().expect("a number"))
            .collect();
        assert_eq!(pids.len(), 2);
        if signal == "TERM" {
            door.terminate();
            assert!(!pids.iter().any(|pid| exists(*pid)));
        } else {
            door.child.kill().expect("it is killed");
            door.child.wait().expect("it is gone");
            let started = Instant::now();
            while pids.iter().any(|pid| exists(*pid)) {
                assert!(started.elapsed() < Duration::from_secs(10), "left behind: {pids:?}");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

#[test]
fn the_real_template_is_read() {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../infra/template.yaml"].iter().collect();
    let text = std::fs::read_to_string(path).expect("the template");
    let values = moorage_front_door::template::Values {
        bucket: "bytes".to_owned(),
        table: "facts".to_owned(),
        parameters: [("Anonymous".to_owned(), "push".to_owned())].into(),
    };
    let mut specs = moorage_front_door::template::read(&text, &values).expect("it is understood");
    specs.sort_by(|a, b| a.name.cmp(&b.name));
    let names: Vec<_> = specs.iter().map(|spec| (spec.name.as_str(), spec.binary.as_str())).collect();
    assert_eq!(names, [("Collect", "collect"), ("Ingest", "ingest"), ("Pull", "pull"), ("Push", "push")]);
    for spec in &specs {
        assert_eq!(spec.environment["MOORAGE_BUCKET"], "bytes");
        assert_eq!(spec.environment["MOORAGE_TABLE"], "facts");
        assert_eq!(spec.environment["MOORAGE_ANONYMOUS"], "push");
        assert!(spec.timeout_seconds >= 10 && spec.memory_mb >= 128);
    }
    let [collect, ingest, pull, push] = specs.as_slice() else { panic!("four functions") };
    assert!(
        collect.scheduled && collect.stream.as_ref().is_some_and(|stream| stream.partial && stream.bisect)
    );
    assert!(!ingest.objects.is_empty());
    assert!(pull.routes.contains(&("HEAD".to_owned(), "/v2/{proxy+}".to_owned())));
    assert!(push.routes.contains(&("PATCH".to_owned(), "/v2/{proxy+}".to_owned())));
}
