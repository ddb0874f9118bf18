//! A store and a table in memory, as plain as the promises allow: the proof that the suites ask for what
//! can be kept, and a backend for tests of what is above the ports.
//!
//! One lock, so that each call is one instant. A power cut can be had: what was done since the last write
//! that had to be durable is undone.

mod blobs;
mod table;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::blobs::Durability;
use crate::facts::Item;
use crate::keys::Key;
use crate::object_keys::ObjectKey;
use crate::table::Change;
use crate::value::Timestamp;

/// A reference table and a blob store in memory.
#[derive(Default)]
pub struct Memory(Mutex<World>);

/// All that is stored.
#[derive(Clone, Default)]
struct World {
    items: BTreeMap<Key, Item>,
    /// The feed, each change at its place in it.
    changes: BTreeMap<u64, Change>,
    /// The last place that was given away; not given again after a power cut.
    last_change: u64,
    objects: BTreeMap<ObjectKey, Bytes>,
    /// When each object was made that there is, or was.
    made: BTreeMap<ObjectKey, Timestamp>,
    /// Objects in the making.
    parts: BTreeMap<String, Parts>,
    /// The last name given to an object in the making or a part.
    last_name: u64,
    /// What a power cut would undo, oldest first.
    undo: Vec<Undo>,
}

/// Parts by tag, each with its number.
type Parts = BTreeMap<String, (u32, Bytes)>;

/// How to take back one step.
#[derive(Clone)]
enum Undo {
    Item(Key, Option<Box<Item>>),
    Change(u64),
    Object(ObjectKey),
    /// They were made into an object.
    Parts(String, Parts),
}

impl Memory {
    /// All that is stored now, once more.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Mutex::new(self.world().clone()))
    }

    /// Loses what had not yet to be durable.
    pub fn cut_power(&self) {
        let mut world = self.world();
        while let Some(step) = world.undo.pop() {
            match step {
                Undo::Item(key, Some(item)) => _ = world.items.insert(key, *item),
                Undo::Item(key, None) => _ = world.items.remove(&key),
                Undo::Change(place) => _ = world.changes.remove(&place),
                Undo::Object(key) => _ = world.objects.remove(&key),
                Undo::Parts(id, parts) => _ = world.parts.insert(id, parts),
            }
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Puts or deletes one item, with its change in the feed.
    fn write(&mut self, key: Key, new: Option<Item>) {
        let old = match new.clone() {
            Some(item) => self.items.insert(key.clone(), item),
            None => self.items.remove(&key),
        };
        self.undo.push(Undo::Item(key.clone(), old.clone().map(Box::new)));
        if old != new && !key.is_untold() {
            self.last_change += 1;
            self.changes.insert(self.last_change, Change { key, old, new, at: None });
            self.undo.push(Undo::Change(self.last_change));
        }
    }

    /// A durable write takes all that came before it along.
    fn settle(&mut self, durability: Durability) {
        match durability {
            Durability::OnAnswer => self.undo.clear(),
            Durability::BeforeNext => {}
        }
    }

    fn fresh_name(&mut self) -> String {
        self.last_name += 1;
        self.last_name.to_string()
    }
}
