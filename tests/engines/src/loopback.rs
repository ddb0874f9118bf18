//! Serving on a loopback port, for programs that a test starts.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::Body;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::{ACCESS_KEY, Engines, REGION, SECRET_KEY};

/// A port that answers. Dropping it closes the port and every connection.
pub struct Listening {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Listening {
    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // The set of connections is part of what is aborted, and aborts its own.
        self.accepting.abort();
    }
}

/// Engines that answer on a loopback port. Dropping it closes the port and every connection.
pub struct Served {
    engines: Engines,
    listening: Listening,
}

impl Served {
    pub(crate) async fn start(engines: Engines) -> std::io::Result<Self> {
        let answering = engines.clone();
        let listening = serve(move || {
            let engines = answering.clone();
            move |request: Request<Incoming>| {
                let engines = engines.clone();
                async move { engines.answer(request.map(Body::from)).await }
            }
        })
        .await?;
        Ok(Self { engines, listening })
    }

    /// `http://127.0.0.1:PORT`: S3 and DynamoDB both, told apart by what is asked.
    pub fn url(&self) -> String {
        self.listening.url()
    }

    /// Where both listen.
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// The variables that point any AWS SDK here.
    pub fn environment(&self) -> Vec<(String, String)> {
        let url = self.url();
        [
            ("AWS_ENDPOINT_URL_S3", url.as_str()),
            ("AWS_ENDPOINT_URL_DYNAMODB", &url),
            ("AWS_ENDPOINT_URL_DYNAMODB_STREAMS", &url),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ("AWS_REGION", REGION),
            // No file of the person who runs the tests, and no instance's own credentials.
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// The same engines, to look inside or to call without the socket.
    pub fn engines(&self) -> &Engines {
        &self.engines
    }
}

/// Answers every request on a loopback port of the system's choice; `connected` makes what answers on one connection.
pub(crate) async fn serve<Connected, Answer, Answering, B>(connected: Connected) -> std::io::Result<Listening>
where
    Connected: Fn() -> Answer + Send + 'static,
    Answer: Fn(Request<Incoming>) -> Answering + Send + Sync + 'static,
    Answering: Future<Output = Response<B>> + Send,
    B: http_body::Body<Data = Bytes, Error: Into<s3s::StdError>> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let accepting = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    let answer = connected();
                    connections.spawn(async move {
                        // Small answers wait for nothing.
                        let _ = stream.set_nodelay(true);
                        let service = service_fn(|request| {
                            let answering = answer(request);
                            async move { Ok::<_, Infallible>(answering.await) }
                        });
                        // A client that went away is its own affair.
                        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                    });
                }
                Some(_) = connections.join_next() => {}
            }
        }
    });
    Ok(Listening { address, accepting })
}
