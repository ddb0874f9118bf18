//! What the calls of a request became on their way to a backend that bills by the request: filled by the
//! adapter, whose one call may be several requests, and a retried request several attempts.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

/// The requests that were sent to backends, each attempt of each.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Backend {
    /// Attempts by operation: `dynamodb:GetItem`, `s3:PutObject`.
    pub requests: BTreeMap<&'static str, u32>,
    /// How many of them repeated one that had failed.
    pub retries: u32,
    /// Read units of the table, as the backend reported them.
    pub read_units: f64,
    /// Write units of the table, as the backend reported them.
    pub write_units: f64,
    /// What all of that costs by the backend's list of prices, in 10⁻⁹ USD; and what a client will cost that was
    /// sent to the backend with a signed URL.
    pub nano_usd: f64,
}

/// `dynamodb:GetItem 1, s3:PutObject 2`.
impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (operation, requests)) in self.requests.iter().enumerate() {
            let between = if index == 0 { "" } else { ", " };
            write!(f, "{between}{operation} {requests}")?;
        }
        Ok(())
    }
}

impl AddAssign<&Backend> for Backend {
    fn add_assign(&mut self, more: &Self) {
        for (operation, requests) in &more.requests {
            *self.requests.entry(operation).or_default() += requests;
        }
        self.retries += more.retries;
        self.read_units += more.read_units;
        self.write_units += more.write_units;
        self.nano_usd += more.nano_usd;
    }
}

tokio::task_local! {
    static SCOPE: RefCell<Backend>;
}

/// Runs a request and answers with what it sent. A scope in a scope counts for both.
pub(super) async fn scope<F: Future>(request: F) -> (F::Output, Backend) {
    let counted = async {
        let output = request.await;
        (output, SCOPE.with(RefCell::take))
    };
    let (output, backend) = SCOPE.scope(RefCell::default(), counted).await;
    note_backend(|around| *around += &backend);
    (output, backend)
}

/// For adapters: changes the count of the request that is running, if there is one. A task that the request
/// spawned has none.
pub fn note_backend(change: impl FnOnce(&mut Backend)) {
    // Outside of every scope, as at the start of the process, nobody asks.
    let _ = SCOPE.try_with(|backend| change(&mut backend.borrow_mut()));
}
