//! The promises of both ports, clause by clause; a power cut loses all that was not synced.

use std::sync::Arc;

use async_trait::async_trait;
use moorage_embedded::testing::{Recorder, Unsynced};
use moorage_embedded::{Embedded, Options};
use moorage_ports::Context;
use moorage_ports::contract::{Ending, Fixture, Pair, Reopened};
use tempfile::TempDir;

use crate::support::scratch;

/// One store on a directory of its own.
struct Opened {
    _root: TempDir,
    disk: Arc<Recorder>,
    store: Arc<Embedded>,
}

impl Opened {
    fn fresh() -> Self {
        Self::on(scratch())
    }

    fn on(root: TempDir) -> Self {
        let disk = Recorder::new(root.path()).expect("it can be watched");
        let store = Embedded::open_on(
            Arc::new(Arc::clone(&disk)),
            root.path(),
            Options::default(),
            &Context::system(),
        );
        Self { _root: root, disk, store: Arc::new(store.expect("it opens")) }
    }

    fn reopen(&mut self, ending: Ending) {
        let unsynced = match ending {
            Ending::Closed => {
                self.store.close();
                Unsynced::Kept
            }
            Ending::PowerCut => Unsynced::Lost,
        };
        let left = scratch();
        let remains = self.disk.after_power_cut(self.disk.position(), unsynced);
        remains.write_to(left.path()).expect("it can be written");
        *self = Self::on(left);
    }
}

macro_rules! fixture {
    ($name:ident, $store:ty, $of:expr) => {
        struct $name(Opened);

        #[async_trait]
        impl Fixture for $name {
            type Store = $store;

            async fn fresh() -> Self {
                Self(Opened::fresh())
            }

            fn store(&self) -> Arc<Self::Store> {
                $of(&self.0.store)
            }

            async fn reopen(&mut self, ending: Ending) -> Reopened {
                self.0.reopen(ending);
                Reopened::Done
            }
        }
    };
}

fixture!(AsOnePort, Embedded, Arc::clone);
fixture!(AsBoth, Pair<Embedded, Embedded>, both);

fn both(store: &Arc<Embedded>) -> Arc<Pair<Embedded, Embedded>> {
    Arc::new(Pair { table: Arc::clone(store), blobs: Arc::clone(store) })
}

mod table {
    moorage_ports::table_contract!(super::AsOnePort);
}

mod blobs {
    moorage_ports::blobs_contract!(super::AsOnePort);
}

mod pair {
    moorage_ports::pair_contract!(super::AsBoth);
}
