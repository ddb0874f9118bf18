//! A manifest goes into the recycle bin: 404 for every reader, its holds on its children kept. Its tags go with
//! it, remembered for a restore.

use moorage_oci::{Digest, RepositoryName, Tag};
use moorage_ports::facts::State;
use moorage_ports::{
    Action, Expect, Fact, Holder, Item, Key, PortError, Query, SortRange, Timestamp, Transacted, Version,
};

use crate::holds::hold_of_tag;
use crate::mutants::{Mutant, without};
use crate::steps::{Steps, node_of, version_of};

/// Tags taken away in one transaction: three items each, beside the record, its entry in the bin and the
/// referrer's.
pub const TAGS_IN_RECYCLE_MAX: usize = 32;

/// Holds read in one look. A manifest with more tags than this is looked at again.
const HOLDS_IN_LOOK_MAX: usize = 1000;

/// A tag that holds a manifest, at the version of its hold.
pub type HoldingTag = (Tag, Version);

impl Steps {
    /// The tags that hold a manifest (some may have moved on), or an index that needs it.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn holding_tags(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Result<Vec<HoldingTag>, Digest>, PortError> {
        let mut range = SortRange::holds_of_manifest(repository, digest);
        let mut tags = Vec::new();
        loop {
            let page =
                self.table.query_keys(&Query { range: range.clone(), limit: HOLDS_IN_LOOK_MAX }).await?;
            for key in &page.items {
                match key.holder() {
                    Some(Holder::Tag(tag, _)) if without(Mutant::TagHoldKeyedByVersion) => {
                        let now = self.table.get(&Key::tag(repository, &tag)).await?;
                        tags.extend(now.and_then(|now| now.version).map(|version| (tag, version)));
                    }
                    Some(Holder::Tag(tag, version)) => tags.push((tag, version)),
                    Some(Holder::Index(index, incarnation)) => {
                        let Some(holder) = self.table.get(&Key::manifest(repository, &index)).await? else {
                            continue;
                        };
                        let node = node_of(&holder)?;
                        let needs = matches!(node.state, State::Pending | State::Live | State::Condemned);
                        if needs && node.incarnation == incarnation {
                            return Ok(Err(index));
                        }
                    }
                    Some(Holder::Kept(_)) => {}
                    _ => return Err(PortError::Corrupt(format!("{key:?} is not a hold of ours"))),
                }
            }
            match page.rest(range) {
                Some(rest) => range = rest,
                None => return Ok(Ok(tags)),
            }
        }
    }

    /// A condemned manifest that nothing holds becomes recycled, and in the same instant loses its first tags and
    /// its entry under its subject. Answers its record, or what is there instead.
    ///
    /// # Errors
    /// Those of the table; `Corrupt` where `condemned` is no manifest's record.
    pub async fn recycle(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        condemned: Item,
        tags: &[HoldingTag],
    ) -> Result<Result<Item, Option<Item>>, PortError> {
        let since = self.now();
        let expect = Expect::VersionIs(version_of(&condemned)?);
        let mut recycled = Item { version: Some(self.next_version(&condemned)), ..condemned };
        let Fact::Manifest(record) = &mut recycled.fact else {
            return Err(PortError::Corrupt(format!("{:?} is not a manifest", recycled.key)));
        };
        record.node.state = State::Recycled;
        record.recycled = Some(since);
        let mut actions = vec![Action::Put(
            Item::once(Key::recycled(repository, since, digest), Fact::Recycled),
            Expect::Anything,
        )];
        if let Some(subject) = &record.subject {
            let key = Key::referrer(repository, &subject.digest, &subject.artifact_type, digest);
            actions.push(Action::Delete(key, Expect::Anything));
        }
        actions.push(Action::Put(recycled.clone(), expect));
        let first = &tags[..tags.len().min(TAGS_IN_RECYCLE_MAX)];
        if self.take_away(actions, repository, digest, since, first).await? {
            return Ok(Ok(recycled));
        }
        Ok(Err(self.table.get(&recycled.key).await?))
    }

    /// Takes away tags of a recycled manifest, for as long as it is recycled. None can come in the meantime:
    /// only what is seen live is tagged. `false` where it was pushed again, and keeps the tags it has now.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn take_away_tags(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        recycled: &Item,
        tags: &[HoldingTag],
    ) -> Result<bool, PortError> {
        let since = recycled_since(recycled)?;
        let version = version_of(recycled)?;
        let still =
            if without(Mutant::TagsOnlyOfRecycled) { Expect::Anything } else { Expect::VersionIs(version) };
        let check = Action::Check(recycled.key.clone(), still);
        for some in tags.chunks(TAGS_IN_RECYCLE_MAX) {
            if !self.take_away(vec![check.clone()], repository, digest, since, some).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// One transaction of `guard` and the removal of some tags. A hold that turns out to be of an earlier
    /// time of its tag is only deleted itself. `false` where the guard did not hold.
    async fn take_away(
        &self,
        guard: Vec<Action>,
        repository: &RepositoryName,
        digest: &Digest,
        since: Timestamp,
        tags: &[HoldingTag],
    ) -> Result<bool, PortError> {
        let mut is_real = vec![true; tags.len()];
        loop {
            let mut actions = guard.clone();
            let mut tag_of_action = vec![None; guard.len()];
            for (at, (tag, version)) in tags.iter().enumerate() {
                let hold = hold_of_tag(repository, digest, tag, *version);
                actions.push(Action::Delete(hold, Expect::Anything));
                tag_of_action.push(None);
                if is_real[at] {
                    actions.push(Action::Delete(Key::tag(repository, tag), Expect::VersionIs(*version)));
                    tag_of_action.push(Some(at));
                    let remembered = Key::was_tagged(repository, digest, since, tag);
                    actions.push(Action::Put(Item::once(remembered, Fact::WasTagged), Expect::Anything));
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

/// Since when a manifest is in the bin. One that an older version put there has no time of its own.
pub(crate) fn recycled_since(item: &Item) -> Result<Timestamp, PortError> {
    let Fact::Manifest(record) = &item.fact else {
        return Err(PortError::Corrupt(format!("{:?} is not a manifest", item.key)));
    };
    Ok(record.recycled.unwrap_or(record.node.keep_until))
}
