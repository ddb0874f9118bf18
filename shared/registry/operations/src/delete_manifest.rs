//! Deleting a manifest: condemned first, then a look for holds, then recycled. An index that needs it refuses
//! the deletion. Its tags go with it, remembered for a restore; its own holds stay for as long as it is in
//! the bin.

use moorage_collector::TAGS_IN_RECYCLE_MAX;
use moorage_oci::{Digest, Reference, RepositoryName};
use moorage_ports::facts::State;
use moorage_ports::{Incarnation, Key};

use crate::commit::node_of;
use crate::error::RegistryError;
use crate::registry::Push;
use crate::settings::CONTENTION_TRIES_MAX;

impl Push {
    /// # Errors
    /// `ManifestUnknown`; `ManifestHeld`, and then nothing has changed.
    pub async fn delete_manifest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(), RegistryError> {
        let key = Key::manifest(repository, digest);
        let unknown = || {
            let reference = Reference::Digest(digest.clone());
            RegistryError::ManifestUnknown { repository: repository.clone(), reference }
        };
        let mut found = self.table.get(&key).await?;
        // The life that we have begun to end.
        let mut ending = None;
        for _ in 0..CONTENTION_TRIES_MAX {
            let Some(item) = found else { return self.ended_by_another(ending, unknown).await };
            let node = node_of(&item)?;
            match node.state {
                State::Live | State::Condemned if ending.is_none_or(|life| life == node.incarnation) => {}
                State::Recycled => {
                    // Whoever recycled it may have failed before its last tag was gone.
                    let tags = self.steps.holding_tags(repository, digest).await?.unwrap_or_default();
                    self.steps.take_away_tags(repository, digest, &item, &tags).await?;
                    return self.ended_by_another(ending, unknown).await;
                }
                _ => return self.ended_by_another(ending, unknown).await,
            }
            let life = node.incarnation;
            let condemned = match self.condemn(item).await? {
                Ok(condemned) => condemned,
                Err(now) => {
                    found = now;
                    continue;
                }
            };
            ending = Some(life);
            let tags = match self.steps.holding_tags(repository, digest).await? {
                Ok(tags) => tags,
                Err(index) => {
                    // Whoever set it back to live before us did the same.
                    let _raced = self.compare_and_set(condemned, |node| node.state = State::Live).await?;
                    return Err(RegistryError::ManifestHeld { digest: digest.clone(), index });
                }
            };
            match self.steps.recycle(repository, digest, condemned, &tags).await? {
                Ok(recycled) => {
                    let rest = tags.get(TAGS_IN_RECYCLE_MAX..).unwrap_or_default();
                    // Otherwise it was pushed again meanwhile, and keeps the tags it has now.
                    let _all_gone = self.steps.take_away_tags(repository, digest, &recycled, rest).await?;
                    return Ok(());
                }
                Err(now) => found = now,
            }
        }
        Err(RegistryError::Contended)
    }

    /// What is answered where a node is not there any more. A collector that finds it condemned goes on as we would: what
    /// we had begun to end was there when we were asked, and is gone.
    pub(crate) async fn ended_by_another(
        &self,
        ending: Option<Incarnation>,
        unknown: impl FnOnce() -> RegistryError,
    ) -> Result<(), RegistryError> {
        if ending.is_none() {
            return Err(unknown());
        }
        Ok(self.steps.make_durable().await?)
    }
}
