//! Why a manifest or a blob is kept, or when and by what it goes.

use moorage_collector::Explanation;
use moorage_collector::explain::explain_item;
use moorage_oci::{Digest, Reference, RepositoryName};
use moorage_ports::{Key, Reviewed};

use crate::error::RegistryError;
use crate::registry::Pull;

impl Pull {
    /// Explains a digest in a repository, in whatever state it is; one that is a manifest and a blob, as a manifest.
    /// One batch of reads, and a few for each link of the chain that keeps it.
    ///
    /// # Errors
    /// `ManifestUnknown` where it is neither.
    pub async fn explain(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Explanation, RegistryError> {
        let found = self
            .table
            .batch_get(&[Key::manifest(repository, digest), Key::grant(repository, digest)])
            .await?;
        let Some(item) = found.into_iter().flatten().next() else {
            return Err(RegistryError::ManifestUnknown {
                repository: repository.clone(),
                reference: Reference::Digest(digest.clone()),
            });
        };
        let of = if item.key == Key::manifest(repository, digest) {
            Reviewed::Manifest(repository.clone(), digest.clone())
        } else {
            Reviewed::Grant(repository.clone(), digest.clone())
        };
        let times = self.common.settings.times();
        Ok(explain_item(&*self.table, &of, &item, self.common.now(), &times).await?)
    }
}
