//! What all threads share: the clients' journal, what was found, and whether the server may vanish.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::findings::Findings;
use crate::journal::Journal;

#[derive(Debug, Default)]
pub struct World {
    journal: Mutex<Journal>,
    pub findings: Findings,
    /// Set just before the server is killed: from then on a broken connection is no wonder.
    killed: AtomicBool,
    /// Set where clients are to finish what they are at, and stop.
    stop: AtomicBool,
    /// The server is killed at the very moment at which so many more answers have come.
    kill_at_answer: Mutex<Option<(usize, Pid)>>,
    /// When the server was asked to end. What was begun well before must be answered.
    asked_to_end: Mutex<Option<Instant>>,
}

impl World {
    pub fn of(journal: Journal) -> Self {
        Self { journal: Mutex::new(journal), ..Self::default() }
    }

    pub fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A server is about to start.
    pub fn begin_life(&self) {
        self.killed.store(false, Ordering::SeqCst);
        self.stop.store(false, Ordering::SeqCst);
        *self.kill_at_answer.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.asked_to_end.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub fn announce_kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
    }

    pub fn is_killed(&self) -> bool {
        self.killed.load(Ordering::SeqCst)
    }

    /// The server is to be killed as soon as the clients have got so many answers.
    pub fn kill_at_answer(&self, answers: usize, server: Pid) {
        *self.kill_at_answer.lock().unwrap_or_else(PoisonError::into_inner) = Some((answers, server));
    }

    /// Whether that is still to come.
    pub fn awaits_kill_at_answer(&self) -> bool {
        self.kill_at_answer.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// A change was acknowledged.
    pub fn one_answered(&self) {
        let mut kill = self.kill_at_answer.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *kill {
            Some((1, server)) => {
                self.announce_kill();
                // Whoever started it waits for its end, whoever killed it.
                let _ = kill_process(*server, Signal::KILL);
                *kill = None;
            }
            Some((answers, _)) => *answers -= 1,
            None => {}
        }
    }

    pub fn stop_clients(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    pub fn announce_end(&self) {
        *self.asked_to_end.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub fn asked_to_end(&self) -> Option<Instant> {
        *self.asked_to_end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
