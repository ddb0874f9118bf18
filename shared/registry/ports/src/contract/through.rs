//! The suites through the wrappers: a wrapper that was told nothing keeps every promise of what is inside.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Ending, Fixture, Reopened};
use crate::context::Context;
use crate::counting::{Counting, counting};
use crate::faults::{Faults, Injector, Plan};

/// A fixture through a fault wrapper with an empty plan.
pub struct ThroughFaults<F: Fixture> {
    inner: F,
    injector: Arc<Injector>,
}

#[async_trait]
impl<F: Fixture> Fixture for ThroughFaults<F> {
    type Store = Faults<F::Store>;
    const FEED_DELAY_MAX: Duration = F::FEED_DELAY_MAX;
    const PART_BYTES_MIN: usize = F::PART_BYTES_MIN;

    async fn fresh() -> Self {
        let injector = Injector::new(Plan::nothing(), Context::system().clock);
        Self { inner: F::fresh().await, injector }
    }

    fn store(&self) -> Arc<Self::Store> {
        Arc::new(Faults::new(self.inner.store(), &self.injector))
    }

    async fn reopen(&mut self, ending: Ending) -> Reopened {
        self.inner.reopen(ending).await
    }
}

/// A fixture through a counting wrapper.
pub struct ThroughCounting<F: Fixture>(F);

#[async_trait]
impl<F: Fixture> Fixture for ThroughCounting<F> {
    type Store = Counting<F::Store>;
    const FEED_DELAY_MAX: Duration = F::FEED_DELAY_MAX;
    const PART_BYTES_MIN: usize = F::PART_BYTES_MIN;

    async fn fresh() -> Self {
        Self(F::fresh().await)
    }

    fn store(&self) -> Arc<Self::Store> {
        Arc::new(counting(self.0.store()))
    }

    async fn reopen(&mut self, ending: Ending) -> Reopened {
        self.0.reopen(ending).await
    }
}
