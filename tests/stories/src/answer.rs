//! One answer, read to its end.

use bytes::Bytes;
use expect_test::Expect;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::BodyExt;
use moorage_http::{AnswerBody, ErrorCode};
use moorage_oci::Digest;
use moorage_ports::Calls;
use serde_json::Value;

use crate::names::Names;

/// An answer that keeps what all answers promise: it says which API this is, a HEAD has no body and
/// everything else as many bytes as it says, and a refusal is `{"errors":[{"code":…,"message":…}]}` with a
/// code of the specification.
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    pub body: Bytes,
    /// The storage calls it took.
    pub calls: Calls,
    names: Names,
}

impl Answer {
    pub(crate) async fn read(
        method: &Method,
        answer: Response<AnswerBody>,
        calls: Calls,
        names: Names,
    ) -> Self {
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("the bytes of an answer can be read").to_bytes();
        let answer = Self { status: parts.status, headers: parts.headers, body, calls, names };
        answer.check(method);
        answer
    }

    fn check(&self, method: &Method) {
        assert_eq!(self.header("docker-distribution-api-version"), "registry/2.0");
        let length = self.headers.get(CONTENT_LENGTH).map(|l| l.to_str().expect("a number").parse::<usize>());
        if method == Method::HEAD {
            assert!(self.body.is_empty(), "a HEAD was answered with a body");
            return;
        }
        if let Some(length) = length {
            assert_eq!(Ok(self.body.len()), length, "Content-Length");
        }
        if self.status.is_client_error() || self.status.is_server_error() {
            let errors = self.json();
            assert_eq!(self.header("content-type"), "application/json");
            for error in errors["errors"].as_array().filter(|errors| !errors.is_empty()).expect("errors") {
                let code = error["code"].as_str().expect("a code");
                assert!(ErrorCode::ALL.iter().any(|known| known.as_str() == code), "{code}");
                assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
            }
        }
    }

    /// Holds the answer to a status.
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.picture());
        self
    }

    /// Holds the answer to a refusal with this code.
    pub fn is_refused(&self, status: u16, code: &str) -> &Self {
        self.is(status);
        assert_eq!(self.code(), code, "{}", self.picture());
        self
    }

    /// Compares the answer's picture.
    #[expect(clippy::needless_pass_by_value, reason = "it is written in place")]
    pub fn shows(&self, expected: Expect) -> &Self {
        expected.assert_eq(&self.picture());
        self
    }

    /// Compares the storage calls it took.
    #[expect(clippy::needless_pass_by_value, reason = "it is written in place")]
    pub fn costs(&self, expected: Expect) -> &Self {
        expected.assert_eq(&self.calls.to_string());
        self
    }

    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The status, and the code of a refusal: `404 BLOB_UNKNOWN`.
    #[must_use]
    pub fn outline(&self) -> String {
        let status = self.status.as_u16();
        if status < 400 { status.to_string() } else { format!("{status} {}", self.code()) }
    }

    /// A header's value; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("readable text"))
    }

    /// The target of `Link: <…>; rel="next"`.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.header("link").strip_prefix('<')?.strip_suffix(r#">; rel="next""#)
    }

    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.picture()))
    }

    /// The code of the refusal.
    #[must_use]
    pub fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// What the refusal says to a person.
    #[must_use]
    pub fn message(&self) -> String {
        self.json()["errors"][0]["message"].as_str().unwrap_or_default().to_owned()
    }

    /// Status, headers in order, and the body: one that the story knows by its name, a short one as it is.
    fn picture(&self) -> String {
        let mut lines = vec![self.status.to_string()];
        let mut headers: Vec<_> = self.headers.iter().collect();
        headers.retain(|(name, _)| *name != "docker-distribution-api-version");
        headers.sort_by_key(|(name, _)| name.as_str());
        lines.extend(
            headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))),
        );
        if !self.body.is_empty() {
            lines.push(String::new());
            lines.push(self.body_shown());
        }
        lines.push(String::new());
        self.names.show(&lines.join("\n"))
    }

    fn body_shown(&self) -> String {
        const SHOWN_BYTES_MAX: usize = 2000;
        if let Some(name) = self.names.of(Digest::sha256(&self.body).as_str()) {
            return format!("the bytes of {name}");
        }
        match str::from_utf8(&self.body) {
            Ok(text) if text.len() <= SHOWN_BYTES_MAX => text.to_owned(),
            _ => format!("{} bytes", self.body.len()),
        }
    }
}
