//! What is sent: one file per thing a client does. Each is a [`Workload`](crate::http::Workload) and judges
//! its own answers, so that a wrong answer is an error and never a fast one.

mod lists;
mod push;
mod read;
mod read_back;
mod store;
mod upload;

pub use lists::{List, Listing};
pub use push::{Pushed, Pushing};
pub use read::{Method, Read, Reading, Thing};
pub use read_back::ReadBack;
pub use store::{Job, Storing};

use crate::http::{Reply, Verdict};

/// So much of an error's body is shown.
const TOLD_CHARS: usize = 120;

/// Wrong, in the words of the answer.
fn wrong(reply: &Reply, asked: &str, expected: &str) -> Verdict {
    let told = String::from_utf8_lossy(&reply.body);
    let told: String = told.trim().chars().take(TOLD_CHARS).collect();
    Verdict::Wrong(format!(
        "{asked}: expected {expected}, got status {}, Content-Length {:?}, {} bytes {told}",
        reply.status, reply.length, reply.body_length
    ))
}
