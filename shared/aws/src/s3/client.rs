//! The SDK's client for S3.

use aws_config::SdkConfig;
use aws_sdk_s3::config::{
    Builder, RequestChecksumCalculation, ResponseChecksumValidation, StalledStreamProtectionConfig,
};

use super::times::STALLED_TIME_MAX;
use crate::attempts::NoteAttempts;
use crate::config::endpoint;

/// A client whose attempts are noted. Time-outs are set call by call ([`super::times`]).
pub(super) fn client(sdk: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(config(sdk).interceptor(NoteAttempts).build())
}

/// A client that signs and never sends, so there is nothing to note.
pub(super) fn signer(sdk: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(config(sdk).build())
}

fn config(sdk: &SdkConfig) -> Builder {
    Builder::from(sdk)
        .force_path_style(!is_amazon(sdk))
        // Why: see the head of `super`. Of what is read, a client checks the digest itself.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        // The bytes of an answer have no time-out of their own; this ends those that have stopped coming.
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled().grace_period(STALLED_TIME_MAX).build(),
        )
}

/// Whether requests go to Amazon: no endpoint is given, or one of Amazon's.
pub(super) fn is_amazon(sdk: &SdkConfig) -> bool {
    endpoint(sdk, "S3").is_none_or(|endpoint| {
        let rest = endpoint.split_once("://").map_or(&*endpoint, |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or_default();
        let host = authority.split(':').next().unwrap_or_default();
        [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|amazon| host.ends_with(amazon))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazon_is_told_from_others() {
        let of = |endpoint: &str| is_amazon(&SdkConfig::builder().endpoint_url(endpoint).build());
        assert!(is_amazon(&SdkConfig::builder().build()));
        assert!(of("https://bucket.vpce-1.s3.eu-central-1.vpce.amazonaws.com"));
        assert!(of("https://s3.cn-north-1.amazonaws.com.cn:443/"));
        for other in [
            "http://127.0.0.1:9000",
            "https://s3.example.org",
            "https://amazonaws.com.example.org/x.amazonaws.com",
        ] {
            assert!(!of(other), "{other}");
        }
    }
}
