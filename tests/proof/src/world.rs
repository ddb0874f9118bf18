//! All that is stored, as a value that is cheap to copy and to compare: entries are shared between the worlds that
//! have them, and a world's hash is the sum of theirs.

use std::sync::Arc;

use bytes::Bytes;
use moorage_collector::{Times, reviews};
use moorage_ports::facts::State;
use moorage_ports::{
    Action, Change, Cursor, Expect, Fact, Item, Key, Nonce, ObjectKey, PortError, Query, Timestamp, Version,
};
use xxhash_rust::xxh3::xxh3_128;

use crate::gate::Call;
use crate::seen::{Failed, Seen};
use crate::store::Store;

/// One item, with the hash of all it says.
#[derive(Debug)]
pub struct Entry {
    pub item: Item,
    pub hash: u128,
}

impl Entry {
    fn new(item: Item) -> Arc<Self> {
        let hash = xxh3_128(format!("{item:?}").as_bytes());
        Arc::new(Self { item, hash })
    }
}

/// What of the rules of a world is the same in all of its states.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub times: Times,
    /// Whether somebody reads reviews, so that each asked for anew must be told from the one before. Otherwise
    /// their versions are left out, and worlds that differ by nothing else are one.
    pub reviews_are_read: bool,
    /// Whether reviews are asked for by those who follow the change feed. Otherwise each change asks for its own in
    /// the same instant: in the leak runs they are done as late as can be, so that how late the feed is read makes no
    /// difference.
    pub feed_is_followed: bool,
    /// Whether a manifest may be pushed before what it needs.
    pub missing_allowed: bool,
}

/// One change of the feed.
#[derive(Debug)]
pub struct Told {
    pub change: Change,
    pub hash: u128,
}

/// A table and a store, with the time.
#[derive(Clone, Debug)]
pub struct World {
    entries: Vec<Arc<Entry>>,
    pub store: Store,
    /// All changes, oldest first, where somebody follows them.
    feed: Vec<Arc<Told>>,
    pub now: Timestamp,
    sum: u128,
    /// Makes versions of reviews, where these are read.
    asked: u64,
}

impl World {
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { entries: Vec::new(), store: Store::default(), feed: Vec::new(), now, sum: 0, asked: 0 }
    }

    /// The same for the same world.
    #[must_use]
    pub fn hash(&self) -> u128 {
        mixed(&[self.sum, u128::from(self.now.0), u128::from(self.asked), self.store.hash()])
    }

    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.entries.iter().map(|entry| &entry.item)
    }

    #[must_use]
    pub fn item(&self, key: &Key) -> Option<&Item> {
        self.found(key).map(|entry| &entry.item)
    }

    #[must_use]
    pub fn object(&self, key: &ObjectKey) -> Option<&Bytes> {
        self.store.get(key).map(|stored| &stored.bytes)
    }

    /// Takes all reviews away: as if they had all been done.
    pub fn forget_reviews(&mut self) {
        let reviews: Vec<Key> =
            self.items().filter(|item| item.fact == Fact::Review).map(|item| item.key.clone()).collect();
        for key in reviews {
            self.set(&key, None);
        }
    }

    /// When the next review is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.items().filter(|item| item.fact == Fact::Review).filter_map(|item| Some(item.key.due()?.0)).min()
    }

    /// Does one call in one instant.
    ///
    /// # Errors
    /// `Misuse` where this world has no such call.
    pub fn apply(&mut self, call: &Call, rules: &Rules) -> Result<Seen, PortError> {
        Ok(match call {
            Call::Get(key) => Seen::Item(self.found(key).cloned()),
            Call::BatchGet(keys) => Seen::Items(keys.iter().map(|key| self.found(key).cloned()).collect()),
            Call::Query(query) => {
                let (entries, more) = self.query(query);
                Seen::Page(entries, more)
            }
            Call::QueryKeys(query) => {
                let (entries, more) = self.query(query);
                Seen::Keys(entries, more)
            }
            Call::KeepUntil { item, until, fresh } => {
                let mut kept = item.clone();
                kept.version = Some(*fresh);
                let expect = Expect::VersionIs(item.version.ok_or_else(|| misuse(call))?);
                let node = kept.fact.node_mut().ok_or_else(|| misuse(call))?;
                if !node.state.is_readable() {
                    return Err(misuse(call));
                }
                node.state = State::Live;
                node.keep_until = *until;
                self.write_one(&Action::Put(kept, expect), rules)
            }
            Call::Put { item, expect, .. } => self.write_one(&Action::Put(item.clone(), *expect), rules),
            Call::Delete { key, expect, .. } => self.write_one(&Action::Delete(key.clone(), *expect), rules),
            Call::BatchWrite(action) => {
                self.carry_out(action, rules);
                Seen::Done
            }
            Call::Transact(actions) => {
                let refused = actions.iter().enumerate();
                let refused: Vec<_> = refused.filter_map(|(at, a)| Some((at, self.refusal(a)?))).collect();
                if refused.is_empty() {
                    actions.iter().for_each(|action| self.carry_out(action, rules));
                    Seen::Transacted
                } else {
                    Seen::NotTransacted(refused)
                }
            }
            Call::GetObject { key, range: None } => Seen::Object(self.store.get(key).cloned()),
            Call::SizeOfObject(key) => Seen::Size(self.object(key).map(|bytes| bytes.len() as u64)),
            Call::PutObject { key, digest, bytes, .. } => Seen::Stored(self.store.put(key, digest, bytes)),
            Call::DeleteObject(key) => {
                self.store.delete(key);
                Seen::Done
            }
            Call::OpenParts(key) => Seen::PartsId(self.store.open_parts(key)),
            Call::PutParts { key, id, first, bytes } => {
                Seen::part(self.store.put_part(key, id, *first, bytes))
            }
            Call::PutPartOf { key, id, number, from, .. } => match self.object(from).cloned() {
                Some(bytes) => Seen::part(self.store.put_part(key, id, *number, &bytes)),
                None => Seen::Failed(Failed::Corrupt(format!("object {from} is not there"))),
            },
            Call::Complete { key, id, parts, .. } => match self.store.complete(key, id, parts) {
                Ok(put) => Seen::Stored(put),
                Err(error) => Seen::Failed(Failed::Body(error.to_string())),
            },
            Call::Abort { key, id } => {
                self.store.abort(key, id);
                Seen::Done
            }
            Call::ListObjects { prefix, after, limit } => {
                let objects = self.store.objects().map(|object| &object.key);
                let later = objects.filter(|key| after.as_ref().is_none_or(|after| *key > after));
                let found = later.filter(|key| key.as_str().starts_with(prefix));
                Seen::Objects(found.take(*limit).cloned().collect())
            }
            Call::Changes { cursor, limit } => self.changes(cursor, *limit),
            Call::GetObject { .. } => return Err(misuse(call)),
        })
    }

    /// A cursor is the number of changes before it.
    fn changes(&self, cursor: &Cursor, limit: usize) -> Seen {
        let from = cursor.0.parse().unwrap_or(0).min(self.feed.len());
        let to = self.feed.len().min(from + limit);
        Seen::Changes(self.feed[from..to].to_vec(), Cursor(to.to_string()))
    }

    fn place(&self, key: &Key) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.item.key.cmp(key))
    }

    fn found(&self, key: &Key) -> Option<&Arc<Entry>> {
        self.place(key).ok().map(|at| &self.entries[at])
    }

    fn query(&self, query: &Query) -> (Vec<Arc<Entry>>, bool) {
        let range = &query.range;
        let first = Key::from_stored(range.partition(), range.prefix());
        let at = self.place(&first).unwrap_or_else(|at| at);
        let within =
            |key: &Key| key.partition() == range.partition() && key.sort().starts_with(range.prefix());
        let mut found = self.entries[at..]
            .iter()
            .take_while(|entry| within(&entry.item.key))
            .filter(|entry| range.after().is_none_or(|after| entry.item.key.sort() > after));
        let page = found.by_ref().take(query.limit).cloned().collect();
        (page, found.next().is_some())
    }

    /// What is there instead of what the action expects.
    #[expect(clippy::option_option, reason = "the refusal, and the item that it shows")]
    fn refusal(&self, action: &Action) -> Option<Option<Arc<Entry>>> {
        let expect = action.expect();
        if expect == Expect::Anything {
            return None;
        }
        let found = self.found(action.key());
        let holds = match expect {
            Expect::Anything => true,
            Expect::Absent => found.is_none(),
            Expect::VersionIs(version) => found.is_some_and(|entry| entry.item.version == Some(version)),
        };
        (!holds).then(|| found.cloned())
    }

    fn write_one(&mut self, action: &Action, rules: &Rules) -> Seen {
        match self.refusal(action) {
            Some(found) => Seen::NotWritten(found),
            None => {
                self.carry_out(action, rules);
                Seen::Written
            }
        }
    }

    fn carry_out(&mut self, action: &Action, rules: &Rules) {
        match action {
            Action::Put(item, _) => self.write(&item.key, Some(item), rules),
            Action::Delete(key, _) => self.write(key, None, rules),
            Action::Check(..) => {}
        }
    }

    /// Writes an item, and asks for the reviews of its change.
    fn write(&mut self, key: &Key, new: Option<&Item>, rules: &Rules) {
        if let Some(item) = new.filter(|item| item.fact == Fact::Review) {
            self.ask(key.clone(), item.version, rules);
            return;
        }
        let old = self.set(key, new.map(|item| Entry::new(item.clone())));
        let old = old.as_ref().map(|entry| &entry.item);
        if old == new || key.is_untold() {
            return;
        }
        let change = Change { key: key.clone(), old: old.cloned(), new: new.cloned(), at: Some(self.now) };
        if rules.feed_is_followed {
            let hash = xxh3_128(format!("{} {change:?}", self.feed.len()).as_bytes());
            self.sum = self.sum.wrapping_add(hash);
            self.feed.push(Arc::new(Told { change, hash }));
            return;
        }
        for review in reviews(&change, self.now, &rules.times) {
            self.asked += u64::from(rules.reviews_are_read);
            let version = Version(Nonce(u128::from(self.asked)));
            self.ask(Key::review(review.due, &review.of), Some(version), rules);
        }
    }

    fn ask(&mut self, key: Key, version: Option<Version>, rules: &Rules) {
        let version = if rules.reviews_are_read { version } else { Some(Version(Nonce(0))) };
        let entry = Entry::new(Item { key: key.clone(), version, fact: Fact::Review });
        self.set(&key, Some(entry));
    }

    fn set(&mut self, key: &Key, new: Option<Arc<Entry>>) -> Option<Arc<Entry>> {
        let old = match (self.place(key), new) {
            (Ok(at), Some(new)) => {
                self.sum = self.sum.wrapping_add(new.hash);
                Some(std::mem::replace(&mut self.entries[at], new))
            }
            (Ok(at), None) => Some(self.entries.remove(at)),
            (Err(at), Some(new)) => {
                self.sum = self.sum.wrapping_add(new.hash);
                self.entries.insert(at, new);
                None
            }
            (Err(_), None) => None,
        };
        if let Some(old) = &old {
            self.sum = self.sum.wrapping_sub(old.hash);
        }
        old
    }
}

/// One hash of several numbers.
#[must_use]
pub fn mixed(numbers: &[u128]) -> u128 {
    let mut bytes = [0; 256];
    let mut filled = 0;
    for number in numbers {
        bytes[filled..filled + 16].copy_from_slice(&number.to_le_bytes());
        filled += 16;
    }
    xxh3_128(&bytes[..filled])
}

fn misuse(call: &Call) -> PortError {
    PortError::Misuse(format!("a call that this world has not: {call:?}"))
}
