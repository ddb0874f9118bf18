//! Pushing blobs: whole, streamed, in chunks, or by a mount.

use crate::client::Client;
use crate::content::{Blob, encoded};
use crate::http::{Body, Broken, Request};
use crate::journal::{Entry, Name, closing_target};

const OCTETS: (&str, &str) = ("Content-Type", "application/octet-stream");

impl Client<'_> {
    /// Sees to it that a repository has a blob, as clients do: ask, then push. `false` where it was refused.
    pub(super) fn have_blob(&mut self, repository: &Name, blob: &Blob) -> Result<bool, Broken> {
        let is_there = self.world.journal().certain(repository, &Entry::Blob(blob.digest.clone()));
        if self.random.chance(30) {
            let target = format!("/v2/{repository}/blobs/{}", blob.digest);
            let request = Request { method: "HEAD", target: &target, headers: &[], body: Body::None };
            let answer = self.connection.ask(&request)?;
            let is_mine = self.repositories.contains(repository);
            let expected =
                is_there.as_ref().filter(|_| is_mine).map(|there| if there.is_some() { 200 } else { 404 });
            if answer.status >= 500 || expected.is_some_and(|expected| expected != answer.status) {
                self.complain(&request, &answer, &format!("expected {expected:?} of a blob"));
            }
        }
        match is_there {
            Some(Some(_)) if self.random.chance(90) => Ok(true),
            _ => self.push_blob(repository, blob),
        }
    }

    fn push_blob(&mut self, repository: &Name, blob: &Blob) -> Result<bool, Broken> {
        match self.random.below(10) {
            0..2 => self.post_whole(repository, blob),
            2..4 => self.put_whole(repository, blob, "blob: POST, PUT whole", |bytes| Body::Whole(bytes)),
            4 => self.put_whole(repository, blob, "blob: POST, PUT streamed", |bytes| Body::Streamed(bytes)),
            5..7 => self.patch_streamed(repository, blob),
            _ => self.patch_chunks(repository, blob),
        }
    }

    /// `POST uploads/?digest=` with the bytes.
    fn post_whole(&mut self, repository: &Name, blob: &Blob) -> Result<bool, Broken> {
        let bytes = blob.content.bytes();
        let target = format!("/v2/{repository}/blobs/uploads/?digest={}", encoded(&blob.digest));
        let asked = self.world.journal().begin_blob(repository, blob, "blob: POST whole");
        let request =
            Request { method: "POST", target: &target, headers: &[OCTETS], body: Body::Whole(&bytes) };
        Ok(self.carry_out(&asked, &request, 201, &[])?.is_some())
    }

    /// POST, then one PUT with the bytes.
    fn put_whole(
        &mut self,
        repository: &Name,
        blob: &Blob,
        how: &'static str,
        body: for<'b> fn(&'b [u8]) -> Body<'b>,
    ) -> Result<bool, Broken> {
        let Some(location) = self.post_upload(repository, "")? else { return Ok(false) };
        let bytes = blob.content.bytes();
        let target = closing_target(&location, blob);
        let asked = self.world.journal().begin_blob(repository, blob, how);
        let request = Request { method: "PUT", target: &target, headers: &[OCTETS], body: body(&bytes) };
        Ok(self.carry_out(&asked, &request, 201, &[])?.is_some())
    }

    /// POST, one PATCH without a length, an empty PUT: Docker's classic client, podman, crane.
    fn patch_streamed(&mut self, repository: &Name, blob: &Blob) -> Result<bool, Broken> {
        let Some(id) = self.open_upload(repository, blob)? else { return Ok(false) };
        if !self.send_streamed(id)? {
            return Ok(false);
        }
        self.close_upload(id, false)
    }

    /// POST, PATCHes with Content-Range, and a PUT that may carry the last bytes: regclient, oci-client.
    fn patch_chunks(&mut self, repository: &Name, blob: &Blob) -> Result<bool, Broken> {
        let Some(id) = self.open_upload(repository, blob)? else { return Ok(false) };
        self.send_rest(id, 0)
    }

    /// Mounts a blob from a repository of the client's own, where it must succeed if the blob is there; or
    /// from anybody's.
    pub(super) fn mount(&mut self) -> Result<(), Broken> {
        let mine = self.random.chance(60);
        let source = if mine {
            self.random.pick(&self.repositories).cloned()
        } else {
            let journal = self.world.journal();
            self.random.pick(journal.repositories.keys()).cloned()
        };
        let Some(source) = source else { return Ok(()) };
        let digest = {
            let journal = self.world.journal();
            self.random.pick(journal.entries(&source).filter_map(|(entry, register)| match entry {
                Entry::Blob(digest) if matches!(register.certain(), Some(Some(_))) => Some(digest.clone()),
                _ => None,
            }))
        };
        let Some(digest) = digest else { return Ok(()) };
        let repository = self.repository.clone();
        let from = if self.random.chance(70) {
            format!("&from={}", source.replace('/', "%2F"))
        } else {
            String::new()
        };
        let target = format!("/v2/{repository}/blobs/uploads/?mount={}{from}", encoded(&digest));
        let writes = vec![(Entry::Blob(digest.clone()), Some(digest))];
        let asked = self.world.journal().begin(&repository, writes, "blob: mount");
        let request = Request { method: "POST", target: &target, headers: &[], body: Body::None };
        // 202 where somebody deleted it meanwhile: an upload was opened instead.
        let harmless: &[u16] = if mine { &[] } else { &[202] };
        self.carry_out(&asked, &request, 201, harmless)?;
        Ok(())
    }

    /// Opens an upload; the path of its Location.
    pub(super) fn post_upload(&mut self, repository: &Name, query: &str) -> Result<Option<String>, Broken> {
        let target = format!("/v2/{repository}/blobs/uploads/{query}");
        let request = Request { method: "POST", target: &target, headers: &[], body: Body::None };
        let answer = self.connection.ask(&request)?;
        let location = answer.header("Location").to_owned();
        if answer.status != 202 || (location.is_empty() && answer.whole) {
            self.complain(&request, &answer, "expected 202 with a Location");
            return Ok(None);
        }
        Ok(path_of(&location).filter(|_| answer.whole))
    }
}

/// The path, also of a Location with a host.
fn path_of(location: &str) -> Option<String> {
    match location.strip_prefix("http://") {
        Some(rest) => rest.find('/').map(|at| rest[at..].to_owned()),
        None => location.starts_with('/').then(|| location.to_owned()),
    }
}
