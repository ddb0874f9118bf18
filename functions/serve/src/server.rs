//! Listens, serves each connection, and stops when it is told to: what is in flight is finished first.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use moorage_http::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use crate::cli::Serve;
use crate::client_rates::ClientRates;
use crate::collecting;
use crate::greeting::greeting;
use crate::startup::{self, Opened};

/// How long a connection may stay silent before its next request: longer than clients keep idle ones.
const HEADER_TIMEOUT: Duration = Duration::from_secs(120);

/// After a connection could not be accepted (no file descriptors are left, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Opens the registry and serves it until Ctrl-C or SIGTERM.
///
/// # Errors
/// Why it can't be opened or can't listen, for the one who started it.
pub(crate) fn run(serve: &Serve) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?;
    // Connections to storage belong to the runtime that made them, so there is one for all.
    let Opened { registry, collecting, storage, rates } = startup::open(serve, &runtime)?;
    runtime.block_on(async {
        let listener = TcpListener::bind(serve.listen).await.map_err(|e| cannot_listen(serve.listen, &e))?;
        let address = listener.local_addr().map_err(|e| cannot_listen(serve.listen, &e))?;
        storage.announce(&format!("http://{address}"))?;
        let mut stop = StopSignal::new().map_err(|e| e.to_string())?;
        println!("{}", greeting(address, &storage.place()));
        let mut beside = collecting.map_or_else(JoinSet::new, collecting::start);
        accept(listener, &registry, rates.as_ref(), &mut stop).await;
        // Whatever they are doing, the next process goes on with.
        beside.shutdown().await;
        Ok::<_, String>(())
    })?;
    drop(registry);
    drop(runtime);
    storage.close();
    Ok(())
}

async fn accept(
    listener: TcpListener,
    registry: &Registry,
    rates: Option<&Arc<ClientRates>>,
    stop: &mut StopSignal,
) {
    let graceful = GracefulShutdown::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    let limit = rates.map(|rates| (rates.clone(), from.ip()));
                    serve_connection(stream, registry.clone(), limit, &graceful);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    pause().await;
                }
            },
            () = stop.came() => break,
        }
    }
    // From here on nobody new is let in, not even into the kernel's queue.
    drop(listener);
    tracing::info!("stopping: finishing what is in flight; a second signal stops at once");
    tokio::select! {
        () = graceful.shutdown() => {}
        () = stop.came() => {}
    }
}

/// `limit` is what counts the requests of the one at this address.
fn serve_connection(
    stream: TcpStream,
    registry: Registry,
    limit: Option<(Arc<ClientRates>, IpAddr)>,
    graceful: &GracefulShutdown,
) {
    let watcher = graceful.watcher();
    tokio::spawn(async move {
        // Answers are written whole: waiting for more to send would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection was gone before it was served");
            return;
        }
        let service = service_fn(move |request| {
            let registry = registry.clone();
            let allowed = limit.as_ref().map_or(Ok(()), |(rates, from)| rates.take(*from));
            async move {
                Ok::<_, Infallible>(match allowed {
                    Ok(()) => registry.answer(request).await,
                    Err(why) => registry.refuse(request, why).await,
                })
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            // The client went away, or spoke something else than HTTP.
            tracing::debug!(%error, "a connection ended early");
        }
    });
}

/// Ctrl-C, or what a service manager sends. From its making on, neither ends the process by itself.
struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignal {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn came(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "nothing that is stored depends on this pause")]
async fn pause() {
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> String {
    format!("can't listen on {address}: {error}. Choose another address with --listen, such as 127.0.0.1:0")
}
