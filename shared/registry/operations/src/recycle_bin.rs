//! What is in a repository's recycle bin, and taking something out of it for good.

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::facts::State;
use moorage_ports::{Durability, Fact, Item, Key, Query, SortRange, Timestamp};

use crate::commit::node_of;
use crate::error::RegistryError;
use crate::registry::{Pull, Push};
use crate::settings::CONTENTION_TRIES_MAX;

/// Entries in one page of a recycle bin: with their records, one batch.
const ENTRIES_IN_PAGE_MAX: usize = moorage_ports::limits::BATCH_GET_ITEMS_MAX;

/// One manifest in the bin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecycledManifest {
    pub digest: Digest,
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    pub since: Timestamp,
    /// Not collected before.
    pub until: Timestamp,
}

/// A page of a recycle bin, the oldest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecycledPage {
    pub manifests: Vec<RecycledManifest>,
    /// Where the next page begins.
    pub next: Option<(Timestamp, Digest)>,
}

impl Pull {
    /// A page of a repository's recycle bin, after an entry of the page before.
    ///
    /// # Errors
    /// Those of the storage; a repository that is not there has an empty bin.
    pub async fn recycle_bin(
        &self,
        repository: &RepositoryName,
        limit: Option<usize>,
        after: Option<(Timestamp, Digest)>,
    ) -> Result<RecycledPage, RegistryError> {
        let limit = limit.unwrap_or(ENTRIES_IN_PAGE_MAX).min(ENTRIES_IN_PAGE_MAX);
        if limit == 0 {
            return Ok(RecycledPage { manifests: Vec::new(), next: None });
        }
        let mut range = SortRange::recycled(repository);
        if let Some((since, digest)) = after {
            range = range.after_key(&Key::recycled(repository, since, &digest));
        }
        let page = self.table.query_keys(&Query { range, limit }).await?;
        let entries: Vec<_> = page.items.iter().filter_map(Key::recycled_parts).collect();
        let keys: Vec<Key> = entries.iter().map(|(_, digest)| Key::manifest(repository, digest)).collect();
        let records = if keys.is_empty() { Vec::new() } else { self.table.batch_get(&keys).await? };
        let times = self.common.settings.times();
        let manifests = entries.iter().zip(records).filter_map(|((since, digest), record)| {
            // One that was restored, or collected, since the page was read.
            let Some(Item { fact: Fact::Manifest(record), .. }) = record else { return None };
            (record.recycled == Some(*since)).then(|| RecycledManifest {
                digest: digest.clone(),
                media_type: record.media_type,
                size: record.size,
                since: *since,
                until: times.bin_ends(*since),
            })
        });
        let manifests = manifests.collect();
        Ok(RecycledPage { manifests, next: entries.last().filter(|_| page.more).cloned() })
    }
}

impl Push {
    /// Takes a manifest out of the bin for good. What it held is looked at by the collector then.
    ///
    /// # Errors
    /// `NotRecycled`; `ManifestHeld` where an index, in the bin or not, still needs it.
    pub async fn purge_manifest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(), RegistryError> {
        let key = Key::manifest(repository, digest);
        let of = moorage_ports::Reviewed::Manifest(repository.clone(), digest.clone());
        let mut found = self.table.get(&key).await?;
        for _ in 0..CONTENTION_TRIES_MAX {
            let item = found.filter(|item| node_of(item).is_ok_and(|node| node.state == State::Recycled));
            let Some(item) = item else {
                return Err(RegistryError::NotRecycled {
                    repository: repository.clone(),
                    digest: digest.clone(),
                });
            };
            if let Some(moorage_collector::look::By::Holder(moorage_ports::Holder::Index(index, _))) =
                self.steps.look(&of, Some(&item)).await?.by
            {
                return Err(RegistryError::ManifestHeld { digest: digest.clone(), index });
            }
            let gone = |node: &mut moorage_ports::facts::Node| node.state = State::Deleting;
            match self.steps.compare_and_set(item, gone, Durability::OnAnswer).await? {
                Ok(deleting) => return Ok(self.steps.finish(deleting).await?),
                Err(now) => found = now,
            }
        }
        Err(RegistryError::Contended)
    }
}
