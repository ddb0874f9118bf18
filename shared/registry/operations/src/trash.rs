//! Giving up an object that no record points to.

use moorage_collector::trash_item;
use moorage_ports::{Durability, Expect, ObjectKey, PortError};

use crate::registry::Push;

impl Push {
    pub(crate) async fn give_up_object(&self, object: &ObjectKey) -> Result<(), PortError> {
        let item = trash_item(object, None, self.now());
        self.table.put(item, Expect::Anything, Durability::BeforeNext).await?;
        Ok(())
    }
}
