//! Lists: keys that begin with a prefix, in byte order.

use moorage_oci::Digest;

use super::{BlobsFixture, failing, listed, make, stream};
use crate::blobs::Durability::OnAnswer;
use crate::blobs::{DeleteBlobs as _, WriteBlobs};
use crate::contract::corner::{self, Corner, noise, nonce};
use crate::contract::expectation::Answered;
use crate::object_keys::ObjectKey;
use crate::value::Nonce;

/// Names in the byte order of the keys they make, `-` and `.` being before `/`: as no walk through
/// directories comes by them.
const NAMES: [&str; 8] = ["a-b", "a-b/c", "a.b", "a", "a/b", "a0", "ab", "b"];

/// An object for each of [`NAMES`], made out of their order.
async fn objects(store: &impl WriteBlobs, corner: &Corner) -> Vec<ObjectKey> {
    let keys: Vec<_> = NAMES.iter().map(|name| key(corner, name)).collect();
    for n in 0..keys.len() {
        make(store, &keys[n * 3 % keys.len()], &noise(n)).await;
    }
    assert!(keys.is_sorted());
    keys
}

fn key(corner: &Corner, name: &str) -> ObjectKey {
    ObjectKey::blob(&corner.digest, &corner::repository(name), Nonce(7))
}

fn prefix(corner: &Corner, of: &str) -> String {
    format!("{}/{of}", corner.digest)
}

pub async fn a_list_answers_in_byte_order<F: BlobsFixture>(fixture: &F) {
    let (store, corner) = (fixture.store(), Corner::new());
    let keys = objects(&*store, &corner).await;
    assert_eq!(listed(&*store, &prefix(&corner, "")).await, keys);
}

pub async fn a_list_answers_its_prefix_only<F: BlobsFixture>(fixture: &F) {
    let (store, corner, neighbour) = (fixture.store(), Corner::new(), Corner::new());
    let keys = objects(&*store, &corner).await;
    objects(&*store, &neighbour).await;
    assert_eq!(listed(&*store, &prefix(&corner, "a/")).await, keys[3..5]);
    assert_eq!(listed(&*store, &prefix(&corner, "a-b/")).await, keys[..2]);
    assert_eq!(listed(&*store, &prefix(&corner, "none")).await, []);
    assert_eq!(listed(&*store, &prefix(&Corner::new(), "")).await, []);
}

pub async fn a_prefix_may_end_anywhere<F: BlobsFixture>(fixture: &F) {
    let (store, corner) = (fixture.store(), Corner::new());
    let keys = objects(&*store, &corner).await;
    assert_eq!(listed(&*store, &prefix(&corner, "a")).await, keys[..7]);
    assert_eq!(listed(&*store, &prefix(&corner, "a-")).await, keys[..2]);
    assert_eq!(listed(&*store, keys[3].as_str()).await, keys[3..4]);
    let part_of_a_digest = &corner.digest.as_str()[..40];
    assert_eq!(listed(&*store, part_of_a_digest).await, keys);
}

pub async fn a_list_begins_after_a_key<F: BlobsFixture>(fixture: &F) {
    let (store, corner) = (fixture.store(), Corner::new());
    let keys = objects(&*store, &corner).await;
    let after =
        async |prefix: &str, after: &ObjectKey| store.list(prefix, Some(after), 1000).await.answered();
    let all = prefix(&corner, "");
    for (position, key) in keys.iter().enumerate() {
        assert_eq!(after(&all, key).await, keys[position + 1..], "after {key}");
    }
    // After what is no key, before the prefix, and after it.
    assert_eq!(after(&all, &key(&corner, "a1")).await, keys[6..]);
    assert_eq!(after(&prefix(&corner, "a/"), &keys[0]).await, keys[3..5]);
    assert_eq!(after(&prefix(&corner, "a/"), &keys[7]).await, []);
    assert_eq!(after(&all, &ObjectKey::from_stored("!")).await, keys);
}

pub async fn a_list_is_no_longer_than_asked_for<F: BlobsFixture>(fixture: &F) {
    let (store, corner) = (fixture.store(), Corner::new());
    let keys = objects(&*store, &corner).await;
    let prefix = prefix(&corner, "");
    for limit in 1..=keys.len() + 1 {
        let (mut joined, mut after): (Vec<ObjectKey>, Option<ObjectKey>) = (Vec::new(), None);
        loop {
            let page = store.list(&prefix, after.as_ref(), limit).await.answered();
            assert_eq!(page.len(), limit.min(keys.len() - joined.len()), "a page of {limit}");
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            joined.extend(page);
        }
        assert_eq!(joined, keys, "in pages of {limit}");
    }
}

/// Not what failed, nor what is in the making, nor what was deleted.
pub async fn a_list_shows_finished_objects_only<F: BlobsFixture>(fixture: &F) {
    let (store, corner) = (fixture.store(), Corner::new());
    let object = |name: &str| ObjectKey::blob(&corner.digest, &corner::repository(name), nonce());
    let bytes = noise(1000);
    let (there, in_parts, failed) = (object("there"), object("in-parts"), object("failed"));
    let (mismatched, gone) = (object("mismatched"), object("gone"));
    make(&*store, &there, &bytes).await;
    let id = store.open_parts(&in_parts).await.answered();
    store.put_parts(&in_parts, &id, 1, None, stream(&bytes)).await.answered();
    assert!(store.put(&failed, &Digest::sha256(&bytes), None, failing(&bytes), OnAnswer).await.is_err());
    store.put(&mismatched, &Digest::sha256(b"other"), None, stream(&bytes), OnAnswer).await.answered();
    make(&*store, &gone, &bytes).await;
    store.delete(&gone).await.answered();
    assert_eq!(listed(&*store, &prefix(&corner, "")).await, [there]);
}
