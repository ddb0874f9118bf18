//! The requests of one upload session. All name one token, however often they are sent.

use bytes::Bytes;

use super::{body, does, told};
use crate::content::{Doc, here};
use crate::role::Role;

/// The closing PUT of an upload without chunks, with the whole blob.
#[must_use]
pub fn close_upload(blob: &Doc, token: String) -> Role {
    close("close the upload of", blob, token, blob.bytes.clone())
}

/// The closing PUT of an upload, without any of the bytes: all came in chunks.
#[must_use]
pub fn finish(blob: &Doc, token: String) -> Role {
    close("finish the upload of", blob, token, Bytes::new())
}

fn close(what: &str, blob: &Doc, token: String, bytes: Bytes) -> Role {
    does(what, blob, move |hands, blob| {
        let (token, bytes) = (token.clone(), bytes.clone());
        async move {
            let size = Some(bytes.len() as u64);
            told(hands.push().finish_upload(&here(), &token, &blob.digest(), None, size, body(bytes)).await)
        }
    })
}

/// The same, with the bytes from `from` on.
#[must_use]
pub fn finish_with(blob: &Doc, from: usize, token: String) -> Role {
    close("finish the upload with the last bytes of", blob, token, blob.bytes.slice(from..))
}

/// Sends the first bytes of a blob, up to `to`, from `from` on.
#[must_use]
pub fn chunk(blob: &Doc, from: usize, to: usize, token: String) -> Role {
    does("a chunk of", blob, move |hands, blob| {
        let token = token.clone();
        async move {
            let bytes = blob.bytes.slice(from..to);
            let size = Some(bytes.len() as u64);
            told(hands.push().upload_chunk(&here(), &token, None, size, body(bytes)).await)
        }
    })
}

#[must_use]
pub fn cancel(token: String) -> Role {
    Role::new("cancel the upload", move |hands| {
        let token = token.clone();
        async move { told(hands.push().cancel_upload(&here(), &token).await) }
    })
}
