//! Repositories where all clients push, move and delete the same few things at the same time.

use std::sync::Arc;

use crate::client::manifests::{Push, Reference};
use crate::client::{COMMON_CONTENTS, Client};
use crate::content::{Blob, Content, EMPTY_JSON, SIZES};
use crate::documents::{Document, phantom_subject};
use crate::http::{Body, Broken, Request};
use crate::journal::{Entry, Name};

const DOCUMENTS: usize = 9;
const TAGS: usize = 5;
const BLOBS: usize = 7;

/// What a client has found or put there; nobody deletes it.
#[derive(Default)]
pub(super) struct Shared {
    documents: Vec<Arc<Document>>,
    has_blobs: bool,
}

impl Client<'_> {
    pub(super) fn get_in_the_way(&mut self) -> Result<(), Broken> {
        if self.shared.documents.is_empty() {
            self.shared.documents = documents();
        }
        let repository: Name = "shared/manifests".into();
        if !self.shared.has_blobs {
            for document in self.shared.documents.clone() {
                for blob in &document.blobs {
                    self.world.journal().know_blob(blob);
                    if !self.have_blob(&repository, blob)? {
                        return Ok(());
                    }
                }
            }
            self.shared.has_blobs = true;
        }
        match self.random.below(7) {
            0 => self.push_shared(repository, Reference::Digest, DOCUMENTS / 2..DOCUMENTS),
            1 => self.delete_shared_manifest(&repository),
            2 | 3 => {
                let tag = self.shared_tag();
                self.push_shared(repository, Reference::Tag(tag), 0..DOCUMENTS / 2)
            }
            4 => self.delete_shared_tag(&repository),
            _ => self.shared_blob(),
        }
    }

    /// Manifests that have tags are not deleted, and the others have none: so a delete changes one thing.
    fn push_shared(
        &mut self,
        repository: Name,
        reference: Reference,
        among: std::ops::Range<usize>,
    ) -> Result<(), Broken> {
        let document = self.shared.documents[among.start + self.random.below(among.len())].clone();
        self.push(Push { repository, document, reference })?;
        Ok(())
    }

    fn delete_shared_manifest(&mut self, repository: &Name) -> Result<(), Broken> {
        let at = DOCUMENTS / 2 + self.random.below(DOCUMENTS - DOCUMENTS / 2);
        let digest = self.shared.documents[at].digest.clone();
        let target = format!("/v2/{repository}/manifests/{digest}");
        self.delete_shared(repository, &target, Entry::Manifest(digest), "delete: manifest, shared")
    }

    fn delete_shared_tag(&mut self, repository: &Name) -> Result<(), Broken> {
        let tag = self.shared_tag();
        let target = format!("/v2/{repository}/manifests/{tag}");
        self.delete_shared(repository, &target, Entry::Tag(tag), "delete: tag, shared")
    }

    /// A blob that everybody pushes and deletes.
    fn shared_blob(&mut self) -> Result<(), Broken> {
        let repository: Name = "shared/blobs".into();
        let number = self.random.below(BLOBS);
        let blob = common_blob(number as u64, 1 + number % 3);
        self.world.journal().know_blob(&blob);
        if self.random.chance(60) {
            return self.have_blob(&repository, &blob).map(drop);
        }
        let target = format!("/v2/{repository}/blobs/{}", blob.digest);
        self.delete_shared(&repository, &target, Entry::Blob(blob.digest), "delete: blob, shared")
    }

    fn delete_shared(
        &mut self,
        repository: &Name,
        target: &str,
        entry: Entry,
        how: &'static str,
    ) -> Result<(), Broken> {
        let asked = self.world.journal().begin(repository, vec![(entry, None)], how);
        let request = Request { method: "DELETE", target, headers: &[], body: Body::None };
        // 404 where it is not there: then nothing was changed.
        self.carry_out(&asked, &request, 202, &[404])?;
        Ok(())
    }

    fn shared_tag(&mut self) -> Name {
        format!("shared-{}", self.random.below(TAGS)).into()
    }
}

fn common_blob(seed: u64, size: usize) -> Blob {
    Content::new(1 + seed % COMMON_CONTENTS, SIZES[size]).blob()
}

/// The same for every client: images, and among those that are deleted some referrers.
fn documents() -> Vec<Arc<Document>> {
    let config = EMPTY_JSON.blob();
    let document = |number: usize| {
        let note = format!("shared {number}");
        let layer = common_blob(number as u64, 1 + number % 3);
        if number % 3 == 2 {
            let subject = phantom_subject("shared");
            return Document::referrer(&subject, &config, &layer, "application/vnd.test.shared", &note);
        }
        Document::image(&config, &[layer], &note)
    };
    (0..DOCUMENTS).map(document).collect()
}
