//! What the commands that only manage a storage share: it is opened, worked on, and let go of.

use moorage_collector::Collector;
use moorage_operations::{Settings, TokenSecret};
use moorage_ports::Context;
use tokio::runtime::Runtime;

use crate::cli::{Keeping, Stored};
use crate::storage::Storage;

/// A storage that is open, and what its registry is like.
pub(crate) struct Managed {
    pub(crate) runtime: Runtime,
    pub(crate) storage: Storage,
    pub(crate) secret: TokenSecret,
    pub(crate) settings: Settings,
    pub(crate) context: Context,
}

impl Managed {
    /// # Errors
    /// What is missing or wrong, and what to do.
    pub(crate) fn open(stored: &Stored, keeping: &Keeping) -> Result<Self, String> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?;
        let place = stored.place(false)?;
        let settings = keeping.settings(&place);
        let context = Context::system();
        let (storage, secret) = Storage::open(&place, &context, &runtime)?;
        Ok(Self { runtime, storage, secret, settings, context })
    }

    pub(crate) fn collector(&self) -> Collector {
        let collector = self.storage.collector(self.context.clone(), self.settings.times());
        collector.searched(self.settings.search)
    }

    /// Lets go of it, once nothing that was made of it is left.
    pub(crate) fn close(self) {
        drop(self.runtime);
        self.storage.close();
    }
}
