//! What is searched: for each manifest an item that says what it is ([`Fact::Searched`]), and an entry under each term
//! that it can be found by; written from the change feed.
//!
//! It decides nothing: what is found is held against its record. The item comes before the entries that it lists, and
//! goes after them, so that what is there is known of. Whoever writes looks at the record once more after it; whoever
//! ends a life of a manifest has changed the record before its items are looked for: so one of the two sees the other.
//! All of it can be done twice, and by many at once. What stays in the recycle bin keeps its items, for a restore.

mod describe;
mod documents;
mod reading;

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use moorage_oci::{Digest, RepositoryName};
use moorage_ports::facts::{ManifestRecord, Node, SearchedRecord, State};
use moorage_ports::{
    Action, Change, Durability, Expect, Fact, Item, Key, PortError, Reviewed, SearchPlace, SearchScope,
    Written,
};

use crate::steps::{Steps, version_of};

pub use describe::{
    CONFIG_BYTES_MAX, Config, LEADING_ANNOTATIONS_MAX, PAIR_BYTES_MAX, PAIRS_BYTES_MAX, PLATFORMS_MAX,
    describe, image_config, pushed,
};

/// Manifests whose items are written in one moment: each is a few calls, one after the other.
const MANIFESTS_AT_ONCE: usize = 8;

/// How often it is begun again where somebody else was faster.
const TRIES_MAX: usize = 8;

/// The manifest whose search items a change may begin, end, or make others: one whose life began for readers, or is over.
/// Whatever else becomes of a record (it is kept longer, condemned and rescued, or put into the recycle bin) is none.
#[must_use]
pub fn searched_anew(change: &Change) -> Option<(RepositoryName, Digest)> {
    let node = |item: &Option<Item>| match item {
        Some(Item { fact: Fact::Manifest(record), .. }) => Some(record.node.clone()),
        _ => None,
    };
    let (old, new) = (node(&change.old), node(&change.new));
    if !begins_or_ends(old.as_ref(), new.as_ref()) {
        return None;
    }
    match change.key.reviewed()? {
        Reviewed::Manifest(repository, digest) => Some((repository, digest)),
        _ => None,
    }
}

fn begins_or_ends(old: Option<&Node>, new: Option<&Node>) -> bool {
    let Some(new) = new else { return old.is_some() };
    let before = old.filter(|old| old.incarnation == new.incarnation).map(|old| old.state);
    match new.state {
        State::Live | State::Condemned => !before.is_some_and(State::is_readable),
        State::Deleting => before != Some(State::Deleting),
        State::Pending | State::Recycled => old.is_some() && before.is_none(),
    }
}

/// What is to be done with the search items of a manifest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// All is as it should be.
    Nothing,
    /// There are none, and readers see it.
    Write,
    /// They are of this life. Whoever wrote the first of them may have died before the last.
    Complete,
    /// They are of a life that is over.
    Remove,
}

/// The next step, by the manifest's record and what is said of it.
#[must_use]
pub fn next_step(record: Option<&ManifestRecord>, searched: Option<&SearchedRecord>) -> Step {
    match searched {
        Some(searched) if is_of_life(searched, record) => Step::Complete,
        Some(_) => Step::Remove,
        None if record.is_some_and(|record| record.node.state.is_readable()) => Step::Write,
        None => Step::Nothing,
    }
}

/// Whether it is said of the life that a manifest has; in the recycle bin too.
pub(crate) fn is_of_life(searched: &SearchedRecord, record: Option<&ManifestRecord>) -> bool {
    record.is_some_and(|record| {
        record.node.incarnation == searched.incarnation && record.node.state != State::Deleting
    })
}

/// The keys of the entries that go with what is said of a manifest: for each term in its repository, and in a shard of
/// all.
#[must_use]
pub fn search_entries(repository: &RepositoryName, digest: &Digest, searched: &SearchedRecord) -> Vec<Key> {
    let place =
        SearchPlace { pushed: searched.pushed, repository: repository.clone(), digest: digest.clone() };
    let scopes = [SearchScope::Repository(repository), SearchScope::shard_of(repository, digest)];
    let of_term = |term| scopes.map(|scope| Key::search_entry(scope, term, &place));
    searched.terms.iter().flat_map(of_term).collect()
}

/// A manifest, and what is said of it, as they were read together.
struct Read {
    record: Option<ManifestRecord>,
    searched: Option<Item>,
    body: Option<Bytes>,
}

impl Steps {
    /// Writes what these changes add to what is searched, and takes away what they end.
    ///
    /// # Errors
    /// Those of the storage, when all that can be done is done. What cannot be read is logged: trying again would not
    /// help.
    pub(crate) async fn write_search(&self, changes: &[Change]) -> Result<(), PortError> {
        let manifests: BTreeSet<_> = changes.iter().filter_map(searched_anew).collect();
        let writes = manifests.into_iter().map(|(repository, digest)| async move {
            match self.search_anew(&repository, &digest).await {
                Err(PortError::Corrupt(error)) => {
                    tracing::warn!(%repository, %digest, error, "what is searched of a manifest could not be written");
                    Ok(())
                }
                other => other,
            }
        });
        let done: Vec<_> = stream::iter(writes).buffer_unordered(MANIFESTS_AT_ONCE).collect().await;
        done.into_iter().collect()
    }

    /// Makes what is searched of a manifest be as its record says, whatever is there.
    ///
    /// # Errors
    /// Those of the storage; all of it can be repeated.
    pub(crate) async fn search_anew(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(), PortError> {
        for _ in 0..TRIES_MAX {
            let read = self.read_for_search(repository, digest).await?;
            let step = next_step(read.record.as_ref(), read.searched.as_ref().and_then(searched_of));
            match (step, read.record, read.searched) {
                (Step::Remove, record, Some(item)) => {
                    self.remove_search(repository, digest, &item).await?;
                    if !record.is_some_and(|record| record.node.state.is_readable()) {
                        return Ok(());
                    }
                }
                (Step::Complete, _, Some(item)) => {
                    return self.write_search_entries(repository, digest, &item).await;
                }
                (Step::Write, Some(record), _) => {
                    let searched = self.described(repository, digest, &record, read.body).await?;
                    let key = Key::searched(repository, digest);
                    let item = Item::at(key, self.fresh_version(), Fact::Searched(searched));
                    match self.table.put(item.clone(), Expect::Absent, Durability::BeforeNext).await? {
                        Written::Done => return self.write_search_entries(repository, digest, &item).await,
                        Written::Refused(_) => {}
                    }
                }
                _ => return Ok(()),
            }
        }
        Err(PortError::Unavailable(format!("what is searched of {repository}@{digest} changes all the time")))
    }

    async fn read_for_search(&self, repository: &RepositoryName, digest: &Digest) -> Result<Read, PortError> {
        let keys = [
            Key::manifest(repository, digest),
            Key::searched(repository, digest),
            Key::body(repository, digest),
        ];
        let mut read = Read { record: None, searched: None, body: None };
        for item in self.table.batch_get(&keys).await?.into_iter().flatten() {
            match item.fact {
                Fact::Manifest(record) => read.record = Some(record),
                Fact::Body(bytes) => read.body = Some(bytes),
                Fact::Searched(_) => read.searched = Some(item),
                _ => return Err(not_searched(&item)),
            }
        }
        Ok(read)
    }

    /// Writes the entries that go with `item`, which is there, and looks whether its manifest's life is over by now.
    async fn write_search_entries(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        item: &Item,
    ) -> Result<(), PortError> {
        let Some(searched) = searched_of(item) else { return Err(not_searched(item)) };
        let entries = search_entries(repository, digest, searched).into_iter();
        let put = |key| Action::Put(Item::once(key, Fact::SearchEntry), Expect::Anything);
        self.write_all(entries.map(put).collect()).await?;
        let record = match self.table.get(&Key::manifest(repository, digest)).await? {
            Some(Item { fact: Fact::Manifest(record), .. }) => Some(record),
            _ => None,
        };
        if is_of_life(searched, record.as_ref()) {
            return Ok(());
        }
        self.remove_search(repository, digest, item).await
    }

    /// Removes the entries that go with `item`, and then it, if it still is as it was read.
    async fn remove_search(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        item: &Item,
    ) -> Result<(), PortError> {
        let Some(searched) = searched_of(item) else { return Err(not_searched(item)) };
        let entries = search_entries(repository, digest, searched).into_iter();
        self.write_all(entries.map(|key| Action::Delete(key, Expect::Anything)).collect()).await?;
        let expect = Expect::VersionIs(version_of(item)?);
        match self.table.delete(&item.key, expect, Durability::BeforeNext).await? {
            Written::Done | Written::Refused(_) => Ok(()),
        }
    }
}

fn searched_of(item: &Item) -> Option<&SearchedRecord> {
    match &item.fact {
        Fact::Searched(searched) => Some(searched),
        _ => None,
    }
}

fn not_searched(item: &Item) -> PortError {
    PortError::Corrupt(format!("{:?} is not what its key says", item.key))
}
