//! Listens, serves each connection, and stops when it is told to: what is in flight is finished first.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use moorage_http::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Serve;
use crate::greeting::greeting;
use crate::startup::Opened;

/// How long a connection may stay silent before its next request: longer than clients keep idle ones.
const HEADER_TIMEOUT: Duration = Duration::from_secs(120);

/// After a connection could not be accepted (no file descriptors are left, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// Why it can't listen, for the one who started it.
pub(crate) fn run(serve: &Serve, opened: Opened) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?;
    let Opened { registry, storage } = opened;
    runtime.block_on(async {
        let listener = TcpListener::bind(serve.listen).await.map_err(|e| cannot_listen(serve.listen, &e))?;
        let address = listener.local_addr().map_err(|e| cannot_listen(serve.listen, &e))?;
        storage.announce(&format!("http://{address}")).map_err(|e| e.to_string())?;
        let mut stop = StopSignal::new().map_err(|e| e.to_string())?;
        println!("{}", greeting(address, &serve.data));
        accept(listener, &registry, &mut stop).await;
        Ok::<_, String>(())
    })?;
    drop(registry);
    drop(runtime);
    storage.close();
    Ok(())
}

async fn accept(listener: TcpListener, registry: &Registry, stop: &mut StopSignal) {
    let graceful = GracefulShutdown::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => serve_connection(stream, registry.clone(), &graceful),
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

fn serve_connection(stream: TcpStream, registry: Registry, graceful: &GracefulShutdown) {
    let watcher = graceful.watcher();
    tokio::spawn(async move {
        // Answers are written whole: waiting for more to send would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection was gone before it was served");
            return;
        }
        let service = service_fn(move |request| {
            let registry = registry.clone();
            async move { Ok::<_, Infallible>(registry.answer(request).await) }
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
