//! Counting requests by operation where they pass a socket: what a client really sent, its retries included.

mod operation;
mod proxy;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

pub use operation::operation;
pub use proxy::{Listening, control, proxy};

/// How often each operation passed, by names as `s3:PutObject` and `dynamodb:GetItem`. Clones share their counts.
#[derive(Clone, Default)]
pub struct Counts {
    by_operation: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Counts {
    fn add(&self, operation: String) {
        *self.lock().entry(operation).or_default() += 1;
    }

    /// All that passed since the start or the last reset.
    pub fn get(&self) -> BTreeMap<String, u64> {
        self.lock().clone()
    }

    /// Back to nothing.
    pub fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.by_operation.lock().expect("counting does not panic")
    }
}
