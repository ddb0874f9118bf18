//! A proxy that counts what it forwards, and the address that tells the counts.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::{Counts, operation};
use crate::loopback::serve;

pub use crate::loopback::Listening;

type Body = BoxBody<Bytes, hyper::Error>;

/// Stands in front of a plain HTTP endpoint at `upstream`: each request is counted, then forwarded as it streams in,
/// with its own `Host`, so that a signature made for this proxy's address stays right. One connection to it is one
/// connection to the endpoint.
///
/// # Errors
///
/// When no port can be had.
pub async fn proxy(upstream: SocketAddr, counts: Counts) -> std::io::Result<Listening> {
    serve(move || {
        let upstream = Upstream { address: upstream, connection: Mutex::new(None) };
        let upstream = std::sync::Arc::new(upstream);
        let counts = counts.clone();
        move |request: Request<Incoming>| {
            let (upstream, counts) = (upstream.clone(), counts.clone());
            async move {
                let (parts, body) = request.into_parts();
                counts.add(operation(&parts));
                match upstream.send(Request::from_parts(parts, body)).await {
                    Ok(response) => response.map(|body| body.boxed()),
                    Err(error) => told(StatusCode::BAD_GATEWAY, format!("{}: {error}", upstream.address)),
                }
            }
        }
    })
    .await
}

/// Answers `GET /__counts` with the counts in JSON, and `POST /__reset` by setting them to nothing.
///
/// # Errors
///
/// When no port can be had.
pub async fn control(counts: Counts) -> std::io::Result<Listening> {
    serve(move || {
        let counts = counts.clone();
        move |request: Request<Incoming>| {
            let answer = match (request.method(), request.uri().path()) {
                (&Method::GET, "/__counts") => {
                    told(StatusCode::OK, serde_json::Value::from_iter(counts.get()).to_string())
                }
                (&Method::POST, "/__reset") => {
                    counts.reset();
                    told(StatusCode::NO_CONTENT, String::new())
                }
                _ => told(StatusCode::NOT_FOUND, "GET /__counts or POST /__reset\n".to_owned()),
            };
            async move { answer }
        }
    })
    .await
}

fn told(status: StatusCode, text: String) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never: Infallible| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

struct Upstream {
    address: SocketAddr,
    /// HTTP/1: one request at a time.
    connection: Mutex<Option<SendRequest<Incoming>>>,
}

impl Upstream {
    async fn send(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
        let mut connection = self.connection.lock().await;
        if let Some(open) = connection.as_mut()
            && open.ready().await.is_err()
        {
            *connection = None;
        }
        let open = match connection.as_mut() {
            Some(open) => open,
            None => connection.insert(self.connect().await?),
        };
        Ok(open.send_request(request).await?)
    }

    async fn connect(&self) -> Result<SendRequest<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (send, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends when `send` is dropped or the endpoint closes; a broken answer is seen by who reads it.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(send)
    }
}
