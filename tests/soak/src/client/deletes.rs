//! Deleting tags, manifests and blobs. What something needs must be refused.

use std::time::Instant;

use moorage_kills::content::Digest;

use super::Client;
use crate::asker::Silence;
use crate::findings::Kind;
use crate::known::State;

impl Client<'_> {
    pub(super) fn delete_tag(&mut self, at: usize) -> Result<(), Silence> {
        let tags: Vec<String> = self.known[at].tags.keys().cloned().collect();
        let Some(tag) = self.asker.random.pick(tags) else { return Ok(()) };
        let target = format!("/v2/{}/manifests/{tag}", self.known[at].name);
        let answered = self.asker.simple("delete: tag", "DELETE", &target)?;
        self.known[at].tags.remove(&tag);
        if answered.status() != 202 && !answered.in_doubt {
            self.complain(Kind::Lost, &target, &format!("the delete was answered {}", answered.status()));
        }
        self.is_gone(&target)
    }

    pub(super) fn delete_manifest(&mut self, at: usize) -> Result<(), Silence> {
        let there = self.known[at].manifests.values().filter(|manifest| manifest.state == State::There);
        let Some(digest) = self.asker.random.pick(there.map(|m| m.document.digest.clone())) else {
            return Ok(());
        };
        self.delete_manifest_of(at, &digest)
    }

    fn delete_manifest_of(&mut self, at: usize, digest: &Digest) -> Result<(), Silence> {
        let target = format!("/v2/{}/manifests/{digest}", self.known[at].name);
        let before = self.known[at].needed(Instant::now());
        let answered = self.asker.simple("delete: manifest", "DELETE", &target)?;
        let status = answered.status();
        let known = &mut self.known[at];
        let after = known.needed(Instant::now());
        let must_be_there = before.manifests.contains(digest) && after.manifests.contains(digest);
        let holder_is_there = known.is_needed_by(&after, digest);
        let may_be_held = known.may_be_needed(digest);
        match status {
            202 if holder_is_there => {
                self.complain(Kind::DeletedWhatIsNeeded, &target, "an index needs it");
            }
            405 if may_be_held => return Ok(()),
            405 => self.complain(Kind::ServerError, &target, "405, and no index names it"),
            202 | 404 => {}
            _ => self.complain(Kind::ServerError, &target, &format!("{status}")),
        }
        if status == 404 && must_be_there && !answered.in_doubt {
            self.complain(Kind::Lost, &target, "the delete was answered 404");
        }
        let known = &mut self.known[at];
        let mut tags: Vec<String> =
            known.tags.iter().filter(|(_, to)| *to == digest).map(|(t, _)| t.clone()).collect();
        tags.sort();
        known.tags.retain(|_, to| to != digest);
        if let Some(manifest) = known.manifests.get_mut(digest) {
            manifest.sure = false;
            let deleted = State::Deleted { at: answered.first_sent, tags, in_doubt: answered.in_doubt };
            manifest.state = if status == 202 || answered.in_doubt { deleted } else { State::Gone };
        }
        self.is_gone(&target)
    }

    pub(super) fn delete_blob(&mut self, at: usize) -> Result<(), Silence> {
        let blobs: Vec<Digest> = self.known[at].blobs.keys().cloned().collect();
        let Some(digest) = self.asker.random.pick(blobs) else { return Ok(()) };
        let target = format!("/v2/{}/blobs/{digest}", self.known[at].name);
        let before = self.known[at].needed(Instant::now());
        let answered = self.asker.simple("delete: blob", "DELETE", &target)?;
        let known = &mut self.known[at];
        let after = known.needed(Instant::now());
        let (is_needed, may_be_needed) = (known.is_needed_by(&after, &digest), known.may_be_needed(&digest));
        let must_be_there = before.blobs.contains(&digest) && after.blobs.contains(&digest);
        match answered.status() {
            202 if is_needed => self.complain(Kind::DeletedWhatIsNeeded, &target, "a manifest needs it"),
            404 if must_be_there && !answered.in_doubt => {
                self.complain(Kind::Lost, &target, "the delete was answered 404");
            }
            405 if may_be_needed => return Ok(()),
            202 | 404 => {}
            status => self.complain(Kind::ServerError, &target, &format!("{status}")),
        }
        self.known[at].blobs.remove(&digest);
        if answered.status() == 202 { self.is_gone(&target) } else { Ok(()) }
    }

    fn is_gone(&mut self, target: &str) -> Result<(), Silence> {
        let answered = self.asker.simple("GET what was deleted", "GET", target)?;
        self.world.count(&self.world.compared);
        if answered.status() != 404 {
            self.complain(Kind::UndoneDelete, target, &format!("{}", answered.status()));
        }
        Ok(())
    }
}
