//! All that is stored, as the ports show it.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::TryStreamExt;
use moorage_oci::{Digest, Manifest, RepositoryName};
use moorage_ports::facts::{ManifestRecord, SearchedRecord};
use moorage_ports::limits::BATCH_GET_ITEMS_MAX;
use moorage_ports::{BlobStore, Fact, Item, Key, ObjectBody, ObjectKey, ReadBlobs, ReadTable, ScanTable};

/// The rows of the table, in key order, and the objects of the store.
#[derive(Clone)]
pub struct Snapshot {
    pub rows: BTreeMap<Key, Item>,
    pub objects: BTreeMap<ObjectKey, Bytes>,
}

/// A manifest's record where the repository still has it, in whatever state.
pub(crate) struct ManifestRow<'s> {
    pub(crate) repository: RepositoryName,
    pub(crate) digest: Digest,
    pub(crate) record: &'s ManifestRecord,
}

const PAGE: usize = 10_000;

impl Snapshot {
    /// # Panics
    /// Where something cannot be read.
    pub async fn take<S: ReadTable + ScanTable + BlobStore>(storage: &S) -> Self {
        let (mut keys, mut place) = (Vec::new(), None);
        loop {
            let page = storage.scan(place.as_ref(), PAGE).await.expect("a table can be scanned");
            keys.extend(page.items.into_iter().map(|item| item.key));
            place = page.next;
            if place.is_none() {
                return Self::of_keys(keys, storage, storage).await;
            }
        }
    }

    /// The same, where every key that has an item is known.
    ///
    /// # Panics
    /// Where something cannot be read.
    pub async fn of_keys(
        keys: impl IntoIterator<Item = Key>,
        table: &(impl ReadTable + ?Sized),
        blobs: &(impl BlobStore + ?Sized),
    ) -> Self {
        let keys: Vec<Key> = keys.into_iter().collect();
        let mut rows = BTreeMap::new();
        for some in keys.chunks(BATCH_GET_ITEMS_MAX) {
            let found = table.batch_get(some).await.expect("rows can be read");
            rows.extend(found.into_iter().flatten().map(|item| (item.key.clone(), item)));
        }
        let mut objects = BTreeMap::new();
        for key in blobs.list("", None, PAGE).await.expect("objects can be listed") {
            objects.insert(key.clone(), bytes_of(blobs, &key).await);
        }
        Self { rows, objects }
    }

    pub(crate) fn has(&self, key: &Key) -> bool {
        self.rows.contains_key(key)
    }

    pub(crate) fn manifests(&self) -> impl Iterator<Item = ManifestRow<'_>> {
        self.rows.values().filter_map(|item| {
            let Fact::Manifest(record) = &item.fact else { return None };
            let (repository, digest) = item.key.manifest_named()?;
            Some(ManifestRow { repository, digest, record })
        })
    }

    /// The manifests that readers see.
    pub(crate) fn live_manifests(&self) -> impl Iterator<Item = ManifestRow<'_>> {
        self.manifests().filter(|manifest| manifest.record.node.state.is_readable())
    }

    pub(crate) fn manifest_at(&self, key: &Key) -> Option<&ManifestRecord> {
        match &self.rows.get(key)?.fact {
            Fact::Manifest(record) => Some(record),
            _ => None,
        }
    }

    /// What is said of manifests to whoever searches.
    pub(crate) fn searched(&self) -> impl Iterator<Item = (RepositoryName, Digest, &SearchedRecord)> {
        self.rows.values().filter_map(|item| {
            let Fact::Searched(searched) = &item.fact else { return None };
            let (repository, digest) = item.key.searched_manifest()?;
            Some((repository, digest, searched))
        })
    }

    /// The manifest's bytes, wherever they are.
    pub(crate) fn bytes_of(&self, manifest: &ManifestRow<'_>) -> Option<&Bytes> {
        match &manifest.record.object {
            Some(object) => self.objects.get(object),
            None => match &self.rows.get(&Key::body(&manifest.repository, &manifest.digest))?.fact {
                Fact::Body(bytes) => Some(bytes),
                _ => None,
            },
        }
    }

    pub(crate) fn parsed(&self, manifest: &ManifestRow<'_>) -> Option<Manifest> {
        Manifest::parse(self.bytes_of(manifest)?, Some(&manifest.record.media_type)).ok()
    }
}

async fn bytes_of(blobs: &(impl ReadBlobs + ?Sized), key: &ObjectKey) -> Bytes {
    let object =
        blobs.get(key, None).await.expect("an object can be read").expect("a listed object is there");
    match object.body {
        ObjectBody::Bytes(bytes) => bytes,
        ObjectBody::Stream(stream) => {
            stream.try_collect::<Vec<Bytes>>().await.expect("an object can be read").concat().into()
        }
    }
}
