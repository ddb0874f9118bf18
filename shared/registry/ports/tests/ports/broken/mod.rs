//! The suites are tested themselves: adapters that break one promise each, and the clause that says so.

mod blobs;
mod table;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_trait::async_trait;
use moorage_ports::contract::{self, Clause, Ending, Fixture, Memory, Pair, Reopened};

/// The memory adapter, but for one defect.
struct Broken<D> {
    defect: Option<D>,
    memory: Arc<Memory>,
}

thread_local! {
    /// What the fixtures of this thread are to break.
    static OF_TABLE: Cell<Option<table::Defect>> = const { Cell::new(None) };
    static OF_BLOBS: Cell<Option<blobs::Defect>> = const { Cell::new(None) };
}

/// A fixture of a broken adapter.
struct BrokenFixture<D>(Arc<Broken<D>>);

trait Defect: Copy + PartialEq + Send + Sync + 'static {
    /// The one that the thread's test set.
    fn of_this_thread() -> Option<Self>;
}

#[async_trait]
impl<D: Defect> Fixture for BrokenFixture<D> {
    type Store = Broken<D>;

    async fn fresh() -> Self {
        Self(Arc::new(Broken { defect: D::of_this_thread(), memory: Arc::default() }))
    }

    fn store(&self) -> Arc<Self::Store> {
        Arc::clone(&self.0)
    }

    async fn reopen(&mut self, ending: Ending) -> Reopened {
        if ending == Ending::PowerCut {
            self.0.memory.cut_power();
        }
        Reopened::Done
    }
}

/// Asserts that a clause passes on a sound adapter and fails on the broken one.
fn assert_catches<F: Fixture>(clauses: &[(&str, Clause<F>)], name: &str, break_it: impl FnOnce()) {
    let (_, clause) = clauses.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("no clause {name}"));
    contract::run::<F>(*clause);
    break_it();
    let outcome = catch_unwind(AssertUnwindSafe(|| contract::run::<F>(*clause)));
    assert!(outcome.is_err(), "{name} passes on an adapter that breaks it");
}

/// A table and a blob store that know nothing of each other.
struct Unlinked(Arc<Pair<Memory, Memory>>);

#[async_trait]
impl Fixture for Unlinked {
    type Store = Pair<Memory, Memory>;

    async fn fresh() -> Self {
        Self(Arc::new(Pair { table: Arc::default(), blobs: Arc::default() }))
    }

    fn store(&self) -> Arc<Self::Store> {
        Arc::clone(&self.0)
    }

    async fn reopen(&mut self, _ending: Ending) -> Reopened {
        self.0.table.cut_power();
        self.0.blobs.cut_power();
        Reopened::Done
    }
}

#[test]
fn objects_that_a_record_does_not_take_along_are_caught() {
    for (name, clause) in contract::pair::clauses::<Unlinked>() {
        let outcome = catch_unwind(|| contract::run::<Unlinked>(clause));
        let in_passing = name.ends_with("a_record_never_outlives_its_object");
        assert_eq!(outcome.is_err(), !in_passing, "{name}");
    }
}
