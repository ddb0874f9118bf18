//! What a refusal is on the wire: decided once, for every error, with no wildcard.

use http::header::{ALLOW, CONTENT_RANGE, CONTENT_TYPE, RANGE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use moorage_operations::{InvalidRequest, RegistryError};
use moorage_ports::PortError;
use moorage_types::{Fault, Finding};
use serde::Serialize;

use crate::answer::{DOCKER_API_VERSION, header};
use crate::body::{AnswerBody, Content};

/// The error codes of the distribution specification; a closed list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCode {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    SizeInvalid,
    Unauthorized,
    Denied,
    Unsupported,
    TooManyRequests,
}

impl ErrorCode {
    pub const ALL: [Self; 14] = [
        Self::BlobUnknown,
        Self::BlobUploadInvalid,
        Self::BlobUploadUnknown,
        Self::DigestInvalid,
        Self::ManifestBlobUnknown,
        Self::ManifestInvalid,
        Self::ManifestUnknown,
        Self::NameInvalid,
        Self::NameUnknown,
        Self::SizeInvalid,
        Self::Unauthorized,
        Self::Denied,
        Self::Unsupported,
        Self::TooManyRequests,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Denied => "DENIED",
            Self::Unsupported => "UNSUPPORTED",
            Self::TooManyRequests => "TOOMANYREQUESTS",
        }
    }
}

/// The status and the code of every error. The specification has no code for a failure of the registry
/// itself: `TOOMANYREQUESTS` is the one that makes clients come back.
#[must_use]
pub fn refusal(error: &RegistryError) -> (StatusCode, ErrorCode) {
    use RegistryError as E;
    match error {
        E::Request(InvalidRequest::UnknownRoute) => (StatusCode::NOT_FOUND, ErrorCode::NameUnknown),
        E::Request(InvalidRequest::MethodNotAllowed { .. }) => {
            (StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported)
        }
        E::Request(
            InvalidRequest::Query { .. }
            | InvalidRequest::UnknownParameter { .. }
            | InvalidRequest::Unreadable(_),
        ) => (StatusCode::BAD_REQUEST, ErrorCode::Unsupported),
        E::NotSearched => (StatusCode::NOT_FOUND, ErrorCode::Unsupported),
        E::PolicyInvalid { .. } | E::DefinitionInvalid { .. } | E::DefinitionOfAnother { .. } => {
            (StatusCode::BAD_REQUEST, ErrorCode::Unsupported)
        }
        E::Request(InvalidRequest::Header { .. }) => (StatusCode::BAD_REQUEST, ErrorCode::BlobUploadInvalid),
        E::Request(InvalidRequest::DigestMissing) | E::Digest(_) | E::DigestMismatch { .. } => {
            (StatusCode::BAD_REQUEST, ErrorCode::DigestInvalid)
        }
        E::Request(InvalidRequest::Path(_)) | E::Name(_) => (StatusCode::BAD_REQUEST, ErrorCode::NameInvalid),
        E::RepositoryUnknown { .. } => (StatusCode::NOT_FOUND, ErrorCode::NameUnknown),
        E::ManifestUnknown { .. } | E::ManifestIsRemote { .. } | E::NotRecycled { .. } | E::NoSuchTag(_) => {
            (StatusCode::NOT_FOUND, ErrorCode::ManifestUnknown)
        }
        E::BlobUnknown { .. } => (StatusCode::NOT_FOUND, ErrorCode::BlobUnknown),
        E::UploadUnknown { .. } => (StatusCode::NOT_FOUND, ErrorCode::BlobUploadUnknown),
        E::ChunkOutOfOrder { .. } | E::UploadRaced { .. } => {
            (StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::BlobUploadInvalid)
        }
        E::RangeNotSatisfiable { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::SizeInvalid),
        E::ChunkSize { .. } => (StatusCode::BAD_REQUEST, ErrorCode::SizeInvalid),
        E::TooManyParts { .. } | E::BodyBroken(_) | E::TooLongToReread { .. } => {
            (StatusCode::BAD_REQUEST, ErrorCode::BlobUploadInvalid)
        }
        E::TypeRefused { .. } | E::Tag(_) | E::ManifestInvalid(_) | E::TooManyTags { .. } => {
            (StatusCode::BAD_REQUEST, ErrorCode::ManifestInvalid)
        }
        E::ManifestTooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::SizeInvalid),
        E::ChildrenMissing { .. } => (StatusCode::NOT_FOUND, ErrorCode::ManifestBlobUnknown),
        E::ManifestHeld { .. } | E::BlobHeld { .. } => {
            (StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported)
        }
        E::TypeUnknown { .. } | E::NoLogo { .. } => (StatusCode::NOT_FOUND, ErrorCode::NameUnknown),
        E::TypeBuiltIn { .. } => (StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported),
        E::Misrouted { .. } => (StatusCode::MISDIRECTED_REQUEST, ErrorCode::Unsupported),
        E::ReadOnly | E::TagImmutable { .. } | E::VersionPublished { .. } => {
            (StatusCode::FORBIDDEN, ErrorCode::Denied)
        }
        E::AnswerTooLong { .. } => (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Unsupported),
        E::TooManyRequests { .. } => (StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests),
        E::Contended => (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::TooManyRequests),
        E::Storage(PortError::Throttled(_) | PortError::Unavailable(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::TooManyRequests)
        }
        E::Storage(PortError::Full(_)) => (StatusCode::INSUFFICIENT_STORAGE, ErrorCode::TooManyRequests),
        E::Storage(PortError::Corrupt(_) | PortError::Misuse(_) | PortError::Body(_)) => {
            (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::TooManyRequests)
        }
    }
}

/// Seconds after which a client that was told to come back should.
const RETRY_AFTER_S: u32 = 1;

/// The answer to what never came to a [`crate::Registry`], or whose answer cannot be sent: for those who receive
/// requests.
#[must_use]
pub fn refuse(error: &RegistryError) -> Response<AnswerBody> {
    let mut answer = error_answer(error);
    answer.headers_mut().insert(DOCKER_API_VERSION, HeaderValue::from_static("registry/2.0"));
    answer
}

/// The answer to a request that was refused, or failed.
pub(crate) fn error_answer(error: &RegistryError) -> Response<AnswerBody> {
    let (status, code) = refusal(error);
    let entry = Entry { code: code.as_str(), message: error.to_string(), detail: detail(error) };
    let body = serde_json::to_vec(&Errors { errors: [entry] }).expect("our own values are JSON");
    let mut answer = Response::new(AnswerBody::new(Content::Bytes(body.into())));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    match error {
        RegistryError::Request(InvalidRequest::MethodNotAllowed { allowed, .. }) => {
            headers.insert(ALLOW, HeaderValue::from_static(allowed));
        }
        RegistryError::ChunkOutOfOrder { received, .. } | RegistryError::UploadRaced { received } => {
            headers.insert(RANGE, header(&received_range(*received)));
        }
        RegistryError::RangeNotSatisfiable { size } => {
            headers.insert(CONTENT_RANGE, header(&format!("bytes */{size}")));
        }
        RegistryError::TooManyRequests { retry_after_s, .. } => {
            headers.insert(RETRY_AFTER, (*retry_after_s).into());
        }
        _ if status == StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, RETRY_AFTER_S.into());
        }
        _ => {}
    }
    answer
}

/// `0-<last byte received>`; `0-0` before any came, as the specification has it.
pub(crate) fn received_range(received: u64) -> String {
    format!("0-{}", received.saturating_sub(1))
}

/// The body of a refusal (distribution-spec, Error Codes).
#[derive(Serialize)]
struct Errors<'a> {
    errors: [Entry<'a>; 1],
}

#[derive(Serialize)]
struct Entry<'a> {
    code: &'a str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Detail<'a>>,
}

/// What a program can use of a refusal.
#[derive(Serialize)]
#[serde(untagged)]
enum Detail<'a> {
    Missing { missing: Vec<Missing<'a>> },
    Remote { index: &'a str, urls: &'a [String] },
    HeldByIndex { index: &'a str },
    HeldByManifest { manifest: &'a str },
    Refused { reasons: &'a [Finding] },
    Faults { faults: &'a [Fault] },
}

#[derive(Serialize)]
struct Missing<'a> {
    digest: &'a str,
    kind: &'a str,
}

fn detail(error: &RegistryError) -> Option<Detail<'_>> {
    match error {
        RegistryError::ChildrenMissing { missing } => {
            let missing = missing.iter().map(|child| Missing {
                digest: child.digest.as_str(),
                kind: if child.is_manifest { "manifest" } else { "blob" },
            });
            Some(Detail::Missing { missing: missing.collect() })
        }
        RegistryError::ManifestIsRemote { index, urls, .. } => {
            Some(Detail::Remote { index: index.as_str(), urls })
        }
        RegistryError::ManifestHeld { index, .. } => Some(Detail::HeldByIndex { index: index.as_str() }),
        RegistryError::BlobHeld { manifest, .. } => {
            Some(Detail::HeldByManifest { manifest: manifest.as_str() })
        }
        RegistryError::TypeRefused { findings } => Some(Detail::Refused { reasons: findings }),
        RegistryError::DefinitionInvalid { faults } => Some(Detail::Faults { faults }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list of the specification (distribution-spec, Error Codes), in its order, then TOOMANYREQUESTS.
    const SPECIFIED: &str = "BLOB_UNKNOWN BLOB_UPLOAD_INVALID BLOB_UPLOAD_UNKNOWN DIGEST_INVALID \
        MANIFEST_BLOB_UNKNOWN MANIFEST_INVALID MANIFEST_UNKNOWN NAME_INVALID NAME_UNKNOWN SIZE_INVALID \
        UNAUTHORIZED DENIED UNSUPPORTED TOOMANYREQUESTS";

    #[test]
    fn the_codes_are_those_of_the_specification() {
        let ours: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(ours.join(" "), SPECIFIED.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    #[test]
    fn what_failed_inside_is_not_told() {
        let error = RegistryError::Storage(PortError::Unavailable("disk /dev/secret".into()));
        assert!(!error.to_string().contains("secret"));
        assert_eq!(refusal(&error).0, StatusCode::SERVICE_UNAVAILABLE);
    }

    #[test]
    fn who_meets_a_busy_storage_is_told_when_to_come_back() {
        for error in [PortError::Throttled("by DynamoDB".into()), PortError::Unavailable("no answer".into())]
        {
            let answer = error_answer(&RegistryError::Storage(error));
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.headers()[RETRY_AFTER], "1");
        }
    }
}
