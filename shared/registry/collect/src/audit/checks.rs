//! Holding one item against what it says of others.

use moorage_ports::facts::{ReferrerRecord, State, TagRecord};
use moorage_ports::{Action, Expect, Fact, Item, Key, PortError, Reviewed};

use super::{Audit, Finding, Remedy, Waiting, Wrong};
use crate::holds::hold_of_tag;
use crate::look::record_of;
use crate::real::{Held, is_real};
use crate::steps::version_of;

impl Audit {
    /// What is wrong with an item. Without `waiting`, as if nothing waited for anything.
    pub(super) async fn check(
        &self,
        item: &Item,
        waiting: Option<&Waiting>,
    ) -> Result<Vec<Finding>, PortError> {
        let found = match &item.fact {
            Fact::Hold => self.hold(&item.key).await?,
            Fact::RemoteIn { .. } => self.remote(&item.key).await?,
            Fact::Tag(target) => self.tag(item, target).await?,
            Fact::Referrer(referrer) => self.referrer(item, referrer).await?,
            Fact::Manifest(_) | Fact::Grant(_) | Fact::Content(_) | Fact::Session(_) | Fact::Trash(_) => {
                return self.node(item, waiting).await;
            }
            Fact::Body(_) | Fact::Listed | Fact::WasHeld | Fact::WasTagged | Fact::Recycled => {
                self.left_over(item).await?
            }
            Fact::SearchEntry => self.search_entry(item).await?,
            Fact::Searched(searched) => self.searched_item(item, searched, waiting).await?,
            Fact::Format { .. }
            | Fact::UploadSecret { .. }
            | Fact::Catalog
            | Fact::Policy(_)
            | Fact::RegistryPolicy(_)
            | Fact::Type(_)
            | Fact::TagHistory(_)
            | Fact::Review
            | Fact::FeedPlace { .. }
            | Fact::Event(_) => None,
        };
        Ok(found.into_iter().collect())
    }

    /// Whether its holder is there in that life. Whether the policy keeps, and whether what is held is in the bin,
    /// is left to the collector: it takes such a hold away together with what goes with it.
    async fn hold(&self, key: &Key) -> Result<Option<Finding>, PortError> {
        let (Some(of), Some(holder)) = (key.held(), key.holder()) else {
            return Err(PortError::Corrupt(format!("{key:?} is not a hold of ours")));
        };
        let (Reviewed::Manifest(_, digest) | Reviewed::Grant(_, digest) | Reviewed::Content(digest)) = &of
        else {
            return Err(PortError::Corrupt(format!("{key:?} holds nothing that can be held")));
        };
        // The policy holds a manifest in that manifest's own life.
        let holder_key = record_of(&of, &holder).unwrap_or_else(|| of.key());
        let record = self.steps.table.get(&holder_key).await?;
        let held = Held {
            digest,
            state: None,
            incarnation: record.as_ref().and_then(|record| record.fact.node()).map(|node| node.incarnation),
            policy_keeps: true,
        };
        if is_real(&holder, held, record.as_ref()) {
            return Ok(None);
        }
        // No holder ever comes back in a life that is over.
        let remedy =
            vec![Action::Delete(key.clone(), Expect::Anything), unchanged(holder_key, record.as_ref())];
        Ok(Some(Finding { wrong: Wrong::DeadHold(key.clone()), remedy: Remedy::Write(remedy) }))
    }

    async fn remote(&self, key: &Key) -> Result<Option<Finding>, PortError> {
        let (Some((repository, named)), Some(index)) = (key.manifest_named(), key.naming_index()) else {
            return Err(PortError::Corrupt(format!("{key:?} is not an entry of an index")));
        };
        let index_key = Key::manifest(&repository, &index);
        let record = self.steps.table.get(&index_key).await?;
        let lives = record.as_ref().and_then(|record| record.fact.node()).is_some_and(|node| {
            node.state != State::Deleting
                && Key::remote_in(&repository, &named, &index, node.incarnation) == *key
        });
        if lives {
            return Ok(None);
        }
        let remedy =
            vec![Action::Delete(key.clone(), Expect::Anything), unchanged(index_key, record.as_ref())];
        Ok(Some(Finding { wrong: Wrong::DeadHold(key.clone()), remedy: Remedy::Write(remedy) }))
    }

    async fn tag(&self, item: &Item, target: &TagRecord) -> Result<Option<Finding>, PortError> {
        let name = item.key.tag_name().and_then(|name| name.parse().ok());
        let (Some(repository), Some(name)) = (item.key.repository(), name) else {
            return Err(PortError::Corrupt(format!("{:?} is not a tag", item.key)));
        };
        let version = version_of(item)?;
        let hold = hold_of_tag(&repository, &target.digest, &name, version);
        let manifest_key = Key::manifest(&repository, &target.digest);
        let manifest = self.steps.table.get(&manifest_key).await?;
        let is_held = self.steps.table.get(&hold).await?.is_some();
        let state = manifest.as_ref().and_then(|record| record.fact.node()).map(|node| node.state);
        let manifest_is_as_seen = unchanged(manifest_key, manifest.as_ref());
        match state {
            Some(State::Live | State::Condemned) if is_held => Ok(None),
            Some(State::Live | State::Condemned) => {
                let hold = Item::once(hold, Fact::Hold);
                let remedy = vec![
                    Action::Put(hold, Expect::Anything),
                    Action::Check(item.key.clone(), Expect::VersionIs(version)),
                    manifest_is_as_seen,
                ];
                let wrong = Wrong::UnheldTag(item.key.clone());
                Ok(Some(Finding { wrong, remedy: Remedy::Write(remedy) }))
            }
            // The collector takes it away, and remembers it for a restore.
            Some(State::Recycled) if is_held => Ok(None),
            Some(State::Recycled | State::Pending | State::Deleting) | None => {
                let remedy = vec![
                    Action::Delete(item.key.clone(), Expect::VersionIs(version)),
                    Action::Delete(hold, Expect::Anything),
                    manifest_is_as_seen,
                ];
                let wrong = Wrong::DanglingTag(item.key.clone());
                Ok(Some(Finding { wrong, remedy: Remedy::Write(remedy) }))
            }
        }
    }

    /// Whether what is listed under a subject is there and says that it is about it.
    async fn referrer(&self, item: &Item, referrer: &ReferrerRecord) -> Result<Option<Finding>, PortError> {
        let Some((repository, subject)) = item.key.manifest_named() else {
            return Err(PortError::Corrupt(format!("{:?} is not a referrer", item.key)));
        };
        let referrer_key = Key::manifest(&repository, &referrer.digest);
        let record = self.steps.table.get(&referrer_key).await?;
        let is_right = match record.as_ref().map(|record| &record.fact) {
            Some(Fact::Manifest(manifest)) => {
                manifest.node.state.is_readable()
                    && manifest.subject.as_ref().is_some_and(|of| {
                        of.digest == subject
                            && Key::referrer(&repository, &subject, &of.artifact_type, &referrer.digest)
                                == item.key
                    })
            }
            _ => false,
        };
        if is_right {
            return Ok(None);
        }
        let remedy = vec![
            Action::Delete(item.key.clone(), Expect::Anything),
            unchanged(referrer_key, record.as_ref()),
        ];
        Ok(Some(Finding { wrong: Wrong::StaleReferrer(item.key.clone()), remedy: Remedy::Write(remedy) }))
    }
}

/// A check that a record still is as it was seen.
pub(super) fn unchanged(key: Key, seen: Option<&Item>) -> Action {
    let expect = match seen {
        None => Expect::Absent,
        Some(Item { version: Some(version), .. }) => Expect::VersionIs(*version),
        Some(Item { version: None, .. }) => Expect::Anything,
    };
    Action::Check(key, expect)
}
