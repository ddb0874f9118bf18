//! A repository's policy: what becomes of manifests that nothing holds, whether tags may move, and which artifact types
//! may be pushed.

use moorage_oci::{Digest, RepositoryName, Tag};
use moorage_ports::facts::{ImmutableTags, Policy, TypePolicy, Untagged};
use moorage_ports::{Durability, Expect, Fact, Item, Key, Written};
use wildmatch::WildMatch;

use crate::error::RegistryError;
use crate::registry::{Pull, Push};
use crate::settings::CONTENTION_TRIES_MAX;

/// What of a policy its owner may set.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PolicyChange {
    pub untagged: Untagged,
    pub immutable_tags: Option<ImmutableTags>,
    pub types: TypePolicy,
}

impl Pull {
    /// A repository's policy; one that was never set is the default.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn policy(&self, repository: &RepositoryName) -> Result<Policy, RegistryError> {
        Ok(policy_of(self.table.get(&Key::policy(repository)).await?))
    }
}

impl Push {
    /// Sets a repository's policy. One that begins to recycle untagged manifests has all of them looked at.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn set_policy(
        &self,
        repository: &RepositoryName,
        change: PolicyChange,
    ) -> Result<(), RegistryError> {
        let key = Key::policy(repository);
        let mut found = self.table.get(&key).await?;
        for _ in 0..CONTENTION_TRIES_MAX {
            let expect = expected(found.as_ref());
            let policy = Policy {
                untagged: change.untagged,
                immutable_tags: change.immutable_tags.clone(),
                types: change.types.clone(),
                ..policy_of(found)
            };
            let item = Item::at(key.clone(), self.fresh_version(), Fact::Policy(policy));
            match self.table.put(item, expect, Durability::OnAnswer).await? {
                Written::Done => return Ok(()),
                Written::Refused(now) => found = now.map(|item| *item),
            }
        }
        Err(RegistryError::Contended)
    }
}

/// What a write of a policy that was read, or found absent, expects.
pub(crate) fn expected(found: Option<&Item>) -> Expect {
    match found.and_then(|item| item.version) {
        Some(version) => Expect::VersionIs(version),
        None => Expect::Absent,
    }
}

pub(crate) fn policy_of(item: Option<Item>) -> Policy {
    match item {
        Some(Item { fact: Fact::Policy(policy), .. }) => policy,
        _ => Policy::default(),
    }
}

/// Whether a tag that points to `current` may be pointed to another manifest.
pub(crate) fn check_may_move(policy: &Policy, tag: &Tag, current: &Digest) -> Result<(), RegistryError> {
    let Some(immutable) = &policy.immutable_tags else { return Ok(()) };
    if immutable.except.iter().any(|pattern| WildMatch::new(pattern).matches(tag.as_str())) {
        return Ok(());
    }
    Err(RegistryError::TagImmutable { tag: tag.clone(), current: current.clone() })
}
