//! The roles that scenarios are made of.

use bytes::Bytes;
use moorage_oci::{Reference, RepositoryName};
use moorage_operations::{Asker, ManifestPush, RegistryError};
use moorage_ports::{ByteStream, PortError, Reviewed};

use crate::content::{Doc, here, tag, there};
use crate::role::{Hands, Outcome, Role};

/// How a request ended. What a client can be told is no harm, nor is giving way to others for a while (without a
/// grace, collectors take away again and again what an uploader sets back); a store that is not as it should be is.
fn told<T>(result: Result<T, RegistryError>) -> Outcome {
    match result {
        Ok(_) => Ok(DONE.to_owned()),
        Err(error @ RegistryError::Storage(_)) => Err(error.to_string()),
        Err(error) => Ok(format!("refused: {error}")),
    }
}

/// The outcome of what was done.
pub const DONE: &str = "done";

fn body(bytes: Bytes) -> ByteStream {
    Box::pin(futures_util::stream::iter([Ok(bytes)]))
}

async fn push_to(hands: &Hands, doc: &Doc, tag_name: Option<&str>) -> Result<(), RegistryError> {
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
    let doc = doc.clone();
    Role::new(&format!("push {}", doc.name), move |hands| {
        let doc = doc.clone();
        async move { told(push_to(&hands, &doc, tag_name).await) }
    })
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
    let doc = doc.clone();
    Role::new(&format!("push {}", doc.name), move |hands| {
        let (doc, names) = (doc.clone(), names.clone());
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
pub fn upload(doc: &Doc) -> Role {
    let doc = doc.clone();
    Role::new(&format!("upload {}", doc.name), move |hands| {
        let doc = doc.clone();
        async move {
            let size = Some(doc.bytes.len() as u64);
            told(hands.push().put_blob(&here(), &doc.digest(), size, body(doc.bytes.clone())).await)
        }
    })
}

/// Uploads a blob where nobody can take its own content away: its bytes must not be lost.
#[must_use]
pub fn upload_not_refused(doc: &Doc) -> Role {
    let doc = doc.clone();
    Role::new(&format!("upload {}", doc.name), move |hands| {
        let doc = doc.clone();
        async move {
            let size = Some(doc.bytes.len() as u64);
            match hands.push().put_blob(&here(), &doc.digest(), size, body(doc.bytes.clone())).await {
                Err(error @ RegistryError::BodyBroken(_)) => Err(format!("the bytes had come: {error}")),
                result => told(result),
            }
        }
    })
}

/// Asks for a blob, as somebody who may push.
#[must_use]
pub fn head(blob: &Doc) -> Role {
    let blob = blob.clone();
    Role::new(&format!("HEAD {}", blob.name), move |hands| {
        let blob = blob.clone();
        async move { told(hands.pull().blob_size(&here(), &blob.digest(), Asker::MayPush).await) }
    })
}

/// The closing PUT of one upload, however often it is sent: all name one object.
#[must_use]
pub fn close_upload(doc: &Doc, token: String) -> Role {
    let doc = doc.clone();
    Role::new(&format!("close the upload of {}", doc.name), move |hands| {
        let (doc, token) = (doc.clone(), token.clone());
        async move {
            let size = Some(doc.bytes.len() as u64);
            let body = body(doc.bytes.clone());
            told(hands.push().finish_upload(&here(), &token, &doc.digest(), None, size, body).await)
        }
    })
}

/// Mounts a blob into the other repository.
#[must_use]
pub fn mount(doc: &Doc) -> Role {
    let doc = doc.clone();
    Role::new(&format!("mount {}", doc.name), move |hands| {
        let doc = doc.clone();
        async move { told(hands.push().mount_blob(&there(), &doc.digest(), Some(&here())).await) }
    })
}

#[must_use]
pub fn delete(doc: &Doc) -> Role {
    let doc = doc.clone();
    Role::new(&format!("delete {}", doc.name), move |hands| {
        let doc = doc.clone();
        async move { told(hands.push().delete_manifest(&here(), &doc.digest()).await) }
    })
}

#[must_use]
pub fn delete_blob(doc: &Doc) -> Role {
    let doc = doc.clone();
    Role::new(&format!("delete blob {}", doc.name), move |hands| {
        let doc = doc.clone();
        async move { told(hands.push().delete_blob(&here(), &doc.digest()).await) }
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
    let doc = doc.clone();
    Role::new(&format!("restore {}", doc.name), move |hands| {
        let doc = doc.clone();
        async move { told(hands.push().restore_manifest(&here(), &doc.digest()).await) }
    })
}

#[must_use]
pub fn purge(doc: &Doc) -> Role {
    let doc = doc.clone();
    Role::new(&format!("purge {}", doc.name), move |hands| {
        let doc = doc.clone();
        async move { told(hands.push().purge_manifest(&here(), &doc.digest()).await) }
    })
}

/// Asks for a blob before it pushes what needs it, and takes the answer for a promise.
#[must_use]
pub fn head_and_push(blob: &Doc, doc: &Doc, grace_ms: u64) -> Role {
    let (blob, doc) = (blob.clone(), doc.clone());
    Role::new(&format!("HEAD {}, push {}", blob.name, doc.name), move |hands| {
        let (blob, doc) = (blob.clone(), doc.clone());
        async move {
            let asked = hands.now();
            let head = hands.pull().blob_size(&here(), &blob.digest(), Asker::MayPush).await;
            if let Err(error) = head {
                return told::<()>(Err(error));
            }
            let pushed = push_to(&hands, &doc, None).await;
            if matches!(pushed, Err(RegistryError::ChildrenMissing { .. }))
                && hands.now().since_ms(asked) <= grace_ms
            {
                return Err("HEAD said yes, and the push within the grace was refused".to_owned());
            }
            told(pushed)
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
            if let Err(error) = hands.pull().manifest_head(&here(), &reference, Asker::MayPush).await {
                return told::<()>(Err(error));
            }
            let pushed = push_to(&hands, &doc, None).await;
            if matches!(pushed, Err(RegistryError::ChildrenMissing { .. }))
                && hands.now().since_ms(asked) <= grace_ms
            {
                return Err("HEAD said yes, and the push within the grace was refused".to_owned());
            }
            told(pushed)
        }
    })
}

/// Reviews something, some times.
#[must_use]
pub fn collect(name: &str, of: Reviewed, times: usize) -> Role {
    Role::new(&format!("collector of {name}"), move |hands| {
        let of = of.clone();
        async move {
            let collector = hands.collector();
            for _ in 0..times {
                match collector.review(&of).await {
                    // It is done by the next review.
                    Ok(()) | Err(PortError::Unavailable(_)) => {}
                    Err(error) => return Err(error.to_string()),
                }
            }
            Ok(DONE.to_owned())
        }
    })
}

#[must_use]
pub fn collect_manifest(doc: &Doc) -> Role {
    collect(doc.name, Reviewed::Manifest(here(), doc.digest()), 1)
}

#[must_use]
pub fn collect_grant(doc: &Doc) -> Role {
    collect(&format!("the grant of {}", doc.name), Reviewed::Grant(here(), doc.digest()), 1)
}

#[must_use]
pub fn collect_content(doc: &Doc) -> Role {
    collect(&format!("the content of {}", doc.name), Reviewed::Content(doc.digest()), 1)
}

/// Does all reviews that are due, as a collector's process does.
#[must_use]
pub fn work() -> Role {
    Role::new("collector", |hands| async move {
        match hands.collector().work(None).await {
            Ok(worked) if worked.failed == 0 => Ok(DONE.to_owned()),
            other => Err(format!("{other:?}")),
        }
    })
}

/// Sets whether a repository keeps manifests that nothing holds.
#[must_use]
pub fn policy(repository: RepositoryName, untagged: moorage_ports::facts::Untagged) -> Role {
    Role::new("set the policy", move |hands| {
        let repository = repository.clone();
        async move {
            let change = moorage_operations::PolicyChange { untagged, immutable_tags: None };
            told(hands.push().set_policy(&repository, change).await)
        }
    })
}
