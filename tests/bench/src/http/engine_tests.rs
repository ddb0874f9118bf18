//! The engine against a server of a few lines, which answers as servers may.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::{Engine, Origin, Reply, Request, Tally, Verdict, Workload};

const PLAIN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Serves until the test ends: by path, one of the ways to say hello. A connection is closed, without a
/// word, after `requests_max`.
fn serve(listener: TcpListener, requests_max: usize) {
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || serve_one(&stream, requests_max));
    }
}

fn serve_one(stream: &TcpStream, requests_max: usize) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    for _ in 0..requests_max {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let mut header = String::new();
        while header != "\r\n" {
            header.clear();
            reader.read_line(&mut header).ok().filter(|count| *count > 0)?;
        }
        let parts: &[&str] = match line.split(' ').nth(1)? {
            "/plain" => &[PLAIN],
            "/pieces" => &["HTTP/1.1 200 OK\r\nContent-", "Length: 5\r\n\r\nhe", "llo"],
            "/chunked" => {
                &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "lo\r\n0\r\n\r\n"]
            }
            "/moved" => &["HTTP/1.1 307 Temporary Redirect\r\nLocation: /plain\r\nContent-Length: 0\r\n\r\n"],
            "/closing" => &["HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"],
            _ => &["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"],
        };
        for part in parts {
            writer.write_all(part.as_bytes()).ok()?;
            std::thread::sleep(Duration::from_millis(2));
        }
        if parts[0].contains("close") {
            return None;
        }
    }
    None
}

/// So many times hello from one path.
struct Hello {
    path: &'static str,
    left: u32,
    keep: bool,
}

impl Workload for Hello {
    fn next(&mut self, _lane: usize, request: &mut Request) -> bool {
        request.start("GET", "").push_str(self.path);
        request.keep = self.keep;
        let is_more = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_more
    }

    fn answer(&mut self, _lane: usize, reply: &Reply) -> Verdict {
        let is_kept = !self.keep || reply.body == b"hello";
        match reply.status == 200 && reply.body_length == 5 && is_kept {
            true => Verdict::Done,
            false => Verdict::Wrong(format!("{}: {}", self.path, reply.status)),
        }
    }
}

/// Asks for `path` 40 times over three lanes.
fn ask(path: &'static str, requests_max: usize) -> Tally {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || serve(listener, requests_max));
    let mut tally = Tally::default();
    for keep in [false, true] {
        let mut engine = Engine::new(Origin::local(port), 3).expect("epoll");
        let mut work = Hello { path, left: 20, keep };
        engine.run(&mut work, Instant::now() + Duration::from_secs(20), &mut tally).expect("few errors");
    }
    tally
}

#[test]
fn every_way_to_send_a_body_is_read() {
    for path in ["/plain", "/pieces", "/chunked", "/moved", "/closing"] {
        let tally = ask(path, usize::MAX);
        assert_eq!((tally.latencies_ns.len(), tally.wrong), (40, 0), "{path}: {:?}", tally.first_wrong);
    }
}

#[test]
fn a_connection_that_was_closed_between_requests_is_opened_again() {
    let tally = ask("/plain", 3);
    assert_eq!((tally.latencies_ns.len(), tally.wrong), (40, 0), "{:?}", tally.first_wrong);
}

#[test]
fn a_wrong_answer_is_an_error_and_not_a_figure() {
    let tally = ask("/elsewhere", usize::MAX);
    assert_eq!((tally.latencies_ns.len(), tally.wrong), (0, 40));
}
