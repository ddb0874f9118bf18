//! Clients that take the answer of HEAD for a promise.

use moorage_oci::Reference;
use moorage_operations::{Asker, RegistryError};
use moorage_ports::Timestamp;

use super::manifests::push_to;
use super::told;
use crate::content::{Doc, here};
use crate::role::{Hands, Outcome, Role};

/// Asks for a blob before it pushes what needs it.
#[must_use]
pub fn head_and_push(blob: &Doc, doc: &Doc, grace_ms: u64) -> Role {
    let (blob, doc) = (blob.clone(), doc.clone());
    Role::new(&format!("HEAD {}, push {}", blob.name, doc.name), move |hands| {
        let (blob, doc) = (blob.clone(), doc.clone());
        async move {
            let asked = hands.now();
            match hands.pull().blob_size(&here(), &blob.digest(), Asker::MayPush).await {
                Ok(_) => push_what_was_promised(&hands, &doc, asked, grace_ms).await,
                Err(error) => told::<()>(Err(error)),
            }
        }
    })
}

/// Asks for a manifest by its digest, then pushes an index of it.
#[must_use]
pub fn head_manifest_and_push(child: &Doc, doc: &Doc, grace_ms: u64) -> Role {
    let (child, doc) = (child.clone(), doc.clone());
    Role::new(&format!("HEAD {}, push {}", child.name, doc.name), move |hands| {
        let (child, doc) = (child.clone(), doc.clone());
        async move {
            let asked = hands.now();
            let reference = Reference::Digest(child.digest());
            match hands.pull().manifest_head(&here(), &reference, Asker::MayPush).await {
                Ok(_) => push_what_was_promised(&hands, &doc, asked, grace_ms).await,
                Err(error) => told::<()>(Err(error)),
            }
        }
    })
}

async fn push_what_was_promised(hands: &Hands, doc: &Doc, asked: Timestamp, grace_ms: u64) -> Outcome {
    let pushed = push_to(hands, doc, None).await;
    if matches!(pushed, Err(RegistryError::ChildrenMissing { .. })) && hands.now().since_ms(asked) <= grace_ms
    {
        return Err("HEAD said yes, and the push within the grace was refused".to_owned());
    }
    told(pushed)
}
