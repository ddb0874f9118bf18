//! The table.

use std::ops::Bound;

use async_trait::async_trait;

use super::{Memory, World};
use crate::blobs::Durability;
use crate::error::PortError;
use crate::facts::{Fact, Item, State};
use crate::keys::Key;
use crate::limits::{
    BATCH_GET_ITEMS_MAX, BATCH_WRITE_ITEMS_MAX, ITEM_BYTES_MAX, PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX,
    TRANSACTION_ITEMS_MAX,
};
use crate::table::{
    Action, ChangeFeed, Changes, Cursor, Expect, KeepUntil, Page, Query, ReadTable, ScanTable, Scanned,
    Transacted, WriteTable, Written,
};
use crate::value::{Timestamp, Version};

#[async_trait]
impl ReadTable for Memory {
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError> {
        Ok(self.world().items.get(key).cloned())
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError> {
        at_most(BATCH_GET_ITEMS_MAX, keys.len())?;
        distinct(keys.iter())?;
        let world = self.world();
        Ok(keys.iter().map(|key| world.items.get(key).cloned()).collect())
    }

    async fn query(&self, query: &Query) -> Result<Page<Item>, PortError> {
        let range = &query.range;
        let key = |sort| Key::from_stored(range.partition(), sort);
        let start = match range.after() {
            Some(after) if after >= range.prefix() => Bound::Excluded(key(after)),
            _ => Bound::Included(key(range.prefix())),
        };
        let within =
            |key: &Key| key.partition() == range.partition() && key.sort().starts_with(range.prefix());
        let world = self.world();
        let mut found = world.items.range((start, Bound::Unbounded)).take_while(|(key, _)| within(key));
        let items = found.by_ref().take(query.limit).map(|(_, item)| item.clone()).collect();
        Ok(Page { items, more: found.next().is_some() })
    }

    async fn query_keys(&self, query: &Query) -> Result<Page<Key>, PortError> {
        let Page { items, more } = self.query(query).await?;
        Ok(Page { items: items.into_iter().map(|item| item.key).collect(), more })
    }
}

#[async_trait]
impl KeepUntil for Memory {
    async fn keep_until(&self, item: &Item, until: Timestamp, fresh: Version) -> Result<Written, PortError> {
        let mut kept = item.clone();
        kept.version = Some(fresh);
        let node = kept.fact.node_mut().ok_or_else(|| misuse("only a node is kept"))?;
        if !node.state.is_readable() {
            return Err(misuse("only what readers see is kept"));
        }
        node.state = State::Live;
        node.keep_until = until;
        let expect = Expect::VersionIs(item.version.ok_or_else(|| misuse("a node has a version"))?);
        self.world().write_one(Action::Put(kept, expect), Durability::BeforeNext)
    }
}

#[async_trait]
impl WriteTable for Memory {
    async fn put(&self, item: Item, expect: Expect, durability: Durability) -> Result<Written, PortError> {
        self.world().write_one(Action::Put(item, expect), durability)
    }

    async fn delete(&self, key: &Key, expect: Expect, durability: Durability) -> Result<Written, PortError> {
        self.world().write_one(Action::Delete(key.clone(), expect), durability)
    }

    async fn batch_write(&self, writes: Vec<Action>) -> Result<(), PortError> {
        at_most(BATCH_WRITE_ITEMS_MAX, writes.len())?;
        distinct(writes.iter().map(Action::key))?;
        let plain = |w: &Action| w.expect() == Expect::Anything && !matches!(w, Action::Check(..));
        if !writes.iter().all(plain) {
            return Err(misuse("a batch has no conditions and no checks"));
        }
        writes.iter().try_for_each(fits)?;
        let mut world = self.world();
        writes.into_iter().for_each(|action| world.carry_out(action));
        Ok(())
    }

    async fn transact(&self, actions: Vec<Action>) -> Result<Transacted, PortError> {
        at_most(TRANSACTION_ITEMS_MAX, actions.len())?;
        distinct(actions.iter().map(Action::key))?;
        if actions.is_empty() {
            return Err(misuse("a transaction does something"));
        }
        actions.iter().try_for_each(fits)?;
        let mut world = self.world();
        let refusals: Vec<_> =
            actions.iter().enumerate().filter_map(|(i, a)| Some((i, world.refusal(a)?))).collect();
        if !refusals.is_empty() {
            return Ok(Transacted::Refused(refusals));
        }
        actions.into_iter().for_each(|action| world.carry_out(action));
        world.settle(Durability::OnAnswer);
        Ok(Transacted::Done)
    }
}

#[async_trait]
impl ChangeFeed for Memory {
    async fn changes(&self, cursor: &Cursor, limit: usize) -> Result<Changes, PortError> {
        let after =
            if cursor.0.is_empty() { 0 } else { cursor.0.parse().map_err(|_| misuse("no cursor"))? };
        let world = self.world();
        let later = world.changes.range(after + 1..).take(limit);
        let (places, changes): (Vec<u64>, _) = later.map(|(place, change)| (*place, change.clone())).unzip();
        let next = places.last().map_or_else(|| cursor.clone(), |place| Cursor(place.to_string()));
        Ok(Changes { changes, next, lost: false })
    }
}

#[async_trait]
impl ScanTable for Memory {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Scanned, PortError> {
        if limit == 0 {
            return Err(misuse("a scan for no items"));
        }
        let after = after.map(|place| {
            let (partition, sort) = place.0.split_once('\0').ok_or_else(|| misuse("no place"))?;
            Ok::<_, PortError>(Key::from_stored(partition, sort))
        });
        let start = after.transpose()?.map_or(Bound::Unbounded, Bound::Excluded);
        let world = self.world();
        let mut found = world.items.range((start, Bound::Unbounded)).map(|(_, item)| item);
        let items: Vec<Item> = found.by_ref().take(limit).cloned().collect();
        let last = items.last().filter(|_| found.next().is_some());
        let next = last.map(|item| Cursor(format!("{}\0{}", item.key.partition(), item.key.sort())));
        Ok(Scanned { items, next })
    }
}

impl World {
    fn write_one(&mut self, action: Action, durability: Durability) -> Result<Written, PortError> {
        fits(&action)?;
        if let Some(found) = self.refusal(&action) {
            return Ok(Written::Refused(found.map(Box::new)));
        }
        self.carry_out(action);
        self.settle(durability);
        Ok(Written::Done)
    }

    /// What is there instead of what the action expects.
    #[expect(clippy::option_option, reason = "the refusal, and the item that it shows")]
    fn refusal(&self, action: &Action) -> Option<Option<Item>> {
        let found = self.items.get(action.key());
        let holds = match action.expect() {
            Expect::Anything => true,
            Expect::Absent => found.is_none(),
            Expect::VersionIs(version) => found.is_some_and(|item| item.version == Some(version)),
        };
        (!holds).then(|| found.cloned())
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Put(item, _) => self.write(item.key.clone(), Some(item)),
            Action::Delete(key, _) => self.write(key, None),
            Action::Check(..) => {}
        }
    }
}

fn at_most(limit: usize, items: usize) -> Result<(), PortError> {
    if items > limit { Err(misuse("too many items in one call")) } else { Ok(()) }
}

fn distinct<'k>(keys: impl Iterator<Item = &'k Key>) -> Result<(), PortError> {
    let mut seen = std::collections::BTreeSet::new();
    let mut keys = keys;
    if keys.all(|key| seen.insert(key)) { Ok(()) } else { Err(misuse("one item twice in one call")) }
}

fn fits(action: &Action) -> Result<(), PortError> {
    let key = action.key();
    if key.partition().len() > PARTITION_KEY_BYTES_MAX || key.sort().len() > SORT_KEY_BYTES_MAX {
        return Err(misuse("too long a key"));
    }
    let bytes = match action {
        Action::Put(Item { fact: Fact::Body(body), .. }, _) => body.len(),
        Action::Put(item, _) => serde_json::to_vec(&item.fact).map_or(usize::MAX, |json| json.len()),
        Action::Delete(..) | Action::Check(..) => 0,
    };
    if bytes > ITEM_BYTES_MAX { Err(misuse("too large an item")) } else { Ok(()) }
}

fn misuse(what: &str) -> PortError {
    PortError::Misuse(what.to_owned())
}
