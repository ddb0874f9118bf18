//! One process, one event.

use std::convert::Infallible;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::oneshot;

use crate::storage::Storage;

/// No start that is worth measuring takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What one start took.
pub struct Measured {
    /// Until the process asked for its first event.
    pub init: Duration,
    /// Until it answered that event.
    pub first_answer: Duration,
    /// Processor time until then, user and system.
    pub cpu: Duration,
    /// The most memory that it had until then, in KiB.
    pub peak_kib: u64,
    /// The status of the answer, where it is one of HTTP.
    pub status: Option<u64>,
}

/// What the Runtime API saw.
#[derive(Default)]
struct Seen {
    asked: Option<Instant>,
    answer: Option<oneshot::Sender<(Instant, Result<Bytes>)>>,
}

/// Starts the binary, gives it the event, and ends it when it has answered.
pub async fn once(binary: &Path, storage: &Storage, event: &Value) -> Result<Measured> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (answer, answered) = oneshot::channel();
    let seen = Arc::new(Mutex::new(Seen { asked: None, answer: Some(answer) }));
    let api = tokio::spawn(serve(listener, seen.clone(), Bytes::from(serde_json::to_vec(event)?)));

    let began = Instant::now();
    let mut process = Command::new(binary)
        .env_clear()
        .envs(storage.environment())
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "cold-start")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "cold-start")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "cold-start")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{} can't be started", binary.display()))?;
    let answered = tokio::select! {
        answered = tokio::time::timeout(PATIENCE, answered) => answered.context("no answer in time")??,
        ended = process.wait() => bail!("it ended by itself: {}", ended?),
    };
    let (end, answer) = answered;
    let pid = process.id().context("it was just there")?;
    let (cpu, peak_kib) = (cpu_of(pid)?, peak_of(pid)?);
    process.kill().await?;
    api.abort();
    let asked = seen.lock().map_err(|_| anyhow::anyhow!("the Runtime API panicked"))?.asked;
    Ok(Measured {
        init: asked.context("it answered, but never asked")? - began,
        first_answer: end - began,
        cpu,
        peak_kib,
        status: serde_json::from_slice::<Value>(&answer?)?["statusCode"].as_u64(),
    })
}

async fn serve(listener: TcpListener, seen: Arc<Mutex<Seen>>, event: Bytes) {
    while let Ok((stream, _)) = listener.accept().await {
        let (seen, event) = (seen.clone(), event.clone());
        tokio::spawn(async move {
            if stream.set_nodelay(true).is_err() {
                return;
            }
            let service = service_fn(move |request| answer(request, seen.clone(), event.clone()));
            // The process is killed in the middle of its next request: that is no error.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// The Runtime API of Lambda: the next event, and where its answer goes.
async fn answer(
    request: Request<Incoming>,
    seen: Arc<Mutex<Seen>>,
    event: Bytes,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    if path.ends_with("/invocation/next") {
        let is_first = match seen.lock() {
            Ok(mut seen) if seen.asked.is_none() => {
                seen.asked = Some(Instant::now());
                true
            }
            _ => false,
        };
        if !is_first {
            std::future::pending::<()>().await;
        }
        let response = Response::builder()
            .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
            .header("lambda-runtime-deadline-ms", "4102444800000")
            .header(
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:us-east-1:123456789012:function:cold-start",
            )
            .header("content-type", "application/json")
            .body(Full::new(event));
        return Ok(response.unwrap_or_default());
    }
    let now = Instant::now();
    let body = request.into_body().collect().await.map(|body| body.to_bytes());
    let outcome = match body {
        Ok(body) if path.ends_with("/response") => Ok(body),
        Ok(body) => Err(anyhow::anyhow!("{path}: {}", String::from_utf8_lossy(&body))),
        Err(error) => Err(error.into()),
    };
    if let Ok(mut seen) = seen.lock()
        && let Some(answer) = seen.answer.take()
    {
        // Nobody waits any more where it took too long.
        let _ = answer.send((now, outcome));
    }
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// Processor time of a process: fields 14 and 15 of /proc/PID/stat (proc(5)), in clock ticks.
fn cpu_of(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(')').context("no name in stat")?.1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    ensure!(fields.len() > 13, "too few fields in stat");
    let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()))
}

/// The most memory that was resident, in KiB.
fn peak_of(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
