//! What the actors of one world know of each other: only what judging their outcomes needs, and what clients of one
//! team would hand on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use moorage_ports::testing_context::ManualClock;
use moorage_ports::{Clock, ObjectKey, Timestamp};

/// Something that can be deleted, in a repository; by index into the universe.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Thing {
    Blob(usize),
    Manifest(usize),
}

/// An upload that was opened, and of which anybody may send the closing request (again).
#[derive(Clone)]
pub struct OpenedUpload {
    pub repository: usize,
    pub blob: usize,
    pub token: String,
}

/// An object of a blob that the store has told of.
#[derive(Clone)]
pub struct MadeObject {
    pub object: ObjectKey,
    pub size: u64,
}

pub struct Shared {
    pub clock: Arc<ManualClock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    step: u64,
    deletes: BTreeMap<(usize, Thing), Deletes>,
    uploads: Vec<OpenedUpload>,
    objects: Vec<MadeObject>,
}

#[derive(Default)]
struct Deletes {
    under_way: u32,
    last_ended: Option<u64>,
}

/// Somebody was told that a thing is there.
#[derive(Clone, Copy)]
pub struct Promise {
    pub repository: usize,
    pub thing: Thing,
    since: Timestamp,
    since_step: u64,
}

impl Shared {
    pub fn new(clock: Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn next_step(&self) -> u64 {
        let mut state = self.state();
        state.step += 1;
        state.step
    }

    /// To be asked for before the request whose answer promises something.
    pub fn promise(&self, repository: usize, thing: Thing) -> Promise {
        Promise { repository, thing, since: self.clock.now(), since_step: self.state().step }
    }

    /// Whether a thing that was promised must be there still: for a grace, unless a client deletes it.
    pub fn is_owed(&self, promise: &Promise, grace_ms: u64) -> bool {
        let state = self.state();
        let deleted = state.deletes.get(&(promise.repository, promise.thing)).is_some_and(|deletes| {
            deletes.under_way > 0 || deletes.last_ended.is_some_and(|ended| ended >= promise.since_step)
        });
        !deleted && self.clock.now().since_ms(promise.since) < grace_ms
    }

    /// For as long as a client deletes something; also one that dies meanwhile.
    pub fn deleting(self: &Arc<Self>, repository: usize, thing: Thing) -> Deleting {
        self.state().deletes.entry((repository, thing)).or_default().under_way += 1;
        Deleting { shared: Arc::clone(self), of: (repository, thing) }
    }

    pub fn opened(&self, upload: OpenedUpload) {
        self.state().uploads.push(upload);
    }

    pub fn uploads(&self) -> Vec<OpenedUpload> {
        self.state().uploads.clone()
    }

    pub fn made(&self, object: MadeObject) {
        self.state().objects.push(object);
    }

    pub fn objects(&self) -> Vec<MadeObject> {
        self.state().objects.clone()
    }
}

/// A delete that is under way.
pub struct Deleting {
    shared: Arc<Shared>,
    of: (usize, Thing),
}

impl Drop for Deleting {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        let now = state.step;
        let deletes = state.deletes.entry(self.of).or_default();
        deletes.under_way -= 1;
        deletes.last_ended = Some(now);
    }
}
