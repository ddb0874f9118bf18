//! Helping a node that is being deleted: doing the collector's remaining steps, so that a fresh incarnation
//! can take over and nothing of the old one is forgotten.

use moorage_oci::Manifest;
use moorage_ports::limits::BATCH_WRITE_ITEMS_MAX;
use moorage_ports::{Action, Expect, Fact, Item, Key, ObjectKey, PortError, Transacted};

use super::{node_of, version_of};
use crate::commit::manifest::holds;
use crate::error::RegistryError;
use crate::pull_manifest::whole;
use crate::registry::Push;
use crate::trash::trash;

impl Push {
    /// Finishes the deletion of a `deleting` node: releases its holds, puts what it owns into the trash and
    /// deletes its record. Where somebody else was faster, does nothing.
    pub(crate) async fn help(&self, item: Item) -> Result<(), RegistryError> {
        let version = version_of(&item)?;
        let incarnation = node_of(&item)?.incarnation;
        let mut ends = vec![Action::Delete(item.key.clone(), Expect::VersionIs(version))];
        match &item.fact {
            Fact::Grant(_) => {
                let (repository, digest) = item.key.granted().ok_or_else(|| foreign(&item.key))?;
                self.release(vec![Key::held_by_grant(&repository, &digest, incarnation)]).await?;
            }
            Fact::Content(content) => ends.push(trash(&content.object, self.now())),
            Fact::Manifest(record) => {
                let (repository, digest) = item.key.manifest_named().ok_or_else(|| foreign(&item.key))?;
                if let Some(bytes) = self.manifest_bytes(&repository, &digest, record.object.as_ref()).await?
                {
                    let manifest = Manifest::parse(&bytes, Some(&record.media_type))?;
                    let held = holds(&repository, &digest, incarnation, &manifest);
                    self.release(
                        held.into_iter().filter(|i| i.fact != Fact::WasHeld).map(|i| i.key).collect(),
                    )
                    .await?;
                }
                ends.push(Action::Delete(Key::body(&repository, &digest), Expect::Anything));
                ends.push(Action::Delete(Key::listed(&repository, &digest), Expect::Anything));
                ends.extend(record.object.as_ref().map(|object| trash(object, self.now())));
            }
            _ => return Err(PortError::Misuse(format!("{:?} is not a node", item.key)).into()),
        }
        match self.table.transact(ends).await? {
            Transacted::Done | Transacted::Refused(_) => Ok(()),
        }
    }

    async fn release(&self, holds: Vec<Key>) -> Result<(), PortError> {
        for some in holds.chunks(BATCH_WRITE_ITEMS_MAX) {
            let deletes = some.iter().map(|key| Action::Delete(key.clone(), Expect::Anything)).collect();
            self.table.batch_write(deletes).await?;
        }
        Ok(())
    }

    async fn manifest_bytes(
        &self,
        repository: &moorage_oci::RepositoryName,
        digest: &moorage_oci::Digest,
        object: Option<&ObjectKey>,
    ) -> Result<Option<bytes::Bytes>, PortError> {
        match object {
            Some(object) => match self.blobs.get(object, None).await? {
                Some(found) => whole(found.body).await.map(Some),
                None => Ok(None),
            },
            None => Ok(match self.table.get(&Key::body(repository, digest)).await? {
                Some(Item { fact: Fact::Body(bytes), .. }) => Some(bytes),
                _ => None,
            }),
        }
    }
}

fn foreign(key: &Key) -> PortError {
    PortError::Corrupt(format!("{key:?} is not a key of ours"))
}
