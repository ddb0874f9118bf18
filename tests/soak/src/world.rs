//! What all threads share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moorage_kills::Tally;
use moorage_kills::content::Blob;

use crate::findings::Findings;
use crate::registry::Registry;

pub struct World {
    pub registry: Registry,
    pub findings: Findings,
    tally: Mutex<Tally>,
    stop: AtomicBool,
    pub grace: Duration,
    /// How long the recycle bin keeps something at least.
    pub bin: Duration,
    /// Promises that ran out before the client came to use them.
    pub ran_out: AtomicU64,
    /// Things that were compared with what they must be.
    pub compared: AtomicU64,
    /// Uploads that were acknowledged, each with an object of its own.
    pub uploads: AtomicU64,
    /// Those that were not answered. An object may have been put that no record names: the audit finds it.
    cut_off: Mutex<Vec<Blob>>,
}

impl World {
    pub fn new(registry: Registry, grace_ms: u64, recycle_ms: u64) -> Self {
        Self {
            registry,
            findings: Findings::new(Instant::now()),
            tally: Mutex::default(),
            stop: AtomicBool::new(false),
            grace: Duration::from_millis(grace_ms),
            bin: Duration::from_millis(recycle_ms.max(grace_ms)),
            ran_out: AtomicU64::new(0),
            compared: AtomicU64::new(0),
            uploads: AtomicU64::new(0),
            cut_off: Mutex::default(),
        }
    }

    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn note_cut_off(&self, blob: &Blob) {
        self.cut_off.lock().unwrap_or_else(PoisonError::into_inner).push(blob.clone());
    }

    pub fn cut_off(&self) -> Vec<Blob> {
        self.cut_off.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    pub fn count(&self, of: &AtomicU64) {
        of.fetch_add(1, Ordering::Relaxed);
    }
}
