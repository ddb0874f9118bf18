//! A gate in front of the storage: each call of an operation stops there as a value, and goes on with the answer
//! that a scheduler gives. So one step of an operation is one call and the local code up to the next, and a
//! scheduler says in which order the steps of several are taken.
//!
//! ```text
//! let gate = Gate::new();
//! let mut actor = Actor::start(&gate, async move { push.delete_manifest(..).await });   // push is on `gate`
//! while let Some(call) = actor.asked() {
//!     let answer = call.make(&table, &blobs).await;    // or an error, or later, or never
//!     actor.answer(answer);
//! }
//! actor.outcome()
//! ```
//!
//! One gate for each actor. A batch of writes comes as one call for each of its items, in order: it is not atomic.

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll, Waker};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt;
use moorage_collector::whole;
use moorage_oci::Digest;
use moorage_ports::{
    Action, BlobStore, ByteStream, ChangeFeed, Changes, Cursor, DeleteBlobs, Durability, Expect, Item,
    KeepUntil, Key, Object, ObjectBody, ObjectKey, Page, Part, PartsId, PortError, Put, Query, ReadBlobs,
    ReadTable, ReferenceTable, Timestamp, Transacted, Version, WriteBlobs, WriteTable, Written,
};

/// One call of a port, as a value.
#[derive(Clone, PartialEq, Debug)]
pub enum Call {
    Get(Key),
    BatchGet(Vec<Key>),
    Query(Query),
    QueryKeys(Query),
    KeepUntil {
        item: Item,
        until: Timestamp,
        fresh: Version,
    },
    Put {
        item: Item,
        expect: Expect,
        durability: Durability,
    },
    Delete {
        key: Key,
        expect: Expect,
        durability: Durability,
    },
    /// One item of a batch.
    BatchWrite(Action),
    Transact(Vec<Action>),
    Changes {
        cursor: Cursor,
        limit: usize,
    },
    GetObject {
        key: ObjectKey,
        range: Option<Range<u64>>,
    },
    SizeOfObject(ObjectKey),
    PutObject {
        key: ObjectKey,
        digest: Digest,
        bytes: Bytes,
        durability: Durability,
    },
    OpenParts(ObjectKey),
    PutParts {
        key: ObjectKey,
        id: PartsId,
        first: u32,
        bytes: Bytes,
    },
    PutPartOf {
        key: ObjectKey,
        id: PartsId,
        number: u32,
        from: ObjectKey,
        size: u64,
    },
    Complete {
        key: ObjectKey,
        id: PartsId,
        parts: Vec<Part>,
        durability: Durability,
    },
    Abort {
        key: ObjectKey,
        id: PartsId,
    },
    DeleteObject(ObjectKey),
    ListObjects {
        prefix: String,
        after: Option<ObjectKey>,
        limit: usize,
    },
}

/// What a call is answered with; each call has its kind of answer ([`Call::make`]).
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::large_enum_variant, reason = "most answers are items, and each is moved a few times only")]
pub enum Answer {
    Item(Option<Item>),
    Items(Vec<Option<Item>>),
    Page(Page<Item>),
    Keys(Page<Key>),
    Written(Written),
    Transacted(Transacted),
    Changes(Changes),
    /// The bytes that were asked for, and how many the whole object has.
    Object(Option<(Bytes, u64)>),
    Size(Option<u64>),
    Stored(Put),
    PartsId(PartsId),
    Parts(Vec<Part>),
    Objects(Vec<ObjectKey>),
    Done,
}

impl Call {
    /// Makes the call.
    ///
    /// # Errors
    /// Those of the port.
    pub async fn make(self, table: &dyn ReferenceTable, blobs: &dyn BlobStore) -> Result<Answer, PortError> {
        let body = |bytes: Bytes| -> ByteStream { Box::pin(futures_util::stream::iter([Ok(bytes)])) };
        Ok(match self {
            Self::Get(key) => Answer::Item(table.get(&key).await?),
            Self::BatchGet(keys) => Answer::Items(table.batch_get(&keys).await?),
            Self::Query(query) => Answer::Page(table.query(&query).await?),
            Self::QueryKeys(query) => Answer::Keys(table.query_keys(&query).await?),
            Self::KeepUntil { item, until, fresh } => {
                Answer::Written(table.keep_until(&item, until, fresh).await?)
            }
            Self::Put { item, expect, durability } => {
                Answer::Written(table.put(item, expect, durability).await?)
            }
            Self::Delete { key, expect, durability } => {
                Answer::Written(table.delete(&key, expect, durability).await?)
            }
            Self::BatchWrite(action) => {
                table.batch_write(vec![action]).await?;
                Answer::Done
            }
            Self::Transact(actions) => Answer::Transacted(table.transact(actions).await?),
            Self::Changes { cursor, limit } => Answer::Changes(table.changes(&cursor, limit).await?),
            Self::GetObject { key, range } => match blobs.get(&key, range).await? {
                Some(object) => Answer::Object(Some((whole(object.body).await?, object.size))),
                None => Answer::Object(None),
            },
            Self::SizeOfObject(key) => Answer::Size(blobs.size(&key).await?),
            Self::PutObject { key, digest, bytes, durability } => {
                let size = Some(bytes.len() as u64);
                Answer::Stored(blobs.put(&key, &digest, size, body(bytes), durability).await?)
            }
            Self::OpenParts(key) => Answer::PartsId(blobs.open_parts(&key).await?),
            Self::PutParts { key, id, first, bytes } => {
                let size = Some(bytes.len() as u64);
                Answer::Parts(blobs.put_parts(&key, &id, first, size, body(bytes)).await?)
            }
            Self::PutPartOf { key, id, number, from, size } => {
                Answer::Parts(vec![blobs.put_part_of(&key, &id, number, &from, size).await?])
            }
            Self::Complete { key, id, parts, durability } => {
                Answer::Stored(blobs.complete(&key, &id, &parts, durability).await?)
            }
            Self::Abort { key, id } => {
                blobs.abort(&key, &id).await?;
                Answer::Done
            }
            Self::DeleteObject(key) => {
                blobs.delete(&key).await?;
                Answer::Done
            }
            Self::ListObjects { prefix, after, limit } => {
                Answer::Objects(blobs.list(&prefix, after.as_ref(), limit).await?)
            }
        })
    }
}

/// The ports of one actor: a table and a store whose calls wait for their answers.
pub struct Gate {
    calls: Mutex<VecDeque<Arc<Slot>>>,
    part_bytes_min: usize,
}

/// One call that waits.
struct Slot {
    call: Call,
    state: Mutex<SlotState>,
}

#[derive(Default)]
struct SlotState {
    answer: Option<Result<Answer, PortError>>,
    waker: Option<Waker>,
}

impl Gate {
    /// One whose parts may be of one byte: then an upload has no tails.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Self::with_parts_of(1)
    }

    /// One whose parts have at least so many bytes.
    #[must_use]
    pub fn with_parts_of(bytes_min: usize) -> Arc<Self> {
        Arc::new(Self { calls: Mutex::default(), part_bytes_min: bytes_min })
    }

    async fn ask(&self, call: Call) -> Result<Answer, PortError> {
        let slot = Arc::new(Slot { call, state: Mutex::default() });
        lock(&self.calls).push_back(Arc::clone(&slot));
        std::future::poll_fn(move |cx| {
            let mut state = lock(&slot.state);
            match state.answer.take() {
                Some(answer) => Poll::Ready(answer),
                None => {
                    state.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// An operation on its way, from call to call.
pub struct Actor<T> {
    gate: Arc<Gate>,
    going: Going<T>,
}

enum Going<T> {
    On(Pin<Box<dyn Future<Output = T> + Send>>),
    Done(T),
}

impl<T> Actor<T> {
    /// Starts an operation whose ports are `gate`, and lets it go on to its first call.
    pub fn start(gate: &Arc<Gate>, operation: impl Future<Output = T> + Send + 'static) -> Self {
        let mut actor = Self { gate: Arc::clone(gate), going: Going::On(Box::pin(operation)) };
        actor.go_on();
        actor
    }

    /// The call that waits: the oldest, where the operation makes several at once. `None` where it is done, or
    /// waits for something else than its ports (a clock).
    #[must_use]
    pub fn asked(&self) -> Option<Call> {
        lock(&self.gate.calls).front().map(|slot| slot.call.clone())
    }

    /// Answers the call that waits, and lets the operation go on to its next.
    ///
    /// # Panics
    /// Where no call waits.
    pub fn answer(&mut self, answer: Result<Answer, PortError>) {
        let slot = lock(&self.gate.calls).pop_front().expect("a call waits");
        let waker = {
            let mut state = lock(&slot.state);
            state.answer = Some(answer);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        self.go_on();
    }

    /// Lets an operation go on that waits for something else than its ports.
    pub fn go_on(&mut self) {
        let Going::On(future) = &mut self.going else { return };
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())) {
            self.going = Going::Done(outcome);
        }
    }

    /// `None` before it is done.
    #[must_use]
    pub fn outcome(&self) -> Option<&T> {
        match &self.going {
            Going::On(_) => None,
            Going::Done(outcome) => Some(outcome),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unfit<T>(answer: &Answer) -> Result<T, PortError> {
    Err(PortError::Misuse(format!("not an answer to this call: {answer:?}")))
}

/// The answer of one kind, or an error.
macro_rules! expect {
    ($answer:expr, $kind:path) => {
        match $answer {
            $kind(value) => Ok(value),
            other => unfit(&other),
        }
    };
}

#[async_trait]
impl ReadTable for Gate {
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError> {
        expect!(self.ask(Call::Get(key.clone())).await?, Answer::Item)
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError> {
        expect!(self.ask(Call::BatchGet(keys.to_vec())).await?, Answer::Items)
    }

    async fn query(&self, query: &Query) -> Result<Page<Item>, PortError> {
        expect!(self.ask(Call::Query(query.clone())).await?, Answer::Page)
    }

    async fn query_keys(&self, query: &Query) -> Result<Page<Key>, PortError> {
        expect!(self.ask(Call::QueryKeys(query.clone())).await?, Answer::Keys)
    }
}

#[async_trait]
impl KeepUntil for Gate {
    async fn keep_until(&self, item: &Item, until: Timestamp, fresh: Version) -> Result<Written, PortError> {
        let call = Call::KeepUntil { item: item.clone(), until, fresh };
        expect!(self.ask(call).await?, Answer::Written)
    }
}

#[async_trait]
impl WriteTable for Gate {
    async fn put(&self, item: Item, expect: Expect, durability: Durability) -> Result<Written, PortError> {
        expect!(self.ask(Call::Put { item, expect, durability }).await?, Answer::Written)
    }

    async fn delete(&self, key: &Key, expect: Expect, durability: Durability) -> Result<Written, PortError> {
        let call = Call::Delete { key: key.clone(), expect, durability };
        expect!(self.ask(call).await?, Answer::Written)
    }

    async fn batch_write(&self, writes: Vec<Action>) -> Result<(), PortError> {
        for action in writes {
            match self.ask(Call::BatchWrite(action)).await? {
                Answer::Done => {}
                other => return unfit(&other),
            }
        }
        Ok(())
    }

    async fn transact(&self, actions: Vec<Action>) -> Result<Transacted, PortError> {
        expect!(self.ask(Call::Transact(actions)).await?, Answer::Transacted)
    }
}

#[async_trait]
impl ChangeFeed for Gate {
    async fn changes(&self, cursor: &Cursor, limit: usize) -> Result<Changes, PortError> {
        expect!(self.ask(Call::Changes { cursor: cursor.clone(), limit }).await?, Answer::Changes)
    }
}

#[async_trait]
impl ReadBlobs for Gate {
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Option<Object>, PortError> {
        let found = expect!(self.ask(Call::GetObject { key: key.clone(), range }).await?, Answer::Object)?;
        Ok(found.map(|(bytes, size)| Object { size, body: ObjectBody::Bytes(bytes) }))
    }

    async fn signed_url(&self, _key: &ObjectKey) -> Result<Option<String>, PortError> {
        Ok(None)
    }
}

#[async_trait]
impl WriteBlobs for Gate {
    fn part_bytes_min(&self) -> usize {
        self.part_bytes_min
    }

    async fn size(&self, key: &ObjectKey) -> Result<Option<u64>, PortError> {
        expect!(self.ask(Call::SizeOfObject(key.clone())).await?, Answer::Size)
    }

    async fn put(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        size: Option<u64>,
        body: ByteStream,
        durability: Durability,
    ) -> Result<Put, PortError> {
        let bytes = body_of(size, body).await?;
        let call = Call::PutObject { key: key.clone(), digest: digest.clone(), bytes, durability };
        expect!(self.ask(call).await?, Answer::Stored)
    }

    async fn open_parts(&self, key: &ObjectKey) -> Result<PartsId, PortError> {
        expect!(self.ask(Call::OpenParts(key.clone())).await?, Answer::PartsId)
    }

    async fn put_parts(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        first: u32,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<Vec<Part>, PortError> {
        let bytes = body_of(size, body).await?;
        let call = Call::PutParts { key: key.clone(), id: id.clone(), first, bytes };
        expect!(self.ask(call).await?, Answer::Parts)
    }

    async fn put_part_of(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        number: u32,
        from: &ObjectKey,
        size: u64,
    ) -> Result<Part, PortError> {
        let (key, id, from) = (key.clone(), id.clone(), from.clone());
        let parts = expect!(self.ask(Call::PutPartOf { key, id, number, from, size }).await?, Answer::Parts)?;
        parts.into_iter().next().ok_or_else(|| PortError::Misuse("no part in the answer".to_owned()))
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        id: &PartsId,
        parts: &[Part],
        durability: Durability,
    ) -> Result<Put, PortError> {
        let call = Call::Complete { key: key.clone(), id: id.clone(), parts: parts.to_vec(), durability };
        expect!(self.ask(call).await?, Answer::Stored)
    }

    async fn abort(&self, key: &ObjectKey, id: &PartsId) -> Result<(), PortError> {
        match self.ask(Call::Abort { key: key.clone(), id: id.clone() }).await? {
            Answer::Done => Ok(()),
            other => unfit(&other),
        }
    }
}

#[async_trait]
impl DeleteBlobs for Gate {
    async fn delete(&self, key: &ObjectKey) -> Result<(), PortError> {
        match self.ask(Call::DeleteObject(key.clone())).await? {
            Answer::Done => Ok(()),
            other => unfit(&other),
        }
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<ObjectKey>, PortError> {
        let call = Call::ListObjects { prefix: prefix.to_owned(), after: after.cloned(), limit };
        expect!(self.ask(call).await?, Answer::Objects)
    }
}

/// Bodies are at hand: a call has all of its bytes.
async fn body_of(size: Option<u64>, body: ByteStream) -> Result<Bytes, PortError> {
    let bytes: Vec<Bytes> = body.try_collect().await?;
    let bytes = Bytes::from(bytes.concat());
    match size {
        Some(size) if size != bytes.len() as u64 => {
            Err(PortError::Body(format!("{size} bytes were said, {} came", bytes.len())))
        }
        _ => Ok(bytes),
    }
}
