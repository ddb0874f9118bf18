//! The embedded store, from outside.

mod cleaning;
mod contract;
mod durability;
mod failures;
mod groups;
mod store;
mod support;
