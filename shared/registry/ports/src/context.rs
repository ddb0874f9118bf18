//! Time and chance, handed in. The wall clock, sleeping and the random generator are banned by lint
//! everywhere else, so that a test can replay what happened.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::value::{Nonce, Timestamp};

/// The only way to learn what time it is, or to wait.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Wall-clock time. May jump; nothing that must be safe depends on it.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment of this process; never goes back. For durations in logs.
    fn monotonic(&self) -> Duration;

    /// Returns once `duration` has passed.
    async fn sleep(&self, duration: Duration);
}

/// The only source of random values.
pub trait Random: Send + Sync {
    /// 128 fresh random bits that nobody can guess.
    fn nonce(&self) -> Nonce;
}

/// Time and chance of one registry; cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

impl Context {
    /// The machine's clock and the operating system's random generator.
    #[must_use]
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock::new()), random: Arc::new(SystemRandom) }
    }
}

/// The machine's own clock.
struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that may read the machine's clock")]
    fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that may read the machine's clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp(since_epoch.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)))
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that may wait")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The operating system's random generator.
struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "the one place that may draw random bits")]
    fn nonce(&self) -> Nonce {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).expect("the operating system has random bits, or nothing can be safe");
        Nonce(u128::from_le_bytes(bits))
    }
}
