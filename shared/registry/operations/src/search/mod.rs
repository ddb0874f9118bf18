//! Searching for manifests: in the whole registry or in a repository, the newest first.
//!
//! One criterion leads, the others filter. What leads has its entries in one partition of a repository, or in as many
//! as there are shards of the whole registry: these are read bit by bit, as one list. Each manifest that an entry names
//! is looked at, its record and what is said of it in one read. So a page costs the same whatever there is, and an entry
//! that a manifest left behind shows nothing.

mod candidates;
mod criteria;
mod merge;
mod page;
#[cfg(test)]
mod tests;

pub use criteria::{InvalidPlatform, Lead, NamedValue, Platform, SearchQuery};
pub use page::{FoundManifest, SearchPage};
