//! The Lambda Runtime API (2018-06-01) for one instance: each has an address of its own, which says who asks.
//!
//! Streamed results are refused, loudly: our functions do not use them.

use crate::answer::{Answer, json};
use crate::limits::{RESPONSE_BYTES_MAX, RESPONSE_TOO_LARGE};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// What a function is given.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) request_id: String,
    pub(crate) arn: String,
    pub(crate) deadline_ms: u64,
    pub(crate) payload: Bytes,
}

/// What a function did.
#[derive(Debug)]
pub(crate) enum Said {
    /// It waits for an invocation here.
    Next(oneshot::Sender<Invocation>),
    Result(String, Bytes),
    Error(String, Bytes),
    InitError(Bytes),
    TooLarge(String),
    Streamed,
}

/// Serves until dropped by its task's end.
pub(crate) async fn serve(listener: TcpListener, said: mpsc::Sender<Said>) {
    while let Ok((socket, _)) = listener.accept().await {
        let said = said.clone();
        tokio::spawn(async move {
            let _ = socket.set_nodelay(true);
            let service = service_fn(move |request| handle(request, said.clone()));
            // A function that is killed breaks its connection: nothing to tell.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}

async fn handle(request: Request<Incoming>, said: mpsc::Sender<Said>) -> Result<Answer, Infallible> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().strip_prefix("/2018-06-01/runtime/").unwrap_or_default().to_owned();
    if parts.method == Method::GET && path == "invocation/next" {
        let (give, take) = oneshot::channel();
        if said.send(Said::Next(give)).await.is_err() {
            return Ok(json(StatusCode::GONE, "{}".to_owned()));
        }
        return Ok(match take.await {
            Ok(invocation) => next(invocation),
            Err(_) => json(StatusCode::GONE, "{}".to_owned()),
        });
    }
    let report = match path.split('/').collect::<Vec<_>>().as_slice() {
        ["invocation", id, "response"] => {
            let streamed = parts.headers.get("lambda-runtime-function-response-mode");
            if streamed.is_some_and(|mode| mode == "streaming") {
                eprintln!(
                    "front door: a function streams its result, which is not built: use the buffered mode"
                );
                Said::Streamed
            } else {
                match read(body).await {
                    Ok(Some(bytes)) => Said::Result((*id).to_owned(), bytes),
                    Ok(None) => Said::TooLarge((*id).to_owned()),
                    // Half a result is none: it ended, or will not answer.
                    Err(_) => return Ok(json(StatusCode::BAD_REQUEST, "{}".to_owned())),
                }
            }
        }
        ["invocation", id, "error"] => Said::Error((*id).to_owned(), error_text(body).await),
        ["init", "error"] => Said::InitError(error_text(body).await),
        _ => return Ok(json(StatusCode::NOT_FOUND, r#"{"errorMessage":"no such call"}"#.to_owned())),
    };
    let answer = match &report {
        Said::TooLarge(_) => json(StatusCode::PAYLOAD_TOO_LARGE, RESPONSE_TOO_LARGE.to_owned()),
        Said::Streamed => {
            json(StatusCode::BAD_REQUEST, r#"{"errorMessage":"streamed results are not built"}"#.to_owned())
        }
        _ => json(StatusCode::ACCEPTED, r#"{"status":"OK"}"#.to_owned()),
    };
    let _ = said.send(report).await;
    Ok(answer)
}

fn next(invocation: Invocation) -> Answer {
    let mut answer = Response::new(Full::new(invocation.payload));
    let headers = answer.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let trace = format!("Root=1-{:08x}-{:0>24};Sampled=0", invocation.deadline_ms / 1000, "0");
    for (name, value) in [
        ("lambda-runtime-aws-request-id", invocation.request_id),
        ("lambda-runtime-deadline-ms", invocation.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", invocation.arn),
        ("lambda-runtime-trace-id", trace),
    ] {
        headers.insert(name, HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("")));
    }
    answer
}

/// What a function says of its error, as far as it came: that there is one is said already.
async fn error_text(body: Incoming) -> Bytes {
    read(body).await.ok().flatten().unwrap_or_default()
}

/// The body, or nothing where it is too large; it is read to its end all the same, so that the function sees the 413.
///
/// # Errors
/// It broke off.
async fn read(mut body: Incoming) -> Result<Option<Bytes>, hyper::Error> {
    let mut all = Vec::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame?.data_ref() {
            seen += data.len();
            if seen <= RESPONSE_BYTES_MAX {
                all.extend_from_slice(data);
            } else if seen > 16 * RESPONSE_BYTES_MAX {
                break;
            }
        }
    }
    Ok((seen <= RESPONSE_BYTES_MAX).then(|| Bytes::from(all)))
}
