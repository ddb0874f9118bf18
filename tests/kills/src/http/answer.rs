//! An answer, or what came of one.

use std::io::{self, Read};

/// A status, and whatever else came before the connection ended.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether all of it came.
    pub whole: bool,
}

/// Bytes that are received at a time.
const PIECE_BYTES: usize = 64 << 10;

impl Answer {
    /// The value of a header, empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(is, _)| is.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(is, _)| is.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether the server ends the connection after it.
    pub fn closes(&self) -> bool {
        !self.whole || self.header("connection").eq_ignore_ascii_case("close")
    }

    /// Reads one answer.
    ///
    /// # Errors
    /// The connection ended before a whole status line had come.
    pub fn read(stream: &mut impl Read, to_head: bool) -> io::Result<Self> {
        let mut came = Vec::new();
        let (head_bytes, broken) = loop {
            if let Some(at) = find(&came, b"\r\n\r\n") {
                break (at + 4, None);
            }
            match receive(stream, &mut came) {
                Ok(0) => break (came.len(), Some(io::Error::from(io::ErrorKind::UnexpectedEof))),
                Ok(_) => {}
                Err(error) => break (came.len(), Some(error)),
            }
        };
        let mut answer = match Self::parse_head(&came[..head_bytes]) {
            Some(answer) => answer,
            None => return Err(broken.unwrap_or_else(|| io::Error::other("not an HTTP/1.1 answer"))),
        };
        if broken.is_some() {
            return Ok(answer);
        }
        came.drain(..head_bytes);
        if to_head || answer.status == 204 {
            answer.whole = came.is_empty();
        } else if answer.header("transfer-encoding").eq_ignore_ascii_case("chunked") {
            answer.whole = read_chunked(stream, &mut came, &mut answer.body);
        } else {
            let length: usize = answer.header("content-length").parse().map_err(io::Error::other)?;
            answer.whole = fill(stream, &mut came, length) && came.len() == length;
            answer.body = came;
        }
        Ok(answer)
    }

    /// `None` while the status line is not whole.
    fn parse_head(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (status_line, rest) = text.split_once("\r\n")?;
        let status = status_line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let headers = rest
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Some(Self { status, headers, body: Vec::new(), whole: false })
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn receive(stream: &mut impl Read, into: &mut Vec<u8>) -> io::Result<usize> {
    let before = into.len();
    into.resize(before + PIECE_BYTES, 0);
    let outcome = stream.read(&mut into[before..]);
    into.truncate(before + outcome.as_ref().map_or(0, |count| *count));
    outcome
}

/// Receives until there are `enough` bytes; `false` if they never come.
fn fill(stream: &mut impl Read, came: &mut Vec<u8>, enough: usize) -> bool {
    while came.len() < enough {
        if receive(stream, came).unwrap_or(0) == 0 {
            return false;
        }
    }
    true
}

fn read_chunked(stream: &mut impl Read, came: &mut Vec<u8>, body: &mut Vec<u8>) -> bool {
    loop {
        let line_end = loop {
            match find(came, b"\r\n") {
                Some(at) => break at,
                None if receive(stream, came).unwrap_or(0) == 0 => return false,
                None => {}
            }
        };
        let line = String::from_utf8_lossy(&came[..line_end]).into_owned();
        let Ok(length) = usize::from_str_radix(line.trim(), 16) else { return false };
        let chunk = line_end + 2..line_end + 2 + length;
        if !fill(stream, came, chunk.end + 2) {
            return false;
        }
        body.extend_from_slice(&came[chunk.clone()]);
        came.drain(..chunk.end + 2);
        if length == 0 {
            return came.is_empty();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    fn read(wire: &[u8]) -> Option<Answer> {
        Answer::read(&mut &wire[..], false).ok()
    }

    #[test]
    fn what_came_after_the_status_line_may_be_cut() {
        let wire = b"HTTP/1.1 201 Created\r\nLocation: /v2/a\r\nContent-Length: 2\r\n\r\nok";
        for cut in 0..=wire.len() {
            let status = read(&wire[..cut]).map(|answer| (answer.status, answer.whole));
            let expected = (cut >= 22).then_some((201, cut == wire.len()));
            assert_eq!(status, expected, "after {cut} bytes");
        }
    }

    #[test]
    fn chunks_are_joined() {
        let answer =
            read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
        assert_eq!(answer.map(|answer| (answer.body, answer.whole)), Some((b"abcde".to_vec(), true)));
    }
}
