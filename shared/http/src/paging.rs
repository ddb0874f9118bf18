//! `n`, `last`, `before` and `since` of a list, and the `Link` to its next page.

use std::str::FromStr;

use moorage_operations::InvalidRequest;
use moorage_ports::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::query::Query;
use crate::time::from_rfc3339;

/// Everything but the unreserved characters of RFC 3986.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The most names that a client wants in one page.
///
/// # Errors
/// `Query` where `n` is not a number.
pub(crate) fn limit(query: &Query<'_>) -> Result<Option<usize>, InvalidRequest> {
    let Some(n) = query.get("n") else { return Ok(None) };
    if n.is_empty() || !n.bytes().all(|b| b.is_ascii_digit()) {
        let reason = format!("expected how many names to list, found `{n}`");
        return Err(InvalidRequest::Query { parameter: "n", reason });
    }
    // More than fits is more than there is.
    Ok(Some(n.parse().unwrap_or(usize::MAX)))
}

/// Where the page before ended, as its link says.
///
/// # Errors
/// `Query` where `last` is no such place.
pub(crate) fn last<P: FromStr>(query: &Query<'_>) -> Result<Option<P>, InvalidRequest> {
    let invalid = |_| InvalidRequest::Query {
        parameter: "last",
        reason: "take it from the Link of the page before".to_owned(),
    };
    query.get("last").map(|text| text.parse().map_err(invalid)).transpose()
}

/// Only what happened before this time.
///
/// # Errors
/// `Query` where `before` is no time.
pub(crate) fn before(query: &Query<'_>) -> Result<Option<Timestamp>, InvalidRequest> {
    // What happened in the millisecond that it cuts in two may be before it.
    Ok(time(query, "before")?.map(|(whole, has_more)| whole.plus_ms(u64::from(has_more))))
}

/// Only what happened after this time.
///
/// # Errors
/// `Query` where `since` is no time.
pub(crate) fn since(query: &Query<'_>) -> Result<Option<Timestamp>, InvalidRequest> {
    Ok(time(query, "since")?.map(|(whole, _)| whole))
}

fn time(query: &Query<'_>, parameter: &'static str) -> Result<Option<(Timestamp, bool)>, InvalidRequest> {
    let Some(text) = query.get(parameter) else { return Ok(None) };
    let reason = || format!("expected a time such as 2026-11-26T13:00:00Z, found `{text}`");
    from_rfc3339(text).map(Some).ok_or_else(|| InvalidRequest::Query { parameter, reason: reason() })
}

/// `</v2/…?n=100&last=v9>; rel="next"`, relative to the registry's own address.
pub(crate) fn link(path: &str, parameters: &[(&str, &str)]) -> String {
    let query: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, IN_QUERY)))
        .collect();
    format!("<{path}?{}>; rel=\"next\"", query.join("&"))
}

/// The link to the page after the one that ends with `last`, which has as many names as were asked for.
pub(crate) fn next_page(path: &str, limit: Option<usize>, last: Option<&str>) -> Option<String> {
    let last = last?;
    let n = limit.map(|n| n.to_string());
    let mut parameters = Vec::new();
    parameters.extend(n.as_deref().map(|n| ("n", n)));
    parameters.push(("last", last));
    Some(link(path, &parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number() {
        let of = |text| limit(&Query::parse(Some(text)));
        assert_eq!(of(""), Ok(None));
        assert_eq!(of("n=0"), Ok(Some(0)));
        assert_eq!(of("n=99999999999999999999999"), Ok(Some(usize::MAX)));
        for text in ["n=", "n=-1", "n=+1", "n=a", "n=1.5"] {
            assert!(of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_link_can_be_followed() {
        let link = link("/v2/a/tags/list", &[("n", "2"), ("last", "a+b/c")]);
        assert_eq!(link, r#"</v2/a/tags/list?n=2&last=a%2Bb%2Fc>; rel="next""#);
    }
}
