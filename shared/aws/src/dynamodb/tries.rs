//! Trying again what DynamoDB left undone: parts of a batch, a transaction that met another. Failures of single
//! requests are tried again by the SDK.

use std::time::Duration;

use moorage_ports::Context;

use crate::config::TABLE_OPERATION_TIME_MAX;

/// How often one call of the port goes to DynamoDB, the first time included.
pub(super) const TRIES_MAX: u32 = 8;
/// The first pause is at most this long, each further one at most twice as long as the one before.
const PAUSE_FIRST_MAX: Duration = Duration::from_millis(40);
const PAUSE_MAX: Duration = Duration::from_millis(1500);

/// The tries of one call of the port.
pub(super) struct Tries<'c> {
    context: &'c Context,
    began: Duration,
    made: u32,
}

impl<'c> Tries<'c> {
    /// The first try is made now.
    pub(super) fn new(context: &'c Context) -> Self {
        Self { context, began: context.clock.monotonic(), made: 1 }
    }

    /// How many were made.
    pub(super) fn made(&self) -> u32 {
        self.made
    }

    /// Pauses before another try; `false` where there is none left, or no time for one.
    pub(super) async fn again(&mut self) -> bool {
        let pause = self.pause();
        let spent = self.context.clock.monotonic().saturating_sub(self.began);
        if self.made == TRIES_MAX || spent + pause > TABLE_OPERATION_TIME_MAX {
            return false;
        }
        self.made += 1;
        self.context.clock.sleep(pause).await;
        true
    }

    /// Any time up to the bound of this try: those who met must not meet again.
    fn pause(&self) -> Duration {
        let bound = PAUSE_FIRST_MAX.saturating_mul(1 << (self.made - 1).min(16)).min(PAUSE_MAX);
        let bound_us = bound.as_micros().max(1);
        let pause_us = self.context.random.nonce().0 % bound_us;
        Duration::from_micros(u64::try_from(pause_us).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use moorage_ports::testing_context::TestContext;
    use moorage_ports::{Nonce, Random};

    use super::*;

    /// Draws the longest pause that there is.
    struct Longest;

    impl Random for Longest {
        fn nonce(&self) -> Nonce {
            // One less than a multiple of every bound, in microseconds.
            Nonce(40_000 * 64 * 75 - 1)
        }
    }

    #[test]
    fn pauses_double_up_to_a_bound() {
        let context = Context { random: Arc::new(Longest), ..TestContext::new(1).context() };
        let pause_ms = |made| {
            let tries = Tries { context: &context, began: Duration::ZERO, made };
            (tries.pause() + Duration::from_micros(1)).as_millis()
        };
        assert_eq!((1..=8).map(pause_ms).collect::<Vec<_>>(), [40, 80, 160, 320, 640, 1280, 1500, 1500]);
    }

    #[test]
    fn all_pauses_together_leave_time_for_the_tries() {
        let longest: u64 = [40, 80, 160, 320, 640, 1280, 1500].iter().sum();
        assert!(Duration::from_millis(longest) < TABLE_OPERATION_TIME_MAX / 2);
    }

    #[tokio::test]
    async fn no_try_begins_after_the_time_of_one_operation() {
        let test = TestContext::new(1);
        let context = test.context();
        let mut tries = Tries::new(&context);
        test.clock.advance(TABLE_OPERATION_TIME_MAX + Duration::from_millis(1));
        assert!(!tries.again().await);
        assert_eq!((tries.made(), test.clock.asleep()), (1, 0));
    }
}
