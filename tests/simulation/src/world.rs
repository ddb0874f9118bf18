//! What is stored, as the calls have made it: followed call by call, so that it can be looked at after each.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, DefaultHasher};

use moorage_ports::facts::{Node, State};
use moorage_ports::{Action, Fact, Item, Key, ObjectKey, PortError, ReadTable, WriteBlobs};
use moorage_proof::gate::Call;

use crate::universe::{ARTIFACT_TYPE, Universe};

/// The same order of everything in each run.
type Rows = HashMap<Key, Item, BuildHasherDefault<DefaultHasher>>;

/// A kind of node and the states it went from and to; `None` where it was not there.
pub type Transition = (&'static str, Option<State>, Option<State>);

/// The rows that matter, and the objects.
pub struct World {
    pub keys: Keys,
    rows: Rows,
    objects: BTreeSet<ObjectKey>,
    /// Objects that a content or a manifest has named at some time.
    recorded: BTreeSet<ObjectKey>,
}

/// The keys of all that there can be of the universe.
pub struct Keys {
    pub manifests: Vec<Vec<Key>>,
    pub bodies: Vec<Vec<Key>>,
    pub grants: Vec<Vec<Key>>,
    pub contents: Vec<Key>,
    pub tags: Vec<Vec<Key>>,
    /// Of a referrer, under its subject.
    pub referrers: Vec<Vec<Option<Key>>>,
}

/// What a call changed.
#[derive(Default)]
pub struct Changed {
    pub transitions: Vec<Transition>,
    /// Whether the invariants can be broken by it.
    pub matters: bool,
    /// Objects that were given up.
    pub trashed: Vec<ObjectKey>,
    /// Manifests that lost a tag which is not there any more.
    pub untagged: Vec<Key>,
}

impl World {
    pub fn new() -> Self {
        Self {
            keys: Keys::new(Universe::get()),
            rows: Rows::default(),
            objects: BTreeSet::new(),
            recorded: BTreeSet::new(),
        }
    }

    /// Looks at everything anew: others than those whose calls are followed have been at work.
    pub async fn look_again<S: ReadTable + WriteBlobs>(&mut self, storage: &S) -> Result<(), PortError> {
        let keys: Vec<Key> = self.rows.keys().cloned().collect();
        for key in keys {
            match ReadTable::get(storage, &key).await? {
                Some(item) => self.rows.insert(key, item),
                None => self.rows.remove(&key),
            };
        }
        let objects: Vec<ObjectKey> = self.objects.iter().cloned().collect();
        for object in objects {
            if storage.size(&object).await?.is_none() {
                self.objects.remove(&object);
            }
        }
        Ok(())
    }

    pub fn row(&self, key: &Key) -> Option<&Item> {
        self.rows.get(key)
    }

    pub fn node(&self, key: &Key) -> Option<&Node> {
        self.row(key)?.fact.node()
    }

    pub fn is_readable(&self, key: &Key) -> bool {
        self.node(key).is_some_and(|node| node.state.is_readable())
    }

    pub fn has_object(&self, object: &ObjectKey) -> bool {
        self.objects.contains(object)
    }

    pub fn was_recorded(&self, object: &ObjectKey) -> bool {
        self.recorded.contains(object)
    }

    /// Follows a call that was made, whatever it was answered.
    pub async fn follow<S: ReadTable + WriteBlobs>(
        &mut self,
        call: &Call,
        storage: &S,
    ) -> Result<Changed, PortError> {
        let mut changed = Changed::default();
        for key in written(call) {
            let now = ReadTable::get(storage, key).await?;
            self.note(key, now, &mut changed);
        }
        if let Call::PutObject { key, .. } | Call::Complete { key, .. } | Call::DeleteObject(key) = call {
            changed.matters = true;
            if storage.size(key).await?.is_some() {
                self.objects.insert(key.clone());
            } else {
                self.objects.remove(key);
            }
        }
        Ok(changed)
    }

    fn note(&mut self, key: &Key, now: Option<Item>, changed: &mut Changed) {
        let before = match &now {
            Some(item) => self.rows.insert(key.clone(), item.clone()),
            None => self.rows.remove(key),
        };
        let Some(fact) = now.as_ref().or(before.as_ref()).map(|item| &item.fact) else { return };
        let kind = match fact {
            Fact::Manifest(record) => {
                self.recorded.extend(record.object.clone());
                "manifest"
            }
            Fact::Content(content) => {
                self.recorded.insert(content.object.clone());
                "content"
            }
            Fact::Grant(_) => "grant",
            Fact::Trash(_) => {
                changed.matters = true;
                changed.trashed.extend(key_of_trash(key).filter(|_| before.is_none()));
                return;
            }
            Fact::Tag(target) if now.is_none() => {
                changed.matters = true;
                let repository = key.partition().strip_prefix("repo#").and_then(|name| name.parse().ok());
                changed.untagged.extend(repository.map(|name| Key::manifest(&name, &target.digest)));
                return;
            }
            Fact::Tag(_) | Fact::Referrer(_) | Fact::Body(_) => {
                changed.matters = true;
                return;
            }
            _ => return,
        };
        changed.matters = true;
        let state = |item: &Option<Item>| item.as_ref().and_then(|item| Some(item.fact.node()?.state));
        let incarnation = |item: &Option<Item>| item.as_ref().and_then(|i| Some(i.fact.node()?.incarnation));
        let (from, to) = (state(&before), state(&now));
        if from != to || incarnation(&before) != incarnation(&now) {
            changed.transitions.push((kind, from, to));
        }
    }
}

fn key_of_trash(key: &Key) -> Option<ObjectKey> {
    match key.reviewed()? {
        moorage_ports::Reviewed::Object(object) => Some(object),
        _ => None,
    }
}

fn written(call: &Call) -> Vec<&Key> {
    match call {
        Call::Put { item, .. } | Call::KeepUntil { item, .. } => vec![&item.key],
        Call::Delete { key, .. } => vec![key],
        Call::BatchWrite(action) => vec![action.key()],
        Call::Transact(actions) => {
            actions.iter().filter(|action| !matches!(action, Action::Check(..))).map(Action::key).collect()
        }
        _ => Vec::new(),
    }
}

impl Keys {
    fn new(universe: &Universe) -> Self {
        let in_each = |keys: &dyn Fn(&moorage_oci::RepositoryName) -> Vec<Key>| -> Vec<Vec<Key>> {
            universe.repositories.iter().map(keys).collect()
        };
        let (manifests, blobs) = (&universe.manifests, &universe.blobs);
        let referrer = |repository, manifest: &crate::universe::Manifest| {
            let subject = &manifests[manifest.subject?].digest;
            Some(Key::referrer(repository, subject, ARTIFACT_TYPE, &manifest.digest))
        };
        Self {
            manifests: in_each(&|r| manifests.iter().map(|m| Key::manifest(r, &m.digest)).collect()),
            bodies: in_each(&|r| manifests.iter().map(|m| Key::body(r, &m.digest)).collect()),
            grants: in_each(&|r| blobs.iter().map(|b| Key::grant(r, &b.digest)).collect()),
            contents: blobs.iter().map(|b| Key::content(&b.digest)).collect(),
            tags: in_each(&|r| universe.tags.iter().map(|t| Key::tag(r, t)).collect()),
            referrers: universe
                .repositories
                .iter()
                .map(|r| manifests.iter().map(|m| referrer(r, m)).collect())
                .collect(),
        }
    }
}
