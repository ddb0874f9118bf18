//! Restoring a manifest from the recycle bin, with what it needs from there and the tags it had.
//!
//! It becomes pending first, with its old incarnation: its holds are still there, so nothing it needs can go
//! meanwhile. Then what it needs and is in the bin too is restored, innermost first, each by a commit of its own;
//! then it is committed like any push. Whatever fails on the way falls back into the bin.

use moorage_collector::node_of;
use moorage_oci::{Digest, Manifest, Need, Reference, RepositoryName, Tag, Target};
use moorage_ports::facts::State;
use moorage_ports::{Action, Durability, Expect, Fact, Item, Key, PortError, SortRange};

use crate::commit::{Granted, Taken, state_of};
use crate::error::RegistryError;
use crate::push_manifest::ManifestPush;
use crate::registry::Push;
use crate::settings::CONTENTION_TRIES_MAX;
use crate::types::Judged;

/// Tags given back in one step: three items each in one transaction, then one each in one batch.
const TAGS_IN_GIVING_BACK_MAX: usize = moorage_ports::limits::BATCH_WRITE_ITEMS_MAX;

/// What came out of the bin.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Restored {
    /// The manifests, innermost first; the one that was asked for is the last.
    pub manifests: Vec<Digest>,
    /// The tags that it has again.
    pub tags: Vec<Tag>,
    /// Tags that it had, and that point elsewhere now.
    pub tags_elsewhere: Vec<Tag>,
}

/// One manifest on its way out of the bin.
struct OnTheWay {
    digest: Digest,
    pending: Item,
    bytes: bytes::Bytes,
    media_type: String,
    artifact_type: Option<String>,
    manifest: Manifest,
    /// Children that may have to come out of the bin first.
    children: Vec<Digest>,
}

impl Push {
    /// Restores a manifest. Can be repeated: one that is out of the bin already, but was not given all of its tags, is
    /// given them.
    ///
    /// # Errors
    /// `NotRecycled` where the bin does not have it and it has all its tags; `ChildrenMissing` where something that it needs is gone, and
    /// then it stays in the bin.
    pub async fn restore_manifest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Restored, RegistryError> {
        let not_recycled =
            || RegistryError::NotRecycled { repository: repository.clone(), digest: digest.clone() };
        let found = self.table.get(&Key::manifest(repository, digest)).await?;
        let Some(Item { fact: Fact::Manifest(record), .. }) = &found else { return Err(not_recycled()) };
        let (since, is_there) = (record.recycled, record.node.state.is_readable());
        let former = self.former_tags(repository, digest, since).await?;
        let mut restored = Restored::default();
        if is_there && !former.is_empty() {
            self.give_tags_back(repository, digest, &former, &mut restored).await?;
            return Ok(restored);
        }
        if since.is_none() {
            return Err(not_recycled());
        }
        let mut on_the_way = Vec::new();
        let done = self.bring_out(repository, digest, &mut on_the_way, &mut restored).await;
        if let Err(error) = done {
            for manifest in on_the_way {
                self.give_up(manifest.pending).await?;
            }
            return Err(error);
        }
        self.give_tags_back(repository, digest, &former, &mut restored).await?;
        Ok(restored)
    }

    /// Depth first, on a stack of our own: nested as deep as a client likes.
    async fn bring_out(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        on_the_way: &mut Vec<OnTheWay>,
        restored: &mut Restored,
    ) -> Result<(), RegistryError> {
        let Some(first) = self.take_out(repository, digest).await? else {
            return Err(RegistryError::NotRecycled {
                repository: repository.clone(),
                digest: digest.clone(),
            });
        };
        on_the_way.push(first);
        while let Some(manifest) = on_the_way.last_mut() {
            if let Some(child) = manifest.children.pop() {
                on_the_way.extend(self.take_out(repository, &child).await?);
                continue;
            }
            self.bring_blobs_out(repository, &manifest.manifest).await?;
            let push = ManifestPush {
                repository,
                reference: &Reference::Digest(manifest.digest.clone()),
                tags: Vec::new(),
                content_type: Some(&manifest.media_type),
                bytes: manifest.bytes.clone(),
            };
            // It was let in once.
            let judged = Judged { artifact_type: manifest.artifact_type.clone(), ..Judged::default() };
            let (digest, document) = (&manifest.digest, &manifest.manifest);
            self.commit_manifest(&push, digest, document, Some(judged), Durability::OnAnswer).await?;
            restored.manifests.push(manifest.digest.clone());
            on_the_way.pop();
        }
        Ok(())
    }

    /// Takes a manifest out of the bin, as pending; `None` where it is not in it.
    async fn take_out(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<OnTheWay>, RegistryError> {
        let key = Key::manifest(repository, digest);
        let mut found = self.table.get(&key).await?;
        for _ in 0..CONTENTION_TRIES_MAX {
            let Some(item) = found else { return Ok(None) };
            let node = node_of(&item)?;
            let in_bin = node.state == State::Recycled || (node.state == State::Pending && node.from_bin);
            if !in_bin {
                return Ok(None);
            }
            let fresh = || unreachable!("a record that is there is not made");
            match self.take(Some(item), fresh).await? {
                Taken::Pending(pending) => {
                    let version = pending.version;
                    let read = self.read_out(repository, digest, pending).await?;
                    if read.is_some() {
                        return Ok(read);
                    }
                    // Its bytes are gone: so is it, unless nobody has touched it.
                    found = self.table.get(&key).await?;
                    if found.as_ref().is_some_and(|now| now.version == version) {
                        let what = format!("manifest {digest} of {repository} has no bytes");
                        return Err(PortError::Corrupt(what).into());
                    }
                }
                Taken::Live(_) => return Ok(None),
                Taken::Changed(now) => found = now,
            }
        }
        Err(RegistryError::Contended)
    }

    /// `None` where its bytes are gone: it was collected meanwhile.
    async fn read_out(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        pending: Item,
    ) -> Result<Option<OnTheWay>, RegistryError> {
        let Fact::Manifest(record) = &pending.fact else {
            return Err(PortError::Corrupt(format!("{:?} is not a manifest", pending.key)).into());
        };
        let (media_type, artifact_type) = (record.media_type.clone(), record.artifact_type.clone());
        let Some(bytes) = self.steps.manifest_bytes(repository, digest, record).await? else {
            return Ok(None);
        };
        let manifest = Manifest::parse(&bytes, Some(&media_type))?;
        let is_child = |need: Need, target: Target| need != Need::Remote && target == Target::Manifest;
        let children = manifest.edges().iter().filter(|edge| is_child(edge.need, edge.target));
        let children = children.map(|edge| edge.digest.clone()).collect();
        let digest = digest.clone();
        Ok(Some(OnTheWay { digest, pending, bytes, media_type, artifact_type, manifest, children }))
    }

    /// Blobs that a client deleted while only the bin needed them.
    async fn bring_blobs_out(
        &self,
        repository: &RepositoryName,
        manifest: &Manifest,
    ) -> Result<(), RegistryError> {
        let blobs = manifest.edges().iter().filter(|e| e.need != Need::Remote && e.target == Target::Blob);
        let blobs: Vec<&Digest> = blobs.map(|edge| &edge.digest).collect();
        for some in blobs.chunks(moorage_ports::limits::BATCH_GET_ITEMS_MAX) {
            let keys: Vec<Key> = some.iter().map(|digest| Key::grant(repository, digest)).collect();
            let grants = self.table.batch_get(&keys).await?;
            for (digest, grant) in some.iter().zip(grants) {
                let hidden = grant.as_ref().map(state_of).transpose()? == Some(State::Recycled);
                if hidden && self.commit_grant(repository, digest, grant, None).await? == Granted::ContentGone
                {
                    return Err(PortError::Corrupt(format!("a grant held {digest}, which is gone")).into());
                }
            }
        }
        Ok(())
    }

    /// The keys that remember which tags it had when it was recycled at `since`; without a time, when it was last.
    async fn former_tags(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        since: Option<moorage_ports::Timestamp>,
    ) -> Result<Vec<Key>, RegistryError> {
        let mut keys = self.steps.all_keys(SortRange::was_tagged(repository, digest, since)).await?;
        // A tag has no `#`: what is before the last one is the same for all of one time, and the last time is last.
        let time = |key: &Key| key.sort().rsplit_once('#').map(|(time, _)| time.to_owned());
        let last = keys.last().and_then(time);
        keys.retain(|key| time(key) == last);
        Ok(keys)
    }

    /// Gives tags back that nobody has taken since, and forgets that it had them: who deletes one later, and restores
    /// once more, does not get it back.
    async fn give_tags_back(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        former: &[Key],
        restored: &mut Restored,
    ) -> Result<(), RegistryError> {
        for some in former.chunks(TAGS_IN_GIVING_BACK_MAX) {
            let tags: Vec<Tag> = some.iter().filter_map(Key::former_tag).collect();
            self.give_some_back(repository, digest, &tags, restored).await?;
            let forget = some.iter().map(|key| Action::Delete(key.clone(), Expect::Anything)).collect();
            self.table.batch_write(forget).await?;
        }
        Ok(())
    }

    async fn give_some_back(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        former: &[Tag],
        restored: &mut Restored,
    ) -> Result<(), RegistryError> {
        for _ in 0..CONTENTION_TRIES_MAX {
            let known = self.known_tags(repository, former, None).await?;
            // Only what is seen live may be tagged: it may be in the bin again.
            let record = self.table.get(&Key::manifest(repository, digest)).await?;
            let Some(record) = self.settle_child(record).await? else {
                return Err(RegistryError::Contended);
            };
            let (free, known, elsewhere) = known.free_for(digest, former);
            if self.try_tags(repository, digest, &free, &record, known).await? {
                restored.tags.extend(free);
                restored.tags_elsewhere.extend(elsewhere);
                return Ok(());
            }
        }
        Err(RegistryError::Contended)
    }
}
