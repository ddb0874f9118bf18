//! An answer, read as the bytes come.

use anyhow::{Context, Result, bail, ensure};

use super::chunks::Chunks;

/// An answer's status, the headers that matter here, and how much body came.
#[derive(Default)]
pub struct Reply {
    pub status: u16,
    /// `Content-Length`, if there was one.
    pub length: Option<u64>,
    pub location: String,
    /// `Docker-Content-Digest`.
    pub digest: String,
    /// The body, if the request asked to keep it.
    pub body: Vec<u8>,
    /// Bytes of body that came.
    pub body_length: u64,
    /// Whether the server ends the connection after this answer.
    pub closes: bool,
    keep: bool,
    bodiless: bool,
    stage: Stage,
    /// A head that came in pieces.
    head: Vec<u8>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Head,
    /// So many bytes of body to come.
    Body(u64),
    Coded(Chunks),
    /// The body ends with the connection.
    ToTheEnd,
    Complete,
}

/// More headers than any registry sends.
const HEADERS_MAX: usize = 64;
/// A head longer than this is refused.
const HEAD_BYTES_MAX: usize = 64 << 10;

impl Reply {
    /// Starts afresh. `bodiless`: the answer to a HEAD.
    pub fn reset(&mut self, keep: bool, bodiless: bool) {
        self.keep = keep;
        self.bodiless = bodiless;
        self.stage = Stage::Head;
        self.head.clear();
        self.forget_head();
        self.body.clear();
        self.body_length = 0;
    }

    fn forget_head(&mut self) {
        self.status = 0;
        self.length = None;
        self.location.clear();
        self.digest.clear();
        self.closes = false;
    }

    pub fn is_complete(&self) -> bool {
        self.stage == Stage::Complete
    }

    /// Whether nothing of it has come yet.
    pub fn is_untouched(&self) -> bool {
        self.stage == Stage::Head && self.head.is_empty() && self.status == 0
    }

    /// How many bytes may be received without being looked at.
    pub fn discardable(&self) -> Option<u64> {
        match self.stage {
            Stage::Body(left) if !self.keep => Some(left),
            _ => None,
        }
    }

    /// Notes that `count` of the discardable bytes came.
    pub fn discarded(&mut self, count: u64) {
        if let Stage::Body(left) = self.stage {
            self.body_length += count;
            self.stage = after_body(left - count);
        }
    }

    /// Takes the next bytes of the connection.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<()> {
        while self.stage == Stage::Head && !bytes.is_empty() {
            bytes = self.feed_head(bytes)?;
        }
        match self.stage {
            Stage::Head => Ok(()),
            Stage::Complete => {
                ensure!(bytes.is_empty(), "bytes after the end of an answer");
                Ok(())
            }
            Stage::ToTheEnd => {
                self.take(bytes);
                Ok(())
            }
            Stage::Body(left) => {
                ensure!(bytes.len() as u64 <= left, "more body than Content-Length says");
                self.take(bytes);
                self.stage = after_body(left - bytes.len() as u64);
                Ok(())
            }
            Stage::Coded(mut chunks) => {
                let used = chunks.feed(bytes, |part| self.take(part))?;
                ensure!(used == bytes.len(), "bytes after the last chunk");
                self.stage = match chunks {
                    Chunks::Complete => Stage::Complete,
                    other => Stage::Coded(other),
                };
                Ok(())
            }
        }
    }

    /// The connection ended: fine for a body without a length, an error for any other.
    pub fn end(&mut self) -> Result<()> {
        match self.stage {
            Stage::ToTheEnd => {
                self.stage = Stage::Complete;
                self.closes = true;
                Ok(())
            }
            _ => bail!("the connection ended within an answer"),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.body_length += bytes.len() as u64;
        if self.keep {
            self.body.extend_from_slice(bytes);
        }
    }

    /// Reads the head if it is whole, and returns what follows it.
    fn feed_head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        if self.head.is_empty() {
            return match self.parse(bytes)? {
                Some(used) => Ok(&bytes[used..]),
                None => {
                    self.head.extend_from_slice(bytes);
                    Ok(&[])
                }
            };
        }
        let before = self.head.len();
        let mut head = std::mem::take(&mut self.head);
        head.extend_from_slice(bytes);
        match self.parse(&head)? {
            Some(used) => Ok(&bytes[used - before..]),
            None => {
                ensure!(head.len() <= HEAD_BYTES_MAX, "an endless head");
                self.head = head;
                Ok(&[])
            }
        }
    }

    fn parse(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut parsed = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(used) = parsed.parse(bytes).context("not an HTTP/1.1 answer")? else {
            return Ok(None);
        };
        self.forget_head();
        let status = parsed.code.unwrap_or_default();
        let mut coded = false;
        self.closes = parsed.version == Some(0);
        for header in parsed.headers.iter() {
            self.note_header(header, &mut coded)?;
        }
        if (100..200).contains(&status) {
            return Ok(Some(used)); // an interim answer: the real head follows
        }
        self.status = status;
        self.stage = match self.length {
            _ if self.bodiless || status == 204 || status == 304 => Stage::Complete,
            _ if coded => Stage::Coded(Chunks::START),
            Some(length) => after_body(length),
            None => Stage::ToTheEnd,
        };
        Ok(Some(used))
    }

    fn note_header(&mut self, header: &httparse::Header<'_>, coded: &mut bool) -> Result<()> {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        let text = || std::str::from_utf8(header.value).with_context(|| format!("{}: not text", header.name));
        if is("content-length") {
            self.length = Some(text()?.trim().parse().context("Content-Length")?);
        } else if is("docker-content-digest") {
            self.digest.push_str(text()?);
        } else if is("location") {
            self.location.push_str(text()?);
        } else if is("transfer-encoding") {
            *coded = text()?.eq_ignore_ascii_case("chunked");
        } else if is("connection") {
            self.closes = text()?.eq_ignore_ascii_case("close");
        }
        Ok(())
    }
}

fn after_body(left: u64) -> Stage {
    match left {
        0 => Stage::Complete,
        left => Stage::Body(left),
    }
}

#[cfg(test)]
mod tests {
    use super::Reply;

    fn read(parts: &[&[u8]], keep: bool, bodiless: bool) -> Reply {
        let mut reply = Reply::default();
        reply.reset(keep, bodiless);
        for part in parts {
            assert!(reply.feed(part).is_ok());
        }
        reply
    }

    #[test]
    fn a_body_of_stated_length_is_counted() {
        let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDocker-Content-Digest: sha256:ab\r\n\r\nhello";
        for cut in 1..wire.len() {
            let reply = read(&[&wire[..cut], &wire[cut..]], true, false);
            assert!(reply.is_complete());
            assert_eq!((reply.status, reply.body_length, reply.body.as_slice()), (200, 5, &b"hello"[..]));
            assert_eq!(reply.digest, "sha256:ab");
        }
    }

    #[test]
    fn the_answer_to_a_head_ends_with_its_headers() {
        let reply = read(&[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"], false, true);
        assert!(reply.is_complete());
        assert_eq!((reply.length, reply.body_length), (Some(5), 0));
    }

    #[test]
    fn an_interim_answer_is_passed_over() {
        let reply = read(
            &[b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"],
            false,
            false,
        );
        assert!(reply.is_complete());
        assert_eq!(reply.status, 201);
    }

    #[test]
    fn bytes_may_be_thrown_away_unseen_only_within_a_body() {
        let mut reply = read(&[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"], false, false);
        assert_eq!(reply.discardable(), Some(3));
        reply.discarded(3);
        assert!(reply.is_complete());
        assert_eq!(reply.discardable(), None);
    }

    #[test]
    fn a_short_body_is_an_error() {
        let mut reply = read(&[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"], false, false);
        assert!(reply.end().is_err());
    }
}
