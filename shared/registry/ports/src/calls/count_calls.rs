//! The wrapper that counts. A call counts when it is made, whatever comes of it; bytes count when they are
//! answered or stored.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use moorage_oci::Digest;

use super::{Call, Ledger, OfTheRequest};
use crate::blobs::{ByteStream, DeleteBlobs, Durability, Object, Part, PartsId, Put, ReadBlobs, WriteBlobs};
use crate::error::PortError;
use crate::facts::{Fact, Item};
use crate::keys::Key;
use crate::object_keys::ObjectKey;
use crate::table::{
    Action, ChangeFeed, Changes, Cursor, Expect, KeepUntil, Page, Query, ReadTable, ScanTable, Scanned,
    Transacted, WriteTable, Written,
};
use crate::value::{Timestamp, Version};

/// A store or a table that counts the calls made through it; otherwise the one inside.
pub struct CountCalls<S: ?Sized, L = OfTheRequest> {
    ledger: L,
    inner: Arc<S>,
}

impl<S: ?Sized> CountCalls<S> {
    /// Counts for the request that makes the call.
    #[must_use]
    pub fn new(inner: Arc<S>) -> Self {
        Self::into_ledger(inner, OfTheRequest)
    }
}

impl<S: ?Sized, L: Ledger> CountCalls<S, L> {
    #[must_use]
    pub fn into_ledger(inner: Arc<S>, ledger: L) -> Self {
        Self { ledger, inner }
    }

    #[must_use]
    pub fn inner(&self) -> &Arc<S> {
        &self.inner
    }

    #[must_use]
    pub fn ledger(&self) -> &L {
        &self.ledger
    }

    fn call(&self, call: Call, items: usize) {
        self.ledger.change(|calls| calls.add_call(call, items));
    }

    fn answered(&self, call: Call, items: usize) {
        self.ledger.change(|calls| calls.add_items(call, items));
    }

    fn read(&self, bytes: u64) {
        if bytes > 0 {
            self.ledger.change(|calls| calls.bytes_read += bytes);
        }
    }

    fn wrote(&self, bytes: u64) {
        if bytes > 0 {
            self.ledger.change(|calls| calls.bytes_written += bytes);
        }
    }
}

fn body_bytes(item: &Item) -> u64 {
    match &item.fact {
        Fact::Body(body) => body.len() as u64,
        _ => 0,
    }
}

fn put_bytes(actions: &[Action]) -> u64 {
    let bytes = |action: &Action| match action {
        Action::Put(item, _) => body_bytes(item),
        Action::Delete(..) | Action::Check(..) => 0,
    };
    actions.iter().map(bytes).sum()
}

#[async_trait]
impl<S: ReadTable + ?Sized, L: Ledger> ReadTable for CountCalls<S, L> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError> {
        self.call(Call::Get, 1);
        let found = self.inner.get(key).await?;
        self.read(found.as_ref().map_or(0, body_bytes));
        Ok(found)
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError> {
        self.call(Call::BatchGet, keys.len());
        let found = self.inner.batch_get(keys).await?;
        self.read(found.iter().flatten().map(body_bytes).sum());
        Ok(found)
    }

    async fn query(&self, query: &Query) -> Result<Page<Item>, PortError> {
        self.call(Call::Query, 0);
        let page = self.inner.query(query).await?;
        self.answered(Call::Query, page.items.len());
        self.read(page.items.iter().map(body_bytes).sum());
        Ok(page)
    }

    async fn query_keys(&self, query: &Query) -> Result<Page<Key>, PortError> {
        self.call(Call::Query, 0);
        let page = self.inner.query_keys(query).await?;
        self.answered(Call::Query, page.items.len());
        Ok(page)
    }
}

#[async_trait]
impl<S: KeepUntil + ?Sized, L: Ledger> KeepUntil for CountCalls<S, L> {
    async fn keep_until(&self, item: &Item, until: Timestamp, fresh: Version) -> Result<Written, PortError> {
        self.call(Call::KeepUntil, 1);
        self.inner.keep_until(item, until, fresh).await
    }
}

#[async_trait]
impl<S: WriteTable + ?Sized, L: Ledger> WriteTable for CountCalls<S, L> {
    async fn put(&self, item: Item, expect: Expect, durability: Durability) -> Result<Written, PortError> {
        self.call(Call::Put, 1);
        let bytes = body_bytes(&item);
        let written = self.inner.put(item, expect, durability).await?;
        if written == Written::Done {
            self.wrote(bytes);
        }
        Ok(written)
    }

    async fn delete(&self, key: &Key, expect: Expect, durability: Durability) -> Result<Written, PortError> {
        self.call(Call::Delete, 1);
        self.inner.delete(key, expect, durability).await
    }

    async fn batch_write(&self, writes: Vec<Action>) -> Result<(), PortError> {
        self.call(Call::BatchWrite, writes.len());
        let bytes = put_bytes(&writes);
        self.inner.batch_write(writes).await?;
        self.wrote(bytes);
        Ok(())
    }

    async fn transact(&self, actions: Vec<Action>) -> Result<Transacted, PortError> {
        self.call(Call::Transact, actions.len());
        let bytes = put_bytes(&actions);
        let transacted = self.inner.transact(actions).await?;
        if transacted == Transacted::Done {
            self.wrote(bytes);
        }
        Ok(transacted)
    }
}

#[async_trait]
impl<S: ChangeFeed + ?Sized, L: Ledger> ChangeFeed for CountCalls<S, L> {
    async fn changes(&self, cursor: &Cursor, limit: usize) -> Result<Changes, PortError> {
        self.call(Call::Changes, 0);
        let page = self.inner.changes(cursor, limit).await?;
        self.answered(Call::Changes, page.changes.len());
        Ok(page)
    }
}

#[async_trait]
impl<S: ScanTable + ?Sized, L: Ledger> ScanTable for CountCalls<S, L> {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Scanned, PortError> {
        self.call(Call::Scan, 0);
        let page = self.inner.scan(after, limit).await?;
        self.answered(Call::Scan, page.items.len());
        self.read(page.items.iter().map(body_bytes).sum());
        Ok(page)
    }
}

#[async_trait]
impl<S: ReadBlobs + ?Sized, L: Ledger> ReadBlobs for CountCalls<S, L> {
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Option<Object>, PortError> {
        self.call(Call::GetBlob, 1);
        let asked = range.as_ref().map(|range| range.end - range.start);
        let found = self.inner.get(key, range).await?;
        self.read(found.as_ref().map_or(0, |object| asked.unwrap_or(object.size)));
        Ok(found)
    }

    async fn signed_url(&self, key: &ObjectKey) -> Result<Option<String>, PortError> {
        self.inner.signed_url(key).await
    }
}

#[async_trait]
impl<S: WriteBlobs + ?Sized, L: Ledger> WriteBlobs for CountCalls<S, L> {
    fn part_bytes_min(&self) -> usize {
        self.inner.part_bytes_min()
    }

    async fn size(&self, key: &ObjectKey) -> Result<Option<u64>, PortError> {
        self.call(Call::BlobSize, 1);
        self.inner.size(key).await
    }

    async fn put(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        size: Option<u64>,
        body: ByteStream,
        durability: Durability,
    ) -> Result<Put, PortError> {
        self.call(Call::PutBlob, 1);
        let put = self.inner.put(key, digest, size, body, durability).await?;
        if let Put::Stored { size } = put {
            self.wrote(size);
        }
        Ok(put)
    }

    async fn open_parts(&self, key: &ObjectKey) -> Result<PartsId, PortError> {
        self.call(Call::OpenParts, 1);
        self.inner.open_parts(key).await
    }

    async fn put_parts(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        first: u32,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<Vec<Part>, PortError> {
        self.call(Call::PutParts, 0);
        let parts = self.inner.put_parts(key, id, first, size, body).await?;
        self.answered(Call::PutParts, parts.len());
        self.wrote(parts.iter().map(|part| part.size).sum());
        Ok(parts)
    }

    async fn put_part_of(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        number: u32,
        from: &ObjectKey,
        size: u64,
    ) -> Result<Part, PortError> {
        self.call(Call::PutPartOf, 1);
        self.inner.put_part_of(key, id, number, from, size).await
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        parts: &[Part],
        durability: Durability,
    ) -> Result<Put, PortError> {
        self.call(Call::Complete, 1);
        self.inner.complete(key, id, parts, durability).await
    }

    async fn abort(&self, key: &ObjectKey, id: &PartsId) -> Result<(), PortError> {
        self.call(Call::Abort, 1);
        self.inner.abort(key, id).await
    }
}

#[async_trait]
impl<S: DeleteBlobs + ?Sized, L: Ledger> DeleteBlobs for CountCalls<S, L> {
    async fn delete(&self, key: &ObjectKey) -> Result<(), PortError> {
        self.call(Call::DeleteBlob, 1);
        self.inner.delete(key).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<ObjectKey>, PortError> {
        self.call(Call::ListBlobs, 0);
        let keys = self.inner.list(prefix, after, limit).await?;
        self.answered(Call::ListBlobs, keys.len());
        Ok(keys)
    }

    async fn made_at(&self, key: &ObjectKey) -> Result<Option<Timestamp>, PortError> {
        self.call(Call::BlobAge, 1);
        self.inner.made_at(key).await
    }
}
