//! What the Lambda functions share: each of them is a `main` of a few lines.
//!
//! Requests come as events of API Gateway's HTTP format 2.0 (also that of function URLs) and go as its answers;
//! both are read and written here, not by `lambda_http`: its conversion panics on what a request line, a Host
//! header or a body may hold, normalises paths, re-decodes bodies by their type, and drops all but the first of
//! a repeated header ([`front`]).
//!
//! A log line is a metric of CloudWatch at the same time ([`log`]).

mod answer;
mod collect;
mod environment;
mod front;
mod ingest;
mod log;
mod metrics;
mod outlet;
mod request;
mod start;
mod storage;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use start::{Half, collect, ingest, serve};
