//! The manifests that name another as their subject: one query of the subject's partition.

use moorage_oci::{Descriptor, Digest, Manifest, RepositoryName};
use moorage_ports::{Fact, Key, PortError, Query, SortRange};

use crate::error::RegistryError;
use crate::registry::Pull;
use crate::settings::{REFERRERS_IN_PAGE_MAX, REFERRERS_PAGE_BYTES_MAX};
use moorage_collector::whole;

/// Some referrers, in the order of their type and digest.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ReferrersPage {
    pub descriptors: Vec<Descriptor>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Key>,
}

impl Pull {
    /// A page of the referrers of `subject`, which need not be here; empty where there is none.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Key>,
    ) -> Result<ReferrersPage, RegistryError> {
        let mut range = SortRange::referrers(repository, subject, artifact_type);
        if let Some(key) = after {
            range = range.after_key(key);
        }
        let page = self.table.query(&Query { range, limit: REFERRERS_IN_PAGE_MAX }).await?;
        let mut listed = ReferrersPage::default();
        let mut bytes = 0;
        let mut last = None;
        for item in page.items {
            let Fact::Referrer(record) = item.fact else {
                return Err(PortError::Corrupt(format!("{:?} is not a referrer", item.key)).into());
            };
            let descriptor = match record.descriptor {
                Some(descriptor) => descriptor,
                None => match self.long_descriptor(repository, &record.digest).await? {
                    Some(descriptor) => descriptor,
                    // It went away after the query; the item goes with it.
                    None => {
                        last = Some(item.key);
                        continue;
                    }
                },
            };
            bytes += descriptor.annotations.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>();
            if bytes > REFERRERS_PAGE_BYTES_MAX && !listed.descriptors.is_empty() {
                listed.next = last;
                return Ok(listed);
            }
            listed.descriptors.push(descriptor);
            last = Some(item.key);
        }
        listed.next = last.filter(|_| page.more);
        Ok(listed)
    }

    /// The descriptor of a referrer whose annotations are too long for the listing.
    async fn long_descriptor(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Descriptor>, RegistryError> {
        let Some(pulled) = self.by_digest(repository, digest).await? else { return Ok(None) };
        let bytes = whole(pulled.body).await?;
        let manifest = Manifest::parse(&bytes, Some(&pulled.head.media_type))?;
        Ok(Some(manifest.referrer_descriptor(digest.clone(), pulled.head.size)))
    }
}
