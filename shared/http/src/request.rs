//! A request, as the answers read it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http_body::Body;
use moorage_operations::InvalidRequest;
use moorage_ports::{ByteStream, PortError};

use crate::answer::header_text;
use crate::body::RequestBody;
use crate::query::Query;

/// What came, without its body.
pub(crate) struct Head<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) query: Query<'a>,
}

impl<'a> Head<'a> {
    pub(crate) fn new(parts: &'a Parts) -> Self {
        Self { parts, query: Query::parse(parts.uri.query()) }
    }

    pub(crate) fn header(&self, name: &http::HeaderName) -> Option<&'a str> {
        header_text(&self.parts.headers, name)
    }

    /// Bytes of the body, where the client says it.
    pub(crate) fn content_length(&self) -> Result<Option<u64>, InvalidRequest> {
        let Some(text) = self.header(&CONTENT_LENGTH) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| InvalidRequest::Header {
            header: "Content-Length",
            reason: format!("expected a number of bytes, found `{text}`"),
        })
    }
}

/// The bytes that came with a request.
pub(crate) struct Incoming {
    pub(crate) stream: ByteStream,
    /// Bytes of the body, where the transport knows it.
    pub(crate) exact_size: Option<u64>,
}

impl Incoming {
    pub(crate) fn new<B>(body: B, received: Arc<AtomicU64>) -> Self
    where
        B: Body<Data = Bytes, Error: std::fmt::Display> + Send + 'static,
    {
        let exact_size = body.size_hint().exact();
        Self { stream: RequestBody::stream(body, received), exact_size }
    }

    /// All of the body in one piece; `None` where it has more than `max` bytes.
    pub(crate) async fn up_to(self, max: usize) -> Result<Option<Bytes>, PortError> {
        let mut stream = self.stream;
        let mut bytes = BytesMut::new();
        while let Some(chunk) = stream.try_next().await? {
            if bytes.len() + chunk.len() > max {
                return Ok(None);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes.freeze()))
    }
}
