//! One request, as a story writes it.

use std::convert::Infallible;
use std::future::IntoFuture;
use std::io;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use moorage_ports::calls;

use crate::answer::Answer;
use crate::client::Client;
use crate::content::Content;

/// A request in the making.
#[must_use = "it is sent when it is awaited"]
pub struct Ask {
    client: Client,
    request: Request<Body>,
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

impl Ask {
    pub(crate) fn new(client: Client, line: &str) -> Self {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        let method: Method = method.parse().expect("a method");
        let request =
            Request::builder().method(method).uri(client.names.fill(path)).body(whole(Bytes::new()));
        Self { client, request: request.expect("a path that can stand in a request") }
    }

    /// How it was written: method and path.
    #[must_use]
    pub fn line(&self) -> String {
        self.client.names.show(&format!("{} {}", self.request.method(), self.request.uri()))
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header's value");
        self.request.headers_mut().append(HeaderName::from_static(name), value);
        self
    }

    /// A body whose length the transport knows.
    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = whole(bytes.into());
        self
    }

    /// A manifest, under its media type.
    pub fn manifest(self, manifest: &Content) -> Self {
        self.header("content-type", &manifest.media_type).body(manifest)
    }

    /// A body in pieces, whose length nobody knows before its end.
    pub fn streamed<const N: usize>(self, pieces: [&'static str; N]) -> Self {
        self.coming(pieces.map(|piece| Ok(Bytes::from_static(piece.as_bytes()))))
    }

    /// A body that breaks off.
    pub fn broken_after(self, piece: &'static str) -> Self {
        let broken = || io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer");
        self.coming([Ok(Bytes::from_static(piece.as_bytes())), Err(broken())])
    }

    fn coming<const N: usize>(mut self, pieces: [io::Result<Bytes>; N]) -> Self {
        let frames = pieces.map(|piece| piece.map(http_body::Frame::data));
        *self.request.body_mut() = StreamBody::new(stream::iter(frames)).boxed_unsync();
        self
    }
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}

impl IntoFuture for Ask {
    type Output = Answer;
    type IntoFuture = BoxFuture<'static, Answer>;

    fn into_future(self) -> BoxFuture<'static, Answer> {
        let Self { client, request } = self;
        Box::pin(async move {
            let method = request.method().clone();
            let (answer, counted) = calls::scope(client.registry.answer(request)).await;
            Answer::read(&method, answer, counted.calls, client.names).await
        })
    }
}
