//! The candidates, and the ways to run them that are worth a column.

mod fjall;
mod lmdb;
mod redb;
mod redb_log;
mod sqlite;

use crate::store::Store;
use anyhow::{Result, bail};
use std::path::Path;

/// Every column of the table, in its order.
pub const NAMES: &[&str] =
    &["redb-1phase", "redb-2phase", "redb-quick", "redb-log", "sqlite", "sqlite-clustered", "fjall", "lmdb"];

/// Opens the store in `dir`, making it if it is not there. `cache_mib` bounds the store's own cache; one
/// that maps its file has none.
pub fn open(name: &str, dir: &Path, cache_mib: usize) -> Result<Box<dyn Store>> {
    Ok(match name {
        "redb-1phase" => Box::new(redb::Redb::open(dir, cache_mib, redb::Commit::OnePhase)?),
        "redb-2phase" => Box::new(redb::Redb::open(dir, cache_mib, redb::Commit::TwoPhase)?),
        "redb-quick" => Box::new(redb::Redb::open(dir, cache_mib, redb::Commit::QuickRepair)?),
        "redb-log" => Box::new(redb_log::RedbLog::open(dir, cache_mib)?),
        "sqlite" => Box::new(sqlite::Sqlite::open(dir, cache_mib, sqlite::Layout::Indexed)?),
        "sqlite-clustered" => Box::new(sqlite::Sqlite::open(dir, cache_mib, sqlite::Layout::Clustered)?),
        "fjall" => Box::new(fjall::Fjall::open(dir, cache_mib)?),
        "lmdb" => Box::new(lmdb::Lmdb::open(dir)?),
        _ => bail!("no store is called {name}; there are {NAMES:?}"),
    })
}
