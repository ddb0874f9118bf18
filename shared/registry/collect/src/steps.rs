//! What pushers and the collector share: compare-and-set of a node's record, and what such a record is.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use moorage_oci::{Digest, Manifest, RepositoryName};
use moorage_ports::facts::{ManifestRecord, Node, State};
use moorage_ports::{
    Action, Context, Durability, Expect, Fact, Item, Key, Nonce, ObjectBody, ObjectKey, PortError, ReadBlobs,
    ReferenceTable, Timestamp, Version, Written,
};

use crate::mutants::{Mutant, without};
use crate::times::Times;

/// The table, and what each step on it needs. Cheap to clone.
#[derive(Clone)]
pub struct Steps {
    pub table: Arc<dyn ReferenceTable>,
    /// For the bytes of manifests that don't fit an item.
    pub blobs: Arc<dyn ReadBlobs>,
    pub context: Context,
    pub times: Times,
}

impl Steps {
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    #[must_use]
    pub fn fresh_version(&self) -> Version {
        Version(self.context.random.nonce())
    }

    /// Of a record that is made.
    #[must_use]
    pub fn first_version(&self) -> Version {
        if without(Mutant::FreshVersions) { Version(Nonce(0)) } else { self.fresh_version() }
    }

    /// Of a record that is changed.
    #[must_use]
    pub fn next_version(&self, of: &Item) -> Version {
        match of.version {
            Some(version) if without(Mutant::FreshVersions) => Version(Nonce(version.0.0.wrapping_add(1))),
            _ => self.fresh_version(),
        }
    }

    /// Changes the node of a record at a fresh version, if the record still is as `item` shows it; else
    /// answers what is there.
    ///
    /// # Errors
    /// Those of the table; `Corrupt` where `item` is no node's record.
    pub async fn compare_and_set(
        &self,
        item: Item,
        change: impl FnOnce(&mut Node),
        durability: Durability,
    ) -> Result<Result<Item, Option<Item>>, PortError> {
        let expect = Expect::VersionIs(version_of(&item)?);
        let mut changed = item;
        change(node_of_mut(&mut changed)?);
        changed.version = Some(self.next_version(&changed));
        Ok(match self.table.put(changed.clone(), expect, durability).await? {
            Written::Done => Ok(changed),
            Written::Refused(now) => Err(now.map(|i| *i)),
        })
    }

    /// What was seen of the table has survived a power cut when this answers, whoever wrote it. Any durable write does
    /// that; this one writes nothing, and is no call where every write is durable.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn make_durable(&self) -> Result<(), PortError> {
        let nothing = Action::Check(Key::format(), Expect::Anything);
        self.table.transact(vec![nothing]).await?;
        Ok(())
    }

    /// A manifest as its record and its bytes say; `None` where the bytes are not there: they come after a
    /// pending record, and its pusher may have died before.
    pub(crate) async fn manifest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        record: &ManifestRecord,
    ) -> Result<Option<Manifest>, PortError> {
        let Some(bytes) = self.manifest_bytes(repository, digest, record).await? else {
            return Ok(None);
        };
        Manifest::parse(&bytes, Some(&record.media_type))
            .map(Some)
            .map_err(|e| PortError::Corrupt(format!("manifest {digest} of {repository}: {e}")))
    }

    /// The bytes of a manifest, in whatever state it is; `None` where they are not there.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn manifest_bytes(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        record: &ManifestRecord,
    ) -> Result<Option<Bytes>, PortError> {
        match &record.object {
            Some(object) => self.object_bytes(object).await,
            None => Ok(match self.table.get(&Key::body(repository, digest)).await? {
                Some(Item { fact: Fact::Body(bytes), .. }) => Some(bytes),
                _ => None,
            }),
        }
    }

    /// A short object, whole; `None` where it is not there.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn object_bytes(&self, object: &ObjectKey) -> Result<Option<Bytes>, PortError> {
        match self.blobs.get(object, None).await? {
            Some(found) => whole(found.body).await.map(Some),
            None => Ok(None),
        }
    }
}

/// Gives a pending node up: what came out of the bin falls back into it.
pub fn give_up(pending: &mut Node) {
    pending.state = if pending.from_bin { State::Recycled } else { State::Deleting };
    pending.deadline = None;
}

/// Collects bytes where they are needed in one piece.
///
/// # Errors
/// Those of the stream.
pub async fn whole(body: ObjectBody) -> Result<Bytes, PortError> {
    match body {
        ObjectBody::Bytes(bytes) => Ok(bytes),
        ObjectBody::Stream(stream) => {
            let all: Vec<u8> = stream
                .try_fold(Vec::new(), |mut all, chunk| async move {
                    all.extend_from_slice(&chunk);
                    Ok(all)
                })
                .await?;
            Ok(Bytes::from(all))
        }
    }
}

/// # Errors
/// `Corrupt` where the item is no node's record; also of those below.
pub fn node_of(item: &Item) -> Result<&Node, PortError> {
    item.fact.node().ok_or_else(|| not_a_node(item))
}

/// # Errors
/// As [`node_of`].
pub fn node_of_mut(item: &mut Item) -> Result<&mut Node, PortError> {
    let error = not_a_node(item);
    item.fact.node_mut().ok_or(error)
}

/// # Errors
/// As [`node_of`].
pub fn state_of(item: &Item) -> Result<State, PortError> {
    node_of(item).map(|node| node.state)
}

/// # Errors
/// `Corrupt` where the item is no record that changes.
pub fn version_of(item: &Item) -> Result<Version, PortError> {
    item.version.ok_or_else(|| PortError::Corrupt(format!("the record {:?} has no version", item.key)))
}

fn not_a_node(item: &Item) -> PortError {
    PortError::Corrupt(format!("the item {:?} is not a node's record", item.key))
}
