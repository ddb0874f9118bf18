//! The contract suites: the promises of the ports, clause by clause, as tests that any adapter runs.
//!
//! An adapter says how it is opened ([`Fixture`]) and takes all clauses by one line; each becomes a test
//! of its own name:
//!
//! ```ignore
//! mod table {
//!     moorage_ports::table_contract!(crate::support::TableInADirectory);
//! }
//! mod blobs {
//!     moorage_ports::blobs_contract!(crate::support::BlobsInADirectory);
//! }
//! mod pair {
//!     moorage_ports::pair_contract!(crate::support::BothInADirectory);
//! }
//! ```
//!
//! Every clause works in a corner of its own, under names drawn at random, and never assumes an empty
//! store: clauses may run side by side on one table and one bucket, and again on the same ones.

pub mod blobs;
mod corner;
mod expectation;
mod fixture;
mod list;
mod memory;
pub mod pair;
pub mod table;
mod through;

pub use fixture::{Clause, Ending, Fixture, Reopened, run};
pub use memory::Memory;
pub use pair::Pair;
pub use through::{ThroughCounting, ThroughFaults};
