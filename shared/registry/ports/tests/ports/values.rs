//! Times, nonces, versions.

use moorage_ports::{Incarnation, Nonce, Timestamp, Version};

#[test]
fn a_nonce_is_thirty_two_digits_both_ways() {
    for (number, text) in [
        (0, "00000000000000000000000000000000"),
        (0x0123_4567_89ab_cdef, "00000000000000000123456789abcdef"),
        (u128::MAX, "ffffffffffffffffffffffffffffffff"),
    ] {
        assert_eq!(Nonce(number).to_string(), text);
        assert_eq!(text.parse(), Ok(Nonce(number)));
    }
}

#[test]
fn what_is_no_nonce_is_refused() {
    let short = "0".repeat(31);
    let long = "0".repeat(33);
    let upper = "A".repeat(32);
    let signed = format!("+{}", "0".repeat(31));
    let wide = "\u{e9}".repeat(16);
    for text in ["", &short, &long, &upper, &signed, &wide, "0123456789abcdef 123456789abcdef"] {
        assert!(text.parse::<Nonce>().is_err(), "{text:?}");
        assert!(serde_json::from_value::<Nonce>(text.into()).is_err(), "{text:?}");
    }
}

#[test]
fn versions_and_incarnations_are_written_as_their_nonce() {
    let json = "\"0000000000000000000000000000002a\"";
    assert_eq!(serde_json::to_string(&Version(Nonce(42))).expect("a version is JSON"), json);
    assert_eq!(serde_json::to_string(&Incarnation(Nonce(42))).expect("an incarnation is JSON"), json);
    assert_eq!(serde_json::from_str::<Version>(json).expect("and back"), Version(Nonce(42)));
    // Also where the text had to be copied, as from a reader.
    let read: Nonce = serde_json::from_reader(json.as_bytes()).expect("and back from a reader");
    assert_eq!(read, Nonce(42));
}

#[test]
fn nonces_sort_as_their_text() {
    let mut numbers = [7, u128::MAX, 0, 1 << 100, 0xff].map(Nonce);
    numbers.sort();
    assert!(numbers.map(|nonce| nonce.to_string()).is_sorted());
}

#[test]
fn times_stay_within_time() {
    let end = Timestamp(u64::MAX);
    assert_eq!(Timestamp(5).plus_ms(10), Timestamp(15));
    assert_eq!(end.plus_ms(1), end);
    assert_eq!(Timestamp(15).since_ms(Timestamp(5)), 10);
    assert_eq!(Timestamp(5).since_ms(Timestamp(15)), 0);
    assert_eq!(serde_json::to_string(&Timestamp(5)).expect("a time is JSON"), "5");
}
