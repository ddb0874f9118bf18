//! Pulling a blob: one read of the repository's grant says whether it may, and where the bytes are.

use std::ops::Range;

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::facts::GrantRecord;
use moorage_ports::{Fact, Item, Key, ObjectBody, ObjectKey, PortError};

use crate::error::RegistryError;
use crate::registry::Pull;

/// A blob, or a range of one.
pub struct PulledBlob {
    /// Bytes of the whole blob.
    pub size: u64,
    pub body: ObjectBody,
}

impl Pull {
    /// The size of a blob in bytes.
    ///
    /// # Errors
    /// `BlobUnknown`.
    pub async fn blob_size(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<u64, RegistryError> {
        self.granted(repository, digest).await.map(|(_, size)| size)
    }

    /// A blob's bytes; `range` is asked, once the size is known, which of them.
    ///
    /// # Errors
    /// `BlobUnknown`, and whatever `range` refuses.
    pub async fn blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        range: impl FnOnce(u64) -> Result<Option<Range<u64>>, RegistryError>,
    ) -> Result<PulledBlob, RegistryError> {
        let (object, size) = self.granted(repository, digest).await?;
        match self.blobs.get(&object, range(size)?).await? {
            Some(found) => Ok(PulledBlob { size, body: found.body }),
            None => Err(PortError::Corrupt(format!("object {object} of a granted blob is not there")).into()),
        }
    }

    async fn granted(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(ObjectKey, u64), RegistryError> {
        match self.table.get(&Key::grant(repository, digest)).await? {
            Some(Item { fact: Fact::Grant(GrantRecord { node, object: Some(object), size }), .. })
                if node.state.is_readable() =>
            {
                Ok((object, size))
            }
            _ => Err(RegistryError::BlobUnknown { repository: repository.clone(), digest: digest.clone() }),
        }
    }
}
