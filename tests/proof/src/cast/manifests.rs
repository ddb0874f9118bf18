//! Clients that push, tag, delete and restore manifests.

use moorage_oci::Reference;
use moorage_operations::{ManifestPush, RegistryError};

use super::{does, told};
use crate::content::{Doc, here, tag};
use crate::role::{Hands, Role};

pub(super) async fn push_to(hands: &Hands, doc: &Doc, tag_name: Option<&str>) -> Result<(), RegistryError> {
    let reference = match tag_name {
        Some(name) => Reference::Tag(tag(name)),
        None => Reference::Digest(doc.digest()),
    };
    let push = ManifestPush {
        repository: &here(),
        reference: &reference,
        tags: Vec::new(),
        content_type: Some(doc.media_type),
        bytes: doc.bytes.clone(),
    };
    hands.push().push_manifest(push).await.map(|_| ())
}

/// Pushes a manifest, by a tag or by its digest.
#[must_use]
pub fn push(doc: &Doc, tag_name: Option<&'static str>) -> Role {
    does("push", doc, move |hands, doc| async move { told(push_to(&hands, &doc, tag_name).await) })
}

/// Pushes one manifest after the other under one tag.
#[must_use]
pub fn move_tag(docs: &[&Doc], tag_name: &'static str) -> Role {
    let docs: Vec<Doc> = docs.iter().map(|doc| (*doc).clone()).collect();
    Role::new("move the tag", move |hands| {
        let docs = docs.clone();
        async move {
            let mut last = Ok(String::new());
            for doc in docs {
                last = told(push_to(&hands, &doc, Some(tag_name)).await);
                last.as_ref().map_err(String::clone)?;
            }
            last
        }
    })
}

/// Pushes a manifest under many tags.
#[must_use]
pub fn push_tags(doc: &Doc, names: Vec<String>) -> Role {
    does("push", doc, move |hands, doc| {
        let names = names.clone();
        async move {
            let push = ManifestPush {
                repository: &here(),
                reference: &Reference::Digest(doc.digest()),
                tags: names.iter().map(|name| tag(name)).collect(),
                content_type: Some(doc.media_type),
                bytes: doc.bytes.clone(),
            };
            told(hands.push().push_manifest(push).await)
        }
    })
}

#[must_use]
pub fn delete(doc: &Doc) -> Role {
    does("delete", doc, |hands, doc| async move {
        told(hands.push().delete_manifest(&here(), &doc.digest()).await)
    })
}

#[must_use]
pub fn delete_tag(name: &'static str) -> Role {
    Role::new(&format!("delete tag {name}"), move |hands| async move {
        told(hands.push().delete_tag(&here(), &tag(name)).await)
    })
}

#[must_use]
pub fn restore(doc: &Doc) -> Role {
    does("restore", doc, |hands, doc| async move {
        told(hands.push().restore_manifest(&here(), &doc.digest()).await)
    })
}

#[must_use]
pub fn purge(doc: &Doc) -> Role {
    does(
        "purge",
        doc,
        |hands, doc| async move { told(hands.push().purge_manifest(&here(), &doc.digest()).await) },
    )
}
