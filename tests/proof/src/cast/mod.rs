//! The roles that scenarios are made of.

mod blobs;
mod collectors;
mod manifests;
mod promises;
mod sessions;

use bytes::Bytes;
use moorage_operations::{PolicyChange, RegistryError};
use moorage_ports::ByteStream;
use moorage_ports::facts::{ImmutableTags, Untagged};

use crate::content::{Doc, here};
use crate::role::{Hands, Outcome, Role};

pub use blobs::{delete_blob, head, mount, upload, upload_not_refused};
pub use collectors::{
    collect, collect_content, collect_grant, collect_manifest, collect_upload, collector, follow, work,
};
pub use manifests::{delete, delete_tag, move_tag, purge, push, push_tags, restore};
pub use promises::{head_and_push, head_manifest_and_push};
pub use sessions::{cancel, chunk, close_upload, finish, finish_with};

/// The outcome of what was done.
pub const DONE: &str = "done";

/// How a request ended. What a client can be told is no harm, nor is giving way to others for a while (without a
/// grace, collectors take away again and again what an uploader sets back); a store that is not as it should be is.
fn told<T>(result: Result<T, RegistryError>) -> Outcome {
    match result {
        Ok(_) => Ok(DONE.to_owned()),
        Err(error @ RegistryError::Storage(_)) => Err(error.to_string()),
        Err(error) => Ok(format!("refused: {error}")),
    }
}

/// One who does one thing with one document.
fn does<F>(what: &str, doc: &Doc, operation: impl Fn(Hands, Doc) -> F + Send + Sync + 'static) -> Role
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let doc = doc.clone();
    Role::new(&format!("{what} {}", doc.name), move |hands| operation(hands, doc.clone()))
}

fn body(bytes: Bytes) -> ByteStream {
    Box::pin(futures_util::stream::iter([Ok(bytes)]))
}

/// Sets the policy: what becomes of manifests that nothing holds, and whether tags may move.
#[must_use]
pub fn policy(untagged: Untagged, immutable_tags: Option<ImmutableTags>) -> Role {
    Role::new("set the policy", move |hands| {
        let change =
            PolicyChange { untagged, immutable_tags: immutable_tags.clone(), ..PolicyChange::default() };
        async move { told(hands.push().set_policy(&here(), change).await) }
    })
}
