//! The DynamoDB adapter: the contract on an emulator in this process, and what an emulator never does (it is not
//! throttled, loses no answer, meets no conflict) by clients that answer by a script.

#[path = "table/batches.rs"]
mod batches;
#[path = "table/contract.rs"]
mod contract;
#[path = "table/failures.rs"]
mod failures;
#[path = "table/feed.rs"]
mod feed;
#[path = "table/own_effects.rs"]
mod own_effects;
#[path = "table/script.rs"]
mod script;
#[path = "table/setup.rs"]
mod setup;
#[path = "table/transactions.rs"]
mod transactions;
#[path = "table/units.rs"]
mod units;
