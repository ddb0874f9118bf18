//! Artifact types: which may be pushed and what is demanded of them, and the management of their definitions.

mod judge;
mod manage;
mod policy;
mod rules;

pub(crate) use judge::Judged;
pub use manage::{DefinedBy, DefinedType, DefinedTypesPage, PublishedType};
pub use policy::RegistryPolicyChange;
pub use rules::REGISTRY_POLICY_AGE_MAX;
pub(crate) use rules::TypeRules;
