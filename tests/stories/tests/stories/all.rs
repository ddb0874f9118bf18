//! Every story, one file for each thing that can be asked; on each storage the same.

mod access;
mod budgets;
mod catalog;
mod children;
mod chunked_uploads;
mod collection;
mod concurrency;
mod deletes;
mod direct_uploads;
mod errors;
mod invariants;
mod kept;
mod logs;
mod manifests;
mod mounts;
mod names;
mod policies;
mod pulls;
mod recycle_bin;
mod referrers;
mod restart;
mod storage_fails;
mod tags;
mod tails;
mod uploads;
