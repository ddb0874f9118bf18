//! Who takes part in a scenario: an operation of the registry or a collector, with ports, time and chance of its own.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use moorage_collector::{Collector, Steps};
use moorage_operations::{Common, Pull, Push, Settings, TokenSecret};
use moorage_ports::{Clock, Context, Nonce, Random, Timestamp};

use crate::gate::Gate;

/// How an operation ended, in words; an error is something that must not happen.
pub type Outcome = Result<String, String>;

type Operation = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// One who takes part.
#[derive(Clone)]
pub struct Role {
    pub name: String,
    pub does: Does,
}

#[derive(Clone)]
pub enum Does {
    Operation(Arc<dyn Fn(Hands) -> Operation + Send + Sync>),
    /// Time passes, in one step.
    Clock {
        by_ms: u64,
    },
}

impl Role {
    pub fn new<F>(name: &str, operation: impl Fn(Hands) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let does = Does::Operation(Arc::new(move |hands| Box::pin(operation(hands))));
        Self { name: name.to_owned(), does }
    }

    /// One who does what several do, one after the other, up to what must not happen.
    ///
    /// # Panics
    /// Where one of them is a clock.
    #[must_use]
    pub fn sequence(roles: &[Self]) -> Self {
        let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
        let operations = roles.iter().map(|role| match &role.does {
            Does::Operation(operation) => Arc::clone(operation),
            Does::Clock { .. } => panic!("a clock does nothing"),
        });
        let operations: Vec<_> = operations.collect();
        Self::new(&names.join(", then "), move |hands| {
            let operations = operations.clone();
            async move {
                let mut last = Ok(String::new());
                for operation in operations {
                    last = operation(hands.clone()).await;
                    if last.is_err() {
                        break;
                    }
                }
                last
            }
        })
    }

    #[must_use]
    pub fn clock(by_ms: u64) -> Self {
        Self { name: format!("{by_ms} ms pass"), does: Does::Clock { by_ms } }
    }
}

/// Bytes that a part of an object has at least: a blob of a scenario has somewhat more.
pub const PART_BYTES_MIN: usize = 8;

/// The ports of one who takes part.
#[must_use]
pub fn gate() -> Arc<Gate> {
    Gate::with_parts_of(PART_BYTES_MIN)
}

/// What an operation works with.
#[derive(Clone)]
pub struct Hands {
    gate: Arc<Gate>,
    common: Common,
}

impl Hands {
    /// Those of one actor: its number keeps its nonces apart from everybody else's.
    #[must_use]
    pub fn new(gate: &Arc<Gate>, number: u64, settings: &Arc<Settings>, time: &Arc<Time>) -> Self {
        let random = Arc::new(Numbered { number, drawn: AtomicU64::new(0) });
        let context = Context { clock: Arc::<Time>::clone(time), random };
        let common = Common { context, settings: Arc::clone(settings), secret: TokenSecret::new(*b"secret") };
        Self { gate: Arc::clone(gate), common }
    }

    #[must_use]
    pub fn push(&self) -> Push {
        Push::new(self.gate.clone(), self.gate.clone(), self.common.clone())
    }

    #[must_use]
    pub fn pull(&self) -> Pull {
        Pull::new(self.gate.clone(), self.gate.clone(), self.common.clone())
    }

    #[must_use]
    pub fn collector(&self) -> Collector {
        let steps = Steps {
            table: self.gate.clone(),
            blobs: self.gate.clone(),
            context: self.common.context.clone(),
            times: self.common.settings.times(),
        };
        Collector::new(steps, self.gate.clone())
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.common.context.clock.now()
    }
}

/// A clock that shows the time of the world whose step is taken.
pub struct Time(AtomicU64);

impl Time {
    #[must_use]
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(now.0)))
    }

    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    /// Nothing here waits.
    async fn sleep(&self, _duration: Duration) {}
}

/// Values that nobody else draws, the same in each run.
struct Numbered {
    number: u64,
    drawn: AtomicU64,
}

impl Random for Numbered {
    fn nonce(&self) -> Nonce {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        Nonce(u128::from(self.number) << 64 | u128::from(drawn + 1))
    }
}
