//! A page of the catalog: the names of the repositories that have, or had, a manifest.

use moorage_ports::{Key, SortRange};

use crate::error::RegistryError;
use crate::list_tags::NamesPage;
use crate::registry::Pull;

impl Pull {
    /// At most `limit` repositories after `last`, which need not be one.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn catalog(
        &self,
        limit: Option<usize>,
        last: Option<&str>,
    ) -> Result<NamesPage, RegistryError> {
        self.names(SortRange::catalog(last), limit, Key::catalog_name).await
    }
}
