//! Pulling a manifest: by digest one read gives its record and its bytes; by tag the tag is read first.
//!
//! A tag may move, and its old target be collected, between the two reads: so a miss reads the tag once
//! more before it says that there is none.

use moorage_oci::{Digest, Reference, RepositoryName, Tag};
use moorage_ports::facts::{ManifestRecord, TagRecord};
use moorage_ports::{Fact, Item, Key, ObjectBody, PortError, Query, SortRange};

use crate::error::RegistryError;
use crate::keep::Asker;
use crate::registry::Pull;

/// What is known of a manifest without its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManifestHead {
    pub digest: Digest,
    pub media_type: String,
    /// Bytes.
    pub size: u64,
}

/// A manifest, byte for byte as it was pushed.
pub struct PulledManifest {
    pub head: ManifestHead,
    pub body: ObjectBody,
}

impl Pull {
    /// A manifest's head. A tag says it all: one read either way. What an asker who may push finds by its
    /// digest stays for the grace at least.
    ///
    /// # Errors
    /// `ManifestUnknown`; `ManifestIsRemote` where an index here says that it lives elsewhere.
    pub async fn manifest_head(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
        asker: Asker,
    ) -> Result<ManifestHead, RegistryError> {
        match reference {
            Reference::Tag(tag) => {
                let record =
                    self.tag(repository, tag).await?.ok_or_else(|| unknown(repository, reference))?;
                Ok(ManifestHead { digest: record.digest, media_type: record.media_type, size: record.size })
            }
            Reference::Digest(digest) => {
                if let Some(item) = self.table.get(&Key::manifest(repository, digest)).await?
                    && let Some(head) = readable(&item).map(|record| head(digest, record))
                    && (asker == Asker::MayNotPush || self.common.keep(&*self.keep, item).await?)
                {
                    return Ok(head);
                }
                Err(self.not_here(repository, digest).await?)
            }
        }
    }

    /// A manifest with its bytes.
    ///
    /// # Errors
    /// As [`Self::manifest_head`].
    pub async fn manifest(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<PulledManifest, RegistryError> {
        let tag = match reference {
            Reference::Digest(digest) => {
                return match self.by_digest(repository, digest).await? {
                    Some(manifest) => Ok(manifest),
                    None => Err(self.not_here(repository, digest).await?),
                };
            }
            Reference::Tag(tag) => tag,
        };
        for _ in 0..2 {
            let Some(record) = self.tag(repository, tag).await? else { break };
            if let Some(manifest) = self.by_digest(repository, &record.digest).await? {
                return Ok(manifest);
            }
        }
        Err(unknown(repository, reference))
    }

    async fn tag(&self, repository: &RepositoryName, tag: &Tag) -> Result<Option<TagRecord>, PortError> {
        match self.table.get(&Key::tag(repository, tag)).await? {
            Some(Item { fact: Fact::Tag(record), .. }) => Ok(Some(record)),
            Some(item) => Err(PortError::Corrupt(format!("{:?} is not a tag", item.key))),
            None => Ok(None),
        }
    }

    /// The manifest and its bytes, if readers can see it.
    pub(crate) async fn by_digest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<PulledManifest>, PortError> {
        let range = SortRange::manifest_and_body(repository, digest);
        let items = self.table.query(&Query { range, limit: 2 }).await?.items;
        let (mut record, mut bytes) = (None, None);
        for item in items {
            match item.fact {
                Fact::Manifest(found) if found.node.state.is_readable() => record = Some(found),
                Fact::Body(found) => bytes = Some(found),
                _ => {}
            }
        }
        let Some(record) = record else { return Ok(None) };
        let body = match (&record.object, bytes) {
            (None, Some(bytes)) => ObjectBody::Bytes(bytes),
            (None, None) => {
                return Err(PortError::Corrupt(format!("manifest {digest} of {repository} has no bytes")));
            }
            (Some(object), _) => match self.blobs.get(object, None).await? {
                Some(found) => found.body,
                None => {
                    return Err(PortError::Corrupt(format!("object {object} of a manifest is not there")));
                }
            },
        };
        Ok(Some(PulledManifest { head: head(digest, &record), body }))
    }

    /// Says why a manifest is not here: an index may name it as remote.
    async fn not_here(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<RegistryError, PortError> {
        let range = SortRange::remote_in(repository, digest);
        let named = self.table.query(&Query { range, limit: 1 }).await?.items.pop();
        if let Some(Item { key, fact: Fact::RemoteIn { urls }, .. }) = named
            && let Some(index) = key.naming_index()
        {
            return Ok(RegistryError::ManifestIsRemote { digest: digest.clone(), index, urls });
        }
        Ok(unknown(repository, &Reference::Digest(digest.clone())))
    }
}

fn readable(item: &Item) -> Option<&ManifestRecord> {
    match &item.fact {
        Fact::Manifest(record) if record.node.state.is_readable() => Some(record),
        _ => None,
    }
}

fn head(digest: &Digest, record: &ManifestRecord) -> ManifestHead {
    ManifestHead { digest: digest.clone(), media_type: record.media_type.clone(), size: record.size }
}

fn unknown(repository: &RepositoryName, reference: &Reference) -> RegistryError {
    RegistryError::ManifestUnknown { repository: repository.clone(), reference: reference.clone() }
}
