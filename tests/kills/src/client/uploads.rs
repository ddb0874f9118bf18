//! Uploads that take more than one request: chunks, going on after a restart, cancelling, leaving them open.

use crate::client::Client;
use crate::content::Blob;
use crate::findings::Kind;
use crate::http::{Answer, Body, Broken, Request};
use crate::journal::{Name, Upload, UploadState};

/// Beyond this, a client goes on with an upload that it has left.
const LEFT_OPEN_MAX: usize = 4;

impl Client<'_> {
    /// Opens an upload, and notes it.
    pub(super) fn open_upload(&mut self, repository: &Name, blob: &Blob) -> Result<Option<u64>, Broken> {
        let hint = blob.digest.starts_with("sha512") && self.random.chance(50);
        let query = if hint { "?digest-algorithm=sha512" } else { "" };
        let Some(location) = self.post_upload(repository, query)? else { return Ok(None) };
        let upload = Upload {
            client: self.number,
            repository: repository.clone(),
            location,
            blob: blob.clone(),
            acknowledged: 0,
            sent: 0,
            state: UploadState::Open,
        };
        Ok(Some(self.world.journal().add_upload(upload)))
    }

    /// The whole blob in one PATCH of unknown length.
    pub(super) fn send_streamed(&mut self, id: u64) -> Result<bool, Broken> {
        let Some(upload) = self.upload(id) else { return Ok(false) };
        let bytes = upload.blob.content.bytes();
        self.send_chunk(id, bytes.len(), &[], Body::Streamed(&bytes))
    }

    /// Everything from byte `from` on, in some chunks, the last of them perhaps in the closing PUT.
    pub(super) fn send_rest(&mut self, id: u64, from: usize) -> Result<bool, Broken> {
        let Some(upload) = self.upload(id) else { return Ok(false) };
        let bytes = upload.blob.content.bytes();
        let chunks = 1 + self.random.below(4);
        // `Range: 0-0` says both no byte and one: a chunk has at least two.
        let chunk_bytes = (bytes.len() - from).div_ceil(chunks).max(2);
        let last_in_put = self.random.chance(30);
        let mut at = from;
        while at < bytes.len() {
            let end = (at + chunk_bytes).min(bytes.len());
            if end == bytes.len() && last_in_put {
                break;
            }
            let range = format!("{at}-{}", end - 1);
            if !self.send_chunk(id, end, &[("Content-Range", &range)], Body::Whole(&bytes[at..end]))? {
                return Ok(false);
            }
            at = end;
        }
        self.close_upload(id, at < bytes.len())
    }

    /// One PATCH, after which the registry has `end` bytes.
    fn send_chunk(
        &mut self,
        id: u64,
        end: usize,
        headers: &[(&'static str, &str)],
        body: Body<'_>,
    ) -> Result<bool, Broken> {
        const HOW: &str = "upload: PATCH";
        let Some(upload) = self.upload(id) else { return Ok(false) };
        {
            let mut journal = self.world.journal();
            journal.tally.asked(HOW);
            journal.uploads.insert(id, Upload { sent: end, ..upload.clone() });
        }
        let request = Request { method: "PATCH", target: &upload.location, headers, body };
        let answer = self.connection.ask(&request)?;
        if answer.status != 202 {
            self.complain_of(refused(&upload, &answer), &request, &answer, "expected 202");
            self.world.journal().uploads.remove(&id);
            return Ok(false);
        }
        self.world.one_answered();
        let range = answer.header("Range");
        if answer.whole && range != format!("0-{}", end.saturating_sub(1)) {
            self.complain(&request, &answer, &format!("Range: {range} after {end} bytes"));
        }
        let mut journal = self.world.journal();
        journal.tally.acknowledged(HOW);
        journal.uploads.insert(id, Upload { acknowledged: end, sent: end, ..upload });
        Ok(true)
    }

    /// The closing PUT, with the bytes that are still to come or without any.
    pub(super) fn close_upload(&mut self, id: u64, with_rest: bool) -> Result<bool, Broken> {
        let Some(upload) = self.upload(id) else { return Ok(false) };
        let bytes = if with_rest { upload.blob.content.bytes() } else { Vec::new() };
        let rest = bytes.get(upload.acknowledged..).unwrap_or_default();
        let asked = {
            let mut journal = self.world.journal();
            let sent = upload.acknowledged + rest.len();
            journal.uploads.insert(id, Upload { sent, state: UploadState::Finishing, ..upload.clone() });
            let how = if with_rest { "blob: PATCH, PUT the rest" } else { "blob: PATCH, empty PUT" };
            journal.begin_blob(&upload.repository, &upload.blob, how)
        };
        let target = upload.closing_target();
        let body = if rest.is_empty() { Body::None } else { Body::Whole(rest) };
        let request = Request { method: "PUT", target: &target, headers: &[], body };
        let answer = self.connection.ask(&request)?;
        let mut journal = self.world.journal();
        journal.uploads.remove(&id);
        if answer.status == 201 {
            self.world.one_answered();
            journal.acknowledge(&asked);
            return Ok(true);
        }
        if answer.status < 500 {
            journal.refuse(&asked);
        }
        self.complain_of(refused(&upload, &answer), &request, &answer, "expected 201");
        Ok(false)
    }

    pub(super) fn open_upload_of_mine(&mut self) -> Option<u64> {
        let journal = self.world.journal();
        let mine = |upload: &Upload| upload.client == self.number && upload.can_go_on();
        self.random.pick(journal.uploads.iter().filter(|(_, upload)| mine(upload)).map(|(id, _)| *id))
    }

    /// Asks how far an upload has come, and sends the rest.
    pub(super) fn go_on(&mut self, id: u64) -> Result<(), Broken> {
        const HOW: &str = "upload: gone on with, and finished";
        let Some(upload) = self.upload(id) else { return Ok(()) };
        let request = Request { method: "GET", target: &upload.location, headers: &[], body: Body::None };
        let answer = self.connection.ask(&request)?;
        if answer.status == 404 && upload.state == UploadState::Finishing {
            // It is finished, or as good as: the same PUT once more says so.
            return self.close_upload(id, false).map(drop);
        }
        match upload.received(&answer) {
            Ok(received) => {
                {
                    let mut journal = self.world.journal();
                    journal.tally.asked(HOW);
                    journal.bytes.in_doubt += (upload.sent - received) as u64;
                    journal.uploads.insert(id, Upload { acknowledged: received, sent: received, ..upload });
                }
                if self.send_rest(id, received)? {
                    self.world.journal().tally.acknowledged(HOW);
                }
            }
            Err(why) => {
                self.world.findings.add(Kind::LostUpload, format!("GET {}", upload.location), why);
                self.world.journal().uploads.remove(&id);
            }
        }
        Ok(())
    }

    /// Opens an upload, sends a part, cancels it.
    pub(super) fn cancel_upload(&mut self) -> Result<(), Broken> {
        const HOW: &str = "upload: cancel";
        let Some(id) = self.begin_and_leave()? else { return Ok(()) };
        let Some(upload) = self.upload(id) else { return Ok(()) };
        {
            let mut journal = self.world.journal();
            journal.tally.asked(HOW);
            journal.uploads.insert(id, Upload { state: UploadState::Cancelling, ..upload.clone() });
        }
        let request = Request { method: "DELETE", target: &upload.location, headers: &[], body: Body::None };
        let answer = self.connection.ask(&request)?;
        if answer.status != 204 {
            self.complain(&request, &answer, "expected 204");
        }
        self.world.one_answered();
        let mut journal = self.world.journal();
        journal.tally.acknowledged(HOW);
        journal.uploads.insert(id, Upload { state: UploadState::Cancelled, ..upload });
        Ok(())
    }

    /// Opens an upload, sends a part or nothing, and leaves it for later.
    pub(super) fn leave_upload(&mut self) -> Result<(), Broken> {
        let journal = self.world.journal();
        let open = journal.uploads.values().filter(|u| u.client == self.number && u.can_go_on()).count();
        drop(journal);
        if open < LEFT_OPEN_MAX {
            self.begin_and_leave()?;
        } else if let Some(id) = self.open_upload_of_mine() {
            self.go_on(id)?;
        }
        Ok(())
    }

    fn begin_and_leave(&mut self) -> Result<Option<u64>, Broken> {
        let blob = self.some_blob();
        let repository = self.repository.clone();
        let Some(id) = self.open_upload(&repository, &blob)? else { return Ok(None) };
        let bytes = blob.content.bytes();
        let end = bytes.len() / (1 + self.random.below(3));
        if end > 1 && self.random.chance(80) {
            let range = format!("0-{}", end - 1);
            if !self.send_chunk(id, end, &[("Content-Range", &range)], Body::Whole(&bytes[..end]))? {
                return Ok(None);
            }
        }
        Ok(Some(id))
    }

    fn upload(&self, id: u64) -> Option<Upload> {
        self.world.journal().uploads.get(&id).cloned()
    }
}

/// What it means that a step of an upload is refused. After a closing PUT that was cut off it is known to
/// happen; no byte that was acknowledged is lost by it, but all of them must be sent again.
fn refused(upload: &Upload, answer: &Answer) -> Kind {
    match upload.state {
        _ if answer.status >= 500 => Kind::ServerError,
        UploadState::Finishing => Kind::StuckUpload,
        _ => Kind::Refused,
    }
}
