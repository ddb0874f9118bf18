//! A page of a repository's tags: one query, whatever the number of tags.

use moorage_oci::RepositoryName;
use moorage_ports::{Key, Query, SortRange};

use crate::error::RegistryError;
use crate::registry::Pull;
use crate::settings::NAMES_IN_PAGE_MAX;

/// Names in byte order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NamesPage {
    pub names: Vec<String>,
    /// Whether there may be names after these.
    pub more: bool,
}

impl Pull {
    /// At most `limit` tags after `last`, which need not be one. A limit of 0 gives an empty list.
    ///
    /// # Errors
    /// `RepositoryUnknown` where there is neither a tag nor a trace of the repository.
    pub async fn tags(
        &self,
        repository: &RepositoryName,
        limit: Option<usize>,
        last: Option<&str>,
    ) -> Result<NamesPage, RegistryError> {
        let page = self.names(SortRange::tags(repository, last), limit, Key::tag_name).await?;
        // Only where there is nothing to show does the question arise whether there is a repository.
        if page.names.is_empty() && self.table.get(&Key::policy(repository)).await?.is_none() {
            return Err(RegistryError::RepositoryUnknown { repository: repository.clone() });
        }
        Ok(page)
    }

    pub(crate) async fn names(
        &self,
        range: SortRange,
        limit: Option<usize>,
        name: fn(&Key) -> Option<&str>,
    ) -> Result<NamesPage, RegistryError> {
        let limit = limit.unwrap_or(NAMES_IN_PAGE_MAX).min(NAMES_IN_PAGE_MAX);
        if limit == 0 {
            return Ok(NamesPage::default());
        }
        let page = self.table.query_keys(&Query { range, limit }).await?;
        let names = page.items.iter().filter_map(name).map(str::to_owned).collect();
        Ok(NamesPage { names, more: page.more })
    }
}
