//! Counting calls.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use moorage_oci::{Digest, RepositoryName};
use moorage_ports::calls::{Backend, Call, Calls, note_backend, scope};
use moorage_ports::contract::Memory;
use moorage_ports::counting::counting;
use moorage_ports::facts::Fact;
use moorage_ports::{
    Action, ByteStream, CountCalls, Durability, Expect, Item, Key, Nonce, ObjectKey, PortError, Query,
    ReadBlobs, ReadTable, SortRange, WriteBlobs, WriteTable,
};

fn repository() -> RepositoryName {
    "library/app".parse().expect("it is a name")
}

fn hold(number: u8) -> Item {
    Item::once(Key::listed(&repository(), &Digest::sha256(&[number])), Fact::Listed)
}

fn body(bytes: &'static [u8]) -> ByteStream {
    stream::iter([Ok(bytes.into())]).boxed()
}

/// A request that makes calls of several kinds.
async fn request(table: &impl WriteTable, blobs: &impl WriteBlobs) -> Result<(), PortError> {
    let digest = Digest::sha256(b"hello");
    let object = ObjectKey::upload(Nonce(1));
    let listed = SortRange::tags(&repository(), None);
    let put = |number| Action::Put(hold(number), Expect::Anything);
    table.get(&Key::manifest(&repository(), &digest)).await?;
    table.batch_write((0..25).map(put).collect()).await?;
    table.batch_write((25..30).map(put).collect()).await?;
    table.batch_get(&(0..7).map(|number| hold(number).key).collect::<Vec<_>>()).await?;
    table.query(&Query { range: listed.clone(), limit: 10 }).await?;
    table.query_keys(&Query { range: listed, limit: 10 }).await?;
    let manifest = Item::once(Key::body(&repository(), &digest), Fact::Body("{}".into()));
    table.transact(vec![Action::Put(manifest.clone(), Expect::Absent), put(31)]).await?;
    table.transact(vec![Action::Put(manifest.clone(), Expect::Absent)]).await?;
    table.get(&manifest.key).await?;
    blobs.put(&object, &digest, Some(5), body(b"hello"), Durability::OnAnswer).await?;
    blobs.put(&object, &digest, Some(5), body(b"hello"), Durability::OnAnswer).await?;
    blobs.get(&object, Some(1..4)).await?;
    blobs.get(&object, None).await?;
    Ok(())
}

const REQUEST: &str = "9 table (2 get, 1 batch_get of 7, 2 query, 2 batch_write of 30, 2 transact of 3), \
                       4 blob (2 get, 2 put)";

#[tokio::test]
async fn each_request_is_told_its_own_calls() {
    let store = CountCalls::new(Arc::new(Memory::default()));
    let (outcome, counted) = scope(request(&store, &store)).await;
    let calls = counted.calls;
    outcome.expect("memory does not fail");
    assert_eq!(calls.to_string(), REQUEST);
    assert_eq!((calls.table(), calls.blobs()), (9, 4));
    assert_eq!((calls.of(Call::BatchWrite).calls, calls.of(Call::BatchWrite).items), (2, 30));
    // Bytes that moved: the manifest's body and the object, each stored once; both, and three bytes, read.
    assert_eq!((calls.bytes_written, calls.bytes_read), (2 + 5, 2 + 3 + 5));

    let ((), nothing) = scope(async {}).await;
    assert_eq!(nothing.calls.to_string(), "none");
    assert_eq!(nothing.backend, Backend::default());
}

/// What an adapter sends for the calls is counted beside them, also in the scope around.
#[tokio::test]
async fn each_request_is_told_what_was_sent_for_it() {
    let send = |operation, units| async move {
        tokio::task::yield_now().await;
        note_backend(|backend| {
            *backend.requests.entry(operation).or_default() += 1;
            backend.read_units += units;
        });
    };
    let outer = scope(async {
        send("dynamodb:GetItem", 1.0).await;
        let ((), inner) = scope(send("dynamodb:GetItem", 2.5)).await;
        let ((), other) = scope(send("s3:GetObject", 0.0)).await;
        [inner.backend, other.backend]
    });
    // Nobody asks, as when the process starts.
    send("dynamodb:Query", 7.0).await;
    let ([inner, other], outer) = outer.await;
    let sent = |requests: &[(&'static str, u32)], read_units| Backend {
        requests: requests.iter().copied().collect(),
        read_units,
        ..Backend::default()
    };
    assert_eq!(inner, sent(&[("dynamodb:GetItem", 1)], 2.5));
    assert_eq!(other, sent(&[("s3:GetObject", 1)], 0.0));
    assert_eq!(outer.backend, sent(&[("dynamodb:GetItem", 2), ("s3:GetObject", 1)], 3.5));
    assert_eq!(outer.calls, Calls::default());
}

#[tokio::test]
async fn requests_beside_each_other_do_not_mix() {
    let store = Arc::new(CountCalls::new(Arc::new(Memory::default())));
    let gets = |number: u32| {
        let store = Arc::clone(&store);
        async move {
            for _ in 0..number {
                ReadTable::get(&*store, &hold(1).key).await.expect("memory does not fail");
                tokio::task::yield_now().await;
            }
        }
    };
    let (((), three), ((), five)) = tokio::join!(scope(gets(3)), scope(gets(5)));
    assert_eq!((three.calls.table(), five.calls.table()), (3, 5));
}

#[tokio::test]
async fn an_inner_scope_counts_for_the_outer_too() {
    let store = CountCalls::new(Arc::new(Memory::default()));
    let outer = scope(async {
        ReadBlobs::get(&store, &ObjectKey::upload(Nonce(1)), None).await.expect("memory does not fail");
        scope(ReadTable::get(&store, &hold(1).key)).await.1
    });
    let (inner, outer) = outer.await;
    assert_eq!(inner.calls.to_string(), "1 table (1 get)");
    assert_eq!(outer.calls.to_string(), "1 table (1 get), 1 blob (1 get)");
}

/// A call counts also where nobody asked, and where it fails.
#[tokio::test]
async fn totals_are_of_all_tasks_and_all_outcomes() {
    let store = Arc::new(counting(Arc::new(Memory::default())));
    let before = store.ledger().snapshot();
    assert_eq!(before.to_string(), "none");
    let task = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { request(&*store, &*store).await })
    };
    task.await.expect("it comes to its end").expect("memory does not fail");
    let between = store.ledger().snapshot();
    assert_eq!((between - before).to_string(), REQUEST);
    store.transact(vec![]).await.expect_err("a transaction of nothing is misuse");
    let (_, in_scope) =
        scope(WriteTable::delete(&*store, &hold(1).key, Expect::Anything, Durability::BeforeNext)).await;
    assert_eq!(in_scope.calls.to_string(), "1 table (1 delete)");
    assert_eq!((store.ledger().snapshot() - between).to_string(), "2 table (1 delete, 1 transact of 0)");
}

#[test]
fn every_kind_of_call_has_its_own_place() {
    for (place, call) in Call::ALL.into_iter().enumerate() {
        assert_eq!(call as usize, place, "{call:?}");
    }
}
