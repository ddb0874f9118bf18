//! A request, in buffers that a lane uses again and again.

use std::fmt::Write as _;
use std::sync::Arc;

use super::Origin;

/// What a workload wants sent. The body is `shared` followed by `own`, so that bodies with the same
/// beginning are neither copied nor hashed again.
#[derive(Default)]
pub struct Request {
    pub method: &'static str,
    /// Path and query, as on the request line.
    pub target: String,
    /// Whole header lines, each with its CRLF.
    pub headers: &'static str,
    pub shared: Option<Arc<[u8]>>,
    pub own: Vec<u8>,
    /// Whether the body of the answer is kept for the workload, or only counted.
    pub keep: bool,
}

/// The header line of a body of unknown kind.
pub const OCTETS: &str = "Content-Type: application/octet-stream\r\n";
/// The header line of an image manifest that is pushed.
pub const MANIFEST: &str = "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n";
/// The header line of a client that pulls an image.
pub const ACCEPT: &str =
    "Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json\r\n";

impl Request {
    /// Starts afresh; what follows writes the target.
    pub fn start(&mut self, method: &'static str, headers: &'static str) -> &mut String {
        self.method = method;
        self.headers = headers;
        self.shared = None;
        self.own.clear();
        self.keep = false;
        self.target.clear();
        &mut self.target
    }

    /// Bytes of the body.
    pub fn length(&self) -> usize {
        self.shared.as_ref().map_or(0, |bytes| bytes.len()) + self.own.len()
    }

    /// Writes the request line and headers for `origin` into `head`.
    pub(super) fn compose(&self, origin: Origin, head: &mut String) {
        head.clear();
        let (method, target, headers) = (self.method, &self.target, self.headers);
        let host = origin.address();
        // Writing to a String cannot fail.
        let _ = write!(head, "{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}");
        if method != "GET" && method != "HEAD" {
            let _ = write!(head, "Content-Length: {}\r\n", self.length());
        }
        head.push_str("\r\n");
    }
}
