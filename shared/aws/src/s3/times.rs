//! How long a call to S3 may take.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::config::Builder;
use aws_smithy_types::timeout::TimeoutConfig;

/// An attempt of a call that moves no bytes to speak of: usually some tens of milliseconds.
const CONTROL_ATTEMPT_TIME_MAX: Duration = Duration::from_secs(5);
/// With its retries.
const CONTROL_TIME_MAX: Duration = Duration::from_secs(12);
/// An attempt of a call for which S3 itself moves bytes, or takes stock of thousands of parts: "may take several
/// minutes" (CompleteMultipartUpload), and is done in a second or two.
const SERVER_SIDE_ATTEMPT_TIME_MAX: Duration = Duration::from_secs(60);
const SERVER_SIDE_TIME_MAX: Duration = Duration::from_secs(120);
/// The slowest way out that an upload is still worth waiting for, in bytes a second for each request.
const TRANSFER_BYTES_PER_SECOND_MIN: u64 = 256 * 1024;
/// How long no byte may come or go before the SDK ends a request or an answer (its stalled-stream protection).
pub(super) const STALLED_TIME_MAX: Duration = Duration::from_secs(20);

/// The time-outs of the calls of one store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// For any call with its retries, where the configuration says so.
    most: Option<Duration>,
}

impl Times {
    pub(super) fn of(sdk: &SdkConfig) -> Self {
        Self { most: sdk.timeout_config().and_then(TimeoutConfig::operation_timeout) }
    }

    /// For what moves no bytes, and for a read up to its first.
    pub(super) fn control(self) -> Builder {
        self.bounded(CONTROL_ATTEMPT_TIME_MAX, CONTROL_TIME_MAX)
    }

    /// For what S3 does with bytes that it has.
    pub(super) fn server_side(self) -> Builder {
        self.bounded(SERVER_SIDE_ATTEMPT_TIME_MAX, SERVER_SIDE_TIME_MAX)
    }

    /// For what sends so many bytes: 8 MiB take at most 37 s, twice that with retries.
    pub(super) fn transfer(self, bytes: usize) -> Builder {
        let on_the_way_ms = bytes as u64 * 1000 / TRANSFER_BYTES_PER_SECOND_MIN;
        let attempt = CONTROL_ATTEMPT_TIME_MAX + Duration::from_millis(on_the_way_ms);
        self.bounded(attempt, 2 * attempt)
    }

    fn bounded(self, attempt: Duration, operation: Duration) -> Builder {
        let most = self.most.unwrap_or(operation).min(operation);
        let times = TimeoutConfig::builder()
            .operation_attempt_timeout(attempt.min(most))
            .operation_timeout(most)
            .build();
        Builder::new().timeout_config(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation_time(builder: Builder) -> Option<Duration> {
        let config = builder.behavior_version_latest().build();
        config.timeout_config().and_then(TimeoutConfig::operation_timeout)
    }

    #[test]
    fn a_transfer_has_time_by_its_bytes() {
        let times = Times { most: None };
        assert_eq!(operation_time(times.transfer(0)), Some(Duration::from_secs(10)));
        assert_eq!(operation_time(times.transfer(8 << 20)), Some(Duration::from_secs(74)));
    }

    #[test]
    fn no_call_takes_longer_than_the_configuration_says() {
        let most = Duration::from_secs(9);
        let times = Times { most: Some(most) };
        for call in [times.control(), times.server_side(), times.transfer(8 << 20)] {
            assert_eq!(operation_time(call), Some(most));
        }
    }
}
