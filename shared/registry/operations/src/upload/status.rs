//! Asking how far an upload has come: one read.

use moorage_oci::RepositoryName;
use moorage_ports::Key;

use super::session::Session;
use crate::error::RegistryError;
use crate::registry::Push;

impl Push {
    /// Bytes of the blob that have come.
    ///
    /// # Errors
    /// `UploadUnknown`.
    pub async fn upload_received(
        &self,
        repository: &RepositoryName,
        token: &str,
    ) -> Result<u64, RegistryError> {
        let token = self.token(repository, token)?;
        match Session::from_item(self.table.get(&Key::upload(token.id)).await?)? {
            Session::Fresh => Ok(0),
            Session::Open(open) => Ok(open.upload.received),
            Session::Closed => Err(RegistryError::UploadUnknown { repository: repository.clone() }),
        }
    }
}
