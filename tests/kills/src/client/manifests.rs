//! Pushing manifests, by tag, by digest, and by digest with tags: images, indexes and referrers.

use std::sync::Arc;

use crate::client::Client;
use crate::content::{EMPTY_JSON, encoded};
use crate::documents::{Document, phantom_subject};
use crate::http::{Body, Broken, Request};
use crate::journal::{Entry, Name};

/// Tags that every client moves about in its repository.
const MOVING_TAGS: [&str; 3] = ["latest", "edge", "stable"];

/// A note of so many bytes makes a manifest that does not fit one item of the reference table.
const LONG_NOTE_BYTES: usize = 450 << 10;

const ARTIFACT_TYPES: [&str; 2] = ["application/vnd.test.signature", "application/vnd.test.sbom+json"];

#[derive(Clone)]
pub(super) struct Push {
    pub(super) repository: Name,
    pub(super) document: Arc<Document>,
    pub(super) reference: Reference,
}

#[derive(Clone)]
pub(super) enum Reference {
    Tag(Name),
    Digest,
    DigestWithTags(Vec<Name>),
}

impl Client<'_> {
    /// An image of one to three layers.
    pub(super) fn push_image(&mut self) -> Result<(), Broken> {
        let repository = self.repository.clone();
        let layers: Vec<_> = (0..1 + self.random.below(3)).map(|_| self.some_blob()).collect();
        let config = self.some_blob();
        for blob in layers.iter().chain([&config]) {
            if !self.have_blob(&repository, blob)? {
                return Ok(());
            }
        }
        let mut note = self.note();
        if self.random.chance(2) {
            note.push_str(&"x".repeat(LONG_NOTE_BYTES));
        }
        let document = Document::image(&config, &layers, &note);
        if self.random.chance(5) {
            // What is said about it comes before it.
            self.push_about(&document.descriptor())?;
        }
        let reference = self.some_reference();
        self.push(Push { repository, document, reference })?;
        Ok(())
    }

    /// An index over one to three manifests.
    pub(super) fn push_index(&mut self) -> Result<(), Broken> {
        let mut children = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            children.extend(self.some_manifest());
        }
        children.dedup_by(|one, other| one.digest == other.digest);
        if children.is_empty() {
            return Ok(());
        }
        let document = Document::index(&children, &self.note());
        let reference = self.some_reference();
        self.push(Push { repository: self.repository.clone(), document, reference })?;
        Ok(())
    }

    /// A signature, or the like, of something that is there or of something that never was.
    pub(super) fn push_referrer(&mut self) -> Result<(), Broken> {
        let subject = match self.some_manifest() {
            Some(document) if self.random.chance(85) => document.descriptor(),
            _ => phantom_subject(&self.note()),
        };
        self.push_about(&subject)
    }

    fn push_about(&mut self, subject: &serde_json::Value) -> Result<(), Broken> {
        let repository = self.repository.clone();
        let (config, layer) = (EMPTY_JSON.blob(), self.some_blob());
        self.world.journal().know_blob(&config);
        if !self.have_blob(&repository, &config)? || !self.have_blob(&repository, &layer)? {
            return Ok(());
        }
        let artifact_type = ARTIFACT_TYPES[self.random.below(ARTIFACT_TYPES.len())];
        let document = Document::referrer(subject, &config, &layer, artifact_type, &self.note());
        let reference = if self.random.chance(80) { Reference::Digest } else { self.some_reference() };
        self.push(Push { repository, document, reference })?;
        Ok(())
    }

    /// A tag is moved to a manifest that is there.
    pub(super) fn move_tag(&mut self) -> Result<(), Broken> {
        let Some(document) = self.some_manifest() else { return Ok(()) };
        let reference = Reference::Tag(MOVING_TAGS[self.random.below(MOVING_TAGS.len())].into());
        self.push(Push { repository: self.repository.clone(), document, reference })?;
        Ok(())
    }

    /// What was deleted comes back, and what it needs before it.
    pub(super) fn push_again(&mut self) -> Result<(), Broken> {
        let repository = self.repository.clone();
        let document = {
            let journal = self.world.journal();
            self.random.pick(journal.entries(&repository).filter_map(|(entry, register)| match entry {
                Entry::Manifest(digest) if register.certain() == Some(None) => {
                    journal.documents.get(digest).cloned()
                }
                _ => None,
            }))
        };
        let Some(document) = document else { return Ok(()) };
        let has_all = {
            let journal = self.world.journal();
            document
                .manifests
                .iter()
                .all(|child| journal.is_there(&repository, &Entry::Manifest(child.clone())))
        };
        if !has_all {
            return Ok(());
        }
        for blob in &document.blobs {
            if !self.have_blob(&repository, blob)? {
                return Ok(());
            }
        }
        let reference = self.some_reference();
        self.push(Push { repository, document, reference })?;
        Ok(())
    }

    /// The push that was not answered, once more.
    pub(super) fn try_again(&mut self) -> Result<(), Broken> {
        let Some(push) = self.interrupted.take() else { return Ok(()) };
        let has_all = {
            let journal = self.world.journal();
            let has = |entry: Entry| journal.is_there(&push.repository, &entry);
            push.document.blobs.iter().all(|blob| has(Entry::Blob(blob.digest.clone())))
                && push.document.manifests.iter().all(|child| has(Entry::Manifest(child.clone())))
        };
        // What it needs may have been deleted since.
        if has_all { self.push(push).map(drop) } else { Ok(()) }
    }

    /// Pushes a manifest whose children are there.
    pub(super) fn push(&mut self, push: Push) -> Result<bool, Broken> {
        let Push { repository, document, reference } = &push;
        let base = format!("/v2/{repository}/manifests");
        let (target, tags, how) = match reference {
            Reference::Tag(tag) => (format!("{base}/{tag}"), vec![tag.clone()], "manifest: by tag"),
            Reference::Digest => (format!("{base}/{}", document.digest), Vec::new(), "manifest: by digest"),
            Reference::DigestWithTags(tags) => {
                let query: Vec<String> = tags.iter().map(|tag| format!("tag={tag}")).collect();
                let target = format!("{base}/{}?{}", encoded(&document.digest), query.join("&"));
                (target, tags.clone(), "manifest: by digest, with tags")
            }
        };
        let asked = self.world.journal().begin_push(repository, document, &tags, how);
        self.interrupted = Some(push.clone());
        let headers = [("Content-Type", document.media_type)];
        let request =
            Request { method: "PUT", target: &target, headers: &headers, body: Body::Whole(&document.bytes) };
        let answer = self.carry_out(&asked, &request, 201, &[])?;
        self.interrupted = None;
        let Some(answer) = answer else { return Ok(false) };
        if answer.whole && answer.header("Docker-Content-Digest") != &*document.digest {
            self.complain(&request, &answer, "its digest is another");
        }
        let subject = document.referrer.as_ref().map_or("", |referrer| &referrer.subject);
        if answer.whole && answer.header("OCI-Subject") != subject {
            self.complain(&request, &answer, "OCI-Subject is not the subject");
        }
        if answer.whole
            && let Reference::DigestWithTags(tags) = reference
            && answer.headers("OCI-Tag").count() != tags.len()
        {
            self.complain(&request, &answer, "not every tag is in an OCI-Tag");
        }
        Ok(true)
    }

    fn some_manifest(&mut self) -> Option<Arc<Document>> {
        let journal = self.world.journal();
        self.random.pick(journal.manifests(&self.repository)).cloned()
    }

    fn some_reference(&mut self) -> Reference {
        match self.random.below(10) {
            0..4 => Reference::Tag(self.fresh_tag()),
            4..6 => Reference::Tag(MOVING_TAGS[self.random.below(MOVING_TAGS.len())].into()),
            6..8 => Reference::Digest,
            _ => {
                let mut tags: Vec<Name> = (0..1 + self.random.below(5)).map(|_| self.fresh_tag()).collect();
                if self.random.chance(40) {
                    tags.push(MOVING_TAGS[self.random.below(MOVING_TAGS.len())].into());
                }
                Reference::DigestWithTags(tags)
            }
        }
    }

    fn fresh_tag(&mut self) -> Name {
        format!("v{:08x}", self.random.next() as u32).into()
    }
}
