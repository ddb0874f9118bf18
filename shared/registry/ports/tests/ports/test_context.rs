//! The context that a test holds.

use std::time::Duration;

use moorage_ports::testing_context::{SeededRandom, TestContext};
use moorage_ports::{Clock as _, Nonce, Random as _, Timestamp};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn time_stands_until_it_is_moved() {
    let test = TestContext::new(0);
    let clock = test.context().clock;
    let (start, uptime) = (clock.now(), clock.monotonic());
    assert_eq!(clock.now(), start);
    test.clock.advance(HOUR);
    assert_eq!(clock.now().since_ms(start), 3_600_000);
    assert_eq!(clock.monotonic() - uptime, HOUR);
}

#[test]
fn a_jump_moves_the_wall_clock_only() {
    let test = TestContext::new(0);
    test.clock.advance(HOUR);
    test.clock.jump(Timestamp(5));
    assert_eq!(test.clock.now(), Timestamp(5));
    assert_eq!(test.clock.monotonic(), HOUR);
}

#[tokio::test]
async fn sleepers_wake_when_their_time_has_come() {
    let test = TestContext::new(0);
    let sleep = |duration| {
        let clock = test.context().clock;
        tokio::spawn(async move { clock.sleep(duration).await })
    };
    let (short, long) = (sleep(HOUR), sleep(2 * HOUR));
    while test.clock.asleep() < 2 {
        tokio::task::yield_now().await;
    }
    test.clock.advance(HOUR);
    short.await.expect("an hour has passed");
    assert!(!long.is_finished());
    test.clock.jump(Timestamp(u64::MAX));
    assert_eq!(test.clock.asleep(), 1);
    test.clock.advance(HOUR);
    long.await.expect("two hours have passed");
    assert_eq!(test.clock.asleep(), 0);
}

#[tokio::test]
async fn to_sleep_for_no_time_is_not_to_sleep() {
    TestContext::new(0).clock.sleep(Duration::ZERO).await;
}

#[test]
fn one_seed_gives_the_same_values_again() {
    let values = |seed| {
        let random = SeededRandom::new(seed);
        (0..100).map(|_| random.nonce()).collect::<Vec<Nonce>>()
    };
    assert_eq!(values(7), values(7));
    assert_ne!(values(7), values(8));
    let mut distinct = values(7);
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 100);
}
