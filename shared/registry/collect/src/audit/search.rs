//! What is searched: whether each manifest that is there can be found, by everything that leads to it, and whether
//! everything leads to one that is. A registry from before there was a search gets its items in this way.

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::facts::{ManifestRecord, SearchedRecord};
use moorage_ports::limits::BATCH_GET_ITEMS_MAX;
use moorage_ports::{Action, Expect, Fact, Item, Key, PortError};

use super::checks::unchanged;
use super::{Audit, Finding, Remedy, Waiting, Wrong};
use crate::search::{is_of_life, search_entries};

impl Audit {
    /// Whether a manifest that readers see has its item.
    pub(super) async fn is_found(
        &self,
        item: &Item,
        repository: &RepositoryName,
        digest: &Digest,
        record: &ManifestRecord,
        waiting: Option<&Waiting>,
    ) -> Result<Option<Finding>, PortError> {
        if !self.is_searched || !record.node.state.is_readable() || is_waiting(waiting, repository, digest) {
            return Ok(None);
        }
        match self.steps.table.get(&Key::searched(repository, digest)).await?.map(|item| item.fact) {
            // One of another life is told of by itself.
            Some(Fact::Searched(_)) => Ok(None),
            _ => Ok(Some(anew(Wrong::Unsearched(item.key.clone()), repository, digest))),
        }
    }

    /// Whether what is said of a manifest is of its life, and everything leads to it that is said to.
    pub(super) async fn searched_item(
        &self,
        item: &Item,
        searched: &SearchedRecord,
        waiting: Option<&Waiting>,
    ) -> Result<Option<Finding>, PortError> {
        let Some((repository, digest)) = item.key.searched_manifest() else {
            return Err(PortError::Corrupt(format!("{:?} is of no manifest", item.key)));
        };
        if !self.is_searched || is_waiting(waiting, &repository, &digest) {
            return Ok(None);
        }
        let record = match self.steps.table.get(&Key::manifest(&repository, &digest)).await? {
            Some(Item { fact: Fact::Manifest(record), .. }) => Some(record),
            _ => None,
        };
        if !is_of_life(searched, record.as_ref()) {
            return Ok(Some(anew(Wrong::StaleSearch(item.key.clone()), &repository, &digest)));
        }
        for some in search_entries(&repository, &digest, searched).chunks(BATCH_GET_ITEMS_MAX) {
            let found = self.steps.table.batch_get(some).await?;
            if let Some((key, _)) = some.iter().zip(found).find(|(_, found)| found.is_none()) {
                return Ok(Some(anew(Wrong::Unsearched(key.clone()), &repository, &digest)));
            }
        }
        Ok(None)
    }

    /// Whether an entry is one of those that its manifest's item lists: else nobody would take it away.
    pub(super) async fn search_entry(&self, item: &Item) -> Result<Option<Finding>, PortError> {
        if !self.is_searched {
            return Ok(None);
        }
        let Some(place) = item.key.search_place() else {
            return Err(PortError::Corrupt(format!("{:?} leads to no manifest", item.key)));
        };
        let key = Key::searched(&place.repository, &place.digest);
        let listing = self.steps.table.get(&key).await?;
        let is_listed = matches!(&listing, Some(Item { fact: Fact::Searched(searched), .. })
            if search_entries(&place.repository, &place.digest, searched).contains(&item.key));
        if is_listed {
            return Ok(None);
        }
        let remedy =
            vec![Action::Delete(item.key.clone(), Expect::Anything), unchanged(key, listing.as_ref())];
        let wrong = Wrong::StaleSearch(item.key.clone());
        Ok(Some(Finding { wrong, remedy: Remedy::Write(remedy) }))
    }
}

fn is_waiting(waiting: Option<&Waiting>, repository: &RepositoryName, digest: &Digest) -> bool {
    waiting.is_some_and(|waiting| waiting.search.contains(&(repository.clone(), digest.clone())))
}

fn anew(wrong: Wrong, repository: &RepositoryName, digest: &Digest) -> Finding {
    Finding { wrong, remedy: Remedy::Search(repository.clone(), digest.clone()) }
}
