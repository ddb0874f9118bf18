//! A front door with the echo function behind it, and a client of few words.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// `http://HOST:PORT` of the line that says so.
fn address(line: &str) -> String {
    line.trim_end().rsplit("http://").next().expect("an address").to_owned()
}

pub(crate) struct Door {
    pub(crate) child: Child,
    pub(crate) front: String,
    pub(crate) control: String,
    pub(crate) bus: String,
    pub(crate) folder: TempDir,
}

impl Door {
    pub(crate) fn start(more: &[&str]) -> Self {
        Self::with_template(str::to_owned, more)
    }

    /// With the template changed before it is read.
    pub(crate) fn with_template(change: impl FnOnce(&str) -> String, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let template = include_str!("template.yaml").replace("SEEN_FILE", &at(&folder, "events"));
        std::fs::write(at(&folder, "template.yaml"), change(&template)).expect("the template");
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
        let (front, control, bus) = (line(), line(), line());
        Self { child, front, control, bus, folder }
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String, Vec<u8>) {
        exchange(&self.front, &format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"), b"")
    }

    pub(crate) fn put(&self, headers: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
        let length = body.len();
        let head = format!(
            "PUT /v2/a HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        exchange(&self.front, &head, body)
    }

    pub(crate) fn tell(&self, path: &str, body: &str) {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        assert_eq!(exchange(&self.control, &head, body.as_bytes()).0, 202);
    }

    pub(crate) fn state(&self) -> Value {
        self.said("/state")
    }

    /// What the control address says under a path.
    pub(crate) fn said(&self, path: &str) -> Value {
        let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        json(&exchange(&self.control, &head, b"").2)
    }

    /// The events that are no requests, in the order in which the function got them.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(at(&self.folder, "events")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The state, once it is as wanted.
    pub(crate) fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
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

    pub(crate) fn terminate(&mut self) {
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

pub(crate) fn at(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

/// Status, head and body. A client that writes its whole body first.
pub(crate) fn exchange(address: &str, head: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
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

pub(crate) fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("JSON")
}

pub(crate) fn exists(pid: u64) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

pub(crate) fn process_state(pid: u64) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process is there");
    stat.rsplit(") ").next().expect("fields")[..1].to_owned()
}
