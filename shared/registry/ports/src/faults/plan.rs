//! Which calls are to fail, and how.

use std::fmt;
use std::time::Duration;

use super::Decision;
use crate::calls::Call;
use crate::testing_context::mix;

/// How a call fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Answers with an error.
    Error(Moment),
    /// Never answers, as if the process had died: for a test that drops the caller then.
    Stop(Moment),
    /// Takes effect and answers as ever, after some time of the context's clock.
    Delay(Duration),
}

/// When a call fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// It did nothing.
    Before,
    /// A batch of writes has done the first half of them. Of any other call, nothing was done.
    Midway,
    /// All was done, and only the answer is missing.
    After,
}

/// A call among those through one [`super::Injector`]; each count begins with 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Point {
    /// The n-th call.
    Call(u64),
    /// The n-th call that writes.
    Write(u64),
    /// The n-th call of a kind.
    Kind(Call, u64),
    /// Each call of a kind.
    Each(Call),
}

/// Which calls fail.
#[derive(Clone, PartialEq, Debug)]
pub enum Plan {
    /// At these points. The first that fits a call counts.
    List(Vec<(Point, Fault)>),
    /// By chance: the same calls in the same order fail alike with the same seed.
    Seeded {
        seed: u64,
        /// Of a thousand calls, how many fail.
        per_mille: u16,
        /// Calls of other kinds never fail.
        calls: Vec<Call>,
        /// How they fail, each as likely as another; at least one.
        faults: Vec<Fault>,
    },
}

impl Plan {
    /// Nothing fails.
    #[must_use]
    pub fn nothing() -> Self {
        Self::List(Vec::new())
    }

    /// What was decided, once more: for as long as the calls come in the same order.
    #[must_use]
    pub fn replay(decisions: &[Decision]) -> Self {
        let failed = |decision: &Decision| Some((Point::Call(decision.number), decision.fault?));
        Self::List(decisions.iter().filter_map(failed).collect())
    }

    pub(super) fn fault(&self, call: Call, counts: Counts) -> Option<Fault> {
        match self {
            Self::List(list) => list.iter().find(|(point, _)| counts.are_at(*point, call)).map(|(_, f)| *f),
            Self::Seeded { seed, per_mille, calls, faults } => {
                let draw = mix(seed ^ mix(counts.calls));
                let fails = calls.contains(&call) && draw % 1000 < u64::from(*per_mille);
                let which = (draw / 1000) as usize % faults.len().max(1);
                if fails { faults.get(which).copied() } else { None }
            }
        }
    }
}

/// How many calls there were, the one that is asked about being the last.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    pub(super) calls: u64,
    pub(super) writes: u64,
    pub(super) of_kind: u64,
}

impl Counts {
    fn are_at(self, point: Point, call: Call) -> bool {
        match point {
            Point::Call(number) => number == self.calls,
            Point::Write(number) => call.is_write() && number == self.writes,
            Point::Kind(kind, number) => kind == call && number == self.of_kind,
            Point::Each(kind) => kind == call,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(moment) => write!(f, "error {moment}"),
            Self::Stop(moment) => write!(f, "stop {moment}"),
            Self::Delay(by) => write!(f, "delay of {} ms", by.as_millis()),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::Midway => "midway",
            Self::After => "after",
        })
    }
}
