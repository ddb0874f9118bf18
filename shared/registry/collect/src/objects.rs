//! Objects in the trash: deleted when nobody can be about to read them, then remembered for as long as somebody
//! may come late and take them for his.

use moorage_ports::facts::TrashRecord;
use moorage_ports::{Durability, Expect, Fact, Item, Key, ObjectKey, PortError, Reviewed};

use crate::collector::Collector;
use crate::reviews::Review;
use crate::tally::Event;

impl Collector {
    pub(crate) async fn review_object(&self, object: &ObjectKey) -> Result<(), PortError> {
        let key = Key::trash(object);
        let Some(item) = self.steps.table.get(&key).await? else { return Ok(()) };
        let Fact::Trash(trash) = item.fact else {
            return Err(PortError::Corrupt(format!("{key:?} is not an object in the trash")));
        };
        let times = &self.steps.times;
        let (now, goes) = (self.steps.now(), trash.since.plus_ms(times.trash_ms));
        if !trash.deleted {
            if goes > now {
                return self.steps.ask([Review { due: goes, of: Reviewed::Object(object.clone()) }]).await;
            }
            if let Some(id) = &trash.parts_id {
                self.blobs.abort(object, id).await?;
            }
            self.blobs.delete(object).await?;
            let tombstone = Fact::Trash(TrashRecord { deleted: true, ..trash });
            self.steps
                .table
                .put(Item::once(key, tombstone), Expect::Anything, Durability::BeforeNext)
                .await?;
            self.tally.note(Event::ObjectDeleted);
            tracing::info!(%object, "deleted an object that nothing names any more");
            return Ok(());
        }
        let forgotten = goes.plus_ms(times.tombstone_ms);
        if forgotten > now {
            return self.steps.ask([Review { due: forgotten, of: Reviewed::Object(object.clone()) }]).await;
        }
        self.steps.table.delete(&key, Expect::Anything, Durability::BeforeNext).await?;
        self.tally.note(Event::TombstoneGone);
        Ok(())
    }
}
