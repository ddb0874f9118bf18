//! Where a call reads and where it writes, as bits: so it is seen fast whether two calls can be told apart by the
//! order in which they are made.

use std::collections::HashMap;

use moorage_ports::{Action, Key, ObjectKey};

use crate::gate::Call;

const WORDS: usize = 4;

/// Bits there are. The last is shared by all spots that have no bit of their own.
const BITS: usize = WORDS * 64;

/// Some spots of the storage.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Spots([u64; WORDS]);

impl Spots {
    fn add(&mut self, bit: usize) {
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    /// Adds others, and answers whether any was new.
    pub fn join(&mut self, others: Self) -> bool {
        let before = *self;
        for (mine, theirs) in self.0.iter_mut().zip(others.0) {
            *mine |= theirs;
        }
        *self != before
    }

    #[must_use]
    pub fn meets(self, others: Self) -> bool {
        self.0.iter().zip(others.0).any(|(mine, theirs)| mine & theirs != 0)
    }
}

/// Gives spots their bits: one for each item and each object, one for all holds of a kind in a partition, whose keys
/// have no end, and one for all reviews, which most writes ask for.
#[derive(Default)]
pub struct Atlas {
    bits: HashMap<(String, String), usize>,
}

const REVIEWS: &str = "review#";
const OBJECTS: &str = "(objects)";
const HELD: &str = "held";

impl Atlas {
    /// Spots that a call may change; with each write of an item comes a review.
    pub fn written(&mut self, call: &Call) -> Spots {
        let mut spots = Spots::default();
        match call {
            Call::Get(_) | Call::BatchGet(_) | Call::Query(_) | Call::QueryKeys(_) => {}
            Call::Changes { .. }
            | Call::GetObject { .. }
            | Call::SizeOfObject(_)
            | Call::ListObjects { .. } => {}
            Call::KeepUntil { item, .. } | Call::Put { item, .. } => self.change(&item.key, &mut spots),
            Call::Delete { key, .. } => self.change(key, &mut spots),
            Call::BatchWrite(action) => self.act(action, &mut spots),
            Call::Transact(actions) => actions.iter().for_each(|action| self.act(action, &mut spots)),
            Call::PutObject { key, .. }
            | Call::OpenParts(key)
            | Call::PutParts { key, .. }
            | Call::PutPartOf { key, .. }
            | Call::Complete { key, .. }
            | Call::Abort { key, .. }
            | Call::DeleteObject(key) => spots.add(self.object(key)),
        }
        spots
    }

    /// Spots on which the answer of a call depends that changes nothing; `None` for others. Spots nobody has been
    /// seen to write have no bits yet: ask again when [`Self::len`] is another.
    pub fn read(&mut self, call: &Call) -> Option<Spots> {
        let mut spots = Spots::default();
        match call {
            Call::Get(key) => spots.add(self.item(key)),
            Call::BatchGet(keys) => keys.iter().for_each(|key| spots.add(self.item(key))),
            Call::Query(query) | Call::QueryKeys(query) => {
                let (partition, prefix) = (query.range.partition(), query.range.prefix());
                for ((of, sort), bit) in &self.bits {
                    let within = if partition.starts_with(REVIEWS) {
                        of == REVIEWS
                    } else {
                        of == partition && (sort.starts_with(prefix) || prefix.starts_with(sort.as_str()))
                    };
                    if within {
                        spots.add(*bit);
                    }
                }
                // What has no bit of its own may be within.
                spots.add(BITS - 1);
            }
            Call::GetObject { key, .. } | Call::SizeOfObject(key) => spots.add(self.object(key)),
            _ => return None,
        }
        Some(spots)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.bits.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }

    fn act(&mut self, action: &Action, spots: &mut Spots) {
        if !matches!(action, Action::Check(..)) {
            self.change(action.key(), spots);
        }
    }

    fn change(&mut self, key: &Key, spots: &mut Spots) {
        spots.add(self.item(key));
        spots.add(self.bit(REVIEWS, ""));
    }

    fn item(&mut self, key: &Key) -> usize {
        if key.partition().starts_with(REVIEWS) {
            return self.bit(REVIEWS, "");
        }
        let sort = match key.sort().split_once('#') {
            Some((kind, _)) if kind.starts_with(HELD) => kind,
            _ => key.sort(),
        };
        self.bit(key.partition(), sort)
    }

    fn object(&mut self, key: &ObjectKey) -> usize {
        self.bit(OBJECTS, key.as_str())
    }

    fn bit(&mut self, partition: &str, sort: &str) -> usize {
        let next = self.bits.len().min(BITS - 1);
        *self.bits.entry((partition.to_owned(), sort.to_owned())).or_insert(next)
    }
}
