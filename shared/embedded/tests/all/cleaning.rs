//! Files that nothing names any more go, and no others.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use moorage_embedded::testing::{Recorder, Unsynced};
use moorage_embedded::{Embedded, Options};
use moorage_oci::Digest;
use moorage_ports::{Context, Durability, Expect, ObjectBody, ObjectKey, PortError, Put};

use crate::support::{blobs, body, bytes_of, files_below, hold, open, pattern, scratch, table};

const SIZE: usize = 200_000;

fn key(name: &str) -> ObjectKey {
    ObjectKey::from_stored(name)
}

async fn put(store: &Embedded, name: &str) {
    let bytes = pattern(SIZE);
    let digest = Digest::sha256(&bytes);
    blobs(store).put(&key(name), &digest, None, body(&bytes), Durability::OnAnswer).await.expect("stored");
}

async fn sync(store: &Embedded) {
    table(store).put(hold("sync"), Expect::Anything, Durability::OnAnswer).await.expect("written");
}

/// Waits until so many files are there: the cleaner works in the background.
async fn expect_files(dir: &Path, files: usize) {
    let clock = Context::system().clock;
    let patience = clock.monotonic() + Duration::from_secs(10);
    while files_below(&dir.join("blobs")) != files {
        assert!(clock.monotonic() < patience, "{} files, not {files}", files_below(&dir.join("blobs")));
        clock.sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_start_sweeps_what_a_dead_run_left_and_nothing_else() {
    let root = scratch();
    let disk = Recorder::new(root.path()).expect("it can be watched");
    let open_recorded = || {
        Embedded::open_on(Arc::new(Arc::clone(&disk)), root.path(), Options::default(), &Context::system())
    };
    let store = open_recorded().expect("it opens");
    put(&store, "of a clean run").await;
    put(&store, "to delete").await;
    store.close();

    let store = open_recorded().expect("it opens");
    put(&store, "of a dead run").await;
    // An upload that is halfway, and an object whose file is still to be removed.
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, PortError>>(1);
    let upload = {
        let (store, digest) = (store.clone(), Digest::sha256(b"never"));
        let body =
            stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        tokio::spawn(async move {
            blobs(&store).put(&key("half"), &digest, None, Box::pin(body), Durability::OnAnswer).await
        })
    };
    for _ in 0..40 {
        sender.send(Ok(Bytes::from(vec![1; 100_000]))).await.expect("it reads");
    }
    blobs(&store).delete(&key("to delete")).await.expect("deleted");
    let died_at = disk.position();
    sync(&store).await;
    drop(sender);
    assert_eq!(upload.await.expect("no panic").expect("answered"), Put::DigestMismatch);
    store.close();

    let after = scratch();
    disk.after_power_cut(died_at, Unsynced::Kept).write_to(after.path()).expect("it can be written");
    assert!(files_below(&after.path().join("blobs")) > 3);
    let store = open(after.path());
    sync(&store).await;
    expect_files(after.path(), 2).await;
    for name in ["of a clean run", "of a dead run"] {
        let object = blobs(&store).get(&key(name), None).await.expect("read").expect("there");
        assert_eq!(bytes_of(object).await, pattern(SIZE));
    }
}

#[tokio::test]
async fn an_upload_that_is_dropped_leaves_nothing() {
    let dir = scratch();
    let store = open(dir.path());
    let body = stream::iter((0..40).map(|_| Ok(Bytes::from(vec![1; 100_000])))).chain(stream::pending());
    let put = {
        let store = store.clone();
        tokio::spawn(async move {
            let digest = Digest::sha256(b"never");
            blobs(&store).put(&key("o"), &digest, None, Box::pin(body), Durability::OnAnswer).await
        })
    };
    expect_files(dir.path(), 1).await;
    put.abort();
    put.await.expect_err("aborted");
    expect_files(dir.path(), 0).await;
}

#[tokio::test]
async fn a_reader_that_has_begun_finishes_though_the_object_is_deleted() {
    let dir = scratch();
    let store = open(dir.path());
    let sizes = [700_000, 300, 900_000];
    let id = blobs(&store).open_parts(&key("parts")).await.expect("opened");
    let (parts_key, mut parts) = (key("parts"), Vec::new());
    for (index, size) in sizes.iter().enumerate() {
        let part = blobs(&store).put_parts(&parts_key, &id, index as u32 + 1, None, body(&pattern(*size)));
        parts.extend(part.await.expect("stored"));
    }
    blobs(&store).complete(&key("parts"), &id, &parts, Durability::OnAnswer).await.expect("completed");
    let bytes = pattern(2_000_000);
    let digest = Digest::sha256(&bytes);
    blobs(&store)
        .put(&key("whole"), &digest, None, body(&bytes), Durability::OnAnswer)
        .await
        .expect("stored");

    let mut readers = Vec::new();
    for name in ["parts", "whole"] {
        let object = blobs(&store).get(&key(name), None).await.expect("read").expect("there");
        let ObjectBody::Stream(mut stream) = object.body else { panic!("it is long") };
        let first = stream.next().await.expect("it is long").expect("read").to_vec();
        readers.push((first, stream));
        blobs(&store).delete(&key(name)).await.expect("deleted");
        assert!(blobs(&store).get(&key(name), None).await.expect("read").is_none());
    }
    sync(&store).await;
    expect_files(dir.path(), 2).await;
    let expected = [sizes.iter().flat_map(|size| pattern(*size)).collect::<Vec<_>>(), bytes];
    for ((mut read, mut stream), expected) in readers.into_iter().zip(expected) {
        while let Some(chunk) = stream.next().await {
            read.extend_from_slice(&chunk.expect("read"));
        }
        assert!(read == expected);
    }
    expect_files(dir.path(), 0).await;
}
