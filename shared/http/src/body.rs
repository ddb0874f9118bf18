//! Bodies: those that come, as a stream of the ports, and those that go.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};
use moorage_ports::{ByteStream, ObjectBody, PortError};

use crate::log::Logged;

/// What is sent back.
#[derive(Default)]
pub(crate) enum Content {
    #[default]
    Empty,
    Bytes(Bytes),
    Stream {
        stream: ByteStream,
        /// Bytes that are still to come.
        left: u64,
    },
}

impl Content {
    /// The bytes of an object, or of `size` bytes of one.
    pub(crate) fn of_object(body: ObjectBody, size: u64) -> Self {
        match body {
            ObjectBody::Bytes(bytes) => Self::Bytes(bytes),
            ObjectBody::Stream(stream) => Self::Stream { stream, left: size },
        }
    }
}

/// The body of an answer. When it was sent, or given up, the request is logged.
#[derive(Default)]
pub struct AnswerBody {
    content: Content,
    log: Option<Box<Logged>>,
}

impl AnswerBody {
    pub(crate) fn new(content: Content) -> Self {
        Self { content, log: None }
    }

    /// What of it is sent to a HEAD: nothing.
    pub(crate) fn withheld(self) -> Self {
        Self { content: Content::Empty, ..self }
    }

    pub(crate) fn logged(mut self, log: Box<Logged>) -> Self {
        self.log = Some(log);
        self
    }

    fn sent(&mut self, bytes: usize) {
        if let Some(log) = &mut self.log {
            log.sent_bytes += bytes as u64;
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = PortError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PortError>>> {
        let bytes = match &mut self.content {
            Content::Empty => return Poll::Ready(None),
            Content::Bytes(_) => {
                let Content::Bytes(bytes) = std::mem::take(&mut self.content) else {
                    return Poll::Ready(None);
                };
                bytes
            }
            Content::Stream { stream, left } => match stream.as_mut().poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(error))) => {
                    tracing::error!(%error, "the bytes of an answer broke off");
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(Some(Ok(bytes))) => {
                    *left = left.saturating_sub(bytes.len() as u64);
                    bytes
                }
            },
        };
        self.sent(bytes.len());
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Empty => true,
            Content::Bytes(bytes) => bytes.is_empty(),
            Content::Stream { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.content {
            Content::Empty => 0,
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Stream { left, .. } => *left,
        })
    }
}

/// The body of a request, as the ports take it; counts what came.
pub(crate) struct RequestBody<B> {
    body: Pin<Box<B>>,
    received: Arc<AtomicU64>,
}

impl<B> RequestBody<B>
where
    B: Body<Data = Bytes, Error: std::fmt::Display> + Send + 'static,
{
    pub(crate) fn stream(body: B, received: Arc<AtomicU64>) -> ByteStream {
        Box::pin(Self { body: Box::pin(body), received })
    }
}

impl<B> Stream for RequestBody<B>
where
    B: Body<Data = Bytes, Error: std::fmt::Display>,
{
    type Item = Result<Bytes, PortError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return match self.body.as_mut().poll_frame(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(None) => Poll::Ready(None),
                Poll::Ready(Some(Err(error))) => {
                    Poll::Ready(Some(Err(PortError::Body(format!("the connection broke: {error}")))))
                }
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) => {
                        self.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                        Poll::Ready(Some(Ok(bytes)))
                    }
                    // Trailers say nothing to a registry.
                    Err(_) => continue,
                },
            };
        }
    }
}
