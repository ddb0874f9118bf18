//! What the errors of S3 mean.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use moorage_ports::PortError;

use crate::error::port_error;

/// S3 gives 409 where two conditional writes of one key meet: nothing was done, and it may be tried again.
const CONFLICT: &[&str] = &["ConditionalRequestConflict", "OperationAborted"];

/// The bytes are not those that a header of the request says: the last name is MinIO's.
const OTHER_BYTES: &[&str] = &[
    "BadDigest",
    "InvalidDigest",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
    "X-Amz-Content-Checksum-Mismatch",
];

/// A completion names parts that are not there, or not so.
const BAD_PARTS: &[&str] =
    &["EntityTooSmall", "InvalidPart", "InvalidPartNumber", "InvalidPartOrder", "MalformedXML"];

/// A failed call, in the words of the port's callers.
pub(super) trait Failure {
    /// S3's own word for it, where it had one.
    fn code(&self) -> Option<&str>;
    /// The status of the answer, where there was one.
    fn status(&self) -> Option<u16>;
    /// What a caller is told of it, `what` being what was asked for.
    fn told(&self, what: &str) -> PortError;

    fn is(&self, code: &str) -> bool {
        self.code() == Some(code)
    }

    /// No object has the key (for HEAD, whose answers have no body, no bucket either).
    fn is_absent(&self) -> bool {
        self.is("NoSuchKey") || self.is("NotFound")
    }

    /// `If-None-Match: *` found an object.
    fn is_already_there(&self) -> bool {
        self.status() == Some(412)
    }

    fn is_conflict(&self) -> bool {
        self.code().is_some_and(|code| CONFLICT.contains(&code))
    }

    fn is_other_bytes(&self) -> bool {
        self.code().is_some_and(|code| OTHER_BYTES.contains(&code))
    }

    fn is_bad_parts(&self) -> bool {
        self.code().is_some_and(|code| BAD_PARTS.contains(&code))
    }
}

impl<E> Failure for SdkError<E, HttpResponse>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    fn code(&self) -> Option<&str> {
        self.as_service_error().and_then(ProvideErrorMetadata::code)
    }

    fn status(&self) -> Option<u16> {
        self.raw_response().map(|response| response.status().as_u16())
    }

    fn told(&self, what: &str) -> PortError {
        let why = || DisplayErrorContext(self);
        match (Failure::code(self), self.status()) {
            (Some("NoSuchBucket"), _) => PortError::Unavailable(format!(
                "{what}: there is no such bucket: create it, or start once with --create ({})",
                why()
            )),
            (Some("SlowDown"), _) | (None, Some(429 | 503)) => {
                PortError::Throttled(format!("{what}: {}", why()))
            }
            (_, Some(401 | 403)) => PortError::Unavailable(format!(
                "{what}: access denied: check the credentials and the rights of this process, s3:ListBucket among \
                 them, without which S3 says so of an object that is not there ({})",
                why()
            )),
            _ => port_error(what, self),
        }
    }
}
