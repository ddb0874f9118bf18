//! Pushing manifests after what they need: images, indexes, referrers; and moving tags.

use std::sync::Arc;
use std::time::Instant;

use moorage_kills::content::{Digest, EMPTY_JSON};
use moorage_kills::documents::Document;
use moorage_kills::http::{Body, Request};

use super::{Client, REPOSITORIES};
use crate::asker::Silence;
use crate::findings::Kind;
use crate::known::State;

/// Tags that a client moves about in each of its repositories.
const MOVING_TAGS: usize = 4;

impl Client<'_> {
    pub(super) fn push_image(&mut self, at: usize) -> Result<(), Silence> {
        let layers: Vec<_> = (0..1 + self.asker.random.below(3)).map(|_| self.some_layer()).collect();
        let (config, note) = (self.some_layer(), self.note());
        let document = Document::image(&config, &layers, &note);
        let tag = self.some_tag();
        self.push_with_needs(at, &document, tag).map(drop)
    }

    pub(super) fn push_index(&mut self, at: usize) -> Result<(), Silence> {
        let mut children: Vec<_> =
            (0..1 + self.asker.random.below(3)).filter_map(|_| self.some_manifest(at)).collect();
        children.sort_by(|one, other| one.digest.cmp(&other.digest));
        children.dedup_by(|one, other| one.digest == other.digest);
        if children.is_empty() {
            return Ok(());
        }
        let document = Document::index(&children, &self.note());
        let tag = self.some_tag();
        self.push_with_needs(at, &document, tag).map(drop)
    }

    pub(super) fn push_referrer(&mut self, at: usize) -> Result<(), Silence> {
        let Some(subject) = self.some_manifest(at) else { return Ok(()) };
        let (layer, note) = (self.some_layer(), self.note());
        let document = Document::referrer(
            &subject.descriptor(),
            &EMPTY_JSON.blob(),
            &layer,
            "application/vnd.test.signature",
            &note,
        );
        self.push_with_needs(at, &document, None).map(drop)
    }

    pub(super) fn move_tag(&mut self, at: usize) -> Result<(), Silence> {
        let Some(document) = self.some_manifest(at) else { return Ok(()) };
        let tag = format!("t{}", self.asker.random.below(MOVING_TAGS));
        self.push(at, &document, Some(tag)).map(drop)
    }

    /// One that was deleted, or that was left to go, comes back.
    pub(super) fn push_again(&mut self, at: usize) -> Result<(), Silence> {
        let gone = self.known[at].manifests.values().filter(|m| m.state != State::There || !m.sure);
        let Some(document) = self.asker.random.pick(gone.map(|m| m.document.clone())) else { return Ok(()) };
        let tag = self.some_tag();
        self.push_with_needs(at, &document, tag).map(drop)
    }

    /// Whatever it needs first, innermost first.
    pub(super) fn push_with_needs(
        &mut self,
        at: usize,
        document: &Arc<Document>,
        tag: Option<String>,
    ) -> Result<bool, Silence> {
        for child in &document.manifests {
            let path = format!("/v2/{}/manifests/{child}", self.known[at].name);
            let Some(document) = self.document(at, child) else { return Ok(false) };
            if self.asker.random.chance(50) {
                let answered = self.asker.simple("HEAD manifest", "HEAD", &path)?;
                if answered.status() == 200 {
                    self.known[at].is_there(&document, answered.sent + self.world.grace);
                    continue;
                }
            }
            if !self.push_with_needs(at, &document, None)? {
                return Ok(false);
            }
        }
        for blob in &document.blobs {
            self.have_blob(at, blob)?;
        }
        self.push(at, document, tag)
    }

    /// Pushes a manifest. `false` where it was refused: what it needs was not promised any more.
    pub(super) fn push(
        &mut self,
        at: usize,
        document: &Arc<Document>,
        tag: Option<String>,
    ) -> Result<bool, Silence> {
        let reference = tag.clone().unwrap_or_else(|| document.digest.to_string());
        let target = format!("/v2/{}/manifests/{reference}", self.known[at].name);
        let headers = [("Content-Type", document.media_type)];
        let body = Body::Whole(&document.bytes);
        let how = if tag.is_some() { "manifest: by tag" } else { "manifest: by digest" };
        self.known[at].know(document);
        self.known[at].will_hold(document);
        let answered =
            self.asker.ask(how, &Request { method: "PUT", target: &target, headers: &headers, body })?;
        if answered.status() == 201 {
            let known = &mut self.known[at];
            known.is_there(document, answered.sent + self.world.grace);
            if let Some(tag) = tag {
                known.tags.insert(tag, document.digest.clone());
            }
            return Ok(true);
        }
        // What was promised until now, or was needed by something else, must have been enough.
        let needed = self.known[at].needed(Instant::now());
        let missing = String::from_utf8_lossy(&answered.answer.body).into_owned();
        let is_there = |digest: &Digest| needed.blobs.contains(digest) || needed.manifests.contains(digest);
        let blobs = document.blobs.iter().map(|blob| &blob.digest);
        let mut broken = blobs.chain(&document.manifests).filter(|digest| missing.contains(&***digest));
        match broken.find(|digest| is_there(digest)) {
            Some(digest) => {
                let promised = self.known[at]
                    .blobs
                    .get(digest)
                    .or_else(|| self.known[at].manifests.get(digest).map(|manifest| &manifest.promised));
                let left = promised.map(|until| until.saturating_duration_since(Instant::now()));
                let took = answered.sent.elapsed();
                let why = format!("{digest} has {left:?} left; the push took {took:?}: {missing}");
                self.complain(Kind::BrokenPromise, &target, &why);
            }
            None if answered.status() == 404 => self.world.count(&self.world.ran_out),
            None => self.complain(Kind::ServerError, &target, &format!("{}: {missing}", answered.status())),
        }
        Ok(false)
    }

    /// Half of what is pushed has a tag; one of a few that move, or one that stays.
    fn some_tag(&mut self) -> Option<String> {
        match self.asker.random.below(10) {
            0..4 => Some(format!("t{}", self.asker.random.below(MOVING_TAGS))),
            4..6 => Some(format!("v{:06x}", self.asker.random.next() as u32 & 0xff_ffff)),
            _ => None,
        }
    }

    /// One that must be there.
    fn some_manifest(&mut self, at: usize) -> Option<Arc<Document>> {
        let needed = self.known[at].needed(Instant::now());
        let digest = self.asker.random.pick(needed.manifests)?;
        self.known[at].manifests.get(&digest).map(|manifest| manifest.document.clone())
    }

    pub(super) fn document(&self, at: usize, digest: &Digest) -> Option<Arc<Document>> {
        if at == REPOSITORIES {
            return self.common.iter().find(|document| document.digest == *digest).cloned();
        }
        self.known[at].manifests.get(digest).map(|manifest| manifest.document.clone())
    }
}
