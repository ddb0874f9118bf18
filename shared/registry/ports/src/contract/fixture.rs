//! How an adapter lends its store to the clauses.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

/// One store, opened for one clause.
#[async_trait]
pub trait Fixture: Send + Sync + Sized {
    /// The adapter, or two of them as a [`super::Pair`].
    type Store: Send + Sync + 'static;

    /// How long after its write a change may reach the feed; an outbox takes no time.
    const FEED_DELAY_MAX: Duration = Duration::ZERO;

    /// Bytes that every part but the last must have. S3: 5 MiB.
    const PART_BYTES_MIN: usize = 1;

    /// Opens a store: a fresh one, or one that other clauses use as well.
    async fn fresh() -> Self;

    /// The store that is open.
    fn store(&self) -> Arc<Self::Store>;

    /// Ends the store in that way and opens it again. No clause holds on to what [`Self::store`] gave it.
    async fn reopen(&mut self, _ending: Ending) -> Reopened {
        Reopened::Unsupported
    }
}

/// How a store comes to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// In good order.
    Closed,
    /// Without a warning. What was not yet synced is lost; a fixture that cannot lose it only kills.
    PowerCut,
}

/// Whether a fixture could do what a clause asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reopened {
    Done,
    /// This store is not ours to end; the clause ends without a verdict.
    Unsupported,
}

/// A clause of a suite, for a fixture.
pub type Clause<F> = fn(&mut F) -> Pin<Box<dyn Future<Output = ()> + '_>>;

/// No clause of a sound adapter comes near this.
const CLAUSE_TIME_MAX: Duration = Duration::from_secs(120);

/// Runs one clause on a fresh fixture, on two threads, so that races are real.
pub fn run<F: Fixture>(clause: Clause<F>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the machine has two threads to spare");
    runtime.block_on(async {
        let run = async {
            let mut fixture = F::fresh().await;
            clause(&mut fixture).await;
        };
        tokio::time::timeout(CLAUSE_TIME_MAX, run).await.expect("the clause came to an end");
    });
}
