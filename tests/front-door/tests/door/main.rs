//! From outside: the program itself, with a tiny function of this package behind it.
#![expect(clippy::disallowed_methods, reason = "a test waits for real processes")]

mod bus;
mod events;
mod failures;
mod instances;
mod real_template;
mod requests;
mod stream;
mod support;
