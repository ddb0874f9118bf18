//! The keys of artifact types: a registry's definitions and policy, a repository's definitions.

use moorage_oci::RepositoryName;

use super::{Key, POLICY, SortRange, repository_partition, type_in_key};

const TYPES: &str = "types";
const CURRENT: &str = "type#";
const PUBLISHED: &str = "type-version#";

/// Whose definitions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TypesOf<'a> {
    Registry,
    Repository(&'a RepositoryName),
}

impl TypesOf<'_> {
    fn partition(self) -> String {
        match self {
            Self::Registry => TYPES.to_owned(),
            Self::Repository(repository) => repository_partition(repository),
        }
    }
}

impl Key {
    /// The registry's policy: `moorage / policy`.
    #[must_use]
    pub fn registry_policy() -> Self {
        Self::new("moorage", POLICY)
    }

    /// A definition that holds now. A repository's own lies under the repository, the registry's here:
    /// `types / type#application/spdx+json`.
    #[must_use]
    pub fn type_definition(of: TypesOf<'_>, artifact_type: &str) -> Self {
        Self::new(of.partition(), format!("{CURRENT}{}", type_in_key(artifact_type)))
    }

    /// A version of one, kept for ever: `types / type-version#application/spdx+json#1.0.0`.
    #[must_use]
    pub fn type_version(of: TypesOf<'_>, artifact_type: &str, version: &str) -> Self {
        Self::new(of.partition(), format!("{PUBLISHED}{}#{version}", type_in_key(artifact_type)))
    }
}

impl SortRange {
    /// The definitions that hold now.
    #[must_use]
    pub fn types(of: TypesOf<'_>) -> Self {
        Self::new(of.partition(), CURRENT)
    }

    /// All that a type's definition ever was, in the byte order of their versions.
    #[must_use]
    pub fn type_versions(of: TypesOf<'_>, artifact_type: &str) -> Self {
        Self::new(of.partition(), format!("{PUBLISHED}{}#", type_in_key(artifact_type)))
    }
}
