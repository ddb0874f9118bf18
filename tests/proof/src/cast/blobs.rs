//! Clients that upload, mount, ask for and delete blobs.

use moorage_operations::{Asker, RegistryError};

use super::{body, does, told};
use crate::content::{Doc, here, there};
use crate::role::{Hands, Role};

async fn put(hands: &Hands, blob: &Doc) -> Result<(), RegistryError> {
    let size = Some(blob.bytes.len() as u64);
    hands.push().put_blob(&here(), &blob.digest(), size, body(blob.bytes.clone())).await
}

#[must_use]
pub fn upload(blob: &Doc) -> Role {
    does("upload", blob, |hands, blob| async move { told(put(&hands, &blob).await) })
}

/// Uploads a blob where nobody can take its own content away: its bytes must not be lost.
#[must_use]
pub fn upload_not_refused(blob: &Doc) -> Role {
    does("upload", blob, |hands, blob| async move {
        match put(&hands, &blob).await {
            Err(error @ RegistryError::BodyBroken(_)) => Err(format!("the bytes had come: {error}")),
            result => told(result),
        }
    })
}

/// Asks for a blob, as somebody who may push.
#[must_use]
pub fn head(blob: &Doc) -> Role {
    does("HEAD", blob, |hands, blob| async move {
        told(hands.pull().blob_size(&here(), &blob.digest(), Asker::MayPush).await)
    })
}

/// Mounts a blob into the other repository.
#[must_use]
pub fn mount(blob: &Doc) -> Role {
    does("mount", blob, |hands, blob| async move {
        told(hands.push().mount_blob(&there(), &blob.digest(), Some(&here())).await)
    })
}

#[must_use]
pub fn delete_blob(blob: &Doc) -> Role {
    does("delete blob", blob, |hands, blob| async move {
        told(hands.push().delete_blob(&here(), &blob.digest()).await)
    })
}
