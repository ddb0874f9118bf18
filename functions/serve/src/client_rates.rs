//! How often one client may ask: a token bucket for each address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moorage_operations::RegistryError;
use moorage_ports::Clock;

/// A bucket holds what comes in so long: a pull of an image asks for some dozen things at once.
const BURST: Duration = Duration::from_secs(5);

/// Buckets that are remembered, some 100 bytes each.
const ADDRESSES_MAX: usize = 65_536;

/// The buckets of all addresses. One that is full again is the same as one that was never used, so that a
/// bucket is no more than the time at which it is full.
pub(crate) struct ClientRates {
    per_second: NonZeroU32,
    clock: Arc<dyn Clock>,
    addresses_max: usize,
    buckets: Mutex<Buckets>,
}

#[derive(Default)]
struct Buckets {
    full_at: BTreeMap<IpAddr, Duration>,
    /// The same, the one that is full first in front.
    in_order: BTreeSet<(Duration, IpAddr)>,
}

impl ClientRates {
    pub(crate) fn new(per_second: NonZeroU32, clock: Arc<dyn Clock>) -> Self {
        Self { per_second, clock, addresses_max: ADDRESSES_MAX, buckets: Mutex::default() }
    }

    /// Takes what one request needs out of the bucket of its sender.
    ///
    /// # Errors
    /// `TooManyRequests` where the bucket is empty; nothing is taken then.
    pub(crate) fn take(&self, from: IpAddr) -> Result<(), RegistryError> {
        let from = client_of(from);
        let now = self.clock.monotonic();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = buckets.full_at.get(&from).map_or(now, |full_at| now.max(*full_at));
        let full_at_after = full_at + Duration::from_secs(1) / self.per_second.get();
        let too_early = full_at_after.saturating_sub(now + BURST);
        if !too_early.is_zero() {
            let retry_after_s = u32::try_from(too_early.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
            return Err(RegistryError::TooManyRequests { per_second: self.per_second.get(), retry_after_s });
        }
        buckets.set(from, full_at_after);
        if buckets.full_at.len() > self.addresses_max {
            buckets.forget_the_fullest();
        }
        Ok(())
    }
}

impl Buckets {
    fn set(&mut self, from: IpAddr, full_at: Duration) {
        if let Some(before) = self.full_at.insert(from, full_at) {
            self.in_order.remove(&(before, from));
        }
        self.in_order.insert((full_at, from));
    }

    /// Whoever asks most is remembered longest, so that nobody gets a fresh bucket by filling this memory.
    fn forget_the_fullest(&mut self) {
        if let Some((_, address)) = self.in_order.pop_first() {
            self.full_at.remove(&address);
        }
    }
}

/// Who an address belongs to. One client of IPv6 usually has all addresses of a /64.
fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use async_trait::async_trait;
    use moorage_ports::Timestamp;

    use super::*;

    /// Stands still until a test moves it.
    #[derive(Default)]
    struct HandClock(Mutex<Duration>);

    impl HandClock {
        fn advance(&self, by: Duration) {
            *self.0.lock().expect("no test panics with it") += by;
        }
    }

    #[async_trait]
    impl Clock for HandClock {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }

        fn monotonic(&self) -> Duration {
            *self.0.lock().expect("no test panics with it")
        }

        async fn sleep(&self, _: Duration) {}
    }

    fn rates(per_second: u32) -> (Arc<HandClock>, ClientRates) {
        let clock = Arc::new(HandClock::default());
        (clock.clone(), ClientRates::new(NonZeroU32::new(per_second).expect("not zero"), clock))
    }

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    /// How many of 1000 requests at one time are answered.
    fn answered(rates: &ClientRates, from: IpAddr) -> usize {
        (0..1000).filter(|_| rates.take(from).is_ok()).count()
    }

    #[test]
    fn a_burst_is_answered_and_then_so_many_a_second() {
        let (clock, rates) = rates(10);
        assert_eq!(answered(&rates, address(1)), 50);
        clock.advance(Duration::from_secs(1));
        assert_eq!(answered(&rates, address(1)), 10);
        // However long it was idle, it has no more than a burst.
        clock.advance(Duration::from_secs(3600));
        assert_eq!(answered(&rates, address(1)), 50);
    }

    #[test]
    fn a_refusal_says_when_the_next_one_is_answered() {
        let (clock, rates) = rates(1);
        assert_eq!(answered(&rates, address(1)), 5);
        let refused = rates.take(address(1)).expect_err("the bucket is empty");
        assert!(
            matches!(refused, RegistryError::TooManyRequests { per_second: 1, retry_after_s: 1 }),
            "{refused:?}"
        );
        clock.advance(Duration::from_secs(1));
        assert!(rates.take(address(1)).is_ok());
    }

    #[test]
    fn clients_have_buckets_of_their_own() {
        let (_, rates) = rates(1);
        assert_eq!(answered(&rates, address(1)), 5);
        assert_eq!(answered(&rates, address(2)), 5);
        let v6 = |text: &str| text.parse::<IpAddr>().expect("an address");
        // The same client, as it comes to a socket of both protocols.
        assert_eq!(answered(&rates, v6("::ffff:192.0.2.1")), 0);
        assert_eq!(answered(&rates, v6("2001:db8::1")), 5);
        assert_eq!(answered(&rates, v6("2001:db8::2")), 0);
        assert_eq!(answered(&rates, v6("2001:db8:0:1::1")), 5);
    }

    #[test]
    fn memory_is_bounded_and_whoever_asks_most_is_remembered() {
        let (clock, mut rates) = rates(1);
        rates.addresses_max = 3;
        assert_eq!(answered(&rates, address(0)), 5);
        for other in 1..=100 {
            assert!(rates.take(address(other)).is_ok());
        }
        let buckets = rates.buckets.lock().expect("no test panics with it");
        assert_eq!((buckets.full_at.len(), buckets.in_order.len()), (3, 3));
        drop(buckets);
        assert_eq!(answered(&rates, address(0)), 0);
        clock.advance(Duration::from_secs(1));
        assert_eq!(answered(&rates, address(0)), 1);
    }
}
