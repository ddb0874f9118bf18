//! Makes and checks the bucket.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint,
    CreateBucketConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
};
use aws_smithy_types::error::operation::BuildError;
use moorage_ports::PortError;

use super::client::client;
use super::error::Failure as _;
use super::times::Times;

/// When the bucket takes away what an upload left behind: long after an upload can still go on.
const LEFT_BEHIND_DAYS: i32 = 7;
/// The rules, by the names that an operator sees. `infra/template.yaml` has them too.
const ABORT_RULE: &str = "moorage-abort-unfinished-uploads";
const TAILS_RULE: &str = "moorage-expire-tails";
/// Where the last bytes of chunked uploads lie ([`moorage_ports::ObjectKey::tail`]).
const TAILS: &str = "tails/";
/// Amazon's first region, which has no name where a bucket is made.
const REGION_WITHOUT_NAME: &str = "us-east-1";

/// Why a bucket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// It is not there, or not as it should be; the text says what to do.
    #[error("{0}")]
    Missing(String),
    /// S3 did not say.
    #[error("the bucket could not be looked at: {0}")]
    Failed(#[from] PortError),
}

/// Whether the bucket is there and may be used. Rules of it that are missing are only logged: without them,
/// what dying uploads leave behind is never taken away.
///
/// # Errors
/// What is missing, and what to do.
pub async fn check_bucket(sdk: &SdkConfig, bucket: &str) -> Result<(), BucketError> {
    let (client, times) = (client(sdk), Times::of(sdk));
    let head = client.head_bucket().bucket(bucket).customize().config_override(times.control()).send().await;
    if let Err(error) = head {
        return Err(match error.status() {
            Some(404) => BucketError::Missing(format!(
                "there is no bucket `{bucket}`: name another with --bucket (MOORAGE_BUCKET), or start once with \
                 --create, which makes it"
            )),
            Some(403) => BucketError::Missing(format!(
                "the bucket `{bucket}` may not be used: it belongs to somebody else (then name another with --bucket), \
                 or these credentials lack the right s3:ListBucket on it"
            )),
            Some(301) => BucketError::Missing(format!(
                "the bucket `{bucket}` is in another region{}: set AWS_REGION to that",
                region_of(error.raw_response())
            )),
            _ => error.told(&format!("head the bucket {bucket}")).into(),
        });
    }
    note_missing_rules(&client, times, bucket).await;
    Ok(())
}

/// Makes the bucket, if it is not there and ours already, and gives it its rules. Rules of others stay.
///
/// # Errors
/// What is in the way, and what to do.
pub async fn create_bucket(sdk: &SdkConfig, bucket: &str) -> Result<(), BucketError> {
    let (client, times) = (client(sdk), Times::of(sdk));
    let region = sdk.region().map(ToString::to_string).filter(|region| region != REGION_WITHOUT_NAME);
    let place = region.map(|region| {
        let constraint = BucketLocationConstraint::from(region.as_str());
        CreateBucketConfiguration::builder().location_constraint(constraint).build()
    });
    let created = client
        .create_bucket()
        .bucket(bucket)
        .set_create_bucket_configuration(place)
        .customize()
        .config_override(times.control())
        .send()
        .await;
    match created {
        Ok(_) => tracing::info!(bucket, "made the bucket"),
        Err(error) if error.is("BucketAlreadyOwnedByYou") => {}
        Err(error) if error.is("BucketAlreadyExists") => {
            // Some engines say this of one's own; whose it is shows when it is looked at.
            check_bucket(sdk, bucket).await.map_err(|_| {
                BucketError::Missing(format!(
                    "the bucket `{bucket}` belongs to somebody else: name another with --bucket (MOORAGE_BUCKET)"
                ))
            })?;
        }
        Err(error) if error.is("InvalidBucketName") => {
            return Err(BucketError::Missing(format!(
                "`{bucket}` cannot be the name of a bucket: 3 to 63 lower-case letters, digits, `-` and `.`, \
                 beginning and ending with a letter or a digit"
            )));
        }
        Err(error) => return Err(error.told(&format!("make the bucket {bucket}")).into()),
    }
    give_rules(&client, times, bucket).await
}

/// The rules that a bucket should have.
fn rules() -> Result<[LifecycleRule; 2], BuildError> {
    let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(LEFT_BEHIND_DAYS).build();
    let expire = LifecycleExpiration::builder().days(LEFT_BEHIND_DAYS).build();
    let rule = |id: &str, prefix: &str| {
        LifecycleRule::builder()
            .id(id)
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
    };
    Ok([
        rule(ABORT_RULE, "").abort_incomplete_multipart_upload(abort).build()?,
        rule(TAILS_RULE, TAILS).expiration(expire).build()?,
    ])
}

/// Adds our rules to those that the bucket has. An engine that knows no such rules is left without.
async fn give_rules(client: &Client, times: Times, bucket: &str) -> Result<(), BucketError> {
    let ours = rules().map_err(|error| PortError::Misuse(format!("rules of a bucket: {error}")))?;
    let theirs = match rules_of(client, times, bucket).await? {
        Rules::Has(theirs) => theirs,
        Rules::Unknown(why) => {
            tracing::warn!(
                bucket,
                why,
                "this engine has no lifecycle rules: what dying uploads leave behind is for its operator to remove"
            );
            return Ok(());
        }
    };
    let missing: Vec<_> = ours.into_iter().filter(|rule| !has(&theirs, rule)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let all: Vec<_> = theirs.into_iter().chain(missing).collect();
    match put_rules(client, times, bucket, all.clone()).await? {
        None => Ok(()),
        Some(why) => {
            // MinIO aborts unfinished uploads by a setting of its own, and refuses rules that say so.
            let expiring = all.into_iter().filter(|rule| rule.abort_incomplete_multipart_upload().is_none());
            let left = put_rules(client, times, bucket, expiring.collect()).await?;
            tracing::warn!(
                bucket,
                why,
                tails_expire = left.is_none(),
                "this engine refused a lifecycle rule: unfinished uploads are for its operator to remove"
            );
            Ok(())
        }
    }
}

/// `Some` are the words of an engine that refuses these rules.
async fn put_rules(
    client: &Client,
    times: Times,
    bucket: &str,
    rules: Vec<LifecycleRule>,
) -> Result<Option<String>, BucketError> {
    let all = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build();
    let all = all.map_err(|error| PortError::Misuse(format!("rules of a bucket: {error}")))?;
    let put = client
        .put_bucket_lifecycle_configuration()
        .bucket(bucket)
        .lifecycle_configuration(all)
        .customize()
        .config_override(times.control())
        .send()
        .await;
    match put {
        Ok(_) => Ok(None),
        Err(error) if error.status().is_some_and(|status| matches!(status, 400 | 405 | 501)) => {
            Ok(Some(error.told("set its lifecycle rules").to_string()))
        }
        Err(error) => Err(error.told(&format!("set the lifecycle rules of {bucket}")).into()),
    }
}

/// The lifecycle rules of a bucket.
enum Rules {
    Has(Vec<LifecycleRule>),
    /// The engine knows none, in its own words.
    Unknown(String),
}

async fn rules_of(client: &Client, times: Times, bucket: &str) -> Result<Rules, PortError> {
    let got = client
        .get_bucket_lifecycle_configuration()
        .bucket(bucket)
        .customize()
        .config_override(times.control())
        .send()
        .await;
    match got {
        Ok(got) => Ok(Rules::Has(got.rules().to_vec())),
        Err(error) if error.is("NoSuchLifecycleConfiguration") => Ok(Rules::Has(Vec::new())),
        Err(error) if error.status().is_some_and(|status| matches!(status, 400 | 404 | 405 | 501)) => {
            Ok(Rules::Unknown(error.told("get its lifecycle rules").to_string()))
        }
        Err(error) => Err(error.told(&format!("get the lifecycle rules of {bucket}"))),
    }
}

async fn note_missing_rules(client: &Client, times: Times, bucket: &str) {
    let Ok(ours) = rules() else { return };
    match rules_of(client, times, bucket).await {
        Ok(Rules::Has(theirs)) => {
            for rule in ours.iter().filter(|rule| !has(&theirs, rule)) {
                let rule = rule.id().unwrap_or_default();
                tracing::warn!(
                    bucket,
                    rule,
                    "the bucket lacks a lifecycle rule: start once with --create to add it"
                );
            }
        }
        Ok(Rules::Unknown(why)) => tracing::debug!(bucket, why, "this engine has no lifecycle rules"),
        // Whoever may only use the bucket need not be able to see its rules.
        Err(error) => tracing::debug!(bucket, %error, "the lifecycle rules could not be seen"),
    }
}

/// Whether one of them does what `ours` does, whatever its name.
fn has(theirs: &[LifecycleRule], ours: &LifecycleRule) -> bool {
    theirs.iter().any(|rule| {
        *rule.status() == ExpirationStatus::Enabled
            && (rule.id() == ours.id()
                || ours.abort_incomplete_multipart_upload().is_some()
                    && rule.abort_incomplete_multipart_upload().is_some()
                    && rule.filter().is_none_or(|filter| filter.prefix().unwrap_or_default().is_empty()))
    })
}

/// ` (eu-central-1)`, where S3 said it.
fn region_of(response: Option<&aws_smithy_runtime_api::client::orchestrator::HttpResponse>) -> String {
    let region = response.and_then(|response| response.headers().get("x-amz-bucket-region"));
    region.map_or_else(String::new, |region| format!(" ({region})"))
}
