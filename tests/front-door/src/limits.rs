//! What Lambda refuses, in its own words, and the bounds of this program.

/// Bytes of an event, for an invocation that is waited for. Lambda quotas: "6 MB".
pub const REQUEST_BYTES_MAX: usize = 6_291_456;
/// Bytes of a function's result. Lambda's own message names it; it is 100 bytes more than the request's.
pub const RESPONSE_BYTES_MAX: usize = 6_291_556;
/// What a function URL answers (413, `X-Amzn-Errortype: RequestEntityTooLargeException`), as captured by others from
/// real ones. What an HTTP API makes of it is not known here.
pub const REQUEST_TOO_LARGE: &str =
    r#"{"Message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}"#;
/// What the Runtime API answers to the function (413).
pub const RESPONSE_TOO_LARGE: &str = r#"{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}"#;

/// Until a function has to ask for its first invocation (Lambda Developer Guide, "Init phase").
pub const INIT_MS_MAX: u64 = 10_000;

/// Bytes read on after a 413, so that a client that writes before it reads sees it.
pub(crate) const DRAIN_BYTES_MAX: usize = 16 << 20;
/// Invocations of one function that wait for an instance; one more is answered 429.
pub(crate) const WAITING_MAX: usize = 1_000;
/// Events not delivered yet; one more is answered 429.
pub(crate) const EVENTS_PENDING_MAX: u64 = 100_000;
/// Bytes of a request to the control address.
pub(crate) const CONTROL_BYTES_MAX: usize = 16 << 20;
/// Entries of one call of `PutEvents`, and bytes of all of them (EventBridge API reference and User Guide).
pub(crate) const BUS_ENTRIES_MAX: usize = 10;
pub(crate) const BUS_ENTRIES_BYTES_MAX: usize = 256 << 10;
/// Instances of one function.
pub const INSTANCES_MAX: usize = 64;
