//! Asking how far an upload has come: one read. What is being closed takes one more, to say
//! whether it became a blob.

use moorage_oci::RepositoryName;
use moorage_ports::Key;

use super::finish::is_live;
use super::session::Session;
use crate::error::RegistryError;
use crate::registry::Pull;

impl Pull {
    /// Bytes of the blob that have come.
    ///
    /// # Errors
    /// `UploadUnknown`.
    pub async fn upload_received(
        &self,
        repository: &RepositoryName,
        token: &str,
    ) -> Result<u64, RegistryError> {
        let token = self.common.token(repository, token)?;
        let unknown = || Err(RegistryError::UploadUnknown { repository: repository.clone() });
        match Session::from_item(self.table.get(&Key::upload(token.id)).await?)? {
            Session::Fresh => Ok(0),
            Session::Open(open) => Ok(open.upload.received),
            // Whoever was closing it may have died: who sends the same closing request again finishes it.
            Session::Closing(closing, digest) => {
                let grant = self.table.get(&Key::grant(repository, &digest)).await?;
                if is_live(grant.as_ref())? { unknown() } else { Ok(closing.upload.received) }
            }
            Session::Closed => unknown(),
        }
    }
}
