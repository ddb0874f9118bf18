//! The promise that what somebody who may push was told of is there for the manifest push that follows.

use moorage_ports::facts::State;
use moorage_ports::{Item, KeepUntil, Timestamp, Written};

use crate::commit::node_of;
use crate::error::RegistryError;
use crate::registry::Common;
use crate::settings::CONTENTION_TRIES_MAX;

/// Who asks whether something is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asker {
    /// Relies on the answer when it pushes.
    MayPush,
    MayNotPush,
}

impl Common {
    /// Until when a node stays at first, although nothing holds it: twice the grace.
    pub(crate) fn first_keep_until(&self, now: Timestamp) -> Timestamp {
        now.plus_ms(self.settings.grace_ms.saturating_mul(2))
    }

    /// Moves on the time until which a node stays although nothing holds it, if less than the grace is left,
    /// and sets a condemned one back to live: at most one write a grace. `false` where readers don't see it
    /// any more.
    pub(crate) async fn keep(
        &self,
        table: &(impl KeepUntil + ?Sized),
        item: Item,
    ) -> Result<bool, RegistryError> {
        let mut item = item;
        for _ in 0..CONTENTION_TRIES_MAX {
            let now = self.now();
            let node = node_of(&item)?;
            if !node.state.is_readable() {
                return Ok(false);
            }
            if node.state == State::Live && node.keep_until.since_ms(now) >= self.settings.grace_ms {
                return Ok(true);
            }
            let until = self.first_keep_until(now);
            match table.keep_until(&item, until, self.fresh_version()).await? {
                Written::Done => return Ok(true),
                Written::Refused(None) => return Ok(false),
                Written::Refused(Some(changed)) => item = *changed,
            }
        }
        Err(RegistryError::Contended)
    }
}
