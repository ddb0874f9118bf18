//! Who decides, and remembers.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::plan::Counts;
use super::{Fault, Plan};
use crate::calls::Call;
use crate::context::Clock;

/// Decides for each call by a plan. Wrappers that share one count their calls together, as one process does.
pub struct Injector {
    plan: Plan,
    pub(super) clock: Arc<dyn Clock>,
    decisions: Mutex<Vec<Decision>>,
}

/// What became of one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    /// Position among all calls, from 1.
    pub number: u64,
    pub call: Call,
    /// `None` where the call was left alone.
    pub fault: Option<Fault>,
}

impl Injector {
    #[must_use]
    pub fn new(plan: Plan, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { plan, clock, decisions: Mutex::default() })
    }

    /// All calls up to now, and what was decided of each. Its length is the number of points where a run
    /// like this one can fail.
    #[must_use]
    pub fn decisions(&self) -> Vec<Decision> {
        self.log().clone()
    }

    pub(super) fn decide(&self, call: Call) -> Option<Fault> {
        let mut log = self.log();
        let earlier = |counted: &dyn Fn(Call) -> bool| log.iter().filter(|d| counted(d.call)).count() as u64;
        let counts = Counts {
            calls: log.len() as u64 + 1,
            writes: earlier(&Call::is_write) + u64::from(call.is_write()),
            of_kind: earlier(&|kind| kind == call) + 1,
        };
        let fault = self.plan.fault(call, counts);
        log.push(Decision { number: counts.calls, call, fault });
        fault
    }

    fn log(&self) -> MutexGuard<'_, Vec<Decision>> {
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `17 put blob: error after`, for the message of a test that failed.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = if self.call.is_table() { "table" } else { "blob" };
        write!(f, "{} {store} {}", self.number, self.call.name())?;
        match self.fault {
            Some(fault) => write!(f, ": {fault}"),
            None => Ok(()),
        }
    }
}
