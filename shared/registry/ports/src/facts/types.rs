//! What the table says of artifact types: their definitions, and which may be pushed.

use serde::{Deserialize, Serialize};

use crate::value::{Timestamp, Version};

/// A definition, as it was put.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TypeRecord {
    /// The type itself; a key may have its hash.
    pub artifact_type: String,
    /// Of the definition, as its author wrote it.
    pub definition_version: String,
    pub since: Timestamp,
    /// The definition in JSON.
    pub definition: String,
}

/// The policy of the whole registry, for all that a repository's own does not say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, Default)]
pub struct RegistryPolicy {
    /// Always written: an item has a field at least.
    #[serde(default)]
    pub types: TypePolicy,
    /// Patterns of built-in definitions that do not hold here; `*` stands for any characters.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub types_off: Vec<String>,
    /// Fresh whenever a definition of the registry is put or deleted; `None` while it never had one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub definitions: Option<Version>,
}

/// Which types may be pushed, and what of their definitions is demanded. What is `None` is as the registry's policy
/// says, and what that leaves open as its `default`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, Default)]
pub struct TypePolicy {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub allowed: Option<AllowedTypes>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unknown: Option<UnknownTypes>,
    /// The rules on a document: layers, entries, config, subject.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rules: Option<Enforcement>,
    /// The schema of the config's content: costs a read of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub config: Option<Enforcement>,
}

impl TypePolicy {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum AllowedTypes {
    #[default]
    Any,
    /// Those with a definition.
    Registered,
    /// Those that fit one of these patterns; `*` stands for any characters.
    Only(Vec<String>),
}

/// What becomes of a push of a type without a definition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownTypes {
    /// As the image specification demands.
    #[default]
    Allow,
    Warn,
    Deny,
}

/// What becomes of a push that breaks a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    #[default]
    Off,
    Warn,
    Enforce,
}
