//! Pulling what must be there, and comparing each digest.

use std::time::Instant;

use moorage_kills::content::{Digest, sha256};

use super::Client;
use crate::asker::Silence;
use crate::findings::Kind;

impl Client<'_> {
    /// One tag with all that it leads to, or something else that must be there.
    pub(super) fn pull(&mut self, at: usize) -> Result<(), Silence> {
        let tags: Vec<_> = self.known[at].tags.clone().into_iter().collect();
        if let Some((tag, digest)) = self.asker.random.pick(tags)
            && self.asker.random.chance(60)
        {
            self.pull_tag(at, &tag, &digest)?;
            return self.pull_whole(at, &digest);
        }
        let needed = self.known[at].needed(Instant::now());
        if let Some(digest) = self.asker.random.pick(needed.manifests) {
            self.pull_one(at, "manifests", &digest)?;
        }
        if let Some(digest) = self.asker.random.pick(needed.blobs) {
            self.pull_one(at, "blobs", &digest)?;
        }
        Ok(())
    }

    /// Everything that must be there, referrers too.
    pub(super) fn pull_all(&mut self, at: usize) -> Result<(), Silence> {
        for (tag, digest) in self.known[at].tags.clone() {
            self.pull_tag(at, &tag, &digest)?;
        }
        let needed = self.known[at].needed(Instant::now());
        for digest in &needed.manifests {
            self.pull_one(at, "manifests", digest)?;
            self.list_referrers(at, digest)?;
        }
        for digest in &needed.blobs {
            self.pull_one(at, "blobs", digest)?;
        }
        Ok(())
    }

    /// A manifest and all that it needs.
    pub(super) fn pull_whole(&mut self, at: usize, digest: &Digest) -> Result<(), Silence> {
        let mut next = vec![digest.clone()];
        while let Some(digest) = next.pop() {
            self.pull_one(at, "manifests", &digest)?;
            let Some(document) = self.document(at, &digest) else { continue };
            for blob in &document.blobs {
                self.pull_one(at, "blobs", &blob.digest)?;
            }
            next.extend(document.manifests.iter().cloned());
        }
        Ok(())
    }

    fn pull_tag(&mut self, at: usize, tag: &str, digest: &Digest) -> Result<(), Silence> {
        let target = format!("/v2/{}/manifests/{tag}", self.known[at].name);
        let answered = self.asker.simple("pull: tag", "GET", &target)?;
        self.world.count(&self.world.compared);
        if answered.status() != 200 {
            self.complain(Kind::Lost, &target, &format!("{} instead of {digest}", answered.status()));
        } else if sha256(&answered.answer.body) != *digest {
            self.complain(Kind::WrongBytes, &target, &format!("not {digest}"));
        }
        Ok(())
    }

    fn pull_one(&mut self, at: usize, what: &str, digest: &Digest) -> Result<(), Silence> {
        let target = format!("/v2/{}/{what}/{digest}", self.known[at].name);
        let how = if what == "blobs" { "pull: blob" } else { "pull: manifest" };
        let answered = self.asker.simple(how, "GET", &target)?;
        self.world.count(&self.world.compared);
        if answered.status() == 200 {
            if sha256(&answered.answer.body) != *digest {
                self.complain(Kind::WrongBytes, &target, "another digest");
            }
            return Ok(());
        }
        // A promise may have run out on the way.
        let needed = self.known[at].needed(Instant::now());
        if needed.blobs.contains(digest) || needed.manifests.contains(digest) {
            self.complain(Kind::Lost, &target, &format!("{}", answered.status()));
        }
        Ok(())
    }

    fn list_referrers(&mut self, at: usize, subject: &Digest) -> Result<(), Silence> {
        let target = format!("/v2/{}/referrers/{subject}", self.known[at].name);
        let answered = self.asker.simple("pull: referrers", "GET", &target)?;
        let listed = String::from_utf8_lossy(&answered.answer.body).into_owned();
        let needed = self.known[at].needed(Instant::now());
        let about_it = needed.manifests.iter().filter(|digest| {
            let manifest = self.known[at].manifests.get(*digest);
            let referrer = manifest.and_then(|manifest| manifest.document.referrer.as_ref());
            referrer.is_some_and(|referrer| referrer.subject == *subject)
        });
        // One page has them all: no client pushes so many.
        let missing: Vec<_> = about_it.filter(|digest| !listed.contains(&***digest)).collect();
        self.world.count(&self.world.compared);
        if !missing.is_empty() {
            self.complain(Kind::Lost, &target, &format!("{missing:?} are not listed"));
        }
        Ok(())
    }
}
