//! Between the engine and what it drives: who asks for requests and judges answers, and what is counted.

use super::{Reply, Request};

/// What lanes send and how answers are judged.
pub trait Workload {
    /// Writes what `lane` sends next; `false` if it has nothing more to do.
    fn next(&mut self, lane: usize, request: &mut Request) -> bool;

    /// Judges the answer to what `lane` sent last.
    fn answer(&mut self, lane: usize, reply: &Reply) -> Verdict;

    /// The last request of `lane` came to nothing (the connection broke): whatever it was part of is over.
    fn gave_up(&mut self, lane: usize) {
        let _ = lane;
    }
}

/// What an answer means for the unit of work it belongs to.
pub enum Verdict {
    /// Right, and more requests belong to the unit.
    Continue,
    /// Right, and the unit is complete.
    Done,
    /// Wrong, and why: the unit is over and counts as an error.
    Wrong(String),
}

/// What was counted.
#[derive(Default)]
pub struct Tally {
    /// Nanoseconds from a unit's first request to its last answer, one a complete unit.
    pub latencies_ns: Vec<u64>,
    pub requests: u64,
    /// Bytes of bodies received.
    pub bytes: u64,
    pub wrong: u64,
    pub first_wrong: Option<String>,
}

impl Tally {
    pub fn note_wrong(&mut self, why: String) {
        self.wrong += 1;
        self.first_wrong.get_or_insert(why);
    }

    /// So many errors, and so few good units, that going on is no use.
    pub(super) fn is_hopeless(&self) -> bool {
        self.wrong >= 50 && self.wrong * 4 > self.latencies_ns.len() as u64
    }
}
