//! Having a blob in a repository: ask, then push, as clients do.

use std::time::Instant;

use moorage_kills::content::{Blob, encoded};
use moorage_kills::http::{Body, Request};

use super::{Client, REPOSITORIES};
use crate::asker::Silence;
use crate::findings::Kind;

const OCTETS: (&str, &str) = ("Content-Type", "application/octet-stream");

impl Client<'_> {
    /// Sees to it that a repository has a blob.
    pub(super) fn have_blob(&mut self, at: usize, blob: &Blob) -> Result<(), Silence> {
        let path = format!("/v2/{}/blobs/{}", self.known[at].name, blob.digest);
        let needed = self.known[at].needed(Instant::now()).blobs.contains(&blob.digest);
        if self.asker.random.chance(70) {
            let answered = self.asker.simple("HEAD blob", "HEAD", &path)?;
            if answered.status() == 200 {
                self.known[at].promise_blob(&blob.digest, answered.sent + self.world.grace);
                return Ok(());
            }
            if needed && self.known[at].needed(Instant::now()).blobs.contains(&blob.digest) {
                self.complain(Kind::Lost, &path, &format!("HEAD says {}", answered.status()));
            }
        }
        let sent = self.push_blob(&self.known[at].name.clone(), blob)?;
        self.known[at].promise_blob(&blob.digest, sent + self.world.grace);
        Ok(())
    }

    /// Uploads it, again where the connection broke; when the request that finished it was sent.
    pub(super) fn push_blob(&mut self, repository: &str, blob: &Blob) -> Result<Instant, Silence> {
        let bytes = blob.content.bytes();
        let began = Instant::now();
        loop {
            let sent = match self.asker.random.below(10) {
                0..3 => self.post_whole(repository, blob, &bytes),
                3..7 => self.post_and_put(repository, blob, &bytes),
                _ => self.post_patch_put(repository, blob, &bytes),
            };
            if let Some(sent) = sent {
                self.world.count(&self.world.uploads);
                return Ok(sent);
            }
            if self.asker.was_sent {
                self.world.note_cut_off(blob);
            }
            if began.elapsed().as_secs() > 60 {
                self.complain(Kind::Lost, repository, "no upload succeeds for a minute");
                return Err(Silence);
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn post_whole(&mut self, repository: &str, blob: &Blob, bytes: &[u8]) -> Option<Instant> {
        let target = format!("/v2/{repository}/blobs/uploads/?digest={}", encoded(&blob.digest));
        self.finish("blob: POST whole", "POST", &target, bytes)
    }

    fn post_and_put(&mut self, repository: &str, blob: &Blob, bytes: &[u8]) -> Option<Instant> {
        let location = self.open(repository)?;
        let target = format!("{location}?digest={}", encoded(&blob.digest));
        self.finish("blob: POST, PUT", "PUT", &target, bytes)
    }

    fn post_patch_put(&mut self, repository: &str, blob: &Blob, bytes: &[u8]) -> Option<Instant> {
        let location = self.open(repository)?;
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        let request =
            Request { method: "PATCH", target: &location, headers: &[OCTETS], body: Body::Whole(first) };
        let answer = self.asker.try_once("upload: PATCH", &request)?;
        self.note_answer("upload: PATCH", answer.status, 202, &location)?;
        let target = format!("{location}?digest={}", encoded(&blob.digest));
        self.finish("blob: POST, PATCH, PUT", "PUT", &target, rest)
    }

    fn open(&mut self, repository: &str) -> Option<String> {
        let target = format!("/v2/{repository}/blobs/uploads/");
        let request = Request { method: "POST", target: &target, headers: &[], body: Body::None };
        let answer = self.asker.try_once("upload: POST", &request)?;
        self.note_answer("upload: POST", answer.status, 202, &target)?;
        Some(answer.header("Location").to_owned())
    }

    fn finish(
        &mut self,
        how: &'static str,
        method: &'static str,
        target: &str,
        bytes: &[u8],
    ) -> Option<Instant> {
        let sent = Instant::now();
        let request = Request { method, target, headers: &[OCTETS], body: Body::Whole(bytes) };
        let answer = self.asker.try_once(how, &request)?;
        self.note_answer(how, answer.status, 201, target)?;
        Some(sent)
    }

    /// `None` where it was refused, which no good upload is.
    fn note_answer(&mut self, how: &'static str, status: u16, wanted: u16, target: &str) -> Option<()> {
        if status == wanted {
            self.world.tally().acknowledged(how);
            return Some(());
        }
        self.world.tally().refused(how);
        self.complain(Kind::ServerError, target, &format!("{how}: {status} instead of {wanted}"));
        None
    }

    /// Mounts a blob from another of the client's repositories, where it must be there.
    pub(super) fn mount(&mut self, at: usize) -> Result<(), Silence> {
        let from = (at + 1) % REPOSITORIES;
        let needed = self.known[from].needed(Instant::now());
        let Some(digest) = self.asker.random.pick(needed.blobs) else {
            return Ok(());
        };
        let (name, source) = (self.known[at].name.clone(), self.known[from].name.clone());
        let target = format!(
            "/v2/{name}/blobs/uploads/?mount={}&from={}",
            encoded(&digest),
            source.replace('/', "%2F")
        );
        let answered = self.asker.simple("blob: mount", "POST", &target)?;
        if answered.status() == 201 {
            self.known[at].promise_blob(&digest, answered.sent + self.world.grace);
        } else if self.known[from].needed(Instant::now()).blobs.contains(&digest) {
            self.complain(Kind::Lost, &target, &format!("the mount was answered {}", answered.status()));
        }
        Ok(())
    }
}
