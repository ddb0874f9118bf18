//! A story of writes, and what was answered in it.

use std::path::Path;
use std::sync::Arc;

use moorage_embedded::testing::{Recorder, SyncKind};
use moorage_embedded::{Embedded, Options};
use moorage_oci::{Digest, RepositoryName};
use moorage_ports::{Action, Context, Durability, Expect, Fact, Item, Key, ObjectKey, Part, PartsId};

use crate::support::{blobs, body, pattern, scratch, table};

/// Few rows to a checkpoint, so that the story has several; small files.
pub(super) fn options() -> Options {
    Options { journal_rows_max: 15, inline_blob_bytes_max: 16 * 1024, ..Options::default() }
}

/// What an answer said.
#[derive(Clone, Debug)]
pub(super) enum Claim {
    Item(String),
    ItemGone(String),
    Object(usize),
    ObjectGone(usize),
    /// The part of an upload that goes on after a restart.
    Part(PartsId, Part),
    Nothing,
}

/// One answer, and between which operations of the disk it was asked for and came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) asked: usize,
    pub(super) came: usize,
    pub(super) durability: Durability,
    pub(super) claim: Claim,
}

pub(super) struct Story {
    pub(super) root: tempfile::TempDir,
    pub(super) disk: Arc<Recorder>,
    pub(super) store: Embedded,
    pub(super) answers: Vec<Answer>,
    pub(super) uploads: Vec<(ObjectKey, PartsId)>,
}

pub(super) fn object_key(size: usize) -> ObjectKey {
    ObjectKey::from_stored(&format!("o/{size:08}"))
}

pub(super) fn upload_key() -> ObjectKey {
    ObjectKey::from_stored("uploads/goes-on")
}

pub(super) fn repository() -> RepositoryName {
    "story".parse().expect("a name")
}

pub(super) fn tag_item(name: &str) -> Item {
    let tag = name.parse().expect("a tag");
    Item::once(Key::tag(&repository(), &tag), Fact::Hold)
}

pub(super) const UPLOAD_PARTS: [usize; 2] = [70_000, 300];

impl Story {
    pub(super) fn begin(skipped: Option<SyncKind>) -> Self {
        let root = scratch();
        let disk = Recorder::new(root.path()).expect("it can be watched");
        if let Some(kind) = skipped {
            disk.skip(kind);
        }
        let store = Self::open(&disk, root.path());
        let came = disk.position();
        let opened = Answer { asked: 0, came, durability: Durability::OnAnswer, claim: Claim::Nothing };
        Self { root, disk, store, answers: vec![opened], uploads: Vec::new() }
    }

    pub(super) fn open(disk: &Arc<Recorder>, root: &Path) -> Embedded {
        Embedded::open_on(Arc::new(Arc::clone(disk)), &root.join("data"), options(), &Context::system())
            .expect("it opens")
    }

    pub(super) fn restart(&mut self) {
        let asked = self.disk.position();
        self.store.close();
        self.note(asked, Durability::OnAnswer, Claim::Nothing);
        self.store = Self::open(&self.disk, self.root.path());
    }

    fn note(&mut self, asked: usize, durability: Durability, claim: Claim) {
        self.answers.push(Answer { asked, came: self.disk.position(), durability, claim });
    }

    pub(super) async fn put(&mut self, name: &str, durability: Durability) {
        let asked = self.disk.position();
        table(&self.store).put(tag_item(name), Expect::Absent, durability).await.expect("written");
        self.note(asked, durability, Claim::Item(name.to_owned()));
    }

    pub(super) async fn replace(&mut self, gone: &str, made: &str) {
        let asked = self.disk.position();
        let actions = vec![
            Action::Delete(tag_item(gone).key, Expect::Anything),
            Action::Put(tag_item(made), Expect::Absent),
        ];
        table(&self.store).transact(actions).await.expect("written");
        self.note(asked, Durability::OnAnswer, Claim::Item(made.to_owned()));
        self.note(asked, Durability::OnAnswer, Claim::ItemGone(gone.to_owned()));
    }

    pub(super) async fn put_object(&mut self, size: usize, durability: Durability) {
        let asked = self.disk.position();
        put_object(&self.store, size, durability).await;
        self.note(asked, durability, Claim::Object(size));
    }

    pub(super) async fn delete_object(&mut self, size: usize) {
        let asked = self.disk.position();
        blobs(&self.store).delete(&object_key(size)).await.expect("deleted");
        self.note(asked, Durability::BeforeNext, Claim::ObjectGone(size));
    }

    pub(super) async fn open_parts(&mut self, key: &ObjectKey) -> PartsId {
        let id = blobs(&self.store).open_parts(key).await.expect("opened");
        self.uploads.push((key.clone(), id.clone()));
        id
    }

    pub(super) async fn complete_parts(&mut self, sizes: &[usize], durability: Durability) {
        let size = sizes.iter().sum();
        let (key, bytes) = (object_key(size), pattern(size));
        let id = self.open_parts(&key).await;
        let (mut parts, mut from) = (Vec::new(), 0);
        for (index, size) in sizes.iter().enumerate() {
            let part = body(&bytes[from..from + size]);
            parts.extend(
                blobs(&self.store).put_parts(&key, &id, index as u32 + 1, None, part).await.expect("stored"),
            );
            from += size;
        }
        blobs(&self.store).put_parts(&key, &id, 1, None, body(&pattern(50_000))).await.expect("stored");
        let asked = self.disk.position();
        blobs(&self.store).complete(&key, &id, &parts, durability).await.expect("completed");
        self.note(asked, durability, Claim::Object(size));
    }

    pub(super) async fn begin_upload(&mut self) {
        let key = upload_key();
        let id = self.open_parts(&key).await;
        for (index, size) in UPLOAD_PARTS.iter().enumerate() {
            let asked = self.disk.position();
            let part = blobs(&self.store).put_parts(&key, &id, index as u32 + 1, None, body(&pattern(*size)));
            for part in part.await.expect("stored") {
                self.note(asked, Durability::OnAnswer, Claim::Part(id.clone(), part));
            }
        }
    }

    /// Whether a power cut at the position must leave what this answer claimed.
    pub(super) fn must_hold(&self, answer: &Answer, position: usize) -> bool {
        let made_durable = |later: &Answer| {
            later.durability == Durability::OnAnswer && later.asked >= answer.came && later.came <= position
        };
        answer.came <= position
            && (answer.durability == Durability::OnAnswer || self.answers.iter().any(made_durable))
    }
}

async fn put_object(store: &Embedded, size: usize, durability: Durability) {
    let bytes = pattern(size);
    blobs(store)
        .put(&object_key(size), &Digest::sha256(&bytes), Some(size as u64), body(&bytes), durability)
        .await
        .expect("stored");
}
