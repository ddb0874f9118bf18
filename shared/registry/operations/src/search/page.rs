//! A page of a search: candidates are looked at until there are enough, or too many were.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use moorage_oci::{Digest, RepositoryName};
use moorage_ports::facts::SearchedRecord;
use moorage_ports::limits::BATCH_GET_ITEMS_MAX;
use moorage_ports::{Fact, Item, Key, PortError, SearchPlace};

use super::candidates::Candidates;
use super::criteria::SearchQuery;
use crate::error::RegistryError;
use crate::registry::Pull;

/// Manifests in one page, whatever was asked for.
const RESULTS_IN_PAGE_MAX: usize = 100;

/// Bytes of what is said of the manifests of one page: it ends when they are reached. As JSON that is at most 3 MiB, where
/// all of it is control characters; some can answer with no more than 6 MB.
const RESULTS_BYTES_IN_PAGE_MAX: usize = 512 * 1024;

/// Candidates looked at for one page: where few of them are what is searched for, a page is short, or empty, and is
/// followed by more.
pub(super) const LOOKED_AT_IN_PAGE_MAX: usize = 500;

/// Candidates looked at together: their records and what is said of them are two batches, read at once.
const LOOKED_AT_TOGETHER_MAX: usize = BATCH_GET_ITEMS_MAX;

/// A manifest that was searched for.
#[derive(Clone, PartialEq, Debug)]
pub struct FoundManifest {
    pub repository: RepositoryName,
    pub digest: Digest,
    pub searched: SearchedRecord,
}

/// A page of a search, the newest first.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SearchPage {
    /// May be fewer than were asked for, or none, and be followed by more.
    pub results: Vec<FoundManifest>,
    /// Where the next page begins.
    pub next: Option<SearchPlace>,
}

impl Pull {
    /// At most as many manifests as the limit says. A limit of 0 gives none; a repository that nobody knows has none.
    ///
    /// # Errors
    /// `NotSearched` where the registry's owner wants none; those of the storage.
    pub async fn search(&self, query: &SearchQuery) -> Result<SearchPage, RegistryError> {
        if !self.is_searched() {
            return Err(RegistryError::NotSearched);
        }
        let limit = query.limit.unwrap_or(RESULTS_IN_PAGE_MAX).min(RESULTS_IN_PAGE_MAX);
        let mut page = SearchPage::default();
        let mut candidates = Candidates::of(&*self.table, query);
        let (mut looked_at, mut bytes) = (0, 0);
        let is_full =
            |page: &SearchPage, bytes| page.results.len() >= limit || bytes >= RESULTS_BYTES_IN_PAGE_MAX;
        while !is_full(&page, bytes) && looked_at < LOOKED_AT_IN_PAGE_MAX {
            // As many as are missing; more and more where many are not what is searched for.
            let wanted = (limit - page.results.len()).max(looked_at);
            let wanted = wanted.min(LOOKED_AT_TOGETHER_MAX).min(LOOKED_AT_IN_PAGE_MAX - looked_at);
            let places = candidates.next(wanted).await?;
            looked_at += places.len();
            let read = self.read_candidates(&places).await?;
            let mut places = places.into_iter();
            for place in places.by_ref() {
                if let Some(found) = found(&place, &read).filter(|found| query.is_met_by(&found.searched)) {
                    bytes += bytes_of(&found.searched);
                    page.results.push(found);
                }
                page.next = Some(place);
                if is_full(&page, bytes) {
                    break;
                }
            }
            if places.as_slice().is_empty() && candidates.is_over() {
                page.next = None;
                break;
            }
        }
        Ok(page)
    }

    /// Whether this registry can be searched.
    #[must_use]
    pub fn is_searched(&self) -> bool {
        self.common.settings.search
    }

    /// The records of some candidates and what is said of them.
    async fn read_candidates(&self, places: &[SearchPlace]) -> Result<BTreeMap<Key, Item>, PortError> {
        let places = places.iter().filter(|place| may_be_shown(&place.repository));
        // Each once: an entry that was left behind may name a manifest that another names too.
        let keys: BTreeSet<Key> = places
            .flat_map(|SearchPlace { repository, digest, .. }| {
                [Key::manifest(repository, digest), Key::searched(repository, digest)]
            })
            .collect();
        let keys: Vec<Key> = keys.into_iter().collect();
        let batches =
            try_join_all(keys.chunks(BATCH_GET_ITEMS_MAX).map(|some| self.table.batch_get(some))).await?;
        Ok(batches.into_iter().flatten().flatten().map(|item| (item.key.clone(), item)).collect())
    }
}

/// Whether whoever searches may see what this repository has: everybody may, while there are no accounts. Nothing is read
/// of a repository, and nothing said of it, where this says no.
fn may_be_shown(_repository: &RepositoryName) -> bool {
    true
}

/// The manifest that a candidate is, if it is there for readers in the life that the candidate is of.
fn found(place: &SearchPlace, read: &BTreeMap<Key, Item>) -> Option<FoundManifest> {
    let SearchPlace { pushed, repository, digest } = place;
    let Fact::Manifest(record) = &read.get(&Key::manifest(repository, digest))?.fact else { return None };
    let Fact::Searched(searched) = &read.get(&Key::searched(repository, digest))?.fact else { return None };
    let is_there = record.node.state.is_readable()
        && record.node.incarnation == searched.incarnation
        && searched.pushed == *pushed;
    is_there.then(|| FoundManifest {
        repository: repository.clone(),
        digest: digest.clone(),
        searched: searched.clone(),
    })
}

/// About how many bytes an answer has for it.
fn bytes_of(searched: &SearchedRecord) -> usize {
    let SearchedRecord { media_type, artifact_type, platforms, annotations, labels, .. } = searched;
    let pairs = annotations.iter().chain(labels).map(|(name, value)| name.len() + value.len());
    let platforms = platforms.iter().map(String::len);
    media_type.len() + artifact_type.as_ref().map_or(0, String::len) + pairs.chain(platforms).sum::<usize>()
}
