//! Time and chance in the hands of a test: a clock that stands until it is moved, and random values that
//! come again from the same seed.
//!
//! ```
//! # use std::time::Duration;
//! use moorage_ports::testing_context::TestContext;
//!
//! let test = TestContext::new(7);
//! let context = test.context(); // handed to what is tested
//! let start = context.clock.now();
//! test.clock.advance(Duration::from_secs(3600));
//! assert_eq!(context.clock.now().since_ms(start), 3_600_000);
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::context::{Clock, Context, Random};
use crate::value::{Nonce, Timestamp};

/// A context whose clock and seed the test holds.
#[derive(Clone)]
pub struct TestContext {
    pub clock: Arc<ManualClock>,
    pub random: Arc<SeededRandom>,
}

impl TestContext {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { clock: Arc::new(ManualClock::default()), random: Arc::new(SeededRandom::new(seed)) }
    }

    /// What is handed to the code under test.
    #[must_use]
    pub fn context(&self) -> Context {
        Context { clock: self.clock.clone(), random: self.random.clone() }
    }
}

/// A clock that stands still until the test moves it.
pub struct ManualClock {
    wall_ms: AtomicU64,
    /// Sleepers wait for this to pass their time.
    monotonic: watch::Sender<Duration>,
    asleep: AtomicUsize,
}

/// 2026-01-01T00:00:00Z: some moment, the same in each run.
const START: Timestamp = Timestamp(1_767_225_600_000);

impl Default for ManualClock {
    fn default() -> Self {
        Self {
            wall_ms: AtomicU64::new(START.0),
            monotonic: watch::Sender::new(Duration::ZERO),
            asleep: AtomicUsize::new(0),
        }
    }
}

impl ManualClock {
    /// Lets time pass, and wakes who slept for no longer.
    pub fn advance(&self, by: Duration) {
        let by_ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.wall_ms.fetch_add(by_ms, Ordering::SeqCst);
        self.monotonic.send_modify(|now| *now += by);
    }

    /// Sets the wall clock, forwards or back, as an operator or a bad time server may; wakes nobody.
    pub fn jump(&self, to: Timestamp) {
        self.wall_ms.store(to.0, Ordering::SeqCst);
    }

    /// How many sleep now: a test can wait for somebody to be asleep before it moves the time.
    #[must_use]
    pub fn asleep(&self) -> usize {
        self.asleep.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.wall_ms.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        *self.monotonic.borrow()
    }

    async fn sleep(&self, duration: Duration) {
        let mut time = self.monotonic.subscribe();
        let wake_at = time.borrow_and_update().saturating_add(duration);
        let _asleep = Asleep::count(&self.asleep);
        time.wait_for(|now| *now >= wake_at).await.expect("the clock that sleeps is not dropped");
    }
}

/// One sleeper, who may also be given up while asleep.
struct Asleep<'a>(&'a AtomicUsize);

impl<'a> Asleep<'a> {
    fn count(asleep: &'a AtomicUsize) -> Self {
        asleep.fetch_add(1, Ordering::SeqCst);
        Self(asleep)
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The same values in the same order from the same seed. Anybody can guess them.
///
/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
pub struct SeededRandom(AtomicU64);

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl SeededRandom {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// 64 bits.
    pub fn draw(&self) -> u64 {
        mix(self.0.fetch_add(GOLDEN_GAMMA, Ordering::Relaxed).wrapping_add(GOLDEN_GAMMA))
    }

    /// A number below `bound`, which is above 0; near enough to even for tests.
    pub fn below(&self, bound: u64) -> u64 {
        self.draw() % bound
    }
}

impl Random for SeededRandom {
    fn nonce(&self) -> Nonce {
        Nonce(u128::from(self.draw()) << 64 | u128::from(self.draw()))
    }
}

/// Spreads the bits of a counter or a seed.
pub(crate) fn mix(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
