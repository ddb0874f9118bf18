//! Giving an object up: nothing of ours points to it from then on, and the collector deletes it in its time.

use moorage_ports::facts::TrashRecord;
use moorage_ports::{Action, Expect, Fact, Item, Key, ObjectKey, PartsId, Timestamp};

/// In the transaction of the record that stops pointing to it.
#[must_use]
pub fn trash(object: &ObjectKey, since: Timestamp) -> Action {
    Action::Put(trash_item(object, None, since), Expect::Anything)
}

/// The same for an object that never was completed.
#[must_use]
pub fn trash_parts(object: &ObjectKey, id: PartsId, since: Timestamp) -> Action {
    Action::Put(trash_item(object, Some(id), since), Expect::Anything)
}

/// The item of an object that is given up.
#[must_use]
pub fn trash_item(object: &ObjectKey, parts_id: Option<PartsId>, since: Timestamp) -> Item {
    Item::once(Key::trash(object), Fact::Trash(TrashRecord { since, parts_id, deleted: false }))
}
