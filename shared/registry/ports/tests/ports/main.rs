//! The ports' own tests: one binary, so that they link once.

mod broken;
mod calls;
mod clauses_are_listed;
mod faults;
mod keys;
mod keys_are_built_in_one_place;
mod memory_keeps_the_contract;
mod test_context;
mod values;
