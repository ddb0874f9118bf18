//! The DynamoDB adapter: the contract on an emulator in this process, and what an emulator never does (it is not
//! throttled, loses no answer, meets no conflict) by a client that answers by a script.

#[path = "table/contract.rs"]
mod contract;
#[path = "table/failures.rs"]
mod failures;
#[path = "table/setup.rs"]
mod setup;
