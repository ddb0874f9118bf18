//! What was found to be wrong.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Something acknowledged and still needed can't be had.
    Lost,
    /// What was told to be there was refused within the grace.
    BrokenPromise,
    /// A manifest that is there needs something that is not.
    Incomplete,
    /// What went into the recycle bin did not come out of it whole.
    BadRestore,
    /// What needs something else was ignored by a delete.
    DeletedWhatIsNeeded,
    /// What was deleted is still there.
    UndoneDelete,
    WrongBytes,
    ServerError,
    /// A connection broke although nobody killed the process, or a process ended by itself.
    Broken,
    /// Something stays that nothing holds.
    LeftOver,
}

impl Kind {
    /// Whether a client was let down.
    pub fn is_loss(self) -> bool {
        use Kind::{BadRestore, BrokenPromise, DeletedWhatIsNeeded, Incomplete, Lost, WrongBytes};
        matches!(self, Lost | BrokenPromise | Incomplete | BadRestore | DeletedWhatIsNeeded | WrongBytes)
    }
}

#[derive(Clone, Debug)]
pub struct Finding {
    pub kind: Kind,
    at: f64,
    what: String,
    why: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.3} s: {:?}: {}: {}", self.at, self.kind, self.what, self.why)
    }
}

/// Those of one run, in the order in which they were found.
#[derive(Debug)]
pub struct Findings {
    began: Instant,
    all: Mutex<Vec<Finding>>,
}

impl Findings {
    pub fn new(began: Instant) -> Self {
        Self { began, all: Mutex::default() }
    }

    pub fn add(&self, kind: Kind, what: impl Into<String>, why: impl Into<String>) {
        let at = self.began.elapsed().as_secs_f64();
        let finding = Finding { kind, at, what: what.into(), why: why.into() };
        println!("found at {finding}");
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push(finding);
    }

    pub fn all(&self) -> Vec<Finding> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
