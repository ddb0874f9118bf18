//! `Range` of a pull (RFC 9110, section 14.2). One range is served; several, or what is not understood, are
//! ignored and the whole is served, as the RFC allows. One that ends before it begins is refused (15.5.17).

use std::ops::Range;

use moorage_operations::RegistryError;

/// The bytes that a `Range` header asks for, of something of `size` bytes. `None`: all of it.
///
/// # Errors
/// `RangeNotSatisfiable` where none of the bytes asked for is there.
pub fn byte_range(value: &str, size: u64) -> Result<Option<Range<u64>>, RegistryError> {
    let Some((first, last)) = value.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let (first, last) = (first.trim(), last.trim());
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(first) || !is_number(last) {
        return Ok(None);
    }
    let unsatisfiable = RegistryError::RangeNotSatisfiable { size };
    // A number too large for 64 bits lies beyond the end of everything.
    let number = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
    let range = match (first.is_empty(), last.is_empty()) {
        (true, true) => return Ok(None),
        (true, false) => match number(last) {
            0 => return Err(unsatisfiable),
            suffix => size.saturating_sub(suffix)..size,
        },
        (false, true) => number(first)..size,
        (false, false) if number(last) < number(first) => return Err(unsatisfiable),
        (false, false) => number(first)..number(last).saturating_add(1).min(size),
    };
    if range.start >= size { Err(unsatisfiable) } else { Ok(Some(range)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_ten(value: &str) -> Option<Range<u64>> {
        byte_range(value, 10).expect("satisfiable")
    }

    #[test]
    fn the_three_forms() {
        assert_eq!(of_ten("bytes=0-0"), Some(0..1));
        assert_eq!(of_ten("bytes=2-5"), Some(2..6));
        assert_eq!(of_ten("bytes=2-99"), Some(2..10));
        assert_eq!(of_ten("bytes=7-"), Some(7..10));
        assert_eq!(of_ten("bytes=-3"), Some(7..10));
        assert_eq!(of_ten("bytes=-99"), Some(0..10));
        assert_eq!(of_ten("bytes=2-99999999999999999999999"), Some(2..10));
    }

    #[test]
    fn what_is_not_understood_is_ignored() {
        for value in
            ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=0-1,3-4", "items=0-1", "bytes=+1-2"]
        {
            assert_eq!(of_ten(value), None, "{value}");
        }
    }

    #[test]
    fn what_lies_outside_is_refused() {
        for value in ["bytes=10-", "bytes=10-11", "bytes=5-2", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert!(
                matches!(byte_range(value, 10), Err(RegistryError::RangeNotSatisfiable { size: 10 })),
                "{value}"
            );
        }
        assert!(byte_range("bytes=0-0", 0).is_err());
    }
}
