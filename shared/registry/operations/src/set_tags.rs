//! Tagging a manifest: one read, then one transaction that puts the tags and their holds, takes away the
//! holds on their old targets, and checks that the target is still as it was seen live.

use moorage_collector::hold_of_tag;
use moorage_oci::{Digest, RepositoryName, Tag};
use moorage_ports::facts::{Policy, TagRecord};
use moorage_ports::{Action, Expect, Fact, Item, Key, PortError, Transacted};

use crate::commit::{node_of, version_of};
use crate::error::RegistryError;
use crate::policy::{check_may_move, policy_of};
use crate::registry::Push;
use crate::settings::CONTENTION_TRIES_MAX;

/// Tags as they were read, one after the other.
pub(crate) struct KnownTags {
    found: Vec<Option<Item>>,
    pub(crate) policy: Policy,
    /// What was read along, where that was asked for.
    pub(crate) along: Option<Option<Item>>,
}

impl KnownTags {
    /// What each of them points to, if it is there.
    pub(crate) fn targets(&self) -> impl Iterator<Item = Option<&Digest>> {
        self.found.iter().map(|item| match item {
            Some(Item { fact: Fact::Tag(target), .. }) => Some(&target.digest),
            _ => None,
        })
    }

    /// Which of `tags` nobody has pointed elsewhere than to `digest`, with what is known of them; and the others.
    pub(crate) fn free_for(self, digest: &Digest, tags: &[Tag]) -> (Vec<Tag>, Self, Vec<Tag>) {
        let is_free: Vec<bool> =
            self.targets().map(|target| target.is_none_or(|target| target == digest)).collect();
        let (mut free, mut found, mut elsewhere) = (Vec::new(), Vec::new(), Vec::new());
        for ((tag, item), is_free) in tags.iter().zip(self.found).zip(is_free) {
            if is_free {
                free.push(tag.clone());
                found.push(item);
            } else {
                elsewhere.push(tag.clone());
            }
        }
        (free, Self { found, policy: self.policy, along: None }, elsewhere)
    }
}

impl Push {
    /// Reads tags, the policy that says whether they may move, and one item more.
    pub(crate) async fn known_tags(
        &self,
        repository: &RepositoryName,
        tags: &[Tag],
        along: Option<Key>,
    ) -> Result<KnownTags, RegistryError> {
        let mut keys: Vec<Key> = tags.iter().map(|tag| Key::tag(repository, tag)).collect();
        keys.push(Key::policy(repository));
        let is_asked_along = along.is_some();
        keys.extend(along);
        let mut found = self.table.batch_get(&keys).await?;
        let along = if is_asked_along { found.pop() } else { None };
        let policy = policy_of(found.pop().flatten());
        Ok(KnownTags { found, policy, along })
    }

    /// Refuses tags that may not move to `digest`, before anything is pushed.
    pub(crate) fn check_tags(known: &KnownTags, tags: &[Tag], digest: &Digest) -> Result<(), RegistryError> {
        for (tag, target) in tags.iter().zip(known.targets()) {
            if let Some(target) = target.filter(|target| *target != digest) {
                check_may_move(&known.policy, tag, target)?;
            }
        }
        Ok(())
    }

    /// Points `tags` to a manifest, all in one instant. Those that point there already are left alone.
    /// `record` is the manifest's record as it was last seen, `known` what is known of the tags. `false` where the
    /// manifest is no longer there.
    pub(crate) async fn set_tags(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        tags: &[Tag],
        record: Item,
        known: Option<KnownTags>,
    ) -> Result<bool, RegistryError> {
        if tags.is_empty() {
            return Ok(true);
        }
        let mut record = record;
        let mut known = known;
        for _ in 0..CONTENTION_TRIES_MAX {
            let known = match known.take() {
                Some(known) => known,
                None => self.known_tags(repository, tags, None).await?,
            };
            if self.try_tags(repository, digest, tags, &record, known).await? {
                return Ok(true);
            }
            // Only what is seen live may be tagged: a condemned record is set back first.
            match self.settle_child(self.table.get(&record.key).await?).await? {
                Some(live) => record = live,
                None => return Ok(false),
            }
        }
        Err(RegistryError::Contended)
    }

    /// `false` where the record, or one of the tags, is not as it was seen any more; nothing has changed then.
    pub(crate) async fn try_tags(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        tags: &[Tag],
        record: &Item,
        known: KnownTags,
    ) -> Result<bool, RegistryError> {
        let KnownTags { found, policy, along: _ } = known;
        let mut actions = Vec::new();
        for (tag, old) in tags.iter().zip(found) {
            self.move_tag(repository, &policy, tag, old, record, &mut actions)?;
        }
        if actions.is_empty() {
            return Ok(true);
        }
        let incarnation = node_of(record)?.incarnation;
        actions.push(Action::Check(record.key.clone(), Expect::VersionIs(version_of(record)?)));
        // What was tagged once stays when it loses its tags, if that is the policy.
        if policy.untagged.is_keep() {
            let kept = Key::held_by_policy(repository, digest, incarnation);
            actions.push(Action::Put(Item::once(kept, Fact::Hold), Expect::Anything));
        }
        Ok(self.table.transact(actions).await? == Transacted::Done)
    }

    fn move_tag(
        &self,
        repository: &RepositoryName,
        policy: &Policy,
        tag: &Tag,
        old: Option<Item>,
        record: &Item,
        actions: &mut Vec<Action>,
    ) -> Result<(), RegistryError> {
        let (Fact::Manifest(manifest), Some((_, digest))) = (&record.fact, record.key.manifest_named())
        else {
            return Err(PortError::Corrupt(format!("{:?} is not a manifest", record.key)).into());
        };
        let version = self.fresh_version();
        let mut since = self.now();
        let expect = match old {
            None => Expect::Absent,
            Some(Item { fact: Fact::Tag(target), version: Some(old_version), .. }) => {
                if target.digest == digest {
                    return Ok(());
                }
                check_may_move(policy, tag, &target.digest)?;
                // Clocks differ: a tag's own time never goes back.
                since = target.since.map_or(since, |before| since.max(before));
                let hold = hold_of_tag(repository, &target.digest, tag, old_version);
                actions.push(Action::Delete(hold, Expect::Anything));
                Expect::VersionIs(old_version)
            }
            Some(item) => return Err(PortError::Corrupt(format!("{:?} is not a tag", item.key)).into()),
        };
        let target = TagRecord {
            digest: digest.clone(),
            media_type: manifest.media_type.clone(),
            size: manifest.size,
            since: Some(since),
        };
        actions.push(Action::Put(Item::at(Key::tag(repository, tag), version, Fact::Tag(target)), expect));
        let hold = hold_of_tag(repository, &digest, tag, version);
        actions.push(Action::Put(Item::once(hold, Fact::Hold), Expect::Anything));
        Ok(())
    }
}
