//! Stories of one store on one directory.

use futures_util::{StreamExt, stream};
use moorage_embedded::{Embedded, OpenError, Options};
use moorage_oci::Digest;
use moorage_ports::{
    Context, Cursor, Durability, Expect, Fact, Item, Key, Nonce, ObjectKey, Put, Version, Written,
};

use crate::support::{blobs, body, bytes_of, files_below, hold, open, open_with, pattern, table};

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let secret = {
        let store = open(dir.path());
        for size in [0, 10, 64 * 1024, 64 * 1024 + 1, 3_000_000] {
            let bytes = pattern(size);
            let key = ObjectKey::from_stored(&format!("o/{size}"));
            let put = blobs(&store)
                .put(&key, &Digest::sha256(&bytes), None, body(&bytes), Durability::BeforeNext)
                .await
                .expect("it can be stored");
            assert_eq!(put, Put::Stored { size: size as u64 });
        }
        table(&store).put(hold("a"), Expect::Absent, Durability::BeforeNext).await.expect("written");
        table(&store).get(&Key::upload_secret()).await.expect("read")
    };
    let store = open(dir.path());
    assert_eq!(table(&store).get(&Key::upload_secret()).await.expect("read"), secret);
    assert!(table(&store).get(&Key::from_stored("p", "a")).await.expect("read").is_some());
    for size in [0, 10, 64 * 1024, 64 * 1024 + 1, 3_000_000] {
        let key = ObjectKey::from_stored(&format!("o/{size}"));
        let object = blobs(&store).get(&key, None).await.expect("read").expect("there");
        assert_eq!(bytes_of(object).await, pattern(size));
        blobs(&store).delete(&key).await.expect("deleted");
    }
    store.close();
    assert_eq!(files_below(&dir.path().join("blobs")), 0);
}

#[tokio::test]
async fn a_second_process_is_refused_and_told_who_serves() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    let refused = Embedded::open(dir.path(), Options::default(), &Context::system()).err().expect("refused");
    assert_eq!(
        refused.to_string(),
        format!(
            "{} is already served by process {}; management commands go through it",
            dir.path().display(),
            std::process::id()
        )
    );
    store.announce("http://127.0.0.1:5000").expect("announced");
    let refused = Embedded::open(dir.path(), Options::default(), &Context::system()).err().expect("refused");
    assert!(refused.to_string().contains("at http://127.0.0.1:5000;"), "{refused}");
    drop(store);
    open(dir.path());
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    let newer = Item::once(Key::format(), Fact::Format { number: 2 });
    table(&store).put(newer, Expect::Anything, Durability::OnAnswer).await.expect("written");
    drop(store);
    let refused = Embedded::open(dir.path(), Options::default(), &Context::system()).err().expect("refused");
    assert!(matches!(refused, OpenError::Newer { found: 2, known: 1, .. }));
    assert!(refused.to_string().contains("written by a newer Moorage (format 2, this one reads up to 1)"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writers_of_one_version_one_wins() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    let key = Key::from_stored("p", "contended");
    let item = |n| Item::at(key.clone(), Version(Nonce(n)), Fact::Hold);
    table(&store).put(item(0), Expect::Absent, Durability::OnAnswer).await.expect("written");
    for round in 0..20_u128 {
        let attempts = (1..=8_u128).map(|n| {
            let (store, item) = (store.clone(), item(round * 8 + n));
            let expect = Expect::VersionIs(Version(Nonce(round * 100)));
            tokio::spawn(async move {
                table(&store).put(item, expect, Durability::OnAnswer).await.expect("answered")
            })
        });
        let outcomes: Vec<_> =
            stream::iter(attempts).buffered(8).map(|o| o.expect("no panic")).collect().await;
        assert_eq!(outcomes.iter().filter(|o| **o == Written::Done).count(), 1);
        let next = Item::at(key.clone(), Version(Nonce((round + 1) * 100)), Fact::Hold);
        table(&store).put(next, Expect::Anything, Durability::BeforeNext).await.expect("written");
    }
}

#[tokio::test]
async fn the_feed_keeps_its_bound_and_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = Options { feed_changes_max: 10, ..Options::default() };
    {
        let store = open_with(dir.path(), options.clone());
        for n in 0..30 {
            table(&store)
                .put(hold(&format!("{n:02}")), Expect::Anything, Durability::BeforeNext)
                .await
                .expect("written");
        }
        let kept = table(&store).changes(&Cursor::default(), 100).await.expect("read");
        assert_eq!(kept.changes.len(), 10);
        assert!(!kept.lost);
        assert_eq!(kept.changes[9].key.sort(), "29");
        assert!(table(&store).changes(&Cursor("3".to_owned()), 100).await.expect("read").lost);
    }
    let store = open_with(dir.path(), options);
    let before = table(&store).changes(&Cursor::default(), 100).await.expect("read").next;
    table(&store).put(hold("later"), Expect::Anything, Durability::OnAnswer).await.expect("written");
    let later = table(&store).changes(&before, 100).await.expect("read");
    assert_eq!(later.changes.len(), 1);
    assert!(!later.lost);
    assert_eq!(later.changes[0].key.sort(), "later");
}

#[tokio::test]
async fn parts_become_an_object_and_the_unnamed_ones_go() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    let key = ObjectKey::from_stored("uploads/1");
    let id = blobs(&store).open_parts(&key).await.expect("opened");
    let bytes = pattern(300_000);
    let mut parts = Vec::new();
    for (number, part) in [&bytes[..100_000], &bytes[100_000..100_010], &bytes[100_010..]].iter().enumerate()
    {
        blobs(&store).put_parts(&key, &id, number as u32 + 1, None, body(b"another")).await.expect("stored");
        blobs(&store)
            .put_parts(&key, &id, number as u32 + 1, None, body(&pattern(20_000)))
            .await
            .expect("stored");
        let size = Some(part.len() as u64);
        parts.extend(
            blobs(&store).put_parts(&key, &id, number as u32 + 1, size, body(part)).await.expect("stored"),
        );
    }
    assert!(blobs(&store).get(&key, None).await.expect("read").is_none());
    let mut wrong = parts.clone();
    wrong[1].tag = "0-0".to_owned();
    blobs(&store).complete(&key, &id, &wrong, Durability::OnAnswer).await.expect_err("another tag");
    let done = blobs(&store).complete(&key, &id, &parts, Durability::OnAnswer).await.expect("completed");
    assert_eq!(done, Put::Stored { size: 300_000 });
    let again = blobs(&store).complete(&key, &id, &parts, Durability::OnAnswer).await.expect("completed");
    assert_eq!(again, Put::AlreadyThere);
    let object = blobs(&store).get(&key, Some(99_990..200_020)).await.expect("read").expect("there");
    assert_eq!(bytes_of(object).await, &bytes[99_990..200_020]);
    store.close();
    assert_eq!(files_below(&dir.path().join("blobs")), 2);
}

#[tokio::test]
async fn a_body_that_is_wrong_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    let key = ObjectKey::from_stored("o");
    for size in [100, 100_000] {
        let bytes = pattern(size);
        let digest = Digest::sha256(&bytes);
        let put =
            |said, sent: &[u8]| blobs(&store).put(&key, &digest, said, body(sent), Durability::OnAnswer);
        assert_eq!(put(None, &pattern(size + 1)).await.expect("answered"), Put::DigestMismatch);
        put(Some(size as u64 + 1), &bytes).await.expect_err("too short");
        put(Some(size as u64 - 1), &bytes).await.expect_err("too long");
        assert!(blobs(&store).get(&key, None).await.expect("read").is_none());
    }
    store.close();
    assert_eq!(files_below(&dir.path().join("blobs")), 0);
}
