//! A blocking HTTP/1.1 client that says exactly how far an answer came: what a killed server still said
//! counts. It lacks TLS, pipelining, redirects and content codings.

mod answer;
mod connection;

pub use answer::Answer;
pub use connection::{Body, Broken, Connection, Request, chunk, head, open};
