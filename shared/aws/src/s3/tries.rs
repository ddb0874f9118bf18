//! Trying again where two conditional writes of one key met. What may pass by itself is tried again by the SDK.

use std::time::Duration;

use moorage_ports::Context;

/// How often one request is made, the first time included.
pub(super) const TRIES_MAX: u32 = 6;
/// The first pause is at most this long, each further one at most twice as long: 3 s in all.
const PAUSE_FIRST_MAX: Duration = Duration::from_millis(100);

/// Pauses after the try of that number, from 1: any time up to a bound, since those who met must not meet again.
pub(super) async fn pause(context: &Context, tries: u32) {
    let bound = PAUSE_FIRST_MAX.saturating_mul(1 << (tries - 1).min(16));
    let pause_us = context.random.nonce().0 % bound.as_micros().max(1);
    context.clock.sleep(Duration::from_micros(u64::try_from(pause_us).unwrap_or_default())).await;
}
