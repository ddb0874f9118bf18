//! The recycle bin: restoring what was deleted, and taking it out for good.

use std::time::Instant;

use moorage_kills::content::Digest;

use super::Client;
use crate::asker::{Answered, Silence};
use crate::findings::Kind;
use crate::known::State;

impl Client<'_> {
    /// Restores something that was deleted: what may still be in the bin, mostly.
    pub(super) fn restore(&mut self, at: usize) -> Result<(), Silence> {
        let Some((digest, deleted)) = self.some_deleted(at) else { return Ok(()) };
        let State::Deleted { at: since, tags, in_doubt } = deleted else { return Ok(()) };
        let name = self.known[at].name.clone();
        let target = format!("/v2/{name}/_moorage/recycle-bin/{digest}");
        let answered = self.asker.simple("restore", "POST", &target)?;
        let status = answered.status();
        let body = String::from_utf8_lossy(&answered.answer.body).into_owned();
        if status == 200 {
            self.came_back(at, &digest, &answered);
            let known = &mut self.known[at];
            let has = |tag: &&String| known.tags.get(*tag) == Some(&digest) || known.tags.contains_key(*tag);
            let missing: Vec<_> = tags.iter().filter(|tag| !has(tag)).cloned().collect();
            if !missing.is_empty() {
                let doubts = if answered.in_doubt { ", at a second try" } else { "" };
                self.complain(
                    Kind::BadRestore,
                    &target,
                    &format!("without its tags {missing:?}{doubts}: {body}"),
                );
            }
            return self.pull_whole(at, &digest);
        }
        if answered.in_doubt {
            // One whose delete was answered at a second try may have been gone long before the first.
            let in_bin_until = (!in_doubt).then(|| since + self.world.bin);
            return self.find_out(at, &digest, &tags, in_bin_until);
        }
        if since.elapsed() < self.world.bin && !in_doubt {
            let why = format!("{status} {:?} after the delete was sent: {body}", since.elapsed());
            self.complain(Kind::BadRestore, &target, &why);
        }
        self.leaves(at, &digest);
        Ok(())
    }

    /// Whether a restore that was not answered had brought it back, which a second one may not say.
    fn find_out(
        &mut self,
        at: usize,
        digest: &Digest,
        tags: &[String],
        in_bin_until: Option<Instant>,
    ) -> Result<(), Silence> {
        let name = self.known[at].name.clone();
        let path = format!("/v2/{name}/manifests/{digest}");
        let answered = self.asker.simple("HEAD manifest", "HEAD", &path)?;
        if answered.status() != 200 {
            if in_bin_until.is_some_and(|until| Instant::now() < until) {
                self.complain(Kind::BadRestore, &path, "neither restored nor in the bin");
            }
            self.leaves(at, digest);
            return Ok(());
        }
        self.came_back(at, digest, &answered);
        for tag in
            tags.iter().filter(|tag| !self.known[at].tags.contains_key(*tag)).cloned().collect::<Vec<_>>()
        {
            let target = format!("/v2/{name}/manifests/{tag}");
            let answered = self.asker.simple("HEAD manifest", "HEAD", &target)?;
            if answered.status() == 200 {
                self.known[at].tags.insert(tag, digest.clone());
            } else {
                let why = "its restore was cut off, and a second one gives the tag no more";
                self.complain(Kind::BadRestore, &target, why);
            }
        }
        Ok(())
    }

    fn came_back(&mut self, at: usize, digest: &Digest, answered: &Answered) {
        let Some(document) = self.document(at, digest) else { return };
        let known = &mut self.known[at];
        // A restored manifest has no promise of its own, but what the policy, an index or a tag keeps.
        known.is_there(&document, answered.sent);
        let answer: serde_json::Value = serde_json::from_slice(&answered.answer.body).unwrap_or_default();
        for tag in answer["tags"].as_array().into_iter().flatten().filter_map(|tag| tag.as_str()) {
            known.tags.insert(tag.to_owned(), digest.clone());
        }
        // Its children came out with it.
        let came = answer["manifests"].as_array().into_iter().flatten().filter_map(|digest| digest.as_str());
        for digest in came {
            if let Some(manifest) = known.manifests.get_mut(digest) {
                manifest.state = State::There;
            }
        }
    }

    pub(super) fn purge(&mut self, at: usize) -> Result<(), Silence> {
        let Some((digest, deleted)) = self.some_deleted(at) else { return Ok(()) };
        let State::Deleted { at: since, in_doubt, .. } = deleted else { return Ok(()) };
        let target = format!("/v2/{}/_moorage/recycle-bin/{digest}", self.known[at].name);
        let answered = self.asker.simple("purge", "DELETE", &target)?;
        match answered.status() {
            202 => {}
            404 if in_doubt || answered.in_doubt || since.elapsed() >= self.world.bin => {}
            // An index in the bin needs it.
            405 if self.known[at].may_be_needed(&digest) => return Ok(()),
            status => self.complain(Kind::BadRestore, &target, &format!("the purge was answered {status}")),
        }
        self.leaves(at, &digest);
        Ok(())
    }

    fn some_deleted(&mut self, at: usize) -> Option<(Digest, State)> {
        let early = self.asker.random.chance(80);
        let bin = self.world.bin;
        let deleted = self.known[at].manifests.values().filter(|manifest| match &manifest.state {
            State::Deleted { at, .. } => !early || at.elapsed() < bin,
            State::There | State::Gone => false,
        });
        let deleted: Vec<_> = deleted.map(|m| (m.document.digest.clone(), m.state.clone())).collect();
        self.asker.random.pick(deleted)
    }

    fn leaves(&mut self, at: usize, digest: &Digest) {
        if let Some(manifest) = self.known[at].manifests.get_mut(digest) {
            (manifest.state, manifest.sure) = (State::Gone, false);
        }
    }
}
