//! The commit of a manifest: it holds its blobs' grants and its child manifests.

use moorage_collector::mutants::{Mutant, without};
use moorage_collector::{holds, notes_of_children};
use moorage_oci::{Digest, Edge, Manifest, Need, RepositoryName, Target};
use moorage_ports::facts::{ManifestRecord, Policy, ReferrerRecord, State, Subject};
use moorage_ports::limits::{
    BATCH_GET_ITEMS_MAX, BATCH_WRITE_ITEMS_MAX, INLINE_BODY_BYTES_MAX, TRANSACTION_ITEMS_MAX,
};
use moorage_ports::{
    Action, ByteStream, Durability, Expect, Fact, Incarnation, Item, Key, ObjectKey, PortError, Put,
    Transacted, Written,
};
use moorage_types::Finding;

use super::{Taken, node_of, state_of, version_of};
use crate::error::{MissingChild, RegistryError};
use crate::policy::{expected, policy_of};
use crate::push_manifest::ManifestPush;
use crate::registry::Push;
use crate::settings::{
    CONTENTION_TRIES_MAX, MissingChildren, PENDING_DEADLINE_MS, REFERRER_DESCRIPTOR_BYTES_MAX,
};
use crate::types::Judged;

/// What the reads of step 3 showed, besides that every required child is there.
struct Surroundings {
    policy: Option<Item>,
    subject_is_there: bool,
    judged: Judged,
}

/// A manifest that is live now.
pub(crate) struct Committed {
    pub(crate) record: Item,
    /// It was not before: this push, alone or with others, made it so.
    pub(crate) made: bool,
    /// What is wrong with it by its type, where that is no reason to refuse it.
    pub(crate) warnings: Vec<Finding>,
}

impl Push {
    /// Makes a manifest live, with everything it needs, and answers its record. `judged` is what its type's rules say, if
    /// that is known already; `answered` says whether the client is told of this step or of a later one.
    pub(crate) async fn commit_manifest(
        &self,
        push: &ManifestPush<'_>,
        digest: &Digest,
        manifest: &Manifest,
        judged: Option<Judged>,
        answered: Durability,
    ) -> Result<Committed, RegistryError> {
        let mut found = None;
        for _ in 0..CONTENTION_TRIES_MAX {
            let began = self.now();
            let fresh = || self.pending_record(push, digest, manifest);
            let pending = match self.take(found, fresh).await? {
                Taken::Pending(item) => item,
                Taken::Live(record) => {
                    if answered == Durability::OnAnswer {
                        self.make_durable(push.repository, digest).await?;
                    }
                    if !self.common.keep(&*self.table, record.clone()).await? {
                        // A collector was faster: what is answered must be there.
                        found = self.table.get(&record.key).await?;
                        continue;
                    }
                    let warnings = judged.map_or_else(Vec::new, |judged| judged.warnings);
                    return Ok(Committed { record, made: false, warnings });
                }
                Taken::Changed(now) => {
                    found = now;
                    continue;
                }
            };
            let incarnation = node_of(&pending)?.incarnation;
            self.store_long_body(push, digest, &pending).await?;
            if !without(Mutant::HoldBeforeState) {
                self.put_holds(push, digest, manifest, incarnation).await?;
            }
            // A collector may have given the record up meanwhile: holds put later would be nobody's.
            if self.now().since_ms(began) > PENDING_DEADLINE_MS / 2 {
                found = self.table.get(&pending.key).await?;
                continue;
            }
            let surroundings = match self.look_around(push, manifest, judged.clone()).await {
                Ok(surroundings) => surroundings,
                Err(
                    refused @ (RegistryError::ChildrenMissing { .. } | RegistryError::TypeRefused { .. }),
                ) => {
                    self.give_up(pending).await?;
                    return Err(refused);
                }
                Err(failed) => return Err(failed),
            };
            let warnings = surroundings.judged.warnings.clone();
            if without(Mutant::HoldBeforeState) {
                self.put_holds(push, digest, manifest, incarnation).await?;
            }
            match self.make_manifest_live(push, digest, manifest, pending, surroundings, answered).await? {
                Ok(record) => return Ok(Committed { record, made: true, warnings }),
                Err(now) => found = now,
            }
        }
        Err(RegistryError::Contended)
    }

    /// Another push may have made the manifest live a moment ago and be about to make that durable with its
    /// tag; this push is answered before. Any durable write makes durable what was seen.
    async fn make_durable(&self, repository: &RepositoryName, digest: &Digest) -> Result<(), RegistryError> {
        let listed = Item::once(Key::listed(repository, digest), Fact::Listed);
        self.table.put(listed, Expect::Anything, Durability::OnAnswer).await?;
        Ok(())
    }

    fn pending_record(&self, push: &ManifestPush<'_>, digest: &Digest, manifest: &Manifest) -> Item {
        let node = self.pending_node();
        let long = push.bytes.len() > INLINE_BODY_BYTES_MAX;
        let record = ManifestRecord {
            artifact_type: None,
            pushed: None,
            recycled: None,
            unheld: None,
            object: long.then(|| ObjectKey::manifest(digest, push.repository, node.incarnation)),
            node,
            media_type: manifest.media_type().to_owned(),
            size: push.bytes.len() as u64,
            subject: manifest.subject().map(|subject| Subject {
                digest: subject.digest.clone(),
                artifact_type: manifest.artifact_type().unwrap_or_default().to_owned(),
                was_there: false,
            }),
        };
        Item::at(Key::manifest(push.repository, digest), self.steps.first_version(), Fact::Manifest(record))
    }

    /// The bytes of a manifest that does not fit an item. Its key is the incarnation's, so all who joined
    /// make the same object.
    async fn store_long_body(
        &self,
        push: &ManifestPush<'_>,
        digest: &Digest,
        pending: &Item,
    ) -> Result<(), RegistryError> {
        let Fact::Manifest(ManifestRecord { object: Some(object), .. }) = &pending.fact else {
            return Ok(());
        };
        let bytes = push.bytes.clone();
        let size = bytes.len() as u64;
        let body: ByteStream = Box::pin(futures_util::stream::iter([Ok(bytes)]));
        match self.blobs.put(object, digest, Some(size), body, Durability::BeforeNext).await? {
            Put::Stored { .. } | Put::AlreadyThere => Ok(()),
            Put::DigestMismatch => {
                Err(PortError::Corrupt(format!("the store changed the bytes of {object}")).into())
            }
        }
    }

    /// Step 2: the holds, and with them the bytes and the entry in the repository's list.
    async fn put_holds(
        &self,
        push: &ManifestPush<'_>,
        digest: &Digest,
        manifest: &Manifest,
        incarnation: Incarnation,
    ) -> Result<(), RegistryError> {
        let mut items = vec![Item::once(Key::listed(push.repository, digest), Fact::Listed)];
        if push.bytes.len() <= INLINE_BODY_BYTES_MAX {
            items.push(Item::once(Key::body(push.repository, digest), Fact::Body(push.bytes.clone())));
        }
        items.extend(holds(push.repository, digest, incarnation, manifest));
        let puts: Vec<Action> = items.into_iter().map(|item| Action::Put(item, Expect::Anything)).collect();
        for some in puts.chunks(BATCH_WRITE_ITEMS_MAX) {
            self.table.batch_write(some.to_vec()).await?;
        }
        Ok(())
    }

    /// Step 3: reads each child, the repository's policy and the subject; what the rules of its type say, where that is
    /// not known yet or needs the config's content.
    ///
    /// # Errors
    /// `ChildrenMissing`, `TypeRefused`.
    async fn look_around(
        &self,
        push: &ManifestPush<'_>,
        manifest: &Manifest,
        judged: Option<Judged>,
    ) -> Result<Surroundings, RegistryError> {
        let children: Vec<&Edge> = manifest.edges().iter().filter(|edge| edge.need != Need::Remote).collect();
        let mut keys: Vec<Key> = children.iter().map(|edge| child_key(push.repository, edge)).collect();
        let policy_at = keys.len();
        keys.push(Key::policy(push.repository));
        let subject_key = manifest.subject().map(|s| Key::manifest(push.repository, &s.digest));
        let subject_at = subject_key.map(|key| {
            keys.iter().position(|k| *k == key).unwrap_or_else(|| {
                keys.push(key);
                keys.len() - 1
            })
        });
        let now = self.common.context.clock.monotonic();
        let registry_policy = if judged.is_none() { self.registry_policy_wanted(now) } else { None };
        let registry_policy_at = registry_policy.map(|key| {
            keys.push(key);
            keys.len() - 1
        });
        let mut read = Vec::with_capacity(keys.len());
        for some in keys.chunks(BATCH_GET_ITEMS_MAX) {
            read.extend(self.table.batch_get(some).await?);
        }
        let subject_is_there = match subject_at {
            Some(at) => read[at].as_ref().map_or(Ok(false), |item| state_of(item).map(State::is_readable))?,
            None => false,
        };
        let mut missing = Vec::new();
        let mut config = None;
        for (at, edge) in children.into_iter().enumerate() {
            let child = self.settle_child(read[at].take()).await?;
            let is_here = child.is_some();
            // A config is the first of the edges.
            if at == 0 && manifest.has_config() {
                config = child;
            }
            if !is_here && edge.need == Need::Required && self.settings().missing == MissingChildren::Refuse {
                let is_manifest = edge.target == Target::Manifest;
                missing.push(MissingChild { digest: edge.digest.clone(), is_manifest });
            }
        }
        if !missing.is_empty() {
            return Err(RegistryError::ChildrenMissing { missing });
        }
        let policy = read[policy_at].take();
        let mut judged = match judged {
            Some(judged) => judged,
            None => {
                let registry_policy = registry_policy_at.map(|at| read[at].take());
                self.judge(push, manifest, &policy_of(policy.clone()), registry_policy, now).await?
            }
        };
        self.judge_config(&mut judged, config.as_ref()).await?;
        Ok(Surroundings { policy, subject_is_there, judged })
    }

    /// Step 4: the record becomes live; with it, in the same instant, the referrer is listed, and the
    /// repository, if this is its first manifest.
    async fn make_manifest_live(
        &self,
        push: &ManifestPush<'_>,
        digest: &Digest,
        manifest: &Manifest,
        pending: Item,
        around: Surroundings,
        answered: Durability,
    ) -> Result<Result<Item, Option<Item>>, RegistryError> {
        let expect = Expect::VersionIs(version_of(&pending)?);
        let mut live = Item { version: Some(self.steps.next_version(&pending)), ..pending };
        let Fact::Manifest(record) = &mut live.fact else {
            return Err(PortError::Corrupt(format!("{:?} is not a manifest", live.key)).into());
        };
        self.set_live(&mut record.node);
        record.unheld = None;
        record.artifact_type = around.judged.artifact_type;
        record.pushed.get_or_insert(self.now());
        let mut actions = Vec::new();
        if let Some(since) = record.recycled.take() {
            let key = Key::recycled(push.repository, since, digest);
            actions.push(Action::Delete(key, Expect::Anything));
        }
        if let Some(subject) = &mut record.subject {
            subject.was_there = around.subject_is_there;
            actions.push(Action::Put(referrer(push, digest, manifest, subject), Expect::Anything));
        }
        actions.extend(self.first_manifest(push.repository, around.policy));
        let Some(notes) =
            self.note_children(push.repository, manifest, &live.key, expect, actions.len()).await?
        else {
            return Ok(Err(self.table.get(&live.key).await?));
        };
        actions.extend(notes);
        if actions.is_empty() {
            return Ok(match self.table.put(live.clone(), expect, answered).await? {
                Written::Done => Ok(live),
                Written::Refused(now) => Err(now.map(|i| *i)),
            });
        }
        actions.insert(0, Action::Put(live.clone(), expect));
        match self.table.transact(actions).await? {
            Transacted::Done => Ok(Ok(live)),
            // Our record, or the policy that another first push wrote: either way, look again.
            Transacted::Refused(_) => Ok(Err(self.table.get(&live.key).await?)),
        }
    }

    /// The notes of an index under its children that go into the transaction of its last step, in which `others` lie
    /// already; what does not fit is written before. `None` where the index is no longer pending as it was.
    async fn note_children(
        &self,
        repository: &RepositoryName,
        manifest: &Manifest,
        pending: &Key,
        expect: Expect,
        others: usize,
    ) -> Result<Option<Vec<Action>>, RegistryError> {
        let notes = notes_of_children(repository, manifest);
        let mut notes: Vec<Action> =
            notes.into_iter().map(|note| Action::Put(note, Expect::Anything)).collect();
        // Beside the index's record.
        let in_last_max = TRANSACTION_ITEMS_MAX - 1 - others;
        let last = notes.split_off(notes.len().saturating_sub(in_last_max));
        for some in notes.chunks(TRANSACTION_ITEMS_MAX - 1) {
            let still_pending = Action::Check(pending.clone(), expect);
            let actions = [&[still_pending], some].concat();
            if let Transacted::Refused(_) = self.table.transact(actions).await? {
                return Ok(None);
            }
        }
        Ok(Some(last))
    }

    /// Puts the repository into the catalog, where it is not there yet.
    fn first_manifest(&self, repository: &RepositoryName, policy: Option<Item>) -> Vec<Action> {
        let expect = expected(policy.as_ref());
        let known = policy_of(policy);
        if known.in_catalog {
            return Vec::new();
        }
        let policy = Fact::Policy(Policy { in_catalog: true, ..known });
        vec![
            Action::Put(Item::at(Key::policy(repository), self.fresh_version(), policy), expect),
            Action::Put(Item::once(Key::catalog(repository), Fact::Catalog), Expect::Anything),
        ]
    }
}

fn child_key(repository: &RepositoryName, edge: &Edge) -> Key {
    match edge.target {
        Target::Blob => Key::grant(repository, &edge.digest),
        Target::Manifest => Key::manifest(repository, &edge.digest),
    }
}

fn referrer(push: &ManifestPush<'_>, digest: &Digest, manifest: &Manifest, subject: &Subject) -> Item {
    let descriptor = manifest.referrer_descriptor(digest.clone(), push.bytes.len() as u64);
    let bytes: usize = descriptor.annotations.iter().map(|(name, value)| name.len() + value.len()).sum();
    let record = ReferrerRecord {
        digest: digest.clone(),
        descriptor: (bytes <= REFERRER_DESCRIPTOR_BYTES_MAX).then_some(descriptor),
    };
    let key = Key::referrer(push.repository, &subject.digest, &subject.artifact_type, digest);
    Item::once(key, Fact::Referrer(record))
}
