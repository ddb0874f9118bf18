//! HTTP in, Lambda out: the functions as they run on AWS, on this machine.
//!
//! Ours, since `cargo lambda watch` has no limit on requests or results, freezes and kills nothing, and delivers no
//! events (its `trigger_router.rs` and `instance_pool.rs`, read in November 2026).
//!
//! Beside them stands a bus of EventBridge for what the functions tell; its address is the functions'
//! `AWS_ENDPOINT_URL_EVENTBRIDGE`, where no other was given.
//!
//! Not as on AWS: memory is not limited; a request beyond `--instances` waits (Lambda answers 429 at its own limit);
//! an initialisation that failed is not tried again within the invocation; streamed results are refused; waits
//! between retries are short; a Content-Length the client left out is not added.

#![expect(clippy::disallowed_methods, reason = "serde_json's `json!` has an `unwrap` that cannot fail")]

mod answer;
mod bus;
mod chance;
mod clock;
mod control;
mod door;
pub mod event;
mod events;
pub mod filter;
mod function;
mod instance;
pub mod limits;
mod routes;
mod runtime_api;
pub mod template;

pub use door::{Options, Running};
