//! Which storage calls a request made: what its log line says, and what its budget is held to.
//!
//! [`CountCalls`] counts the calls that pass through it, for the request around them: [`scope`] runs a
//! request and answers with its count. No locks, and nothing to hand from function to function.
//!
//! What a task does that the request spawned is not counted for the request: a scope belongs to one task.

mod backend;
mod count_calls;
mod kind;

use std::cell::Cell;
use std::fmt;
use std::ops::{AddAssign, Sub};

pub use backend::{Backend, note_backend};
pub use count_calls::CountCalls;
pub use kind::Call;

/// How many calls of each kind there were, and what they moved.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    counts: [Count; Call::ALL.len()],
    /// Bytes of objects and of manifests' bodies that were answered. Bytes of records are not counted.
    pub bytes_read: u64,
    /// Bytes of objects and of manifests' bodies that were stored. Bytes of records are not counted.
    pub bytes_written: u64,
}

/// Calls of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Count {
    pub calls: u32,
    /// Items, keys or changes in them: those that a batch or a transaction named, and those that a query, a
    /// list or a page of changes answered. One for each other call.
    pub items: u32,
}

impl Calls {
    /// Calls of one kind.
    #[must_use]
    pub fn of(&self, call: Call) -> Count {
        self.counts[call as usize]
    }

    /// Calls to the reference table.
    #[must_use]
    pub fn table(&self) -> u32 {
        self.sum(Call::is_table)
    }

    /// Calls to the blob store.
    #[must_use]
    pub fn blobs(&self) -> u32 {
        self.sum(|call| !call.is_table())
    }

    fn sum(&self, counted: impl Fn(Call) -> bool) -> u32 {
        Call::ALL.into_iter().filter(|call| counted(*call)).map(|call| self.of(call).calls).sum()
    }

    fn add_call(&mut self, call: Call, items: usize) {
        self.counts[call as usize].calls += 1;
        self.add_items(call, items);
    }

    fn add_items(&mut self, call: Call, items: usize) {
        self.counts[call as usize].items += u32::try_from(items).unwrap_or(u32::MAX);
    }
}

impl AddAssign for Calls {
    fn add_assign(&mut self, more: Self) {
        for (count, more) in self.counts.iter_mut().zip(more.counts) {
            count.calls += more.calls;
            count.items += more.items;
        }
        self.bytes_read += more.bytes_read;
        self.bytes_written += more.bytes_written;
    }
}

/// What came after an `earlier` count of the same calls.
impl Sub for Calls {
    type Output = Self;

    fn sub(mut self, earlier: Self) -> Self {
        for (count, earlier) in self.counts.iter_mut().zip(earlier.counts) {
            count.calls -= earlier.calls;
            count.items -= earlier.items;
        }
        self.bytes_read -= earlier.bytes_read;
        self.bytes_written -= earlier.bytes_written;
        self
    }
}

/// `2 table (1 get, 1 transact of 3), 1 blob (1 get)`, or `none`.
impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (store, calls, is_table) in [("table", self.table(), true), ("blob", self.blobs(), false)] {
            if calls > 0 {
                write!(f, "{between}{calls} {store} (")?;
                self.write_kinds(f, is_table)?;
                f.write_str(")")?;
                between = ", ";
            }
        }
        if between.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}, {} bytes read, {} written", self.bytes_read, self.bytes_written)
    }
}

impl Calls {
    fn write_kinds(&self, f: &mut fmt::Formatter<'_>, of_table: bool) -> fmt::Result {
        let mut between = "";
        for call in Call::ALL.into_iter().filter(|call| call.is_table() == of_table) {
            let Count { calls, items } = self.of(call);
            if calls > 0 {
                write!(f, "{between}{calls} {}", call.name())?;
                if call.names_items() {
                    write!(f, " of {items}")?;
                }
                between = ", ";
            }
        }
        Ok(())
    }
}

tokio::task_local! {
    static SCOPE: Cell<Calls>;
}

/// What one request made of the stores.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Counted {
    /// Calls of the ports.
    pub calls: Calls,
    /// What adapters sent to their backends for them.
    pub backend: Backend,
}

/// Runs a request and counts the calls it makes through a [`CountCalls`], and what adapters send for them. A
/// scope in a scope counts for both.
pub async fn scope<F: Future>(request: F) -> (F::Output, Counted) {
    let counted = async {
        let output = request.await;
        (output, SCOPE.with(Cell::get))
    };
    let ((output, calls), backend) = backend::scope(SCOPE.scope(Cell::default(), counted)).await;
    note(|around| *around += calls);
    (output, Counted { calls, backend })
}

/// Changes the count of the request that is running, if there is one.
fn note(change: impl FnOnce(&mut Calls)) {
    // Outside of every scope, as at the start of the process, nobody asks.
    let _ = SCOPE.try_with(|cell| {
        let mut calls = cell.get();
        change(&mut calls);
        cell.set(calls);
    });
}

/// Where a [`CountCalls`] writes what it counts.
pub trait Ledger: Send + Sync {
    fn change(&self, change: impl Fn(&mut Calls));
}

/// The count of the request that is running.
#[derive(Clone, Copy, Default, Debug)]
pub struct OfTheRequest;

impl Ledger for OfTheRequest {
    fn change(&self, change: impl Fn(&mut Calls)) {
        note(change);
    }
}
