//! One process, one event.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use crate::storage::Storage;

/// No start that is worth measuring takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a process has taken since its start.
#[derive(Clone, Copy)]
pub struct Taken {
    pub time: Duration,
    /// Processor time of all its threads, user and system.
    pub cpu: Duration,
    /// Connections with TLS that it made to the storage.
    pub connections: usize,
}

/// What one start took.
pub struct Measured {
    /// Until the process asked for its first event.
    pub init: Taken,
    /// Until it answered that event, from its start as well.
    pub answer: Taken,
    /// The most memory that was resident until then, in KiB.
    pub peak_kib: u64,
    /// The status of the answer, where it is one of HTTP.
    pub status: Option<u64>,
}

/// Starts the binary, gives it the event, and ends it when it has answered.
///
/// # Errors
/// When it ends by itself, reports an error, or does not answer in time.
pub async fn once(binary: &Path, storage: &Arc<Storage>, event: &Value) -> Result<Measured> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (answer, answered) = oneshot::channel();
    let mut command = command(binary, storage, &address.to_string());
    let observed = Arc::new(Observed {
        storage: storage.clone(),
        event: Bytes::from(serde_json::to_vec(event)?),
        connections_before: storage.connections(),
        began: Instant::now(),
        process: OnceLock::new(),
        init: OnceLock::new(),
        answer: Mutex::new(Some(answer)),
    });
    let mut process = command.spawn().with_context(|| format!("{} can't be started", binary.display()))?;
    observed.process.get_or_init(|| Process::of(&process));
    let api = tokio::spawn(serve(listener, observed));
    let measured = tokio::select! {
        answered = tokio::time::timeout(PATIENCE, answered) => answered.context("no answer in time")?,
        ended = process.wait() => bail!("it ended by itself: {}", ended?),
    };
    process.kill().await?;
    api.abort();
    measured.context("the Runtime API was given up")?
}

/// With nothing in its environment but what Lambda sets, and where the storage is.
fn command(binary: &Path, storage: &Storage, runtime_api: &str) -> Command {
    let mut command = Command::new(binary);
    command
        .env_clear()
        .envs(storage.environment())
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "cold-start")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "cold-start")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "cold-start")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    command
}

/// A process that is measured from outside, while it lives.
struct Process {
    pid: Option<Pid>,
    /// Counts nanoseconds; what /proc says is in ticks of 10 ms, as long as a whole start.
    cpu: Option<ClockId>,
}

impl Process {
    fn of(child: &Child) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Self { pid, cpu: pid.and_then(|pid| clock_getcpuclockid(pid).ok()) }
    }

    fn cpu(&self) -> Result<Duration> {
        Ok(self.cpu.context("it has no clock")?.now()?.into())
    }

    fn peak_kib(&self) -> Result<u64> {
        let pid = self.pid.context("it has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

/// One start, as the Runtime API sees it.
struct Observed {
    storage: Arc<Storage>,
    event: Bytes,
    connections_before: usize,
    began: Instant,
    process: OnceLock<Process>,
    init: OnceLock<Taken>,
    answer: Mutex<Option<oneshot::Sender<Result<Measured>>>>,
}

impl Observed {
    fn process(&self) -> Result<&Process> {
        self.process.get().context("it was not started")
    }

    fn taken(&self) -> Result<Taken> {
        Ok(Taken {
            time: self.began.elapsed(),
            cpu: self.process()?.cpu()?,
            connections: self.storage.connections() - self.connections_before,
        })
    }

    /// The process waits for our answer to what it sent, so it does nothing meanwhile that would be counted.
    fn measured(&self, answer: &Taken, body: &[u8]) -> Result<Measured> {
        Ok(Measured {
            init: *self.init.get().context("it answered, but never asked")?,
            answer: *answer,
            peak_kib: self.process()?.peak_kib()?,
            status: serde_json::from_slice::<Value>(body)?["statusCode"].as_u64(),
        })
    }
}

async fn serve(listener: TcpListener, observed: Arc<Observed>) {
    while let Ok((stream, _)) = listener.accept().await {
        let observed = observed.clone();
        tokio::spawn(async move {
            if stream.set_nodelay(true).is_err() {
                return;
            }
            let service = service_fn(move |request| answer(request, observed.clone()));
            // The process is killed in the middle of its next request: that is no error.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// The Runtime API of Lambda: the next event, and where its answer goes.
async fn answer(request: Request<Incoming>, observed: Arc<Observed>) -> Result<Response<Full<Bytes>>> {
    let taken = observed.taken()?;
    let path = request.uri().path().to_owned();
    if path.ends_with("/invocation/next") {
        if observed.init.set(taken).is_err() {
            // There is no second event.
            std::future::pending::<()>().await;
        }
        return Ok(next(observed.event.clone())?);
    }
    let body = request.into_body().collect().await?.to_bytes();
    let outcome = if path.ends_with("/response") {
        observed.measured(&taken, &body)
    } else {
        Err(anyhow!("{path}: {}", String::from_utf8_lossy(&body)))
    };
    if let Ok(mut waiting) = observed.answer.lock()
        && let Some(waiting) = waiting.take()
    {
        // Nobody waits any more where it took too long.
        let _ = waiting.send(outcome);
    }
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

fn next(event: Bytes) -> http::Result<Response<Full<Bytes>>> {
    Response::builder()
        .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        .header("lambda-runtime-deadline-ms", "4102444800000")
        .header(
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:cold-start",
        )
        .header("content-type", "application/json")
        .body(Full::new(event))
}
