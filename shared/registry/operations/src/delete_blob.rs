//! Deleting a blob from a repository: condemned first, then a look for holds. A manifest that needs it
//! refuses the deletion; where only manifests in the recycle bin need it, it is hidden and its bytes stay
//! for a restore; else the grant goes.

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::facts::{Node, State};
use moorage_ports::{Durability, Holder, Incarnation, Item, Key, PortError, Query, SortRange};

use crate::commit::node_of;
use crate::error::RegistryError;
use crate::registry::Push;
use crate::settings::CONTENTION_TRIES_MAX;

/// Holds read in one look.
const HOLDS_IN_LOOK_MAX: usize = 100;

/// Who still needs a blob.
enum Needed {
    By(Digest),
    ByRecycledOnly,
    ByNobody,
}

impl Push {
    /// # Errors
    /// `BlobUnknown`; `BlobHeld`, and then nothing has changed.
    pub async fn delete_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(), RegistryError> {
        let key = Key::grant(repository, digest);
        let unknown =
            || RegistryError::BlobUnknown { repository: repository.clone(), digest: digest.clone() };
        let mut found = self.table.get(&key).await?;
        // The life that we have begun to end.
        let mut ending = None;
        for _ in 0..CONTENTION_TRIES_MAX {
            let Some(item) = found else { return self.ended_by_another(ending, unknown).await };
            let Node { state, incarnation: life, .. } = *node_of(&item)?;
            if !state.is_readable() || ending.is_some_and(|ending| ending != life) {
                return self.ended_by_another(ending, unknown).await;
            }
            let condemned = match self.condemn(item).await? {
                Ok(condemned) => condemned,
                Err(now) => {
                    found = now;
                    continue;
                }
            };
            ending = Some(life);
            let state = match self.needed(repository, digest).await? {
                Needed::By(manifest) => {
                    // Whoever set it back to live before us did the same.
                    let _raced = self.compare_and_set(condemned, |node| node.state = State::Live).await?;
                    return Err(RegistryError::BlobHeld { digest: digest.clone(), manifest });
                }
                Needed::ByRecycledOnly => State::Recycled,
                Needed::ByNobody => State::Deleting,
            };
            let gone = |node: &mut Node| node.state = state;
            match self.steps.compare_and_set(condemned, gone, Durability::OnAnswer).await? {
                Ok(deleting) if state == State::Deleting => return Ok(self.steps.finish(deleting).await?),
                Ok(_) => return Ok(()),
                Err(now) => found = now,
            }
        }
        Err(RegistryError::Contended)
    }

    /// The second look.
    async fn needed(&self, repository: &RepositoryName, digest: &Digest) -> Result<Needed, RegistryError> {
        let mut range = SortRange::holds_of_grant(repository, digest);
        let mut needed = Needed::ByNobody;
        loop {
            let page =
                self.table.query_keys(&Query { range: range.clone(), limit: HOLDS_IN_LOOK_MAX }).await?;
            let holders = page.items.iter().map(holder).collect::<Result<Vec<_>, PortError>>()?;
            let mut digests: Vec<&Digest> = holders.iter().map(|(manifest, _)| manifest).collect();
            digests.dedup();
            let keys: Vec<Key> = digests.iter().map(|manifest| Key::manifest(repository, manifest)).collect();
            let records: Vec<Option<Item>> =
                if keys.is_empty() { Vec::new() } else { self.table.batch_get(&keys).await? };
            for (manifest, incarnation) in &holders {
                let at = digests.iter().position(|d| *d == manifest).expect("every holder's digest was read");
                let Some(record) = &records[at] else { continue };
                let node = node_of(record)?;
                if node.incarnation != *incarnation {
                    continue;
                }
                match node.state {
                    State::Pending | State::Live | State::Condemned => {
                        return Ok(Needed::By(manifest.clone()));
                    }
                    State::Recycled => needed = Needed::ByRecycledOnly,
                    State::Deleting => {}
                }
            }
            match page.rest(range) {
                Some(rest) => range = rest,
                None => return Ok(needed),
            }
        }
    }
}

fn holder(key: &Key) -> Result<(Digest, Incarnation), PortError> {
    match key.holder() {
        Some(Holder::Manifest(_, manifest, incarnation)) => Ok((manifest, incarnation)),
        _ => Err(PortError::Corrupt(format!("{key:?} is not a hold of ours"))),
    }
}
