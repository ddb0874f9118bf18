//! What must be so of a store, whenever the power went.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use moorage_embedded::Embedded;
use moorage_embedded::testing::Unsynced;
use moorage_ports::{Context, Cursor, Durability, Expect, Object, Query, SortRange};

use super::story::{
    Answer, Claim, Story, UPLOAD_PARTS, object_key, options, repository, tag_item, upload_key,
};
use crate::support::{blobs, files_below, pattern, scratch, table, try_bytes_of};

impl Story {
    /// Opens what a power cut leaves, and looks whether something is lost or half there.
    pub(super) async fn check(&self, position: usize, unsynced: Unsynced) -> Result<(), String> {
        let root = scratch();
        self.disk.after_power_cut(position, unsynced).write_to(root.path()).expect("it can be written");
        let store = Embedded::open(&root.path().join("data"), options(), &Context::system())
            .map_err(|error| format!("it does not open: {error}"))?;
        for answer in self.answers.iter().filter(|answer| self.must_hold(answer, position)) {
            let holds = holds(&store, &answer.claim).await?;
            let changed_later = self.answers.iter().any(|later| {
                later.asked <= position && later.asked >= answer.came && ends(&later.claim, &answer.claim)
            });
            if !holds && !changed_later {
                return Err(format!("lost: {answer:?}"));
            }
        }
        nothing_is_half_there(&store).await?;
        feed_tells_the_table(&store).await?;
        complete_upload(&store, self.answers.iter().filter(|answer| self.must_hold(answer, position)))
            .await?;
        self.nothing_is_left_over(&store, root.path()).await
    }

    /// Once all objects are deleted and the unfinished uploads are given up, no file is left.
    async fn nothing_is_left_over(&self, store: &Embedded, root: &Path) -> Result<(), String> {
        for key in blobs(store).list("", None, 1000).await.map_err(|e| e.to_string())? {
            blobs(store).delete(&key).await.map_err(|e| e.to_string())?;
        }
        for (key, id) in &self.uploads {
            blobs(store).abort(key, id).await.map_err(|e| e.to_string())?;
        }
        table(store)
            .put(tag_item("swept"), Expect::Anything, Durability::OnAnswer)
            .await
            .map_err(|e| e.to_string())?;
        let clock = Context::system().clock;
        let patience = clock.monotonic() + Duration::from_secs(10);
        while files_below(&root.join("data/blobs")) > 0 {
            if clock.monotonic() > patience {
                return Err("files are left over".to_owned());
            }
            clock.sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }
}

/// Whether the later claim may undo the earlier one.
fn ends(later: &Claim, earlier: &Claim) -> bool {
    match (later, earlier) {
        (Claim::ItemGone(gone), Claim::Item(name)) => gone == name,
        (Claim::ObjectGone(gone), Claim::Object(size)) => gone == size,
        _ => false,
    }
}

pub(super) async fn holds(store: &Embedded, claim: &Claim) -> Result<bool, String> {
    let read_failed = |error| format!("{claim:?} cannot be read: {error}");
    let item = async |name: &str| table(store).get(&tag_item(name).key).await.map_err(read_failed);
    let object = async |size: usize| blobs(store).get(&object_key(size), None).await.map_err(read_failed);
    Ok(match claim {
        Claim::Item(name) => item(name).await?.is_some(),
        Claim::ItemGone(name) => item(name).await?.is_none(),
        Claim::Object(size) => object(*size).await?.is_some(),
        Claim::ObjectGone(size) => object(*size).await?.is_none(),
        Claim::Part(..) | Claim::Nothing => true,
    })
}

async fn bytes_of(object: Object) -> Result<Vec<u8>, String> {
    try_bytes_of(object).await.map_err(|error| format!("an object cannot be read: {error}"))
}

pub(super) async fn nothing_is_half_there(store: &Embedded) -> Result<(), String> {
    for key in blobs(store).list("o/", None, 1000).await.map_err(|e| e.to_string())? {
        let size: usize = key.as_str()[2..].parse().expect("as the story names it");
        let object = blobs(store).get(&key, None).await.map_err(|e| format!("{key}: {e}"))?;
        let object = object.ok_or_else(|| format!("{key} is listed and not there"))?;
        if object.size != size as u64 || bytes_of(object).await? != pattern(size) {
            return Err(format!("{key} has other bytes"));
        }
    }
    Ok(())
}

/// A change is in the feed exactly when its write is in the table.
pub(super) async fn feed_tells_the_table(store: &Embedded) -> Result<(), String> {
    let changes = table(store).changes(&Cursor::default(), 10_000).await.map_err(|e| e.to_string())?.changes;
    let mut told = BTreeMap::new();
    for change in changes.into_iter().filter(|change| change.key.tag_name().is_some()) {
        let before = told.remove(&change.key);
        if before != change.old {
            return Err(format!("the feed skips a change of {:?}", change.key));
        }
        if let Some(new) = change.new {
            told.insert(change.key, new);
        }
    }
    let query = Query { range: SortRange::tags(&repository(), None), limit: 1000 };
    let items = table(store).query(&query).await.map_err(|e| e.to_string())?.items;
    if told.into_values().collect::<Vec<_>>() != items {
        return Err("the feed tells another table".to_owned());
    }
    Ok(())
}

/// An upload that was begun goes on: its parts are there, under their tags.
async fn complete_upload(store: &Embedded, held: impl Iterator<Item = &Answer>) -> Result<(), String> {
    let mut upload = None;
    let mut parts = Vec::new();
    for answer in held {
        if let Claim::Part(id, part) = &answer.claim {
            upload = Some(id.clone());
            parts.push(part.clone());
        }
    }
    let Some(id) = upload else { return Ok(()) };
    let completed = blobs(store).complete(&upload_key(), &id, &parts, Durability::OnAnswer).await;
    completed.map_err(|e| format!("the upload cannot go on: {e}"))?;
    let object =
        blobs(store).get(&upload_key(), None).await.map_err(|e| e.to_string())?.ok_or("no upload")?;
    let expected: Vec<u8> = UPLOAD_PARTS[..parts.len()].iter().flat_map(|size| pattern(*size)).collect();
    if bytes_of(object).await? != expected {
        return Err("the upload has other bytes".to_owned());
    }
    Ok(())
}
