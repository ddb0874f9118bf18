//! When the disk fails, or is full.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use moorage_embedded::testing::{Recorder, SyncKind};
use moorage_embedded::{Embedded, Options};
use moorage_oci::Digest;
use moorage_ports::{Context, Durability, Expect, ObjectKey, PortError, Put, Written};

use crate::support::{blobs, body, files_below, hold, open, pattern, scratch, table};

fn open_recorded(root: &Path) -> (Arc<Recorder>, Embedded) {
    let disk = Recorder::new(root).expect("it can be watched");
    let store = Embedded::open_on(
        Arc::new(Arc::clone(&disk)),
        &root.join("data"),
        Options::default(),
        &Context::system(),
    );
    (disk, store.expect("it opens"))
}

async fn put(store: &Embedded, name: &str, durability: Durability) -> Result<Written, PortError> {
    table(store).put(hold(name), Expect::Absent, durability).await
}

async fn put_blob(store: &Embedded, size: usize) -> Result<Put, PortError> {
    let (key, bytes) = (ObjectKey::from_stored(&format!("o/{size}")), pattern(size));
    blobs(store).put(&key, &Digest::sha256(&bytes), None, body(&bytes), Durability::OnAnswer).await
}

async fn is_there(store: &Embedded, name: &str) -> bool {
    table(store).get(&hold(name).key).await.expect("it can be read").is_some()
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_written_until_a_restart() {
    let root = scratch();
    let (disk, store) = open_recorded(root.path());
    put(&store, "before", Durability::OnAnswer).await.expect("written");
    disk.fail(Some((SyncKind::Journal, ErrorKind::Other)));
    let failed = put(&store, "lost", Durability::OnAnswer).await.expect_err("not durable");
    assert!(matches!(failed, PortError::Unavailable(_)), "{failed}");

    // The disk says that all is well again; nobody can know.
    disk.fail(None);
    for durability in [Durability::OnAnswer, Durability::BeforeNext] {
        let refused = put(&store, "later", durability).await.expect_err("refused");
        assert!(refused.to_string().contains("nothing is written until a restart"), "{refused}");
    }
    assert!(is_there(&store, "before").await, "reads go on");
    assert!(!is_there(&store, "lost").await);

    store.close();
    let store = open(&root.path().join("data"));
    assert!(is_there(&store, "before").await);
    put(&store, "later", Durability::OnAnswer).await.expect("written");
}

#[tokio::test]
async fn a_blob_that_cannot_be_synced_is_not_stored_and_nobody_else_suffers() {
    let root = scratch();
    let (disk, store) = open_recorded(root.path());
    disk.fail(Some((SyncKind::BlobData, ErrorKind::Other)));
    put_blob(&store, 200_000).await.expect_err("not durable");
    put(&store, "other", Durability::OnAnswer).await.expect("written");
    disk.fail(None);
    put_blob(&store, 200_000).await.expect("stored");
    store.close();
    assert_eq!(files_below(&root.path().join("data/blobs")), 1);
}

#[tokio::test]
async fn a_full_disk_refuses_and_goes_on_once_there_is_room() {
    let root = scratch();
    let (disk, store) = open_recorded(root.path());
    put(&store, "before", Durability::OnAnswer).await.expect("written");

    // Not enough for blobs; records still have room.
    disk.set_free_bytes(100 * 1024 * 1024);
    for size in [10, 200_000] {
        let refused = put_blob(&store, size).await.expect_err("no room");
        assert!(matches!(refused, PortError::Full(_)), "{refused}");
    }
    put(&store, "tight", Durability::OnAnswer).await.expect("written");

    disk.set_free_bytes(1024 * 1024);
    let refused = put(&store, "too much", Durability::OnAnswer).await.expect_err("no room");
    assert!(matches!(refused, PortError::Full(_)), "{refused}");
    assert!(is_there(&store, "tight").await);

    disk.set_free_bytes(1024 * 1024 * 1024);
    put(&store, "after", Durability::OnAnswer).await.expect("written");
    put_blob(&store, 200_000).await.expect("stored");
}
