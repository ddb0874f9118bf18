//! A client for load: HTTP/1.1 over non-blocking sockets, many connections in one thread.
//!
//! It shares the processor with the server it measures, so it does as little as it can: one send and one
//! receive a request, buffers that are used again, and bodies that are counted, not copied, unless the
//! workload asks to see one. What it deliberately lacks: TLS, pipelining, content codings, cookies.

mod chunks;
mod engine;
#[cfg(test)]
mod engine_tests;
mod link;
mod origin;
mod reply;
mod request;
mod workload;

pub use engine::Engine;
pub use origin::{Origin, resolve};
pub use reply::Reply;
pub use request::{ACCEPT, MANIFEST, OCTETS, Request};
pub use workload::{Tally, Verdict, Workload};
