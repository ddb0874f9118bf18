//! Nodes, and what else is looked at by reviews: whether one waits that has to, and whether the bytes are there.

use std::collections::BTreeSet;

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::facts::{ContentRecord, GrantRecord, ManifestRecord, ReferrerRecord, State};
use moorage_ports::{
    Action, Change, Expect, Fact, Item, Key, ObjectKey, PortError, Query, Reviewed, SortRange,
};

use super::checks::unchanged;
use super::{Audit, Finding, Remedy, Wrong};
use crate::reviews::reviews;

impl Audit {
    pub(super) async fn node(
        &self,
        item: &Item,
        waiting: Option<&BTreeSet<Reviewed>>,
    ) -> Result<Vec<Finding>, PortError> {
        let Some(of) = item.key.reviewed() else {
            return Err(PortError::Corrupt(format!("{:?} is not what its record says", item.key)));
        };
        let mut found = Vec::new();
        let waits = waiting.is_some_and(|waiting| waiting.contains(&of));
        if !waits && self.needs_a_review(&of, item).await? {
            // As if it had just come to be as it is: that is the change that was lost.
            let change = Change { key: item.key.clone(), old: None, new: Some(item.clone()) };
            let asked = reviews(&change, self.steps.now(), &self.steps.times).into_iter().next();
            found.extend(
                asked.map(|review| Finding {
                    wrong: Wrong::Unreviewed(of.clone()),
                    remedy: Remedy::Ask(review),
                }),
            );
        }
        match (&item.fact, &of) {
            (Fact::Manifest(record), Reviewed::Manifest(repository, digest)) => {
                found.extend(self.bytes_of_manifest(item, repository, digest, record).await?);
                found.extend(self.listed_referrer(item, repository, digest, record).await?);
            }
            (Fact::Content(content), _) => found.extend(self.bytes_of_content(item, content).await?),
            (Fact::Grant(grant), Reviewed::Grant(_, digest)) => {
                found.extend(self.content_of_grant(item, digest, grant).await?);
            }
            _ => {}
        }
        Ok(found)
    }

    /// Whether nothing would ever become of it without a review.
    async fn needs_a_review(&self, of: &Reviewed, item: &Item) -> Result<bool, PortError> {
        let looks = match item.fact.node().map(|node| node.state) {
            Some(State::Live) => true,
            Some(State::Recycled) => matches!(of, Reviewed::Grant(..)),
            Some(State::Pending | State::Condemned | State::Deleting) | None => false,
        };
        if !looks {
            return Ok(true);
        }
        let look = self.steps.look(of, Some(item)).await?;
        let subject_is_new = match &item.fact {
            Fact::Manifest(ManifestRecord { subject: Some(subject), .. }) => {
                look.around.subject_is_there && !subject.was_there
            }
            _ => false,
        };
        Ok(look.by.is_none() || subject_is_new)
    }

    async fn bytes_of_manifest(
        &self,
        item: &Item,
        repository: &RepositoryName,
        digest: &Digest,
        record: &ManifestRecord,
    ) -> Result<Option<Finding>, PortError> {
        if matches!(record.node.state, State::Pending | State::Deleting) {
            return Ok(None);
        }
        if let Some(object) = &record.object {
            return self.bytes_of(item, object, record.size).await;
        }
        let range = SortRange::manifest_and_body(repository, digest);
        let keys = self.steps.table.query_keys(&Query { range, limit: 2 }).await?.items;
        if keys.iter().any(Key::is_body) {
            return Ok(None);
        }
        let wrong = Wrong::BytesMissing { record: item.key.clone(), object: None };
        Ok(Some(Finding { wrong, remedy: Remedy::None }))
    }

    async fn bytes_of_content(
        &self,
        item: &Item,
        content: &ContentRecord,
    ) -> Result<Option<Finding>, PortError> {
        if content.node.state == State::Deleting {
            return Ok(None);
        }
        self.bytes_of(item, &content.object, content.size).await
    }

    async fn bytes_of(
        &self,
        item: &Item,
        object: &ObjectKey,
        size: u64,
    ) -> Result<Option<Finding>, PortError> {
        if self.blobs.size(object).await? == Some(size) {
            return Ok(None);
        }
        let wrong = Wrong::BytesMissing { record: item.key.clone(), object: Some(object.clone()) };
        Ok(Some(Finding { wrong, remedy: Remedy::None }))
    }

    async fn content_of_grant(
        &self,
        item: &Item,
        digest: &Digest,
        grant: &GrantRecord,
    ) -> Result<Option<Finding>, PortError> {
        if matches!(grant.node.state, State::Pending | State::Deleting) {
            return Ok(None);
        }
        let content = self.steps.table.get(&Key::content(digest)).await?;
        let is_there = match content.as_ref().map(|content| &content.fact) {
            Some(Fact::Content(content)) => {
                content.node.state.is_readable() && Some(&content.object) == grant.object.as_ref()
            }
            _ => false,
        };
        let wrong = Wrong::ContentMissing(item.key.clone());
        Ok((!is_there).then_some(Finding { wrong, remedy: Remedy::None }))
    }

    /// Its entry under its subject. One that is put anew says nothing of the manifest: the listing reads that itself.
    async fn listed_referrer(
        &self,
        item: &Item,
        repository: &RepositoryName,
        digest: &Digest,
        record: &ManifestRecord,
    ) -> Result<Option<Finding>, PortError> {
        let Some(subject) = record.subject.as_ref().filter(|_| record.node.state.is_readable()) else {
            return Ok(None);
        };
        let key = Key::referrer(repository, &subject.digest, &subject.artifact_type, digest);
        if self.steps.table.get(&key).await?.is_some() {
            return Ok(None);
        }
        let entry = Fact::Referrer(ReferrerRecord { digest: digest.clone(), descriptor: None });
        let remedy = vec![
            Action::Put(Item::once(key.clone(), entry), Expect::Absent),
            unchanged(item.key.clone(), Some(item)),
        ];
        Ok(Some(Finding { wrong: Wrong::MissingReferrer(key), remedy: Remedy::Write(remedy) }))
    }
}
