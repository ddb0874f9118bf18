//! How the SDK is set up: from the standard variables of AWS, with our HTTP client, bounded retries, and a
//! time-out on everything.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::service_config::ServiceConfigKey;

/// How often the SDK sends one request, the first time included.
const ATTEMPTS_MAX: u32 = 3;
/// Its first pause is at most this long; each further one twice as long, at most [`RETRY_PAUSE_MAX`].
const RETRY_PAUSE_FIRST: Duration = Duration::from_millis(50);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);
/// To make a connection, TLS included.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
/// One attempt of a call to the table: usually milliseconds, up to 16 MB for a batch.
const TABLE_ATTEMPT_TIME_MAX: Duration = Duration::from_secs(5);
/// One call to the table with its retries. Twice that is the most that a call of the port takes
/// ([`crate::dynamodb`] begins no further try after the first half), and below the 30 s of the functions.
pub(crate) const TABLE_OPERATION_TIME_MAX: Duration = Duration::from_secs(10);

/// The configuration for this process: endpoint, region and credentials from the standard variables of AWS
/// (`AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL_DYNAMODB`, …), from a profile, or from the machine's
/// role.
///
/// Makes no call: credentials are fetched when the first request needs them.
pub async fn sdk_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client())
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(ATTEMPTS_MAX)
                .with_initial_backoff(RETRY_PAUSE_FIRST)
                .with_max_backoff(RETRY_PAUSE_MAX),
        )
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT_TIME_MAX).build())
        .load()
        .await
}

/// Where requests to the storage go: an endpoint that was set, else none and Amazon's.
///
/// Every client takes its endpoint so, those that have no place here too: `AWS_ENDPOINT_URL_DYNAMODB_STREAMS` for the
/// table's stream, `AWS_ENDPOINT_URL_EVENTBRIDGE` for events.
pub struct Endpoints {
    pub s3: Option<String>,
    pub dynamodb: Option<String>,
}

/// The endpoints of the two services, as the SDK finds them.
#[must_use]
pub fn endpoints(sdk: &SdkConfig) -> Endpoints {
    Endpoints { s3: endpoint(sdk, "S3"), dynamodb: endpoint(sdk, "DynamoDB") }
}

/// The endpoint for a service, found as the SDK finds it.
pub(crate) fn endpoint(sdk: &SdkConfig, service_id: &str) -> Option<String> {
    let everyones = || sdk.endpoint_url().map(str::to_owned);
    if sdk.get_origin("endpoint_url").is_client_config() {
        return everyones();
    }
    let key = ServiceConfigKey::builder()
        .service_id(service_id)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .expect("all of its fields are set");
    sdk.service_config().and_then(|config| config.load_config(key)).or_else(everyones)
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(crypto())).build_https()
}

#[cfg(all(feature = "tls-ring", not(feature = "tls-aws-lc")))]
fn crypto() -> CryptoMode {
    CryptoMode::Ring
}

#[cfg(feature = "tls-aws-lc")]
fn crypto() -> CryptoMode {
    CryptoMode::AwsLc
}

#[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc")))]
compile_error!("moorage-aws needs a TLS provider: switch on its feature tls-ring or tls-aws-lc");

/// What clients are made from, with no call longer than this: for a process that is ended itself after a time.
#[must_use]
pub fn with_call_time_max(sdk: &SdkConfig, most: Duration) -> SdkConfig {
    let timeouts = sdk.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
    sdk.to_builder().timeout_config(timeouts.operation_timeout(most).build()).build()
}

/// The time-outs of calls to the table; those that `sdk` sets already stay.
pub(crate) fn table_timeouts(sdk: &SdkConfig) -> TimeoutConfig {
    with_defaults(
        sdk,
        &TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIME_MAX)
            .operation_attempt_timeout(TABLE_ATTEMPT_TIME_MAX)
            .operation_timeout(TABLE_OPERATION_TIME_MAX)
            .build(),
    )
}

/// The time-outs of `sdk`, and `defaults` where it has none.
pub(crate) fn with_defaults(sdk: &SdkConfig, defaults: &TimeoutConfig) -> TimeoutConfig {
    let mut timeouts = sdk.timeout_config().cloned().unwrap_or_else(|| TimeoutConfig::builder().build());
    timeouts.take_defaults_from(defaults);
    timeouts
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../../infra/template.yaml");

    #[test]
    fn no_call_to_the_table_outlasts_a_function() {
        let times = table_timeouts(&SdkConfig::builder().build());
        assert_eq!(times.operation_timeout(), Some(TABLE_OPERATION_TIME_MAX));
        assert!(times.operation_attempt_timeout() < times.operation_timeout());
        assert!(times.connect_timeout() < times.operation_attempt_timeout());
        let of_functions = TEMPLATE.lines().filter_map(|line| line.trim().strip_prefix("Timeout: "));
        let seconds: Vec<u64> = of_functions.map(|s| s.parse().expect("seconds")).collect();
        let shortest = seconds.iter().min().expect("the template has time-outs");
        assert!(2 * TABLE_OPERATION_TIME_MAX < Duration::from_secs(*shortest), "{seconds:?}");
    }

    #[test]
    fn what_is_set_stays() {
        let set = TimeoutConfig::builder().operation_timeout(Duration::from_secs(3)).build();
        let times = table_timeouts(&SdkConfig::builder().timeout_config(set).build());
        assert_eq!(times.operation_timeout(), Some(Duration::from_secs(3)));
        assert_eq!(times.operation_attempt_timeout(), Some(TABLE_ATTEMPT_TIME_MAX));
    }
}
