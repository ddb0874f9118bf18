//! S3 and DynamoDB for tests, in one process.
//!
//! [`Engines::in_process`] answers the SDK's requests without a socket: every request is signed, sent, checked,
//! carried out and answered as it would be over one, only that it passes by value. [`Engines::serve`] answers the
//! same on a loopback port, for programs that a test starts. [`Engines::from_environment`] names engines that
//! others wrote.
//!
//! Both doubles differ from AWS in places; [`s3`] and [`dynamodb`] say where. [`streams`] is a third, for what
//! happens to a stream's shards.

pub mod counting;
pub mod dynamodb;
mod engines;
mod in_process;
mod loopback;
pub mod s3;
pub mod streams;

pub use engines::{ACCESS_KEY, Engines, EnvironmentError, REGION, SECRET_KEY};
pub use loopback::Served;
