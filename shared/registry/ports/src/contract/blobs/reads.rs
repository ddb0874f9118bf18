//! Reading: a whole object, or exactly a range of one.

use std::sync::Arc;

use super::{BlobsFixture, bytes_of, make, part, range_of};
use crate::blobs::{Durability, Put, ReadBlobs as _, WriteBlobs as _};
use crate::contract::corner::{fresh_object, noise};
use crate::contract::expectation::Answered;

pub async fn what_was_never_made_is_absent<F: BlobsFixture>(fixture: &F) {
    let (store, key) = (fixture.store(), fresh_object());
    assert!(store.get(&key, None).await.answered().is_none());
    assert!(store.get(&key, Some(0..10)).await.answered().is_none());
}

pub async fn a_range_answers_exactly_its_bytes<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    for length in [1_u64, 2, 1000, 65_536, (3 << 20) + 17] {
        let (key, bytes) = (fresh_object(), noise(length as usize));
        make(&*store, &key, &bytes).await;
        let ranges = [
            0..length,                       // whole
            0..1,                            // the first byte
            length - 1..length,              // the last byte
            length / 3..length / 3 + 1,      // one in the middle
            length / 3..length - length / 3, // the middle
            0..length.div_ceil(2),
            length / 2..length,
        ];
        for range in ranges {
            let (answered, size) = range_of(&*store, &key, range.clone()).await;
            assert_eq!(size, length, "the size is that of the whole object");
            let asked = bytes.slice(range.start as usize..range.end as usize);
            assert!(answered == asked, "{range:?} of {length} bytes");
        }
    }
}

pub async fn a_range_may_span_parts<F: BlobsFixture>(fixture: &F) {
    let (store, key) = (fixture.store(), fresh_object());
    let border = F::PART_BYTES_MIN.max(1000);
    let bytes = noise(2 * border + 10);
    let id = store.open_parts(&key).await.answered();
    let mut parts = Vec::new();
    for (number, range) in [(1, 0..border), (2, border..2 * border), (3, 2 * border..bytes.len())] {
        parts.push(part(&*store, &key, &id, number, &bytes.slice(range)).await);
    }
    let completed = store.complete(&key, &id, &parts, Durability::OnAnswer).await.answered();
    assert_eq!(completed, Put::Stored { size: bytes.len() as u64 });
    for range in [0..bytes.len(), border - 1..border + 1, border..border + 1, border - 1..2 * border + 1] {
        let (answered, size) = range_of(&*store, &key, range.start as u64..range.end as u64).await;
        assert_eq!(size, bytes.len() as u64);
        assert!(answered == bytes.slice(range.clone()), "{range:?} with borders at each {border}");
    }
}

pub async fn many_may_read_at_once<F: BlobsFixture>(fixture: &F) {
    let store = fixture.store();
    let (key, bytes) = (fresh_object(), noise(300_000));
    make(&*store, &key, &bytes).await;
    let readers = (0..16).map(|_| {
        let (store, key) = (Arc::clone(&store), key.clone());
        tokio::spawn(async move { bytes_of(&*store, &key).await })
    });
    for reader in readers.collect::<Vec<_>>() {
        assert!(reader.await.expect("each reader comes to its end").as_ref() == Some(&bytes), "all of it");
    }
}
