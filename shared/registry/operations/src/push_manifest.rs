//! Pushing a manifest, by tag or by digest, with any number of tags up to a bound: it is checked, committed
//! (`commit/manifest.rs`), and then tagged.

use bytes::Bytes;
use moorage_oci::{Digest, Manifest, Reference, RepositoryName, Tag};
use moorage_ports::Durability;
use moorage_types::Finding;

use crate::commit::Committed;
use crate::error::RegistryError;
use crate::registry::Push;
use crate::settings::{CONTENTION_TRIES_MAX, TAGS_IN_PUSH_MAX};

/// A manifest as it came.
pub struct ManifestPush<'a> {
    pub repository: &'a RepositoryName,
    /// Where the client puts it: a tag, or the digest it must have.
    pub reference: &'a Reference,
    /// Further tags.
    pub tags: Vec<Tag>,
    /// What the client says its media type is.
    pub content_type: Option<&'a str>,
    pub bytes: Bytes,
}

/// A manifest that was pushed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PushedManifest {
    pub digest: Digest,
    /// What it refers to, for the answer.
    pub subject: Option<Digest>,
    /// What is wrong with it by its type, where that is no reason to refuse it.
    pub warnings: Vec<Finding>,
}

impl Push {
    /// # Errors
    /// `ManifestTooLong`, `ManifestInvalid`, `DigestMismatch`, `TooManyTags`, `TagImmutable`, `ChildrenMissing`,
    /// `TypeRefused`: nothing of the push is visible then.
    pub async fn push_manifest(&self, push: ManifestPush<'_>) -> Result<PushedManifest, RegistryError> {
        let max = self.settings().manifest_bytes_max;
        if push.bytes.len() > max {
            return Err(RegistryError::ManifestTooLong { max });
        }
        let digest = match push.reference {
            Reference::Tag(_) => Digest::sha256(&push.bytes),
            Reference::Digest(expected) => {
                let actual = Digest::of(expected.algorithm(), &push.bytes);
                if actual != *expected {
                    return Err(RegistryError::DigestMismatch {
                        expected: expected.clone(),
                        actual: Some(actual),
                    });
                }
                actual
            }
        };
        let tags = all_tags(&push)?;
        let manifest = Manifest::parse(&push.bytes, push.content_type)?;
        let answered = if tags.is_empty() { Durability::OnAnswer } else { Durability::BeforeNext };
        let (mut known, mut judged) = (None, None);
        if !tags.is_empty() {
            let now = self.common.context.clock.monotonic();
            let mut read = self.known_tags(push.repository, &tags, self.registry_policy_wanted(now)).await?;
            Self::check_tags(&read, &tags, &digest)?;
            let registry_policy = read.along.take();
            judged = Some(self.judge(&push, &manifest, &read.policy, registry_policy, now).await?);
            known = Some(read);
        }
        for _ in 0..CONTENTION_TRIES_MAX {
            let Committed { record, made, warnings } =
                self.commit_manifest(&push, &digest, &manifest, judged.clone(), answered).await?;
            // A tag that pointed here before this push brought the manifest back may have gone with it.
            let known =
                known.take().filter(|known| !made || known.targets().all(|target| target != Some(&digest)));
            // Otherwise somebody deleted it in between: it is pushed again.
            if self.set_tags(push.repository, &digest, &tags, record, known).await? {
                let subject = manifest.subject().map(|subject| subject.digest.clone());
                return Ok(PushedManifest { digest, subject, warnings });
            }
        }
        Err(RegistryError::Contended)
    }
}

/// Every tag of the push, each once.
fn all_tags(push: &ManifestPush<'_>) -> Result<Vec<Tag>, RegistryError> {
    let mut tags = push.tags.clone();
    if let Reference::Tag(tag) = push.reference {
        tags.push(tag.clone());
    }
    tags.sort();
    tags.dedup();
    if tags.len() > TAGS_IN_PUSH_MAX {
        return Err(RegistryError::TooManyTags { count: tags.len(), max: TAGS_IN_PUSH_MAX });
    }
    Ok(tags)
}
