//! The blob store on an S3 in this process: the promises of the port, and what becomes of S3's failures.

#[path = "blobs/contract.rs"]
mod contract;
#[path = "blobs/failures.rs"]
mod failures;
#[path = "blobs/support.rs"]
mod support;
#[path = "blobs/uploads.rs"]
mod uploads;
