//! An S3 in this process, and an HTTP client in front of it that fails when it is told to.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use futures_util::stream;
use moorage_engines::Engines;
use moorage_ports::ByteStream;

pub(crate) const BUCKET: &str = "blobs";

/// Engines with the bucket.
pub(crate) async fn engines() -> Engines {
    let engines = Engines::in_process();
    let created = moorage_aws::setup::create_bucket(&engines.sdk_config(), BUCKET).await;
    created.expect("an empty engine makes a bucket");
    engines
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// It is answered so, and does nothing.
    Answered(u16, &'static str),
    /// It does what it should, and the answer is this.
    DoneAndAnswered(u16, &'static str),
    /// The connection is lost before the request arrives.
    Lost,
}

/// The error `code` as S3 writes it.
macro_rules! s3_error {
    ($code:literal) => {
        concat!("<?xml version=\"1.0\"?><Error><Code>", $code, "</Code><Message>injected</Message></Error>")
    };
}
pub(crate) use s3_error;

/// Passes requests on, or not, and counts them.
#[derive(Clone)]
pub(crate) struct Door {
    inner: SharedHttpClient,
    state: Arc<State>,
}

type Judge = dyn Fn(&str, &str, usize) -> Option<Fate> + Send + Sync;

struct State {
    /// By method, path with query, and how many requests came before.
    judge: Box<Judge>,
    requests: Mutex<Vec<String>>,
    /// Bytes of bodies that are on their way, now and at most.
    bytes: AtomicUsize,
    bytes_max: AtomicUsize,
}

impl Door {
    /// In front of `engines`.
    pub(crate) fn new(
        engines: &Engines,
        judge: impl Fn(&str, &str, usize) -> Option<Fate> + Send + Sync + 'static,
    ) -> Self {
        let inner = engines.sdk_config().http_client().expect("engines are reached by a client of their own");
        let state = State {
            judge: Box::new(judge),
            requests: Mutex::default(),
            bytes: AtomicUsize::new(0),
            bytes_max: AtomicUsize::new(0),
        };
        Self { inner, state: Arc::new(state) }
    }

    pub(crate) fn sdk_config(&self, engines: &Engines) -> SdkConfig {
        engines.sdk_config().into_builder().http_client(self.clone()).build()
    }

    /// Method and path with query of each request that came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn bytes_max(&self) -> usize {
        self.state.bytes_max.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}

impl HttpClient for Door {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Behind { inner, state: Arc::clone(&self.state) })
    }
}

struct Behind {
    inner: SharedHttpConnector,
    state: Arc<State>,
}

impl fmt::Debug for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Behind")
    }
}

impl HttpConnector for Behind {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (method, path) = (request.method().to_owned(), request.uri().to_owned());
        let fate = {
            let mut requests = self.state.requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests.push(format!("{method} {path}"));
            (self.state.judge)(&method, &path, requests.len() - 1)
        };
        let length = request.body().bytes().map_or(0, <[u8]>::len);
        let state = Arc::clone(&self.state);
        let inner = match &fate {
            None | Some(Fate::DoneAndAnswered(..)) => Some(self.inner.call(request)),
            Some(Fate::Answered(..) | Fate::Lost) => None,
        };
        HttpConnectorFuture::new(async move {
            let now = state.bytes.fetch_add(length, Ordering::SeqCst) + length;
            state.bytes_max.fetch_max(now, Ordering::SeqCst);
            // Others that are on their way get there too, so that they are counted together.
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            let answer = match inner {
                Some(inner) => Some(inner.await),
                None => None,
            };
            state.bytes.fetch_sub(length, Ordering::SeqCst);
            match (fate, answer) {
                (None, Some(answer)) => answer,
                (Some(Fate::Answered(status, body) | Fate::DoneAndAnswered(status, body)), _) => {
                    let status = status.try_into().expect("a status");
                    Ok(HttpResponse::new(status, SdkBody::from(body)))
                }
                (Some(Fate::Lost), _) | (None, None) => Err(ConnectorError::io("connection lost".into())),
            }
        })
    }
}

/// `length` bytes in chunks of 1 MiB.
pub(crate) fn zeros(length: usize) -> ByteStream {
    let chunk = Bytes::from(vec![0; 1 << 20]);
    let chunks =
        (0..length.div_ceil(1 << 20)).map(move |n| Ok(chunk.slice(..(length - (n << 20)).min(1 << 20))));
    Box::pin(stream::iter(chunks))
}
