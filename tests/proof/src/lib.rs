//! The registry's real operations and collectors, explored: each storage call is a step, the steps of several who
//! work at once are taken in every order, and invariants are checked in every state that can be reached.
//!
//! [`gate`] makes calls into values, which other tests may use too. The rest is this proof's: [`local`] learns from
//! the code what each role does next, [`explore`] goes through all orders of a [`scenarios`]' steps.

pub mod cast;
pub mod content;
pub mod explore;
pub mod gate;
pub mod invariants;
pub mod local;
pub mod mutants;
pub mod rest;
pub mod role;
pub mod scenarios;
pub mod seen;
pub mod spots;
pub mod store;
pub mod words;
pub mod world;
