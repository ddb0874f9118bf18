//! The wrapper that fails.

use std::future::pending;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use moorage_oci::Digest;

use super::{Fault, Injector, Moment};
use crate::blobs::{ByteStream, DeleteBlobs, Durability, Object, Part, PartsId, Put, ReadBlobs, WriteBlobs};
use crate::calls::Call;
use crate::error::PortError;
use crate::facts::Item;
use crate::keys::Key;
use crate::object_keys::ObjectKey;
use crate::table::{
    Action, ChangeFeed, Changes, Cursor, Expect, KeepUntil, Page, Query, ReadTable, ScanTable, Scanned,
    Transacted, WriteTable, Written,
};
use crate::value::{Timestamp, Version};

/// A store or a table whose calls fail by a plan; otherwise the one inside.
pub struct Faults<S: ?Sized> {
    inner: Arc<S>,
    injector: Arc<Injector>,
}

impl<S: ?Sized> Faults<S> {
    #[must_use]
    pub fn new(inner: Arc<S>, injector: &Arc<Injector>) -> Self {
        Self { inner, injector: Arc::clone(injector) }
    }

    #[must_use]
    pub fn inner(&self) -> &Arc<S> {
        &self.inner
    }

    /// Makes one call, or not, as is decided now.
    async fn make<T>(
        &self,
        call: Call,
        effect: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        match self.injector.decide(call) {
            None => effect.await,
            Some(fault) => self.fail(fault, effect).await,
        }
    }

    async fn fail<T>(
        &self,
        fault: Fault,
        effect: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        match fault {
            Fault::Delay(by) => {
                self.injector.clock.sleep(by).await;
                effect.await
            }
            Fault::Error(Moment::After) => effect.await.and_then(|_| Err(injected(fault))),
            Fault::Stop(Moment::After) => {
                // It stops, whatever the outcome.
                let _ = effect.await;
                pending().await
            }
            Fault::Error(Moment::Before | Moment::Midway) => Err(injected(fault)),
            Fault::Stop(Moment::Before | Moment::Midway) => pending().await,
        }
    }
}

fn injected(fault: Fault) -> PortError {
    PortError::Unavailable(format!("injected {fault}"))
}

#[async_trait]
impl<S: ReadTable + ?Sized> ReadTable for Faults<S> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError> {
        self.make(Call::Get, self.inner.get(key)).await
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError> {
        self.make(Call::BatchGet, self.inner.batch_get(keys)).await
    }

    async fn query(&self, query: &Query) -> Result<Page<Item>, PortError> {
        self.make(Call::Query, self.inner.query(query)).await
    }

    async fn query_keys(&self, query: &Query) -> Result<Page<Key>, PortError> {
        self.make(Call::Query, self.inner.query_keys(query)).await
    }
}

#[async_trait]
impl<S: KeepUntil + ?Sized> KeepUntil for Faults<S> {
    async fn keep_until(&self, item: &Item, until: Timestamp, fresh: Version) -> Result<Written, PortError> {
        self.make(Call::KeepUntil, self.inner.keep_until(item, until, fresh)).await
    }
}

#[async_trait]
impl<S: WriteTable + ?Sized> WriteTable for Faults<S> {
    async fn put(&self, item: Item, expect: Expect, durability: Durability) -> Result<Written, PortError> {
        self.make(Call::Put, self.inner.put(item, expect, durability)).await
    }

    async fn delete(&self, key: &Key, expect: Expect, durability: Durability) -> Result<Written, PortError> {
        self.make(Call::Delete, self.inner.delete(key, expect, durability)).await
    }

    async fn batch_write(&self, mut writes: Vec<Action>) -> Result<(), PortError> {
        match self.injector.decide(Call::BatchWrite) {
            None => self.inner.batch_write(writes).await,
            Some(fault @ (Fault::Error(Moment::Midway) | Fault::Stop(Moment::Midway))) => {
                writes.truncate(writes.len() / 2);
                self.inner.batch_write(writes).await?;
                self.fail(fault, async { Ok(()) }).await
            }
            Some(fault) => self.fail(fault, self.inner.batch_write(writes)).await,
        }
    }

    async fn transact(&self, actions: Vec<Action>) -> Result<Transacted, PortError> {
        self.make(Call::Transact, self.inner.transact(actions)).await
    }
}

#[async_trait]
impl<S: ChangeFeed + ?Sized> ChangeFeed for Faults<S> {
    async fn changes(&self, cursor: &Cursor, limit: usize) -> Result<Changes, PortError> {
        self.make(Call::Changes, self.inner.changes(cursor, limit)).await
    }
}

#[async_trait]
impl<S: ScanTable + ?Sized> ScanTable for Faults<S> {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Scanned, PortError> {
        self.make(Call::Scan, self.inner.scan(after, limit)).await
    }
}

#[async_trait]
impl<S: ReadBlobs + ?Sized> ReadBlobs for Faults<S> {
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Option<Object>, PortError> {
        self.make(Call::GetBlob, self.inner.get(key, range)).await
    }

    async fn signed_url(&self, key: &ObjectKey) -> Result<Option<String>, PortError> {
        self.inner.signed_url(key).await
    }
}

#[async_trait]
impl<S: WriteBlobs + ?Sized> WriteBlobs for Faults<S> {
    fn part_bytes_min(&self) -> usize {
        self.inner.part_bytes_min()
    }

    async fn size(&self, key: &ObjectKey) -> Result<Option<u64>, PortError> {
        self.make(Call::BlobSize, self.inner.size(key)).await
    }

    async fn put(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        size: Option<u64>,
        body: ByteStream,
        durability: Durability,
    ) -> Result<Put, PortError> {
        self.make(Call::PutBlob, self.inner.put(key, digest, size, body, durability)).await
    }

    async fn open_parts(&self, key: &ObjectKey) -> Result<PartsId, PortError> {
        self.make(Call::OpenParts, self.inner.open_parts(key)).await
    }

    async fn put_parts(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        first: u32,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<Vec<Part>, PortError> {
        self.make(Call::PutParts, self.inner.put_parts(key, id, first, size, body)).await
    }

    async fn put_part_of(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        number: u32,
        from: &ObjectKey,
        size: u64,
    ) -> Result<Part, PortError> {
        self.make(Call::PutPartOf, self.inner.put_part_of(key, id, number, from, size)).await
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        parts: &[Part],
        durability: Durability,
    ) -> Result<Put, PortError> {
        self.make(Call::Complete, self.inner.complete(key, id, parts, durability)).await
    }

    async fn abort(&self, key: &ObjectKey, id: &PartsId) -> Result<(), PortError> {
        self.make(Call::Abort, self.inner.abort(key, id)).await
    }
}

#[async_trait]
impl<S: DeleteBlobs + ?Sized> DeleteBlobs for Faults<S> {
    async fn delete(&self, key: &ObjectKey) -> Result<(), PortError> {
        self.make(Call::DeleteBlob, self.inner.delete(key)).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<ObjectKey>, PortError> {
        self.make(Call::ListBlobs, self.inner.list(prefix, after, limit)).await
    }

    async fn made_at(&self, key: &ObjectKey) -> Result<Option<Timestamp>, PortError> {
        self.make(Call::BlobAge, self.inner.made_at(key)).await
    }
}
