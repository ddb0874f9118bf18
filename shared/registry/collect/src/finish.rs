//! The last steps of a node that is being deleted, done by the collector or by a pusher who needs its place: its
//! holds are released, what it owns is given up, its record goes.

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::facts::ManifestRecord;
use moorage_ports::{
    Action, Expect, Fact, Incarnation, Item, Key, PortError, Query, Reviewed, SortRange, Transacted,
};

use crate::holds::holds;
use crate::mutants::{Mutant, without};
use crate::reviews::Review;
use crate::steps::{Steps, node_of, version_of};
use crate::trash::trash;

/// Keys read in one page.
const KEYS_IN_PAGE_MAX: usize = 1000;

impl Steps {
    /// Finishes the deletion of a `deleting` node. Deletes exactly the holds of its incarnation, and asks for a
    /// review of what it held and of what refers to it. Can be repeated; where somebody else was faster, does
    /// nothing.
    ///
    /// # Errors
    /// Those of the storage; `Misuse` where `item` is no node's record.
    pub async fn finish(&self, item: Item) -> Result<(), PortError> {
        let version = version_of(&item)?;
        let incarnation = node_of(&item)?.incarnation;
        let of =
            item.key.reviewed().ok_or_else(|| PortError::Corrupt(format!("{:?} is not a node", item.key)))?;
        let fence =
            if without(Mutant::ReleaseFenced) { Expect::Anything } else { Expect::VersionIs(version) };
        let mut ends = vec![Action::Delete(item.key.clone(), fence)];
        match (&item.fact, of) {
            (Fact::Grant(_), Reviewed::Grant(repository, digest)) => {
                let hold = Key::held_by_grant(&repository, &digest, incarnation);
                let mut writes = vec![Action::Delete(hold, Expect::Anything)];
                writes.extend(self.asking([self.after_grace(Reviewed::Content(digest))]));
                self.write_all(writes).await?;
            }
            (Fact::Content(content), Reviewed::Content(_)) => ends.push(trash(&content.object, self.now())),
            (Fact::Manifest(record), Reviewed::Manifest(repository, digest)) => {
                let writes = self.release(&repository, &digest, incarnation, record).await?;
                self.write_all(writes).await?;
                ends.push(Action::Delete(Key::body(&repository, &digest), Expect::Anything));
                ends.push(Action::Delete(Key::listed(&repository, &digest), Expect::Anything));
                // With the record, so that a slow finisher does not take the note of the next life.
                ends.push(Action::Delete(Key::was_held(&repository, &digest), Expect::Anything));
                if let Some(since) = record.recycled {
                    ends.push(Action::Delete(Key::recycled(&repository, since, &digest), Expect::Anything));
                }
                ends.extend(record.object.as_ref().map(|object| trash(object, self.now())));
            }
            _ => return Err(PortError::Misuse(format!("{:?} is not a node", item.key))),
        }
        match self.table.transact(ends).await? {
            Transacted::Done | Transacted::Refused(_) => Ok(()),
        }
    }

    /// What a manifest leaves: its holds, and what lies under itself for its own sake.
    async fn release(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        incarnation: Incarnation,
        record: &ManifestRecord,
    ) -> Result<Vec<Action>, PortError> {
        let mut gone = vec![Key::held_by_policy(repository, digest, incarnation)];
        let mut freed = Vec::new();
        if let Some(manifest) = self.manifest(repository, digest, record).await? {
            for item in holds(repository, digest, incarnation, &manifest) {
                freed.extend(item.key.held());
                gone.push(item.key);
            }
        }
        let referrers = SortRange::referrers(repository, digest, None);
        for key in self.all_keys(referrers).await? {
            freed.extend(
                key.referrer_digest().map(|referrer| Reviewed::Manifest(repository.clone(), referrer)),
            );
        }
        if record.recycled.is_some() {
            gone.extend(self.all_keys(SortRange::was_tagged(repository, digest, None)).await?);
        }
        let mut writes: Vec<Action> =
            gone.into_iter().map(|key| Action::Delete(key, Expect::Anything)).collect();
        writes.extend(self.asking(freed.into_iter().map(|of| self.after_grace(of))));
        Ok(writes)
    }

    fn after_grace(&self, of: Reviewed) -> Review {
        Review { due: self.times.after_grace(self.now()), of }
    }

    /// All keys of a range.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn all_keys(&self, range: SortRange) -> Result<Vec<Key>, PortError> {
        let mut range = range;
        let mut keys = Vec::new();
        loop {
            let page =
                self.table.query_keys(&Query { range: range.clone(), limit: KEYS_IN_PAGE_MAX }).await?;
            let rest = page.rest(range);
            keys.extend(page.items);
            match rest {
                Some(rest) => range = rest,
                None => return Ok(keys),
            }
        }
    }
}
