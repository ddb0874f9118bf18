//! The grant of a repository: that it may read a blob. It holds the content.

use moorage_collector::mutants::{Mutant, without};
use moorage_collector::trash;
use moorage_oci::{Digest, RepositoryName};
use moorage_ports::facts::GrantRecord;
use moorage_ports::{Action, Durability, Expect, Fact, Item, Key, ObjectKey, PortError, Transacted, Written};

use super::content::{not_in_trash, unless_in_trash};
use super::{Taken, node_of, version_of};
use crate::error::RegistryError;
use crate::registry::Push;
use crate::settings::CONTENTION_TRIES_MAX;

/// The outcome of committing a grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Granted {
    Live,
    /// The content is not there: nothing was granted, the record is still pending.
    ContentGone,
}

impl Push {
    /// Records the object `own` as the bytes of a blob, and grants the blob to a repository. Where the blob
    /// is there already, its own object is kept and `own` is given up, in the step that makes the grant.
    /// `content` and `grant` are what is known of the two records.
    pub(crate) async fn record_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        own: &ObjectKey,
        size: u64,
        content: Option<Item>,
        grant: Option<Item>,
    ) -> Result<(), RegistryError> {
        let (mut content, mut grant) = (content, grant);
        if content.is_none() && grant.is_none() {
            if self.record_fresh_blob(repository, digest, own, size).await? {
                return Ok(());
            }
            let keys = [Key::content(digest), Key::grant(repository, digest)];
            let mut read = self.table.batch_get(&keys).await?;
            grant = read.pop().flatten();
            content = read.pop().flatten();
        }
        for _ in 0..CONTENTION_TRIES_MAX {
            self.ensure_content(digest, own, size, content).await?;
            match self.commit_grant(repository, digest, grant, Some(own)).await? {
                Granted::Live => return Ok(()),
                Granted::ContentGone => {}
            }
            content = self.table.get(&Key::content(digest)).await?;
            grant = self.table.get(&Key::grant(repository, digest)).await?;
        }
        Err(RegistryError::Contended)
    }

    /// The usual case: nobody has this blob. Content, grant and hold are made in one step, so nothing is
    /// ever pending. `false` where somebody was faster.
    async fn record_fresh_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        own: &ObjectKey,
        size: u64,
    ) -> Result<bool, RegistryError> {
        let node = self.live_node();
        let hold = Item::once(Key::held_by_grant(repository, digest, node.incarnation), Fact::Hold);
        let grant = GrantRecord { node, object: Some(own.clone()), size };
        let grant = Item::at(Key::grant(repository, digest), self.steps.first_version(), Fact::Grant(grant));
        let actions = vec![
            Action::Put(self.content_item(digest, own, size), Expect::Absent),
            Action::Put(grant, Expect::Absent),
            Action::Put(hold, Expect::Anything),
            not_in_trash(own),
        ];
        match self.table.transact(actions).await? {
            Transacted::Done => Ok(true),
            Transacted::Refused(refused) => unless_in_trash(refused, 3).map(|_| false),
        }
    }

    /// Commits the grant of a repository on a content that should be there. `found` is what is known of the
    /// grant's record; `own` is an object that is given up if the content names another.
    pub(crate) async fn commit_grant(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        found: Option<Item>,
        own: Option<&ObjectKey>,
    ) -> Result<Granted, RegistryError> {
        let key = Key::grant(repository, digest);
        let mut found = found;
        for _ in 0..CONTENTION_TRIES_MAX {
            let fresh = || {
                let record = GrantRecord { node: self.pending_node(), object: None, size: 0 };
                Item::at(key.clone(), self.steps.first_version(), Fact::Grant(record))
            };
            let pending = match self.take(found, fresh).await? {
                Taken::Pending(item) => item,
                Taken::Live(item) => {
                    let stays = self.common.keep(&*self.table, item.clone()).await?;
                    if !stays || !self.give_up_superfluous(&item, own).await? {
                        // A collector, or a delete, was faster: what is answered must be there.
                        found = self.table.get(&key).await?;
                        continue;
                    }
                    return Ok(Granted::Live);
                }
                Taken::Changed(now) => {
                    found = now;
                    continue;
                }
            };
            let hold = Key::held_by_grant(repository, digest, node_of(&pending)?.incarnation);
            let hold = Item::once(hold, Fact::Hold);
            let copied = match without(Mutant::ObjectOfLiveContent) {
                true => self.table.get(&Key::content(digest)).await?,
                false => None,
            };
            if !without(Mutant::HoldBeforeState) {
                self.table.put(hold.clone(), Expect::Anything, Durability::BeforeNext).await?;
            }
            let content = self.table.get(&Key::content(digest)).await?;
            let Some(content) = self.settle_child(content).await? else {
                if own.is_none() {
                    self.give_up(pending).await?;
                }
                return Ok(Granted::ContentGone);
            };
            if without(Mutant::HoldBeforeState) {
                self.table.put(hold, Expect::Anything, Durability::BeforeNext).await?;
            }
            let content = copied.unwrap_or(content);
            let Fact::Content(content) = content.fact else {
                return Err(PortError::Corrupt(format!("the content of {digest} is not one")).into());
            };
            match self.make_grant_live(pending, &content.object, content.size, own).await? {
                Ok(()) => return Ok(Granted::Live),
                Err(now) => found = now,
            }
        }
        Err(RegistryError::Contended)
    }

    /// Step 4. The object's key is the one that was just seen live under the grant's hold.
    async fn make_grant_live(
        &self,
        pending: Item,
        object: &ObjectKey,
        size: u64,
        own: Option<&ObjectKey>,
    ) -> Result<Result<(), Option<Item>>, RegistryError> {
        let expect = Expect::VersionIs(version_of(&pending)?);
        let version = self.steps.next_version(&pending);
        let mut node = node_of(&pending)?.clone();
        self.set_live(&mut node);
        let record = GrantRecord { node, object: Some(object.clone()), size };
        let live = Item::at(pending.key, version, Fact::Grant(record));
        let Some(superfluous) = own.filter(|own| *own != object) else {
            return Ok(match self.table.put(live, expect, Durability::OnAnswer).await? {
                Written::Done => Ok(()),
                Written::Refused(now) => Err(now.map(|i| *i)),
            });
        };
        let actions = vec![Action::Put(live, expect), trash(superfluous, self.now())];
        Ok(match self.table.transact(actions).await? {
            Transacted::Done => Ok(()),
            Transacted::Refused(mut refused) => Err(refused.pop().and_then(|(_, item)| item)),
        })
    }

    /// The grant was made live by somebody else: our object goes, unless the grant names it. In the instant in which
    /// it still does not: another request for the same upload may have recorded that object since. `false` where the
    /// grant is not as it was seen any more.
    async fn give_up_superfluous(&self, live: &Item, own: Option<&ObjectKey>) -> Result<bool, RegistryError> {
        let Fact::Grant(grant) = &live.fact else { return Ok(true) };
        let Some(own) = own.filter(|own| Some(*own) != grant.object.as_ref()) else { return Ok(true) };
        let as_seen = Action::Check(live.key.clone(), Expect::VersionIs(version_of(live)?));
        Ok(self.table.transact(vec![as_seen, trash(own, self.now())]).await? == Transacted::Done)
    }
}
