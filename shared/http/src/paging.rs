//! `n` and `last` of a list, and the `Link` to its next page.

use moorage_operations::InvalidRequest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::query::Query;

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
