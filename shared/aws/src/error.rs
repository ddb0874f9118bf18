//! How a failure of the SDK is told to the callers of a port.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use moorage_ports::PortError;

/// Codes that say: too much for now, and nothing was done.
const THROTTLING: &[&str] = &[
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingError",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "TransactionConflict",
    "TransactionConflictException",
];

/// Codes that say that no request of this form is ever served.
const MISUSE: &[&str] = &["ValidationException", "SerializationException"];

/// Whether a code of an error, or of a reason of a cancelled transaction, says: too much for now.
pub(crate) fn is_throttling(code: &str) -> bool {
    THROTTLING.contains(&code)
}

/// The failure of the operation `what`, whose attempts may have had an effect.
pub(crate) fn port_error<E>(what: &str, error: &SdkError<E, HttpResponse>) -> PortError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    let why = format!("{what}: {}", words(error));
    match code {
        Some(code) if is_throttling(code) => PortError::Throttled(why),
        Some(code) if MISUSE.contains(&code) => PortError::Misuse(why),
        _ => PortError::Unavailable(why),
    }
}

/// The words of an error and of each of its causes.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.ends_with(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}

/// What is stored has a form that this version does not know.
pub(crate) fn corrupt(what: impl std::fmt::Display) -> PortError {
    PortError::Corrupt(what.to_string())
}

pub(crate) fn misuse(what: impl Into<String>) -> PortError {
    PortError::Misuse(what.into())
}
