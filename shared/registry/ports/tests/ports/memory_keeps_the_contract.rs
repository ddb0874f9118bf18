//! The suites on the memory adapter, bare and through the wrappers.

use std::sync::Arc;

use async_trait::async_trait;
use moorage_ports::contract::{Ending, Fixture, Memory, Pair, Reopened};

/// A table and a blob store in memory; what a power cut takes is taken.
pub(crate) struct InMemory(Arc<Memory>);

#[async_trait]
impl Fixture for InMemory {
    type Store = Memory;

    async fn fresh() -> Self {
        Self(Arc::default())
    }

    fn store(&self) -> Arc<Memory> {
        Arc::clone(&self.0)
    }

    async fn reopen(&mut self, ending: Ending) -> Reopened {
        if ending == Ending::PowerCut {
            self.0.cut_power();
        }
        Reopened::Done
    }
}

/// The same as a pair.
pub(crate) struct PairInMemory(InMemory);

#[async_trait]
impl Fixture for PairInMemory {
    type Store = Pair<Memory, Memory>;

    async fn fresh() -> Self {
        Self(InMemory::fresh().await)
    }

    fn store(&self) -> Arc<Self::Store> {
        Arc::new(Pair { table: self.0.store(), blobs: self.0.store() })
    }

    async fn reopen(&mut self, ending: Ending) -> Reopened {
        self.0.reopen(ending).await
    }
}

mod table {
    moorage_ports::table_contract!(super::InMemory);
}

mod blobs {
    moorage_ports::blobs_contract!(super::InMemory);
}

mod pair {
    moorage_ports::pair_contract!(super::PairInMemory);
}

mod through_faults {
    use moorage_ports::contract::ThroughFaults;

    mod table {
        moorage_ports::table_contract!(super::ThroughFaults<super::super::InMemory>);
    }

    mod blobs {
        moorage_ports::blobs_contract!(super::ThroughFaults<super::super::InMemory>);
    }
}

mod through_counting {
    use moorage_ports::contract::ThroughCounting;

    mod table {
        moorage_ports::table_contract!(super::ThroughCounting<super::super::InMemory>);
    }

    mod blobs {
        moorage_ports::blobs_contract!(super::ThroughCounting<super::super::InMemory>);
    }
}
