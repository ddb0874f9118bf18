//! Syncs: who waits for one, and who shares it.

use std::sync::Arc;

use futures_util::future::{join, join_all};
use moorage_embedded::testing::{Recorder, SyncKind};
use moorage_embedded::{Embedded, Options};
use moorage_oci::Digest;
use moorage_ports::{Action, Context, Durability, Expect, ObjectKey};

use crate::support::{blobs, body, hold, pattern, scratch, table};

#[tokio::test]
async fn each_step_costs_the_syncs_it_must_and_no_more() {
    let root = scratch();
    let disk = Recorder::new(root.path()).expect("it can be watched");
    let store =
        Embedded::open_on(Arc::new(Arc::clone(&disk)), root.path(), Options::default(), &Context::system())
            .expect("it opens");
    let key = |name: &str| ObjectKey::from_stored(name);
    let put_blob = async |name: &str, size: usize, durability: Durability| {
        let bytes = pattern(size);
        let digest = Digest::sha256(&bytes);
        blobs(&store).put(&key(name), &digest, None, body(&bytes), durability).await.expect("stored");
    };
    let counted = || (disk.syncs(SyncKind::Journal), disk.syncs(SyncKind::BlobData));
    // The first file makes the directories that it is in.
    put_blob("first", 200_000, Durability::OnAnswer).await;
    let (journal, data) = counted();
    let since = || {
        let now = counted();
        (now.0 - journal, now.1 - data)
    };

    table(&store).put(hold("a"), Expect::Absent, Durability::BeforeNext).await.expect("written");
    put_blob("few", 300, Durability::BeforeNext).await;
    table(&store).batch_write(vec![Action::Put(hold("b"), Expect::Anything)]).await.expect("written");
    blobs(&store).open_parts(&key("parts")).await.expect("opened");
    assert_eq!(since(), (0, 0));

    table(&store).put(hold("c"), Expect::Absent, Durability::OnAnswer).await.expect("written");
    assert_eq!(since(), (1, 0));
    table(&store).transact(vec![Action::Put(hold("d"), Expect::Absent)]).await.expect("written");
    assert_eq!(since(), (2, 0));
    put_blob("few and sure", 300, Durability::OnAnswer).await;
    assert_eq!(since(), (3, 0));
    put_blob("many", 200_000, Durability::BeforeNext).await;
    assert_eq!(since(), (3, 1));
    put_blob("many and sure", 200_000, Durability::OnAnswer).await;
    assert_eq!(since(), (4, 2));

    let names: Vec<_> = (0..100).map(|n| format!("together-{n}")).collect();
    let puts = names.iter().map(|name| table(&store).put(hold(name), Expect::Absent, Durability::OnAnswer));
    let paused = disk.pause();
    // All of them wait before the disk goes on: the first for it, the others for the first.
    let (done, ()) = join(join_all(puts), async { drop(paused) }).await;
    assert!(done.into_iter().all(|put| put.is_ok()));
    let shared = since().0 - 4;
    assert!(shared <= 2, "100 puts at once took {shared} syncs");
}
