//! Deleting a manifest: condemned first, then a look for holds, then recycled. An index that needs it refuses
//! the deletion. Its tags go with it, remembered for a restore; its own holds stay for as long as it is in
//! the bin.

use moorage_oci::{Digest, Reference, RepositoryName, Tag};
use moorage_ports::facts::{ManifestRecord, State};
use moorage_ports::{
    Action, Expect, Fact, Item, Key, Nonce, PortError, Query, SortRange, Transacted, Version,
};

use crate::commit::{node_of, state_of, version_of};
use crate::error::RegistryError;
use crate::registry::Push;
use crate::settings::CONTENTION_TRIES_MAX;

/// Tags taken away in one transaction: three items each, beside the record and the referrer's entry.
const TAGS_IN_DELETE_MAX: usize = 32;

/// Holds read in one look. A manifest with more tags than this is looked at again.
const HOLDS_IN_LOOK_MAX: usize = 1000;

/// A tag that holds the manifest, at the version of its hold.
type HoldingTag = (Tag, Version);

impl Push {
    /// # Errors
    /// `ManifestUnknown`; `ManifestHeld`, and then nothing has changed.
    pub async fn delete_manifest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(), RegistryError> {
        let key = Key::manifest(repository, digest);
        let unknown = || {
            let reference = Reference::Digest(digest.clone());
            Err(RegistryError::ManifestUnknown { repository: repository.clone(), reference })
        };
        let mut found = self.table.get(&key).await?;
        for _ in 0..CONTENTION_TRIES_MAX {
            let Some(item) = found else { return unknown() };
            match state_of(&item)? {
                State::Live | State::Condemned => {}
                State::Recycled => {
                    // Whoever recycled it may have failed before its last tag was gone.
                    let tags = self.holding_tags(repository, digest).await?.unwrap_or_default();
                    self.take_away_tags(repository, digest, &item, &tags).await?;
                    return unknown();
                }
                State::Pending | State::Deleting => return unknown(),
            }
            let condemned = match self.compare_and_set(item, |node| node.state = State::Condemned).await? {
                Ok(condemned) => condemned,
                Err(now) => {
                    found = now;
                    continue;
                }
            };
            let tags = match self.holding_tags(repository, digest).await? {
                Ok(tags) => tags,
                Err(index) => {
                    // Whoever set it back to live before us did the same.
                    let _raced = self.compare_and_set(condemned, |node| node.state = State::Live).await?;
                    return Err(RegistryError::ManifestHeld { digest: digest.clone(), index });
                }
            };
            match self.recycle(repository, digest, condemned, &tags).await? {
                Ok(recycled) => {
                    let rest = tags.get(TAGS_IN_DELETE_MAX..).unwrap_or_default();
                    return self.take_away_tags(repository, digest, &recycled, rest).await;
                }
                Err(now) => found = now,
            }
        }
        Err(RegistryError::Contended)
    }

    /// The second look: the tags that hold the manifest, or an index that does.
    async fn holding_tags(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Result<Vec<HoldingTag>, Digest>, RegistryError> {
        let mut range = SortRange::holds_of_manifest(repository, digest);
        let mut tags = Vec::new();
        loop {
            let page =
                self.table.query_keys(&Query { range: range.clone(), limit: HOLDS_IN_LOOK_MAX }).await?;
            let mut indexes = Vec::new();
            for key in &page.items {
                if let Some((tag, version)) = key.holding_tag() {
                    tags.push((parsed(key, tag)?, Version(parsed(key, version)?)));
                } else if let Some((index, incarnation)) = key.holding_index() {
                    indexes.push((parsed::<Digest>(key, index)?, parsed::<Nonce>(key, incarnation)?));
                }
            }
            for (index, incarnation) in indexes {
                let holder = self.table.get(&Key::manifest(repository, &index)).await?;
                if let Some(holder) = holder {
                    let node = node_of(&holder)?;
                    let needs = matches!(node.state, State::Pending | State::Live | State::Condemned);
                    if needs && node.incarnation.0 == incarnation {
                        return Ok(Err(index));
                    }
                }
            }
            match page.items.last() {
                Some(last) if page.more => range = range.after_key(last),
                _ => return Ok(Ok(tags)),
            }
        }
    }

    /// The record becomes recycled, and in the same instant loses its first tags and its entry under its
    /// subject.
    async fn recycle(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        condemned: Item,
        tags: &[HoldingTag],
    ) -> Result<Result<Item, Option<Item>>, RegistryError> {
        let expect = Expect::VersionIs(version_of(&condemned)?);
        let mut recycled = Item { version: Some(self.fresh_version()), ..condemned };
        let Fact::Manifest(ManifestRecord { node, subject, .. }) = &mut recycled.fact else {
            return Err(PortError::Corrupt(format!("{:?} is not a manifest", recycled.key)).into());
        };
        node.state = State::Recycled;
        let mut actions = Vec::new();
        if let Some(subject) = subject {
            let key = Key::referrer(repository, &subject.digest, &subject.artifact_type, digest);
            actions.push(Action::Delete(key, Expect::Anything));
        }
        actions.push(Action::Put(recycled.clone(), expect));
        let first = &tags[..tags.len().min(TAGS_IN_DELETE_MAX)];
        if self.take_away(actions, repository, digest, first).await? {
            return Ok(Ok(recycled));
        }
        Ok(Err(self.table.get(&recycled.key).await?))
    }

    /// Takes away the tags that did not fit the first transaction, for as long as the manifest is recycled.
    /// None can come in the meantime: only what is seen live is tagged.
    async fn take_away_tags(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        recycled: &Item,
        tags: &[HoldingTag],
    ) -> Result<(), RegistryError> {
        let check = Action::Check(recycled.key.clone(), Expect::VersionIs(version_of(recycled)?));
        for some in tags.chunks(TAGS_IN_DELETE_MAX) {
            if !self.take_away(vec![check.clone()], repository, digest, some).await? {
                // It was pushed again, and keeps the tags it has now.
                return Ok(());
            }
        }
        Ok(())
    }

    /// One transaction of `guard` and the removal of some tags. A hold that turns out to be of an earlier
    /// time of its tag is only deleted itself. `false` where the guard did not hold.
    async fn take_away(
        &self,
        guard: Vec<Action>,
        repository: &RepositoryName,
        digest: &Digest,
        tags: &[HoldingTag],
    ) -> Result<bool, RegistryError> {
        let mut is_real = vec![true; tags.len()];
        loop {
            let mut actions = guard.clone();
            let mut tag_of_action = vec![None; guard.len()];
            for (at, (tag, version)) in tags.iter().enumerate() {
                let hold = Key::held_by_tag(repository, digest, tag, *version);
                actions.push(Action::Delete(hold, Expect::Anything));
                tag_of_action.push(None);
                if is_real[at] {
                    actions.push(Action::Delete(Key::tag(repository, tag), Expect::VersionIs(*version)));
                    tag_of_action.push(Some(at));
                    let remembered = Item::once(Key::was_tagged(repository, digest, tag), Fact::WasTagged);
                    actions.push(Action::Put(remembered, Expect::Anything));
                    tag_of_action.push(None);
                }
            }
            let Transacted::Refused(refused) = self.table.transact(actions).await? else { return Ok(true) };
            let stale: Vec<usize> = refused.iter().filter_map(|(index, _)| tag_of_action[*index]).collect();
            if stale.len() < refused.len() || stale.is_empty() {
                return Ok(false);
            }
            stale.into_iter().for_each(|at| is_real[at] = false);
        }
    }
}

/// A part of a key that we built ourselves.
fn parsed<T: std::str::FromStr>(key: &Key, part: &str) -> Result<T, PortError> {
    part.parse().map_err(|_| PortError::Corrupt(format!("{key:?} is not a hold of ours")))
}
