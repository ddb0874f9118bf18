//! The two storage ports on Amazon S3 and DynamoDB, or on whatever speaks as they do, and a bus for events on Amazon
//! EventBridge: which endpoint, region and credentials comes from the standard variables of AWS.
//!
//! [`Table`] is the reference table on one DynamoDB table, [`Blobs`] the blob store on one S3 bucket, [`EventBridge`]
//! where events are handed to. All are clients without state: any number of processes may use one table and one bucket.

mod attempts;
mod config;
mod dynamodb;
mod error;
mod events;
pub mod prices;
mod s3;
pub mod setup;

pub use config::{Endpoints, endpoints, sdk_config, with_call_time_max};
pub use dynamodb::{Table, change_of_event};
pub use events::EventBridge;
pub use s3::Blobs;
