//! The front door itself: listens, turns requests into invocations, delivers events.

use crate::answer::{Answer, answer, message, too_large};
use crate::bus::Bus;
use crate::clock::{now_ms, sleep_ms, stopped};
use crate::events::{EventCounts, asynchronous, stream::Shards};
use crate::function::{Function, Shared};
use crate::limits::{DRAIN_BYTES_MAX, EVENTS_PENDING_MAX, INSTANCES_MAX, REQUEST_BYTES_MAX};
use crate::{control, event, routes, template};
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    pub template: PathBuf,
    /// Folder with the functions' binaries: `pull`, or `pull/bootstrap` as cargo-lambda lays them out.
    pub functions: PathBuf,
    pub values: template::Values,
    pub instances: usize,
    /// One of so many invocations ends with its instance killed; 0: none.
    pub kill_every: u64,
    pub seed: u64,
    /// Events late, out of order and twice.
    pub rough: bool,
    pub logs: Option<PathBuf>,
    /// Until a function has to ask for its first invocation; on Lambda [`crate::limits::INIT_MS_MAX`].
    pub init_ms_max: u64,
    /// The `front-door` program, which ties a function's life to its own.
    pub launcher: Option<PathBuf>,
}

/// A front door that runs. Call [`Running::stop`] at the end.
pub struct Running {
    /// For clients.
    pub address: SocketAddr,
    /// For events and the state.
    pub control: SocketAddr,
    /// For what the functions tell.
    pub bus: SocketAddr,
    door: Arc<Door>,
    stop: watch::Sender<bool>,
}

pub(crate) struct Door {
    pub(crate) bucket: String,
    pub(crate) bus: Bus,
    functions: Vec<Arc<Function>>,
    specs: Vec<template::Spec>,
    shards: Vec<Shards>,
    events: Arc<EventCounts>,
    rough: Option<u64>,
    numbers: AtomicU64,
}

impl Running {
    /// Starts to listen, on loopback ports that the system chooses.
    ///
    /// # Errors
    /// What is wrong with the template, the folder or the options.
    pub async fn start(options: Options) -> Result<Self, String> {
        if options.instances == 0 || options.instances > INSTANCES_MAX {
            return Err(format!("instances: from 1 to {INSTANCES_MAX}"));
        }
        let text = std::fs::read_to_string(&options.template)
            .map_err(|error| format!("{}: {error}", options.template.display()))?;
        let specs = template::read(&text, &options.values)?;
        if let Some(logs) = &options.logs {
            std::fs::create_dir_all(logs).map_err(|error| format!("{}: {error}", logs.display()))?;
        }
        let bind = || async { TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| error.to_string()) };
        let (front, control, bus) = (bind().await?, bind().await?, bind().await?);
        let local = |listener: &TcpListener| listener.local_addr().map_err(|error| error.to_string());
        let (stop, stopping) = watch::channel(false);
        let shared = Shared {
            seed: options.seed,
            kill_every: options.kill_every,
            instances: options.instances,
            logs: options.logs,
            init_ms_max: options.init_ms_max,
            launcher: options.launcher,
            bus: format!("http://{}", local(&bus)?),
            stop: stopping.clone(),
        };
        let mut functions = Vec::new();
        for spec in &specs {
            let binary = binary(&options.functions, &spec.binary)?;
            functions.push(Arc::new(Function::new(spec.clone(), binary, shared.clone())));
        }
        let rough = options.rough.then_some(options.seed);
        let events = Arc::new(EventCounts::default());
        let shards = functions
            .iter()
            .filter_map(|function| {
                let mapping = function.spec.stream.as_ref()?;
                Some(Shards::start(function, mapping, &events, rough))
            })
            .collect();
        let door = Arc::new(Door {
            bucket: options.values.bucket,
            bus: Bus::default(),
            functions,
            specs,
            shards,
            events,
            rough,
            numbers: AtomicU64::new(0),
        });
        let (address, control_address, bus_address) = (local(&front)?, local(&control)?, local(&bus)?);
        let running = Self { address, control: control_address, bus: bus_address, door: door.clone(), stop };
        tokio::spawn(listen(front, door.clone(), stopping.clone(), Side::Front));
        tokio::spawn(listen(control, door.clone(), stopping.clone(), Side::Control));
        tokio::spawn(listen(bus, door, stopping, Side::Bus));
        Ok(running)
    }

    /// Ends everything, and waits until no process is left.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for function in &self.door.functions {
            function.close().await;
        }
    }
}

fn binary(folder: &Path, name: &str) -> Result<PathBuf, String> {
    [folder.join(name).join("bootstrap"), folder.join(name)]
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| {
            format!("{} has neither {name} nor {name}/bootstrap: build the functions", folder.display())
        })
}

/// Who asks at an address.
#[derive(Clone, Copy)]
enum Side {
    /// A client.
    Front,
    /// The test.
    Control,
    /// A function.
    Bus,
}

async fn listen(listener: TcpListener, door: Arc<Door>, mut stop: watch::Receiver<bool>, side: Side) {
    loop {
        let (socket, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // Out of file descriptors, most likely: they come back.
                Err(_) => { sleep_ms(50).await; continue; }
            },
            () = stopped(&mut stop) => return,
        };
        let door = door.clone();
        let mut stop = stop.clone();
        tokio::spawn(async move {
            let _ = socket.set_nodelay(true);
            let service = service_fn(move |request| {
                let door = door.clone();
                async move {
                    Ok::<_, Infallible>(match side {
                        Side::Front => door.handle(request, peer).await,
                        Side::Control => control::handle(door, request).await,
                        Side::Bus => door.bus.handle(request).await,
                    })
                }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .half_close(true)
                .serve_connection(TokioIo::new(socket), service);
            tokio::select! {
                _ = connection => {}
                () = stopped(&mut stop) => {}
            }
        });
    }
}

impl Door {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        let (parts, mut body) = request.into_parts();
        let path = event::raw_path(parts.uri.path());
        let Some(found) = routes::find(&self.specs, parts.method.as_str(), &path) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let announced = body.size_hint().lower();
        let mut bytes = Vec::new();
        if announced > REQUEST_BYTES_MAX as u64 {
            // A client that asked first (`Expect: 100-continue`) sends nothing, and is not to be told to go on.
            if !parts.headers.contains_key(header::EXPECT) {
                tokio::spawn(drain(body));
            }
            return too_large();
        }
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return message(StatusCode::BAD_REQUEST, "Bad Request") };
            if let Some(data) = frame.data_ref() {
                bytes.extend_from_slice(data);
            }
            if bytes.len() > REQUEST_BYTES_MAX {
                tokio::spawn(drain(body));
                return too_large();
            }
        }
        let number = self.numbers.fetch_add(1, Relaxed);
        let request_id = format!("{:08x}-{:04x}-4000-8000-{number:012x}", now_ms() / 1000, now_ms() % 1000);
        let route = (found.key.as_str(), found.proxy.as_deref());
        let event = event::build(&parts, &bytes, route, &request_id, &peer.ip().to_string());
        let payload = Bytes::from(event.to_string());
        if payload.len() > REQUEST_BYTES_MAX {
            return too_large();
        }
        let outcome = self.functions[found.function].invoke(payload, request_id.clone()).await;
        let mut answer = answer(&parts.method, outcome);
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            answer.headers_mut().insert("apigw-requestid", id);
        }
        answer
    }

    /// Queues the creation of an object for whoever the template tells. `None`: too many are pending.
    pub(crate) fn object_created(&self, bucket: &str, key: &str, size: u64) -> Option<u64> {
        let wants = |(prefix, suffix): &(String, String)| key.starts_with(prefix) && key.ends_with(suffix);
        self.queue(
            |function| function.spec.objects.iter().any(wants),
            |number| asynchronous::object_created(bucket, key, size, number),
        )
    }

    pub(crate) fn scheduled(&self) -> Option<u64> {
        self.queue(|function| function.spec.scheduled, |_| asynchronous::scheduled())
    }

    fn queue(&self, wants: impl Fn(&Function) -> bool, event: impl Fn(u64) -> Value) -> Option<u64> {
        let mut queued = 0;
        for function in self.functions.iter().filter(|function| wants(function)) {
            self.admit(1)?;
            let number = self.numbers.fetch_add(1, Relaxed);
            let counts = self.events.clone();
            tokio::spawn(asynchronous::deliver(function.clone(), counts, event(number), self.rough, number));
            queued += 1;
        }
        Some(queued)
    }

    /// Queues records of the table's stream for whoever the template tells. `None`: too many are pending.
    pub(crate) fn changed(&self, records: &[Value]) -> Option<u64> {
        let mut queued = 0;
        for shards in &self.shards {
            let wanted: Vec<_> = records.iter().filter(|record| shards.want(record)).collect();
            self.admit(wanted.len() as u64)?;
            self.events.filtered.fetch_add((records.len() - wanted.len()) as u64, Relaxed);
            for record in &wanted {
                shards.put(record);
            }
            queued += wanted.len() as u64;
        }
        Some(queued)
    }

    fn admit(&self, events: u64) -> Option<()> {
        if self.events.pending.fetch_add(events, Relaxed) + events > EVENTS_PENDING_MAX {
            self.events.pending.fetch_sub(events, Relaxed);
            return None;
        }
        Some(())
    }

    pub(crate) fn state(&self) -> Value {
        let functions: Map<String, Value> =
            self.functions.iter().map(|one| (one.spec.name.clone(), one.state())).collect();
        json!({ "functions": functions, "events": self.events.state(), "bus": self.bus.state() })
    }
}

/// Reads on for a while after a refusal, so that a client that writes before it reads finds the answer.
async fn drain(mut body: Incoming) {
    let read = async {
        let mut seen = 0;
        while let Some(Ok(frame)) = body.frame().await {
            seen += frame.data_ref().map_or(0, Bytes::len);
            if seen > DRAIN_BYTES_MAX {
                break;
            }
        }
    };
    tokio::select! {
        () = read => {}
        () = sleep_ms(5_000) => {}
    }
}
