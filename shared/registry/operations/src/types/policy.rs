//! The policy of the whole registry.

use moorage_ports::facts::{RegistryPolicy, TypePolicy};
use moorage_ports::{Durability, Fact, Item, Key, Written};

use super::rules::registry_policy_of;
use crate::error::RegistryError;
use crate::policy::expected;
use crate::registry::{Pull, Push};
use crate::settings::CONTENTION_TRIES_MAX;

/// What of the registry's policy its owner may set.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RegistryPolicyChange {
    pub types: TypePolicy,
    pub types_off: Vec<String>,
}

impl Pull {
    /// The registry's policy; one that was never set is the default.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn registry_policy(&self) -> Result<RegistryPolicy, RegistryError> {
        Ok(registry_policy_of(self.table.get(&Key::registry_policy()).await?))
    }
}

impl Push {
    /// Sets the registry's policy, which holds everywhere within
    /// [`REGISTRY_POLICY_AGE_MAX`](super::REGISTRY_POLICY_AGE_MAX).
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn set_registry_policy(&self, change: RegistryPolicyChange) -> Result<(), RegistryError> {
        let key = Key::registry_policy();
        let mut found = self.table.get(&key).await?;
        for _ in 0..CONTENTION_TRIES_MAX {
            let expect = expected(found.as_ref());
            let policy = RegistryPolicy {
                types: change.types.clone(),
                types_off: change.types_off.clone(),
                definitions: registry_policy_of(found).definitions,
            };
            let item = Item::at(key.clone(), self.fresh_version(), Fact::RegistryPolicy(policy));
            match self.table.put(item, expect, Durability::OnAnswer).await? {
                Written::Done => return Ok(()),
                Written::Refused(now) => found = now.map(|item| *item),
            }
        }
        Err(RegistryError::Contended)
    }
}
