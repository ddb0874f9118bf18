//! Giving an object up: nothing of ours points to it from then on, and the collector deletes it in its time.

use moorage_ports::facts::TrashRecord;
use moorage_ports::{Action, Durability, Expect, Fact, Item, Key, ObjectKey, PartsId, PortError, Timestamp};

use crate::registry::Push;

/// In the transaction of the record that stops pointing to it.
pub(crate) fn trash(object: &ObjectKey, since: Timestamp) -> Action {
    Action::Put(item(object, None, since), Expect::Anything)
}

/// The same for an object that never was completed.
pub(crate) fn trash_parts(object: &ObjectKey, id: PartsId, since: Timestamp) -> Action {
    Action::Put(item(object, Some(id), since), Expect::Anything)
}

fn item(object: &ObjectKey, parts_id: Option<PartsId>, since: Timestamp) -> Item {
    Item::once(Key::trash(object), Fact::Trash(TrashRecord { since, parts_id }))
}

impl Push {
    /// Gives up an object that no record points to.
    pub(crate) async fn give_up_object(&self, object: &ObjectKey) -> Result<(), PortError> {
        let item = item(object, None, self.now());
        self.table.put(item, Expect::Anything, Durability::BeforeNext).await?;
        Ok(())
    }
}
