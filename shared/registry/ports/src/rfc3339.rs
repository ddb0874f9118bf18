//! Times as text.

use std::time::{Duration, UNIX_EPOCH};

use crate::value::Timestamp;

/// `2026-11-26T13:00:00.000Z` (RFC 3339). The last moment that it can write stands for all later ones.
#[must_use]
pub fn rfc3339(time: Timestamp) -> String {
    /// The end of the year 9999.
    const LAST_MS: u64 = 253_402_300_799_999;
    let time = UNIX_EPOCH + Duration::from_millis(time.0.min(LAST_MS));
    humantime::format_rfc3339_millis(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_whatever_it_is() {
        assert_eq!(rfc3339(Timestamp(1_764_158_400_123)), "2025-11-26T12:00:00.123Z");
        assert_eq!(rfc3339(Timestamp(u64::MAX)), "9999-12-31T23:59:59.999Z");
    }
}
