//! Attempts: what the SDK really sends. One call of ours is one operation of the SDK, which sends it again
//! when it fails in a way that may pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use moorage_ports::calls::note_backend;

use crate::prices;

/// Every operation of the adapters, as the ledger calls it. Their names are those of the policies of IAM.
const OPERATIONS: &[&str] = &[
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:CreateTable",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeStream",
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:GetItem",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:TransactWriteItems",
    "dynamodb:UpdateItem",
    "dynamodb:UpdateTimeToLive",
    "events:PutEvents",
    "s3:AbortMultipartUpload",
    "s3:CompleteMultipartUpload",
    "s3:CreateBucket",
    "s3:CreateMultipartUpload",
    "s3:DeleteObject",
    "s3:GetBucketLifecycleConfiguration",
    "s3:GetObject",
    "s3:HeadBucket",
    "s3:HeadObject",
    "s3:ListMultipartUploads",
    "s3:ListObjectsV2",
    "s3:ListParts",
    "s3:PutBucketLifecycleConfiguration",
    "s3:PutObject",
    "s3:UploadPart",
    "s3:UploadPartCopy",
];

/// What stands in the ledger for an operation that is not of [`OPERATIONS`].
const OTHER: &str = "other";

/// The ledger's name of an operation.
fn ledger_name(metadata: &Metadata) -> &'static str {
    let service = match metadata.service() {
        "DynamoDB" | "DynamoDB Streams" => "dynamodb",
        "EventBridge" => "events",
        "S3" => "s3",
        _ => return OTHER,
    };
    let is_it = |name: &&str| {
        name.strip_prefix(service).and_then(|rest| rest.strip_prefix(':')) == Some(metadata.name())
    };
    OPERATIONS.iter().copied().find(is_it).unwrap_or(OTHER)
}

/// An interceptor for a whole client: notes each attempt for the ledger of the request that is running.
///
/// The SDK runs its interceptors in the task that awaits the operation, so that the request is known.
#[derive(Debug)]
pub(crate) struct NoteAttempts;

#[dyn_dispatch_hint]
impl Intercept for NoteAttempts {
    fn name(&self) -> &'static str {
        "NoteAttempts"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map_or(OTHER, ledger_name);
        let is_retry = config.load::<RequestAttempts>().is_some_and(|attempts| attempts.attempts() > 1);
        note_backend(|backend| {
            *backend.requests.entry(operation).or_default() += 1;
            backend.retries += u32::from(is_retry);
            backend.nano_usd += prices::of_request(operation);
        });
        Ok(())
    }
}

/// An interceptor for one call: whether an attempt of it may have taken effect although it failed.
///
/// Clones watch the same call: one goes into it, one stays outside.
#[derive(Clone, Default, Debug)]
pub(crate) struct Attempts {
    without_verdict: Arc<AtomicU32>,
}

impl Attempts {
    /// Whether an attempt came to an end without the service's word that it did nothing. Where a later one is
    /// refused, the reason may be the effect of that earlier one.
    pub(crate) fn may_have_taken_effect(&self) -> bool {
        self.without_verdict.load(Ordering::Relaxed) > 0
    }
}

#[dyn_dispatch_hint]
impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "Attempts"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let failed = !matches!(context.output_or_error(), Some(Ok(_)));
        // Only a refusal (4xx) says that nothing was done; a time-out, a broken connection or a 5xx does not.
        let refused = context.response().is_some_and(|response| response.status().is_client_error());
        if failed && !refused {
            self.without_verdict.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_named_as_in_policies() {
        for (service, operation, name) in [
            ("DynamoDB", "GetItem", "dynamodb:GetItem"),
            ("DynamoDB Streams", "GetRecords", "dynamodb:GetRecords"),
            ("S3", "PutObject", "s3:PutObject"),
            ("EventBridge", "PutEvents", "events:PutEvents"),
            ("S3", "GetItem", OTHER),
            ("STS", "AssumeRole", OTHER),
        ] {
            assert_eq!(ledger_name(&Metadata::new(operation, service)), name);
        }
    }

    #[test]
    fn the_list_has_no_name_twice() {
        assert!(OPERATIONS.is_sorted_by(|a, b| a < b));
    }
}
