//! A request as an event of payload format 2.0 (API Gateway: "Create AWS Lambda proxy integrations for HTTP APIs").

use crate::clock::now_ms;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// The path as an HTTP API gives it: decoded, and cut at a decoded `?`. Captured from real ones by others
/// (middleapi/standard-server, pull request 93); function URLs leave it encoded. Bytes that are not UTF-8 become
/// U+FFFD here; what AWS does with those is not known.
pub fn raw_path(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
    match decoded.split_once('?') {
        Some((before, _)) => before.to_owned(),
        None => decoded,
    }
}

/// The event. `route` is the route's key, `GET /v2/{proxy+}`, and what `{proxy+}` stood for.
pub fn build(parts: &Parts, body: &[u8], route: (&str, Option<&str>), request_id: &str, peer: &str) -> Value {
    let path = raw_path(parts.uri.path());
    let query = parts.uri.query().unwrap_or_default();
    let mut headers = Map::new();
    let mut cookies = Vec::new();
    for name in parts.headers.keys() {
        let values: Vec<_> = parts
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        match name.as_str() {
            "cookie" => cookies
                .extend(values.iter().flat_map(|value| value.split(';')).map(|one| one.trim().to_owned())),
            "connection" | "keep-alive" | "transfer-encoding" | "expect" | "te" | "upgrade" => {}
            name => {
                headers.insert(name.to_owned(), Value::String(values.join(",")));
            }
        }
    }
    headers.insert("x-forwarded-for".to_owned(), json!(peer));
    headers.insert("x-forwarded-proto".to_owned(), json!("http"));
    let kind = text(&headers, "content-type");
    let (body_text, base64) = match std::str::from_utf8(body) {
        Ok(text) if is_text(&kind) => (text.to_owned(), false),
        _ => (STANDARD.encode(body), true),
    };
    let host = text(&headers, "host");
    let now = now_ms();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route.0,
        "rawPath": path,
        "rawQueryString": query,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "frontdoor",
            "domainName": host,
            "domainPrefix": host.split('.').next().unwrap_or_default(),
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": peer,
                "userAgent": text(&headers, "user-agent"),
            },
            "requestId": request_id,
            "routeKey": route.0,
            "stage": "$default",
            "time": common_log_time(now),
            "timeEpoch": now,
        },
        "headers": headers,
        "isBase64Encoded": base64 && !body.is_empty(),
    });
    if !body.is_empty() {
        event["body"] = Value::String(body_text);
    }
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !query.is_empty() {
        event["queryStringParameters"] = query_parameters(query);
    }
    if let Some(proxy) = route.1 {
        event["pathParameters"] = json!({ "proxy": proxy });
    }
    event
}

fn text(headers: &Map<String, Value>, name: &str) -> String {
    headers.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || matches!(kind.as_str(), "application/json" | "application/javascript" | "application/xml")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
}

fn query_parameters(query: &str) -> Value {
    let mut all = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let (name, value) = (plain(name), plain(value));
        let joined = match all.get(&name).and_then(Value::as_str) {
            Some(before) => format!("{before},{value}"),
            None => value,
        };
        all.insert(name, Value::String(joined));
    }
    Value::Object(all)
}

/// `12/Mar/2020:19:03:58 +0000`, for milliseconds since 1970.
fn common_log_time(ms: u64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day) = civil(ms / 86_400_000);
    let second = ms / 1000 % 86_400;
    let month = MONTHS[month as usize - 1];
    format!("{day:02}/{month}/{year}:{:02}:{:02}:{:02} +0000", second / 3600, second / 60 % 60, second % 60)
}

/// `2020-03-12T19:03:58.000Z`, for milliseconds since 1970.
pub(crate) fn iso_time(ms: u64) -> String {
    let (year, month, day) = civil(ms / 86_400_000);
    let second = ms / 1000 % 86_400;
    format!(
        "{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        ms % 1000
    )
}

/// Year, month and day of a count of days since 1970 (Howard Hinnant's algorithm).
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::common_log_time;

    #[test]
    fn the_time_is_as_in_the_example_of_aws() {
        assert_eq!(common_log_time(1_583_348_638_390), "04/Mar/2020:19:03:58 +0000");
    }
}
