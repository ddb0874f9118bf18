//! The reference table: reads go straight to the newest snapshot, writes are steps of the writer.
//!
//! Reads run on the calling task, without a thread of their own: from the cache they take microseconds, and
//! they wait for nobody.

use std::collections::BTreeSet;
use std::ops::Bound;

use async_trait::async_trait;
use moorage_ports::facts::State;
use moorage_ports::limits::{BATCH_GET_ITEMS_MAX, BATCH_WRITE_ITEMS_MAX, TRANSACTION_ITEMS_MAX};
use moorage_ports::{
    Action, Durability, Expect, Item, KeepUntil, Key, Page, PortError, Query, ReadTable, Timestamp,
    Transacted, Version, WriteTable, Written,
};

use crate::Embedded;
use crate::database::Space;
use crate::encoding;
use crate::error::{Stop, read_failed};
use crate::rows::{Rows, Snapshot};

/// A page stops after this many bytes, as DynamoDB's do.
pub(crate) const PAGE_BYTES_MAX: usize = 1024 * 1024;

#[async_trait]
impl ReadTable for Embedded {
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError> {
        get(&*self.snapshot()?, key)
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError> {
        check_count(keys.len(), BATCH_GET_ITEMS_MAX)?;
        check_distinct(keys.iter())?;
        let snapshot = self.snapshot()?;
        keys.iter().map(|key| get(&snapshot, key)).collect()
    }

    async fn query(&self, query: &Query) -> Result<Page<Item>, PortError> {
        page(&*self.snapshot()?, query, encoding::decode_item)
    }

    async fn query_keys(&self, query: &Query) -> Result<Page<Key>, PortError> {
        page(&*self.snapshot()?, query, |key, _| Ok(key))
    }
}

fn get(snapshot: &Snapshot, key: &Key) -> Result<Option<Item>, PortError> {
    let value = snapshot.get(Space::Facts, &encoding::key(key)?).map_err(read_failed)?;
    value.map(|value| encoding::decode_item(key.clone(), value.value())).transpose()
}

fn page<T>(
    snapshot: &Snapshot,
    query: &Query,
    decode: impl Fn(Key, &[u8]) -> Result<T, PortError>,
) -> Result<Page<T>, PortError> {
    if query.limit == 0 {
        return Err(PortError::Misuse("a query for no items".to_owned()));
    }
    let range = encoding::key_range(&query.range)?;
    let from =
        if range.exclusive { Bound::Excluded(&range.from[..]) } else { Bound::Included(&range.from[..]) };
    let rows = snapshot.range(Space::Facts, from, Bound::Excluded(&range.to)).map_err(read_failed)?;
    let mut page = Page { items: Vec::new(), more: false };
    let mut bytes = 0;
    for row in rows {
        let (key, value) = row.map_err(read_failed)?;
        if page.items.len() == query.limit || bytes > PAGE_BYTES_MAX {
            page.more = true;
            break;
        }
        bytes += key.value().len() + value.value().len();
        page.items.push(decode(encoding::decode_key(key.value())?, value.value())?);
    }
    Ok(page)
}

#[async_trait]
impl KeepUntil for Embedded {
    async fn keep_until(&self, item: &Item, until: Timestamp, fresh: Version) -> Result<Written, PortError> {
        let kept = kept_until(item, until, fresh)?;
        let Some(version) = item.version else {
            return Err(PortError::Misuse(format!("{:?} has no version", item.key)));
        };
        self.put(kept, Expect::VersionIs(version), Durability::BeforeNext).await
    }
}

/// The node as it is once it was moved on.
fn kept_until(item: &Item, until: Timestamp, fresh: Version) -> Result<Item, PortError> {
    let mut kept = Item { version: Some(fresh), ..item.clone() };
    let Some(node) = kept.fact.node_mut() else {
        return Err(PortError::Misuse(format!("{:?} is no node", item.key)));
    };
    if !matches!(node.state, State::Live | State::Condemned) {
        return Err(PortError::Misuse(format!("{:?} is {:?}", item.key, node.state)));
    }
    node.state = State::Live;
    node.keep_until = until;
    Ok(kept)
}

#[async_trait]
impl WriteTable for Embedded {
    async fn put(&self, item: Item, expect: Expect, durability: Durability) -> Result<Written, PortError> {
        self.write_one(Prepared::new(Action::Put(item, expect))?, durability).await
    }

    async fn delete(&self, key: &Key, expect: Expect, durability: Durability) -> Result<Written, PortError> {
        self.write_one(Prepared::new(Action::Delete(key.clone(), expect))?, durability).await
    }

    async fn batch_write(&self, writes: Vec<Action>) -> Result<(), PortError> {
        check_count(writes.len(), BATCH_WRITE_ITEMS_MAX)?;
        check_distinct(writes.iter().map(Action::key))?;
        if writes.iter().any(|write| matches!(write, Action::Check(..)) || write.expect() != Expect::Anything)
        {
            return Err(PortError::Misuse("a batch with a condition".to_owned()));
        }
        if writes.is_empty() {
            return Ok(());
        }
        let writes = writes.into_iter().map(Prepared::new).collect::<Result<Vec<_>, _>>()?;
        let bytes = writes.iter().map(Prepared::bytes).sum();
        let work = move |rows: &mut Rows<'_>| {
            writes.iter().try_for_each(|write| write.do_it(rows)).map_err(Stop::from)
        };
        self.step(Durability::BeforeNext, bytes, work).await
    }

    async fn transact(&self, actions: Vec<Action>) -> Result<Transacted, PortError> {
        if actions.is_empty() {
            return Err(PortError::Misuse("a transaction of nothing".to_owned()));
        }
        check_count(actions.len(), TRANSACTION_ITEMS_MAX)?;
        check_distinct(actions.iter().map(Action::key))?;
        let actions = actions.into_iter().map(Prepared::new).collect::<Result<Vec<_>, _>>()?;
        let bytes = actions.iter().map(Prepared::bytes).sum();
        let work = move |rows: &mut Rows<'_>| {
            let mut refused = Vec::new();
            for (index, action) in actions.iter().enumerate() {
                if let Some(found) = action.refused(rows)? {
                    refused.push((index, found));
                }
            }
            if !refused.is_empty() {
                return Ok(Transacted::Refused(refused));
            }
            for action in &actions {
                action.do_it(rows)?;
            }
            Ok(Transacted::Done)
        };
        self.step(Durability::OnAnswer, bytes, work).await
    }
}

impl Embedded {
    async fn write_one(&self, write: Prepared, durability: Durability) -> Result<Written, PortError> {
        let bytes = write.bytes();
        let work = move |rows: &mut Rows<'_>| {
            if let Some(found) = write.refused(rows)? {
                return Ok(Written::Refused(found.map(Box::new)));
            }
            write.do_it(rows)?;
            Ok(Written::Done)
        };
        self.step(durability, bytes, work).await
    }
}

/// An action with its bytes made ready, so that the writer's thread need not.
struct Prepared {
    key: Key,
    row: Vec<u8>,
    expect: Expect,
    change: Change,
}

enum Change {
    Put(Vec<u8>),
    Delete,
    Nothing,
}

impl Prepared {
    fn new(action: Action) -> Result<Self, PortError> {
        let row = encoding::key(action.key())?;
        let expect = action.expect();
        let (key, change) = match action {
            Action::Put(item, _) => {
                let value = encoding::value(&item, row.len())?;
                (item.key, Change::Put(value))
            }
            Action::Delete(key, _) => (key, Change::Delete),
            Action::Check(key, _) => (key, Change::Nothing),
        };
        Ok(Self { key, row, expect, change })
    }

    fn bytes(&self) -> usize {
        let value = if let Change::Put(value) = &self.change { value.len() } else { 0 };
        self.row.len() + value
    }

    /// `None` where the condition holds, else what was found.
    fn refused(&self, rows: &mut Rows<'_>) -> Result<Option<Option<Item>>, Stop> {
        if self.expect == Expect::Anything {
            return Ok(None);
        }
        let found = rows.get(Space::Facts, &self.row)?;
        let holds = match (self.expect, &found) {
            (Expect::Anything, _) | (Expect::Absent, None) => true,
            (Expect::VersionIs(expected), Some(found)) => encoding::version(found)? == Some(expected),
            (Expect::Absent, Some(_)) | (Expect::VersionIs(_), None) => false,
        };
        if holds {
            return Ok(None);
        }
        let item = found.map(|found| encoding::decode_item(self.key.clone(), &found)).transpose()?;
        Ok(Some(item))
    }

    fn do_it(&self, rows: &mut Rows<'_>) -> Result<(), redb::StorageError> {
        match &self.change {
            Change::Put(value) => rows.change_fact(&self.row, Some(value)),
            Change::Delete => rows.change_fact(&self.row, None),
            Change::Nothing => Ok(()),
        }
    }
}

fn check_count(items: usize, items_max: usize) -> Result<(), PortError> {
    if items > items_max {
        return Err(PortError::Misuse(format!("{items} items, where {items_max} are the most")));
    }
    Ok(())
}

fn check_distinct<'k>(keys: impl Iterator<Item = &'k Key>) -> Result<(), PortError> {
    let mut seen = BTreeSet::new();
    for key in keys {
        if !seen.insert(key) {
            return Err(PortError::Misuse(format!("{key:?} twice")));
        }
    }
    Ok(())
}
