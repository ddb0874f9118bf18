//! `Content-Range` of a chunk: `<first>-<last>`, without "bytes" (distribution-spec, Pushing a blob in
//! chunks). With it, as RFC 9110 writes it, is understood too.

use moorage_operations::{ChunkRange, InvalidRequest};

/// Reads the header's value.
///
/// # Errors
/// `Header` where it is not a range of at least one byte.
pub fn content_range(value: &str) -> Result<ChunkRange, InvalidRequest> {
    let invalid = || InvalidRequest::Header {
        header: "Content-Range",
        reason: format!("expected `<first byte>-<last byte>`, such as `0-1023`, found `{value}`"),
    };
    let range = value.strip_prefix("bytes ").unwrap_or(value).trim();
    let range = range.split_once('/').map_or(range, |(range, _)| range);
    let (first, last) = range.split_once('-').ok_or_else(invalid)?;
    let (first, last) = (number(first).ok_or_else(invalid)?, number(last).ok_or_else(invalid)?);
    let size = last.checked_sub(first).and_then(|n| n.checked_add(1)).ok_or_else(invalid)?;
    Ok(ChunkRange { begins: first, size })
}

fn number(text: &str) -> Option<u64> {
    // `parse` would take a sign.
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        for value in ["5-9", "bytes 5-9/100", "bytes 5-9/*"] {
            assert_eq!(content_range(value), Ok(ChunkRange { begins: 5, size: 5 }), "{value}");
        }
        assert_eq!(content_range("0-0"), Ok(ChunkRange { begins: 0, size: 1 }));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for value in [
            "",
            "-",
            "5",
            "5-",
            "-5",
            "9-5",
            "+1-2",
            "a-b",
            "0-18446744073709551615",
            "0-18446744073709551616",
        ] {
            assert!(content_range(value).is_err(), "{value}");
        }
    }
}
