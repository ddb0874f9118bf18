//! What readers see.

use std::sync::{Arc, PoisonError, RwLock};

use moorage_ports::PortError;

use crate::error::closed;
use crate::rows::Snapshot;

/// The newest snapshot, for readers; none once the store is closed.
#[derive(Clone, Default)]
pub(crate) struct Latest(Arc<RwLock<Option<Arc<Snapshot>>>>);

impl Latest {
    pub(crate) fn get(&self) -> Result<Arc<Snapshot>, PortError> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)
    }

    pub(crate) fn set(&self, snapshot: Option<Snapshot>) {
        let new = snapshot.map(Arc::new);
        let old = std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), new);
        drop(old);
    }
}
