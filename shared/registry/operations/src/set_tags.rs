//! Tagging a manifest: one read, then one transaction that puts the tags and their holds, takes away the
//! holds on their old targets, and checks that the target is still as it was seen live.

use moorage_oci::{Digest, RepositoryName, Tag};
use moorage_ports::facts::TagRecord;
use moorage_ports::{Action, Expect, Fact, Item, Key, PortError, Transacted};

use crate::commit::{node_of, version_of};
use crate::error::RegistryError;
use crate::registry::Push;
use crate::settings::CONTENTION_TRIES_MAX;

impl Push {
    /// Points `tags` to a manifest, all in one instant. Those that point there already are left alone.
    /// `record` is the manifest's record as it was last seen. `false` where the manifest is no longer there.
    pub(crate) async fn set_tags(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        tags: &[Tag],
        record: Item,
    ) -> Result<bool, RegistryError> {
        if tags.is_empty() {
            return Ok(true);
        }
        let mut record = record;
        let keys: Vec<Key> = tags.iter().map(|tag| Key::tag(repository, tag)).collect();
        for _ in 0..CONTENTION_TRIES_MAX {
            let found = self.table.batch_get(&keys).await?;
            let mut actions = Vec::new();
            for (tag, old) in tags.iter().zip(found) {
                self.move_tag(repository, digest, tag, old, &record, &mut actions)?;
            }
            if actions.is_empty() {
                return Ok(true);
            }
            let incarnation = node_of(&record)?.incarnation;
            actions.push(Action::Check(record.key.clone(), Expect::VersionIs(version_of(&record)?)));
            // Under the policy `keep`, the only one so far: what was tagged once stays when it loses its tags.
            let kept = Key::held_by_policy(repository, digest, incarnation);
            actions.push(Action::Put(Item::once(kept, Fact::Hold), Expect::Anything));
            if self.table.transact(actions).await? == Transacted::Done {
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

    fn move_tag(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        tag: &Tag,
        old: Option<Item>,
        record: &Item,
        actions: &mut Vec<Action>,
    ) -> Result<(), PortError> {
        let Fact::Manifest(manifest) = &record.fact else {
            return Err(PortError::Corrupt(format!("{:?} is not a manifest", record.key)));
        };
        let version = self.fresh_version();
        let expect = match old {
            None => Expect::Absent,
            Some(Item { fact: Fact::Tag(target), version: Some(old_version), .. }) => {
                if target.digest == *digest {
                    return Ok(());
                }
                let hold = Key::held_by_tag(repository, &target.digest, tag, old_version);
                actions.push(Action::Delete(hold, Expect::Anything));
                Expect::VersionIs(old_version)
            }
            Some(item) => return Err(PortError::Corrupt(format!("{:?} is not a tag", item.key))),
        };
        let target = TagRecord {
            digest: digest.clone(),
            media_type: manifest.media_type.clone(),
            size: manifest.size,
        };
        actions.push(Action::Put(Item::at(Key::tag(repository, tag), version, Fact::Tag(target)), expect));
        let hold = Key::held_by_tag(repository, digest, tag, version);
        actions.push(Action::Put(Item::once(hold, Fact::Hold), Expect::Anything));
        Ok(())
    }
}
