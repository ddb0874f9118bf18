//! Nodes, and what else is looked at by reviews: whether one waits that has to, and whether the bytes are there.

use bytes::Bytes;
use moorage_oci::{Digest, Manifest, RepositoryName};
use moorage_ports::facts::{ContentRecord, GrantRecord, ManifestRecord, ReferrerRecord, State};
use moorage_ports::{Action, Change, Expect, Fact, Item, Key, ObjectKey, PortError, Reviewed};

use super::checks::unchanged;
use super::{Audit, Finding, Remedy, Waiting, Wrong};
use crate::reviews::reviews;

impl Audit {
    pub(super) async fn node(
        &self,
        item: &Item,
        waiting: Option<&Waiting>,
    ) -> Result<Vec<Finding>, PortError> {
        let Some(of) = item.key.reviewed() else {
            return Err(PortError::Corrupt(format!("{:?} is not what its record says", item.key)));
        };
        let mut found = Vec::new();
        let waits = waiting.is_some_and(|waiting| waiting.reviews.contains(&of));
        if !waits && self.needs_a_review(&of, item).await? {
            // As if it had just come to be as it is: that is the change that was lost.
            let change = Change { key: item.key.clone(), old: None, new: Some(item.clone()), at: None };
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
                found.extend(self.document(item, repository, digest, record).await?);
                found.extend(self.listed_referrer(item, repository, digest, record).await?);
                found.extend(self.is_found(item, repository, digest, record, waiting).await?);
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

    /// Its bytes, and what they name: for readers, and in the recycle bin for a restore. Nothing, where it is changed
    /// meanwhile: what was found missing may not have been needed any more.
    async fn document(
        &self,
        item: &Item,
        repository: &RepositoryName,
        digest: &Digest,
        record: &ManifestRecord,
    ) -> Result<Vec<Finding>, PortError> {
        if matches!(record.node.state, State::Pending | State::Deleting) {
            return Ok(Vec::new());
        }
        let is_right = |bytes: &Bytes| {
            bytes.len() as u64 == record.size && Digest::of(digest.algorithm(), bytes) == *digest
        };
        let bytes = self.steps.manifest_bytes(repository, digest, record).await?.filter(is_right);
        let mut found = match bytes.and_then(|bytes| Manifest::parse(&bytes, Some(&record.media_type)).ok()) {
            Some(manifest) => self.children(item, repository, digest, record, &manifest).await?,
            None => {
                let wrong = Wrong::BytesMissing { record: item.key.clone(), object: record.object.clone() };
                vec![Finding { wrong, remedy: Remedy::None }]
            }
        };
        if let Some(object) = &record.object {
            found.extend(self.in_trash(item, object).await?);
        }
        Ok(if found.is_empty() || self.is_as_seen(item).await? { found } else { Vec::new() })
    }

    async fn is_as_seen(&self, item: &Item) -> Result<bool, PortError> {
        Ok(self.steps.table.get(&item.key).await?.is_some_and(|now| now.version == item.version))
    }

    async fn bytes_of_content(
        &self,
        item: &Item,
        content: &ContentRecord,
    ) -> Result<Option<Finding>, PortError> {
        if content.node.state == State::Deleting {
            return Ok(None);
        }
        let found = if self.blobs.size(&content.object).await? == Some(content.size) {
            self.in_trash(item, &content.object).await?
        } else {
            let object = Some(content.object.clone());
            let wrong = Wrong::BytesMissing { record: item.key.clone(), object };
            Some(Finding { wrong, remedy: Remedy::None })
        };
        Ok(if found.is_none() || self.is_as_seen(item).await? { found } else { None })
    }

    /// Whether an object that a record names was given up. Taking it out again helps, if the collector is not deleting
    /// it in this moment.
    async fn in_trash(&self, item: &Item, object: &ObjectKey) -> Result<Option<Finding>, PortError> {
        let key = Key::trash(object);
        if self.steps.table.get(&key).await?.is_none() {
            return Ok(None);
        }
        let remedy = vec![Action::Delete(key, Expect::Anything), unchanged(item.key.clone(), Some(item))];
        let wrong = Wrong::InTrash { record: item.key.clone(), object: object.clone() };
        Ok(Some(Finding { wrong, remedy: Remedy::Write(remedy) }))
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
