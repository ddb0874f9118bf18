//! An answer, as Lambda takes it: one piece of JSON, its body in base64 whatever its type. So the bytes come out
//! as they went in: nobody decodes text on the way.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response};
use http_body_util::BodyExt as _;
use moorage_http::{AnswerBody, refuse};
use moorage_operations::RegistryError;
use serde::Serialize;

/// Bytes of an answer's JSON that Lambda passes on: 6 MB and some room for headers (Lambda quotas; beyond it, the
/// client is told 502).
const ANSWER_BYTES_MAX: usize = 6_291_556;
/// Bytes of the JSON around the body. Headers are ours, the longest being a signed URL and a Link.
const AROUND_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a body: base64 makes 4 of 3. About 4.45 MiB.
pub(crate) const BODY_BYTES_MAX: usize = (ANSWER_BYTES_MAX - AROUND_BYTES_MAX) / 4 * 3;

/// An answer in API Gateway's HTTP format 2.0.
#[derive(Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    status_code: u16,
    headers: BTreeMap<String, String>,
    /// In base64; absent where there are no bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    is_base64_encoded: bool,
}

impl Answer {
    /// The whole answer, once its last byte has come; an error in its place where that is too long, or broke off.
    pub(crate) async fn of(answer: Response<AnswerBody>) -> Self {
        let (parts, body) = answer.into_parts();
        match collected(body).await {
            Ok(bytes) => Self::new(parts.status.as_u16(), &parts.headers, &bytes),
            Err(error) => {
                tracing::error!(%error, "an answer could not be sent");
                let (parts, body) = refuse(&error).into_parts();
                let bytes = collected(body).await.unwrap_or_default();
                Self::new(parts.status.as_u16(), &parts.headers, &bytes)
            }
        }
    }

    fn new(status_code: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let body = (!body.is_empty()).then(|| BASE64_STANDARD.encode(body));
        Self { status_code, headers: joined(headers), is_base64_encoded: body.is_some(), body }
    }
}

/// One value a name, as the format has it: those that repeat are joined by commas, which means the same
/// (RFC 9110, 5.3).
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let values = |name| headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    headers.keys().map(|name| (name.to_string(), values(name).collect::<Vec<_>>().join(", "))).collect()
}

/// All bytes of a body, if they are not too many.
async fn collected(mut body: AnswerBody) -> Result<Bytes, RegistryError> {
    use http_body::Body as _;

    let too_long = || RegistryError::AnswerTooLong { max: BODY_BYTES_MAX };
    let expected = body.size_hint().lower();
    if expected > BODY_BYTES_MAX as u64 {
        return Err(too_long());
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(more) = frame?.into_data() else { continue };
        // Most answers are one piece.
        if bytes.is_empty() && more.len() as u64 >= expected && body.is_end_stream() {
            return if more.len() > BODY_BYTES_MAX { Err(too_long()) } else { Ok(more) };
        }
        bytes.extend_from_slice(&more);
        if bytes.len() > BODY_BYTES_MAX {
            return Err(too_long());
        }
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_LENGTH, HeaderValue};

    use super::*;

    #[test]
    fn repeated_headers_are_joined() {
        let mut headers = HeaderMap::new();
        headers.append("oci-tag", HeaderValue::from_static("a"));
        headers.append("oci-tag", HeaderValue::from_static("b"));
        headers.insert(CONTENT_LENGTH, 7.into());
        let answer = Answer::new(201, &headers, b"");
        assert_eq!(answer.headers["oci-tag"], "a, b");
        assert_eq!(
            serde_json::to_string(&answer).expect("it is JSON"),
            r#"{"statusCode":201,"headers":{"content-length":"7","oci-tag":"a, b"},"isBase64Encoded":false}"#
        );
    }

    #[test]
    fn the_longest_body_fits() {
        let headers = HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static("4669515"))]);
        let answer = Answer::new(200, &headers, &vec![0xff; BODY_BYTES_MAX]);
        let json = serde_json::to_vec(&answer).expect("it is JSON").len();
        assert!(json <= ANSWER_BYTES_MAX - AROUND_BYTES_MAX + 200, "{json}");
        const { assert!(BODY_BYTES_MAX > 4 * 1024 * 1024, "the longest manifest of the specification fits") };
    }
}
