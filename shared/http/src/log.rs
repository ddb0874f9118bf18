//! One line for each request, written when its answer was sent or given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moorage_ports::Clock;
use moorage_ports::calls::Counted;

/// What there is to say of a request.
pub(crate) struct Logged {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) began: Duration,
    pub(crate) operation: &'static str,
    pub(crate) method: http::Method,
    /// Where the path names nothing; other paths are said by the fields below, and may hold an upload's token.
    pub(crate) unknown_path: Option<String>,
    pub(crate) repository: String,
    /// The digest or the tag that the request is about.
    pub(crate) reference: String,
    pub(crate) status: u16,
    pub(crate) received_bytes: Arc<AtomicU64>,
    pub(crate) sent_bytes: u64,
    pub(crate) counted: Counted,
}

impl Drop for Logged {
    fn drop(&mut self) {
        let duration_us = (self.clock.monotonic() - self.began).as_micros();
        let Counted { calls, backend } = &self.counted;
        // Where storage bills by the request: an embedded one has nothing to say here.
        let billed = !backend.requests.is_empty();
        let received_bytes = self.received_bytes.load(Ordering::Relaxed);
        tracing::info!(
            target: "moorage::request",
            operation = self.operation,
            method = %self.method,
            unknown_path = self.unknown_path,
            repository = self.repository,
            reference = self.reference,
            status = self.status,
            received_bytes,
            sent_bytes = self.sent_bytes,
            duration_us = u64::try_from(duration_us).unwrap_or(u64::MAX),
            backend_calls = %calls,
            table_calls = billed.then(|| calls.table()),
            blob_calls = billed.then(|| calls.blobs()),
            backend_requests = billed.then(|| tracing::field::display(backend)),
            retries = billed.then_some(backend.retries),
            read_units = billed.then_some(backend.read_units),
            write_units = billed.then_some(backend.write_units),
            list_price_nano_usd = billed.then_some(backend.nano_usd),
            "request"
        );
    }
}
