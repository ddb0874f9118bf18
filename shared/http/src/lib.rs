//! The one place that knows the wire: how a request of the OCI distribution API is read, what it asks of
//! the operations, and how their outcome is answered. Serves any `http::Request`, whoever received it.

mod answer;
mod answers;
mod body;
mod content_range;
mod error;
mod extensions;
mod log;
mod paging;
mod query;
mod range;
mod registry;
mod request;
mod route;
mod time;

pub use body::AnswerBody;
pub use error::{ErrorCode, refusal, refuse};
pub use registry::{Access, Halves, Registry};
pub use time::rfc3339;

/// The parsers of what comes over the wire, for the fuzz targets.
#[doc(hidden)]
pub mod parsers {
    pub use crate::content_range::content_range;
    pub use crate::query::Query;
    pub use crate::range::byte_range;
    pub use crate::route::{Route, route};
}

#[cfg(test)]
mod parsers_tests;
