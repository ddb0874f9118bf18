//! Storage that fails when a test says so.
//!
//! [`Faults`] wraps a table or a store. Before each call it asks an [`Injector`], which several wrappers
//! may share, whether this one is to fail, and how. What was decided is on record, and can be played again:
//!
//! ```
//! # use std::sync::Arc;
//! # use moorage_ports::calls::Call;
//! # use moorage_ports::faults::{Fault, Faults, Injector, Moment, Plan, Point};
//! # use moorage_ports::testing_context::TestContext;
//! # fn shown(memory: Arc<moorage_ports::contract::Memory>) {
//! // The third write fails, though it took effect.
//! let plan = Plan::List(vec![(Point::Write(3), Fault::Error(Moment::After))]);
//! let injector = Injector::new(plan, TestContext::new(0).clock);
//! let store = Faults::new(memory, &injector);
//! // … a push through `store` …
//! let again = Plan::replay(&injector.decisions());
//! # let _ = (store, again, Call::ALL);
//! # }
//! ```

mod injector;
mod plan;
mod wrapper;

pub use injector::{Decision, Injector};
pub use plan::{Fault, Moment, Plan, Point};
pub use wrapper::Faults;
