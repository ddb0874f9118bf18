//! A function: its instances, one invocation at a time in each, frozen between them.

use crate::chance::draw;
use crate::clock::{now_ms, sleep_ms, stopped};
use crate::instance::{Instance, Start};
use crate::limits::WAITING_MAX;
use crate::runtime_api::{Invocation, Said};
use crate::template::Spec;
use bytes::Bytes;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Result(Bytes),
    /// Lambda's type of the error: `Runtime.ExitError`, `Function.ResponseSizeTooLarge`...
    Failed(String),
    TimedOut,
    Throttled,
}

/// Counted since the start.
#[derive(Debug, Default)]
struct Counts {
    invocations: AtomicU64,
    cold_starts: AtomicU64,
    freezes: AtomicU64,
    kills: AtomicU64,
    timeouts: AtomicU64,
    errors: AtomicU64,
    /// From the start of the process (Lambda bills the init) until it asks for the next invocation, in whole ms.
    billed_ms: AtomicU64,
}

/// What all functions share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) seed: u64,
    pub(crate) kill_every: u64,
    pub(crate) instances: usize,
    pub(crate) logs: Option<PathBuf>,
    pub(crate) init_ms_max: u64,
    pub(crate) launcher: Option<PathBuf>,
    /// URL of the bus.
    pub(crate) bus: String,
    pub(crate) stop: watch::Receiver<bool>,
}

pub(crate) struct Function {
    pub(crate) spec: Spec,
    binary: PathBuf,
    shared: Shared,
    idle: Mutex<Vec<Instance>>,
    pids: Mutex<Vec<u32>>,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    counts: Counts,
}

/// When this invocation's instance is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kill {
    Never,
    /// So many milliseconds after it got the event, or once it has answered.
    During(u64),
    /// When it is frozen.
    After,
}

impl Function {
    pub(crate) fn new(spec: Spec, binary: PathBuf, shared: Shared) -> Self {
        Self {
            places: Arc::new(Semaphore::new(shared.instances)),
            spec,
            binary,
            shared,
            idle: Mutex::default(),
            pids: Mutex::default(),
            waiting: AtomicUsize::new(0),
            counts: Counts::default(),
        }
    }

    /// Waits for an instance, and for its answer. The invocation goes on when the caller goes away, as on Lambda.
    pub(crate) async fn invoke(self: &Arc<Self>, payload: Bytes, request_id: String) -> Outcome {
        if self.waiting.fetch_add(1, Relaxed) >= WAITING_MAX {
            self.waiting.fetch_sub(1, Relaxed);
            return Outcome::Throttled;
        }
        let place = self.places.clone().acquire_owned().await;
        self.waiting.fetch_sub(1, Relaxed);
        let Ok(place) = place else { return Outcome::Failed("stopped".to_owned()) };
        let (tell, told) = oneshot::channel();
        tokio::spawn(self.clone().run(place, payload, request_id, tell));
        told.await.unwrap_or_else(|_| Outcome::Failed("Runtime.ExitError".to_owned()))
    }

    async fn run(
        self: Arc<Self>,
        place: OwnedSemaphorePermit,
        payload: Bytes,
        request_id: String,
        tell: oneshot::Sender<Outcome>,
    ) {
        let number = self.counts.invocations.fetch_add(1, Relaxed);
        let started = now_ms();
        let mut stop = self.shared.stop.clone();
        let (kept, outcome) = {
            let ready = tokio::select! {
                ready = self.ready_instance() => ready,
                () = stopped(&mut stop) => Err("stopped".to_owned()),
            };
            match ready {
                Err(error) => {
                    let _ = tell.send(Outcome::Failed(error.clone()));
                    (None, Outcome::Failed(error))
                }
                Ok(instance) => self.with(instance, number, payload, request_id, tell, &mut stop).await,
            }
        };
        match outcome {
            Outcome::Failed(_) => self.counts.errors.fetch_add(1, Relaxed),
            Outcome::TimedOut => self.counts.timeouts.fetch_add(1, Relaxed),
            _ => 0,
        };
        self.counts.billed_ms.fetch_add((now_ms() - started).max(1), Relaxed);
        if let Some(instance) = kept {
            lock(&self.idle).push(instance);
        }
        drop(place);
    }

    /// An idle instance, the one used last first; else a new one that has asked for its first invocation.
    async fn ready_instance(&self) -> Result<Instance, String> {
        let idle = lock(&self.idle).pop();
        if let Some(instance) = idle {
            return Ok(instance);
        }
        self.counts.cold_starts.fetch_add(1, Relaxed);
        let start = Start {
            binary: &self.binary,
            launcher: self.shared.launcher.as_deref(),
            logs: self.shared.logs.as_deref(),
            bus: &self.shared.bus,
        };
        let mut instance = Instance::start(&self.spec, &start).await.map_err(|error| {
            eprintln!("front door: {} does not start: {error}", self.binary.display());
            "Runtime.InvalidEntrypoint".to_owned()
        })?;
        lock(&self.pids).push(instance.pid());
        let said = tokio::select! {
            said = instance.hear() => said,
            () = sleep_ms(self.shared.init_ms_max) => None,
        };
        match said {
            Some(Said::Next(parked)) => {
                instance.parked = Some(parked);
                Ok(instance)
            }
            Some(Said::InitError(text)) => {
                eprintln!("front door: {} init: {}", self.spec.name, String::from_utf8_lossy(&text));
                self.end(instance).await;
                Err("Runtime.InitError".to_owned())
            }
            _ => {
                self.end(instance).await;
                Err("Runtime.ExitError".to_owned())
            }
        }
    }

    async fn with(
        &self,
        mut instance: Instance,
        number: u64,
        payload: Bytes,
        request_id: String,
        tell: oneshot::Sender<Outcome>,
        stop: &mut watch::Receiver<bool>,
    ) -> (Option<Instance>, Outcome) {
        let timeout_ms = self.spec.timeout_seconds * 1000;
        let deadline_ms = now_ms() + timeout_ms;
        let kill = plan(self.shared.seed, &self.spec.name, number, self.shared.kill_every);
        let arn = format!("arn:aws:lambda:us-east-1:123456789012:function:{}", self.spec.name);
        instance.thaw();
        let invocation = Invocation { request_id: request_id.clone(), arn, deadline_ms, payload };
        if let Some(parked) = instance.parked.take() {
            let _ = parked.send(invocation);
        }
        let mut outcome: Option<Outcome> = None;
        let mut tell = Some(tell);
        let timer = sleep_ms(timeout_ms);
        tokio::pin!(timer);
        let killer = sleep_ms(if let Kill::During(ms) = kill { ms } else { u64::MAX / 4_000_000 });
        tokio::pin!(killer);
        let keep = loop {
            let said = tokio::select! {
                said = instance.hear() => said,
                () = &mut timer => {
                    eprintln!("{request_id} {} Task timed out after {}.00 seconds", self.spec.name, timeout_ms / 1000);
                    outcome.get_or_insert(Outcome::TimedOut);
                    break false;
                }
                () = &mut killer => {
                    self.counts.kills.fetch_add(1, Relaxed);
                    break false;
                }
                () = stopped(stop) => break false,
            };
            let ended = match said {
                Some(Said::Next(parked)) => {
                    instance.parked = Some(parked);
                    break true;
                }
                Some(Said::Result(id, bytes)) if id == request_id => Outcome::Result(bytes),
                Some(Said::Error(id, text)) if id == request_id => {
                    eprintln!("{request_id} {} failed: {}", self.spec.name, String::from_utf8_lossy(&text));
                    Outcome::Failed("Unhandled".to_owned())
                }
                Some(Said::TooLarge(id)) if id == request_id => {
                    eprintln!(
                        "{request_id} {} Response payload size exceeded maximum allowed payload size (6291556 bytes).",
                        self.spec.name
                    );
                    Outcome::Failed("Function.ResponseSizeTooLarge".to_owned())
                }
                Some(Said::Streamed) => Outcome::Failed("streamed results are not built".to_owned()),
                Some(_) => Outcome::Failed("InvalidRequestID".to_owned()),
                None => break false,
            };
            outcome.get_or_insert_with(|| ended.clone());
            if let Some(tell) = tell.take() {
                let _ = tell.send(ended);
            }
            if matches!(kill, Kill::During(_)) {
                self.counts.kills.fetch_add(1, Relaxed);
                break false;
            }
        };
        let outcome = outcome.unwrap_or_else(|| Outcome::Failed("Runtime.ExitError".to_owned()));
        if !keep {
            self.end(instance).await;
            // The client is told when it is gone: nothing of it can write any more.
            if let Some(tell) = tell {
                let _ = tell.send(outcome.clone());
            }
            return (None, outcome);
        }
        instance.freeze();
        self.counts.freezes.fetch_add(1, Relaxed);
        if let Some(tell) = tell {
            let _ = tell.send(outcome.clone());
        }
        if kill == Kill::After {
            self.counts.kills.fetch_add(1, Relaxed);
            self.end(instance).await;
            return (None, outcome);
        }
        (Some(instance), outcome)
    }

    async fn end(&self, instance: Instance) {
        let pid = instance.pid();
        instance.kill().await;
        lock(&self.pids).retain(|one| *one != pid);
    }

    /// Ends all instances, after `stop` was said to those that work.
    pub(crate) async fn close(&self) {
        let _ = self.places.acquire_many(self.shared.instances as u32).await;
        self.places.close();
        let idle = std::mem::take(&mut *lock(&self.idle));
        for instance in idle {
            self.end(instance).await;
        }
    }

    pub(crate) fn state(&self) -> Value {
        let counts = &self.counts;
        json!({
            "invocations": counts.invocations.load(Relaxed),
            "cold_starts": counts.cold_starts.load(Relaxed),
            "freezes": counts.freezes.load(Relaxed),
            "kills": counts.kills.load(Relaxed),
            "timeouts": counts.timeouts.load(Relaxed),
            "errors": counts.errors.load(Relaxed),
            "billed_ms": counts.billed_ms.load(Relaxed),
            "instances": *lock(&self.pids),
        })
    }
}

/// One in `every` is killed; half of those while they work.
fn plan(seed: u64, function: &str, number: u64, every: u64) -> Kill {
    if every == 0 {
        return Kill::Never;
    }
    let chance = draw(seed, function, number);
    if !chance.is_multiple_of(every) {
        Kill::Never
    } else if (chance / every).is_multiple_of(2) {
        Kill::During(chance / every % 30)
    } else {
        Kill::After
    }
}

/// A lock of this program; a thread that panicked left nothing half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
