//! Stories of the whole registry, one file for each thing that can be asked of it.
//!
//! Most end in a picture of all that is stored; all end with a look at it ([`invariants`]).

mod access;
mod budgets;
mod catalog;
mod children;
mod chunked_uploads;
mod concurrency;
mod deletes;
mod errors;
mod invariants;
mod logs;
mod manifests;
mod mounts;
mod names;
mod pulls;
mod referrers;
mod restart;
mod storage_fails;
mod tags;
mod uploads;
