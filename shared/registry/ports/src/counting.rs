//! Counting for tests: everything that passes through one wrapper, whichever task it came from.
//!
//! ```
//! # use std::sync::Arc;
//! # use moorage_ports::counting::counting;
//! # fn shown(table: Arc<moorage_ports::contract::Memory>) {
//! let table = counting(table);
//! let before = table.ledger().snapshot();
//! // … a request …
//! let calls = table.ledger().snapshot() - before;
//! assert_eq!(calls.to_string(), "none");
//! # }
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use crate::calls::{Calls, CountCalls, Ledger, OfTheRequest};

/// A store or a table whose calls are counted in all, and for the request that makes them too.
pub type Counting<S> = CountCalls<S, Totals>;

/// Counts all that is done through it with `inner`, from none on.
#[must_use]
pub fn counting<S: ?Sized>(inner: Arc<S>) -> Counting<S> {
    CountCalls::into_ledger(inner, Totals::default())
}

/// All calls since the beginning.
#[derive(Default)]
pub struct Totals(Mutex<Calls>);

impl Totals {
    /// The calls up to now. The difference of two is what came between.
    #[must_use]
    pub fn snapshot(&self) -> Calls {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for Totals {
    fn change(&self, change: impl Fn(&mut Calls)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        OfTheRequest.change(change);
    }
}
