//! Times and durations as text.

use std::time::{Duration, UNIX_EPOCH};

use moorage_ports::Timestamp;

/// `2026-11-26T13:00:00.000Z` (RFC 3339). The last moment that it can write stands for all later ones.
#[must_use]
pub fn rfc3339(time: Timestamp) -> String {
    /// The end of the year 9999.
    const LAST_MS: u64 = 253_402_300_799_999;
    let time = UNIX_EPOCH + Duration::from_millis(time.0.min(LAST_MS));
    humantime::format_rfc3339_millis(time).to_string()
}

/// A duration such as `72h` or `7d`, in milliseconds.
pub(crate) fn duration(text: &str) -> Result<u64, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|_| format!("`{text}` is not a duration: write a number and a unit, such as 72h or 7d"))?;
    Ok(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

pub(crate) fn duration_text(milliseconds: u64) -> String {
    humantime::format_duration(Duration::from_millis(milliseconds)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_whatever_it_is() {
        assert_eq!(rfc3339(Timestamp(1_764_158_400_123)), "2025-11-26T12:00:00.123Z");
        assert_eq!(rfc3339(Timestamp(u64::MAX)), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("72h"), Ok(72 * 3_600_000));
        assert_eq!(duration("0s"), Ok(0));
        assert_eq!(duration_text(72 * 3_600_000), "3days");
        assert_eq!(duration("3days"), duration("72h"));
        assert!(duration("72").is_err() && duration("").is_err());
    }
}
