//! Every clause, on dynoxide. It differs from AWS in that it never throttles, meets no conflict of transactions
//! and drops nothing when its time to live is over: `failures` is for those.

use std::sync::Arc;

use async_trait::async_trait;
use moorage_aws::{Table, setup};
use moorage_engines::Engines;
use moorage_ports::Context;
use moorage_ports::contract::Fixture;

struct InProcess {
    _engines: Engines,
    table: Arc<Table>,
}

#[async_trait]
impl Fixture for InProcess {
    type Store = Table;

    async fn fresh() -> Self {
        let engines = Engines::in_process();
        let (sdk, context) = (engines.sdk_config(), Context::system());
        setup::create_table(&sdk, "contract", &context).await.expect("the table is made");
        Self { _engines: engines, table: Arc::new(Table::new(&sdk, "contract", context)) }
    }

    fn store(&self) -> Arc<Self::Store> {
        Arc::clone(&self.table)
    }
}

moorage_ports::table_contract!(InProcess);
