//! A connection that is opened again when it has to be.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::Answer;

/// No request here takes a healthy server a tenth of this.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes of one chunk of a streamed body.
const CHUNK_BYTES: usize = 60_000;

/// A request whose answer did not come: whether it was carried out, nobody knows.
#[derive(Debug)]
pub struct Broken {
    /// When its first byte was sent.
    pub begun: Instant,
    pub reason: String,
}

pub struct Request<'a> {
    pub method: &'static str,
    /// Path and query.
    pub target: &'a str,
    pub headers: &'a [(&'static str, &'a str)],
    pub body: Body<'a>,
}

#[derive(Clone, Copy)]
pub enum Body<'a> {
    None,
    /// With `Content-Length`.
    Whole(&'a [u8]),
    /// With chunked transfer encoding.
    Streamed(&'a [u8]),
}

/// To one server, one request at a time.
pub struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Connection {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    pub fn get(&mut self, target: &str) -> Result<Answer, Broken> {
        self.ask(&Request { method: "GET", target, headers: &[], body: Body::None })
    }

    pub fn ask(&mut self, request: &Request<'_>) -> Result<Answer, Broken> {
        let begun = Instant::now();
        self.try_to_ask(request).map_err(|error| {
            self.stream = None;
            Broken { begun, reason: format!("{} {}: {error}", request.method, request.target) }
        })
    }

    fn try_to_ask(&mut self, request: &Request<'_>) -> io::Result<Answer> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(open(self.address)?),
        };
        // A server may answer before it has read all, and close: what it said counts.
        let sent = send(stream, self.address, request);
        let answer = match Answer::read(stream, request.method == "HEAD") {
            Ok(answer) => answer,
            Err(error) => return Err(sent.err().unwrap_or(error)),
        };
        if sent.is_err() || answer.closes() {
            self.stream = None;
        }
        Ok(answer)
    }
}

/// A fresh connection, for whoever wants to send a request piece by piece.
pub fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    Ok(stream)
}

/// The request's head, up to and with the empty line.
pub fn head(address: SocketAddr, request: &Request<'_>) -> String {
    let mut head = format!("{} {} HTTP/1.1\r\nHost: {address}\r\n", request.method, request.target);
    for (name, value) in request.headers {
        // Writing to a String cannot fail.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = match request.body {
        Body::None if matches!(request.method, "GET" | "HEAD") => Ok(()),
        Body::None => write!(head, "Content-Length: 0\r\n"),
        Body::Whole(bytes) => write!(head, "Content-Length: {}\r\n", bytes.len()),
        Body::Streamed(_) => write!(head, "Transfer-Encoding: chunked\r\n"),
    };
    head.push_str("\r\n");
    head
}

/// One chunk of a streamed body; an empty one ends it.
pub fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

fn send(stream: &mut TcpStream, address: SocketAddr, request: &Request<'_>) -> io::Result<()> {
    let head = head(address, request);
    match request.body {
        Body::None => stream.write_all(head.as_bytes()),
        // In one piece, as long as it is short: what a server reads in two pieces it handles in two.
        Body::Whole(bytes) if bytes.len() <= CHUNK_BYTES => {
            stream.write_all(&[head.as_bytes(), bytes].concat())
        }
        Body::Whole(bytes) => {
            stream.write_all(head.as_bytes())?;
            stream.write_all(bytes)
        }
        Body::Streamed(bytes) => {
            stream.write_all(head.as_bytes())?;
            for piece in bytes.chunks(CHUNK_BYTES) {
                stream.write_all(&chunk(piece))?;
            }
            stream.write_all(&chunk(b""))
        }
    }
}
