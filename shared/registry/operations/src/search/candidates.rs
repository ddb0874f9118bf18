//! The manifests that entries of a search name, read from the shards or from a repository.

use futures_util::future::try_join_all;
use moorage_ports::{Key, PortError, Query, ReadTable, SearchPlace, SearchScope, SearchTerm, SortRange};

use super::criteria::SearchQuery;
use super::merge::{Merge, Part};

/// The manifests that have the leading term, in order, and from where the query begins.
pub(super) struct Candidates<'a> {
    table: &'a dyn ReadTable,
    query: &'a SearchQuery,
    term: SearchTerm,
    scopes: Vec<SearchScope<'a>>,
    merge: Merge<SearchPlace>,
}

impl<'a> Candidates<'a> {
    pub(super) fn of(table: &'a dyn ReadTable, query: &'a SearchQuery) -> Self {
        let scopes = match &query.repository {
            Some(repository) => vec![SearchScope::Repository(repository)],
            None => (0..SearchScope::SHARDS).map(SearchScope::Shard).collect(),
        };
        let merge = Merge::of(scopes.len());
        Self { table, query, term: query.leading_term(), scopes, merge }
    }

    /// The next ones: `wanted`, or fewer at the end.
    pub(super) async fn next(&mut self, wanted: usize) -> Result<Vec<SearchPlace>, PortError> {
        let mut certain = Vec::new();
        loop {
            certain.extend(std::iter::from_fn(|| self.merge.next()).take(wanted - certain.len()));
            if certain.len() == wanted || self.merge.is_over() {
                return Ok(certain);
            }
            let parts = self.merge.parts(wanted - certain.len());
            let pages = try_join_all(parts.iter().map(|part| self.read(part))).await?;
            for (part, (places, more)) in parts.iter().zip(pages) {
                self.merge.add(part.list, places, more);
            }
        }
    }

    /// Whether nothing follows.
    pub(super) fn is_over(&self) -> bool {
        self.merge.is_over()
    }

    async fn read(&self, part: &Part<SearchPlace>) -> Result<(Vec<SearchPlace>, bool), PortError> {
        let (scope, term) = (self.scopes[part.list], &self.term);
        let range = match (&part.after, &self.query.after, self.query.before) {
            (Some(read), ..) => SortRange::search(scope, term, Some(read)),
            (None, Some(after), Some(before)) if after.pushed < before => {
                SortRange::search(scope, term, Some(after))
            }
            (None, _, Some(before)) => SortRange::search_before(scope, term, before),
            (None, after, None) => SortRange::search(scope, term, after.as_ref()),
        };
        let page = self.table.query_keys(&Query { range, limit: part.limit }).await?;
        let place = |key: &Key| {
            key.search_place()
                .ok_or_else(|| PortError::Corrupt(format!("{key:?} is not an entry of a search")))
        };
        let mut places = page.items.iter().map(place).collect::<Result<Vec<_>, _>>()?;
        // All that follows is older.
        let is_over = |place: &SearchPlace| self.query.since.is_some_and(|since| place.pushed <= since);
        let end = places.iter().position(is_over);
        places.truncate(end.unwrap_or(places.len()));
        Ok((places, page.more && end.is_none()))
    }
}
