//! The memory that uploads may take, all uploads of a store together.
//!
//! Whoever waits here holds no bytes that somebody else waits for, so that no two uploads can wait for each other:
//! an upload first waits for a little room; where its bytes turn out to be many, it waits for the room of one part
//! while it holds the little one, for which nobody who has the greater one waits. Further parts in flight take
//! room only if there is some; an upload that gets none sends its parts one by one, in the room that it has.

use std::sync::Arc;

use moorage_ports::PortError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bytes that an upload may hold before it has to ask for more.
pub(super) const SMALL_BYTES: usize = 1 << 20;
/// So many uploads may hold so little at the same time: 16 MiB.
const SMALL_UPLOADS: usize = 16;
/// What all longer uploads may hold together: 6 streams, or one and many of its parts in flight.
const LARGE_BYTES: usize = 80 << 20;

/// Permits are counted in this unit.
const UNIT: usize = 1 << 10;

/// The room of one store.
#[derive(Clone)]
pub(super) struct Room {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// Room that is taken, until it is dropped.
pub(super) struct Taken {
    _permit: OwnedSemaphorePermit,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            small: Arc::new(Semaphore::new(SMALL_UPLOADS)),
            large: Arc::new(Semaphore::new(LARGE_BYTES / UNIT)),
        }
    }
}

impl Room {
    /// The most that one upload can ask for.
    pub(super) const BYTES_MAX: usize = LARGE_BYTES;

    /// Waits for the room of [`SMALL_BYTES`].
    pub(super) async fn small(&self) -> Result<Taken, PortError> {
        Self::taken(Arc::clone(&self.small).acquire_owned().await)
    }

    /// Waits for room for so many bytes, at most [`Self::BYTES_MAX`].
    pub(super) async fn large(&self, bytes: usize) -> Result<Taken, PortError> {
        Self::taken(Arc::clone(&self.large).acquire_many_owned(units(bytes)).await)
    }

    /// Room for so many bytes if there is some, and nobody waits for it.
    pub(super) fn more(&self, bytes: usize) -> Option<Taken> {
        let permit = Arc::clone(&self.large).try_acquire_many_owned(units(bytes)).ok()?;
        Some(Taken { _permit: permit })
    }

    fn taken(permit: Result<OwnedSemaphorePermit, tokio::sync::AcquireError>) -> Result<Taken, PortError> {
        match permit {
            Ok(permit) => Ok(Taken { _permit: permit }),
            Err(_) => Err(PortError::Unavailable("the store is closed".to_owned())),
        }
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.min(Room::BYTES_MAX).div_ceil(UNIT)).unwrap_or(u32::MAX)
}
