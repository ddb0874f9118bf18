//! When objects were made.

use super::{BlobsFixture, make, stream};
use crate::blobs::Durability::OnAnswer;
use crate::blobs::{DeleteBlobs as _, WriteBlobs as _};
use crate::context::Context;
use crate::contract::corner::{fresh_object, noise};
use crate::contract::expectation::Answered;

/// What the clocks of a store and of its users may differ by, here: 5 minutes.
const SKEW_MS_MAX: u64 = 5 * 60 * 1000;

pub async fn an_object_was_made_when_it_came<F: BlobsFixture>(fixture: &F) {
    let (store, clock) = (fixture.store(), Context::system().clock);
    let (whole, in_parts) = (fresh_object(), fresh_object());
    make(&*store, &whole, &noise(100)).await;
    let id = store.open_parts(&in_parts).await.answered();
    let parts = store.put_parts(&in_parts, &id, 1, None, stream(&noise(200))).await.answered();
    store.complete(&in_parts, &id, &parts, OnAnswer).await.answered();
    for key in [whole, in_parts] {
        let (made, now) = (store.made_at(&key).await.answered(), clock.now());
        let made = made.expect("a store knows when it has made an object just now");
        assert!(made.0.abs_diff(now.0) < SKEW_MS_MAX, "made at {made:?}, and it is {now:?}");
    }
}

pub async fn nothing_was_made_where_nothing_is<F: BlobsFixture>(fixture: &F) {
    let (store, gone) = (fixture.store(), fresh_object());
    assert_eq!(store.made_at(&fresh_object()).await.answered(), None);
    make(&*store, &gone, &noise(100)).await;
    store.delete(&gone).await.answered();
    assert_eq!(store.made_at(&gone).await.answered(), None);
}
