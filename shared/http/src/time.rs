//! Times and durations as text.

use std::time::{Duration, UNIX_EPOCH};

use moorage_ports::Timestamp;
pub use moorage_ports::rfc3339;

/// A time of RFC 3339, with `Z` or another offset: its whole milliseconds since the epoch, and whether it has a part of
/// one beside. `None` for other texts, and for times before the epoch.
pub(crate) fn from_rfc3339(text: &str) -> Option<(Timestamp, bool)> {
    const OFFSET_BYTES: usize = "+00:00".len();
    let text = text.to_ascii_uppercase();
    let (utc, ahead_ms) = match text.split_at_checked(text.len().checked_sub(OFFSET_BYTES)?) {
        Some((local, offset)) if offset.starts_with(['+', '-']) => {
            let (hours, minutes) = offset[1..].split_once(':').filter(|(hours, _)| hours.len() == 2)?;
            let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
            let (hours, minutes) = Some((hours, minutes)).filter(|(h, m)| is_number(h) && is_number(m))?;
            let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
            let ahead_ms = Some((hours, minutes)).filter(|(h, m)| *h < 24 && *m < 60);
            let ahead_ms = ahead_ms.map(|(hours, minutes)| (hours * 60 + minutes) * 60 * 1000)?;
            (format!("{local}Z"), if offset.starts_with('-') { -ahead_ms } else { ahead_ms })
        }
        _ => (text, 0),
    };
    let since_epoch = humantime::parse_rfc3339(&utc).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let milliseconds = i64::try_from(since_epoch.as_millis()).ok()?.checked_sub(ahead_ms)?;
    let has_more = !since_epoch.subsec_nanos().is_multiple_of(1_000_000);
    Some((Timestamp(u64::try_from(milliseconds).ok()?), has_more))
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
    fn a_time_is_read_with_any_offset() {
        let read = |text| from_rfc3339(text).map(|(time, has_more)| (time.0, has_more));
        for text in
            ["2025-11-26T12:00:00.123Z", "2025-11-26T14:30:00.123+02:30", "2025-11-26t11:59:00.123-00:01"]
        {
            assert_eq!(read(text), Some((1_764_158_400_123, false)), "{text}");
        }
        assert_eq!(read("2025-11-26T12:00:00.1234Z"), Some((1_764_158_400_123, true)));
        assert_eq!(read("1970-01-01T00:00:00Z"), Some((0, false)));
        for text in [
            "",
            "Z",
            "now",
            "2025-11-26",
            "2025-11-26T12:00:00",
            "2025-11-26T12:00:00+2:00",
            "1969-01-01T00:00:00Z",
            "2025-11-26T12:00:00+99:00",
            "2025-11-26T12:00:00++1:00",
            "1970-01-01T00:00:00+01:00",
            "\u{e9}:00",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
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
