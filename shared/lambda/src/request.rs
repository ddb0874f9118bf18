//! A request, as API Gateway's HTTP format 2.0 tells it. Whatever a client sends, this answers, and never panics.
//!
//! `rawPath` is percent-encoded in the events of function URLs, and *decoded* in those of HTTP APIs (captures in
//! hotsock/voker#8, honojs/hono#2156, fastify/aws-lambda-fastify#169). So what can never stand in a path is
//! escaped, and what is escaped stays: no name, tag, digest or token of the API has a `%`, so the two can be told
//! apart, and `sha256%3A…` and `sha256:…` are one. `rawQueryString` is encoded in both, but for what clients
//! leave unescaped.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use moorage_operations::InvalidRequest;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_path: String,
    #[serde(default)]
    raw_query_string: Option<String>,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    request_context: RequestContext,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
struct RequestContext {
    http: Line,
}

#[derive(Deserialize)]
struct Line {
    method: String,
}

/// Reads an event.
///
/// # Errors
/// `Unreadable`: it is no event of that format, or tells of what is not HTTP.
pub(crate) fn request(event: &RawValue) -> Result<Request<Full<Bytes>>, InvalidRequest> {
    let event: Event = serde_json::from_str(event.get())
        .map_err(|_| InvalidRequest::Unreadable("it did not come as an event of API Gateway's format 2.0"))?;
    let uri = uri(&event.raw_path, event.raw_query_string.as_deref().unwrap_or_default())?;
    let method = Method::from_bytes(event.request_context.http.method.as_bytes())
        .map_err(|_| InvalidRequest::Unreadable("its method is not one of HTTP"))?;
    let headers = headers(event.headers.unwrap_or_default())?;
    let body = body(event.body, event.is_base64_encoded)?;
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

/// What never stands in a path as it is.
const IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// In a query a question mark may.
const IN_QUERY: &AsciiSet = &IN_PATH.remove(b'?');

fn uri(path: &str, query: &str) -> Result<Uri, InvalidRequest> {
    if !path.starts_with('/') {
        return Err(InvalidRequest::Unreadable("its path does not begin with a slash"));
    }
    let mut target = escaped(path, IN_PATH);
    if !query.is_empty() {
        target.push('?');
        target.push_str(&escaped(query, IN_QUERY));
    }
    let target = PathAndQuery::try_from(target)
        .map_err(|_| InvalidRequest::Unreadable("its path and query are too long"))?;
    Ok(Uri::from(target))
}

/// The text with what cannot stand as it is escaped, a `%` that escapes nothing included.
fn escaped(text: &str, set: &'static AsciiSet) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (index, piece) in text.split('%').enumerate() {
        if index > 0 {
            let escapes =
                piece.as_bytes().first_chunk::<2>().is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit));
            escaped.push_str(if escapes { "%" } else { "%25" });
        }
        escaped.extend(utf8_percent_encode(piece, set));
    }
    escaped
}

fn headers(named: BTreeMap<String, String>) -> Result<HeaderMap, InvalidRequest> {
    let mut headers = HeaderMap::new();
    for (name, value) in named {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| InvalidRequest::Unreadable("the name of a header is not one of HTTP"))?;
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| InvalidRequest::Unreadable("the value of a header has a control character"))?;
        headers.try_append(name, value).map_err(|_| InvalidRequest::Unreadable("it has too many headers"))?;
    }
    Ok(headers)
}

fn body(body: Option<String>, is_base64: bool) -> Result<Bytes, InvalidRequest> {
    match body {
        None => Ok(Bytes::new()),
        Some(text) if is_base64 => BASE64_STANDARD
            .decode(text)
            .map(Bytes::from)
            .map_err(|_| InvalidRequest::Unreadable("its body is not the base64 that it is said to be")),
        Some(text) => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str, query: &str) -> String {
        uri(path, query).expect("it is one").to_string()
    }

    #[test]
    fn what_is_encoded_stays_and_what_is_not_is() {
        for (path, query, expected) in [
            ("/v2/a/blobs/sha256%3A00", "", "/v2/a/blobs/sha256%3A00"),
            ("/v2/a/blobs/sha256:00", "", "/v2/a/blobs/sha256:00"),
            ("/v2/a/../b/tags/list", "n=1", "/v2/a/../b/tags/list?n=1"),
            ("/v2/ü #?/tags/list", "", "/v2/%C3%BC%20%23%3F/tags/list"),
            ("/v2/100%/%zz/%a", "%", "/v2/100%25/%25zz/%25a?%25"),
            ("//evil/v2/", "", "//evil/v2/"),
            ("/v2/", "a=\"<{ }>\u{e9}#?&b=%20", "/v2/?a=%22%3C%7B%20%7D%3E%C3%A9%23?&b=%20"),
        ] {
            assert_eq!(target(path, query), expected);
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in ["", "v2", "http://elsewhere/v2/", "*", &format!("/{}", "a".repeat(70_000))] {
            assert!(uri(path, "").is_err(), "{path}");
        }
    }
}
