//! A function's result (payload format 2.0) as an HTTP answer.

use crate::function::Outcome;
use crate::limits;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;

pub(crate) type Answer = Response<Full<Bytes>>;

/// What the client gets. The words of 502, 504 and 429 are those of an HTTP API's own errors (`{"message":...}`);
/// that a function's error gives 502 is a function URL's way (unverified for an HTTP API).
pub(crate) fn answer(method: &Method, outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Result(bytes) => result(method, &bytes)
            .unwrap_or_else(|| message(StatusCode::BAD_GATEWAY, "Internal Server Error")),
        Outcome::Failed(_) => message(StatusCode::BAD_GATEWAY, "Internal Server Error"),
        Outcome::TimedOut => message(StatusCode::GATEWAY_TIMEOUT, "Gateway Timeout"),
        Outcome::Throttled => message(StatusCode::TOO_MANY_REQUESTS, "Rate Exceeded."),
    }
}

/// An error in API Gateway's shape.
pub(crate) fn message(status: StatusCode, text: &str) -> Answer {
    json(status, format!(r#"{{"message":"{text}"}}"#))
}

/// Lambda's refusal of an event that is too large. The connection ends with it.
pub(crate) fn too_large() -> Answer {
    let mut answer = json(StatusCode::PAYLOAD_TOO_LARGE, limits::REQUEST_TOO_LARGE.to_owned());
    let headers = answer.headers_mut();
    headers.insert("x-amzn-errortype", HeaderValue::from_static("RequestEntityTooLargeException"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

pub(crate) fn json(status: StatusCode, text: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// Nothing where the result is not one that API Gateway takes.
fn result(method: &Method, bytes: &[u8]) -> Option<Answer> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    // Without a status code the whole result is the body.
    let Some(status) = value.get("statusCode") else {
        return Some(json(StatusCode::OK, value.to_string()));
    };
    let status = StatusCode::from_u16(u16::try_from(status.as_u64()?).ok()?).ok()?;
    let text = value.get("body").and_then(Value::as_str).unwrap_or_default();
    let body = if value.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or(false) {
        Bytes::from(STANDARD.decode(text).ok()?)
    } else {
        Bytes::copy_from_slice(text.as_bytes())
    };
    let bare = method == Method::HEAD || matches!(status.as_u16(), 204 | 304);
    let mut answer = Response::new(Full::new(if bare { Bytes::new() } else { body }));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    for (name, value) in value.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        headers.append(name, HeaderValue::from_str(&value).ok()?);
    }
    for cookie in value.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    // Only the length of a HEAD's answer is the function's word: there is no body to count.
    if method != Method::HEAD {
        headers.remove(header::CONTENT_LENGTH);
    }
    for hop in [header::TRANSFER_ENCODING, header::CONNECTION] {
        headers.remove(hop);
    }
    Some(answer)
}
