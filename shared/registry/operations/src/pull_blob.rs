//! Pulling a blob: one read of the repository's grant says whether it may, and where the bytes are.

use std::ops::Range;

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::facts::GrantRecord;
use moorage_ports::{Fact, Item, Key, ObjectBody, ObjectKey, PortError};

use crate::error::RegistryError;
use crate::keep::Asker;
use crate::registry::Pull;

/// A blob, or a range of one.
pub struct PulledBlob {
    /// Bytes of the whole blob.
    pub size: u64,
    pub body: BlobBody,
}

/// Where a blob's bytes come from.
pub enum BlobBody {
    /// From us.
    Here(ObjectBody),
    /// From this URL, which is signed and good for a while.
    At(String),
}

impl Pull {
    /// The size of a blob in bytes. An asker who may push finds it there for the grace at least.
    ///
    /// # Errors
    /// `BlobUnknown`.
    pub async fn blob_size(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        asker: Asker,
    ) -> Result<u64, RegistryError> {
        let (grant, _, size) = self.granted(repository, digest).await?;
        if asker == Asker::MayPush && !self.common.keep(&*self.keep, grant).await? {
            return Err(unknown(repository, digest));
        }
        Ok(size)
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
        let (_, object, size) = self.granted(repository, digest).await?;
        let range = range(size)?;
        if size >= self.common.settings.redirect_bytes_min
            && let Some(url) = self.blobs.signed_url(&object).await?
        {
            return Ok(PulledBlob { size, body: BlobBody::At(url) });
        }
        match self.blobs.get(&object, range).await? {
            Some(found) => Ok(PulledBlob { size, body: BlobBody::Here(found.body) }),
            None => Err(PortError::Corrupt(format!("object {object} of a granted blob is not there")).into()),
        }
    }

    async fn granted(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(Item, ObjectKey, u64), RegistryError> {
        let found = self.table.get(&Key::grant(repository, digest)).await?;
        let item = found.ok_or_else(|| unknown(repository, digest))?;
        match &item.fact {
            Fact::Grant(GrantRecord { node, object: Some(object), size }) if node.state.is_readable() => {
                let (object, size) = (object.clone(), *size);
                Ok((item, object, size))
            }
            _ => Err(unknown(repository, digest)),
        }
    }
}

fn unknown(repository: &RepositoryName, digest: &Digest) -> RegistryError {
    RegistryError::BlobUnknown { repository: repository.clone(), digest: digest.clone() }
}
