//! Deleting a tag: the tag and its hold go in one step; the manifest stays.

use moorage_collector::hold_of_tag;
use moorage_oci::{Reference, RepositoryName, Tag};
use moorage_ports::{Action, Expect, Fact, Item, Key, Transacted};

use crate::error::RegistryError;
use crate::registry::Push;
use crate::settings::CONTENTION_TRIES_MAX;

impl Push {
    /// # Errors
    /// `ManifestUnknown` where there is no such tag.
    pub async fn delete_tag(&self, repository: &RepositoryName, tag: &Tag) -> Result<(), RegistryError> {
        let key = Key::tag(repository, tag);
        for _ in 0..CONTENTION_TRIES_MAX {
            let Some(Item { fact: Fact::Tag(target), version: Some(version), .. }) =
                self.table.get(&key).await?
            else {
                let reference = Reference::Tag(tag.clone());
                return Err(RegistryError::ManifestUnknown { repository: repository.clone(), reference });
            };
            let hold = hold_of_tag(repository, &target.digest, tag, version);
            let actions = vec![
                Action::Delete(key.clone(), Expect::VersionIs(version)),
                Action::Delete(hold, Expect::Anything),
            ];
            if self.table.transact(actions).await? == Transacted::Done {
                return Ok(());
            }
        }
        Err(RegistryError::Contended)
    }
}
