//! The definitions of a registry and of a repository: put, listed, read, deleted; and every version that was published.
//!
//! A definition, its published version and the new `definitions` value of the policy are one transaction: whoever reads
//! the policy afterwards reads the definitions anew.

use moorage_ports::facts::{Policy, RegistryPolicy, TypeRecord};
use moorage_ports::{
    Action, Expect, Fact, Item, Key, PortError, Query, SortRange, Timestamp, Transacted, TypesOf,
};
use moorage_types::{DefinedKind, Definition, Definitions};

use super::rules::{definition_of, is_off, registry_policy_of};
use crate::error::RegistryError;
use crate::policy::{expected, policy_of};
use crate::registry::{Pull, Push};
use crate::settings::CONTENTION_TRIES_MAX;

/// Definitions in one page, whatever was asked for.
const TYPES_IN_PAGE_MAX: usize = 200;

/// Where a definition comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DefinedBy {
    BuiltIn,
    Registry,
    Repository,
}

/// A definition, in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DefinedType {
    pub artifact_type: String,
    pub kind: DefinedKind,
    pub version: String,
    /// In English.
    pub title: String,
    pub by: DefinedBy,
    /// Built in, and switched off.
    pub is_off: bool,
}

/// Definitions in the order of their types.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DefinedTypesPage {
    pub types: Vec<DefinedType>,
    /// Whether there may be more after these.
    pub more: bool,
}

/// One version of a definition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishedType {
    pub version: String,
    pub since: Timestamp,
}

impl Pull {
    /// At most `limit` definitions after `last`: of a registry its own and those that are built in, of a repository its
    /// own.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn types(
        &self,
        of: TypesOf<'_>,
        limit: Option<usize>,
        last: Option<&str>,
    ) -> Result<DefinedTypesPage, RegistryError> {
        let limit = limit.unwrap_or(TYPES_IN_PAGE_MAX).min(TYPES_IN_PAGE_MAX);
        if limit == 0 {
            return Ok(DefinedTypesPage::default());
        }
        let mut range = SortRange::types(of);
        if let Some(last) = last {
            range = range.after_key(&Key::type_definition(of, last));
        }
        let page = self.table.query(&Query { range, limit }).await?;
        let by = match of {
            TypesOf::Registry => DefinedBy::Registry,
            TypesOf::Repository(_) => DefinedBy::Repository,
        };
        let mut types = Vec::new();
        for item in &page.items {
            types.push(listed(&definition_of(item)?, by, false));
        }
        let mut more = page.more;
        if let TypesOf::Registry = of {
            let policy = registry_policy_of(self.table.get(&Key::registry_policy()).await?);
            // What comes after the last of a page that goes on is for the next.
            let until = types.last().filter(|_| more).map(|last| last.artifact_type.clone());
            let built_in = Definitions::built_in();
            let here = built_in.iter().filter(|definition| {
                let name = definition.artifact_type.as_str();
                last.is_none_or(|last| name > last) && until.as_deref().is_none_or(|until| name <= until)
            });
            for definition in here {
                if !types.iter().any(|own| own.artifact_type == definition.artifact_type) {
                    let is_off = is_off(&policy, &definition.artifact_type);
                    types.push(listed(definition, DefinedBy::BuiltIn, is_off));
                }
            }
            types.sort_by(|one, other| one.artifact_type.cmp(&other.artifact_type));
            more |= types.len() > limit;
            types.truncate(limit);
        }
        Ok(DefinedTypesPage { types, more })
    }

    /// The definition of a type: of a repository its own, of a registry its own, else the one that is built in.
    ///
    /// # Errors
    /// `TypeUnknown`.
    pub async fn type_definition(
        &self,
        of: TypesOf<'_>,
        artifact_type: &str,
    ) -> Result<Definition, RegistryError> {
        if let Some(item) = self.table.get(&Key::type_definition(of, artifact_type)).await? {
            return Ok(definition_of(&item)?);
        }
        let built_in = match of {
            TypesOf::Registry => Definitions::built_in().get(artifact_type).cloned(),
            TypesOf::Repository(_) => None,
        };
        built_in.map(|definition| (*definition).clone()).ok_or_else(|| unknown(of, artifact_type))
    }

    /// Every version of a definition that was ever published here, in the byte order of the versions. Not those that are
    /// built in.
    ///
    /// # Errors
    /// `TypeUnknown` where there was none.
    pub async fn type_versions(
        &self,
        of: TypesOf<'_>,
        artifact_type: &str,
    ) -> Result<Vec<PublishedType>, RegistryError> {
        let mut published = Vec::new();
        let mut range = SortRange::type_versions(of, artifact_type);
        loop {
            let page = self.table.query(&Query { range: range.clone(), limit: TYPES_IN_PAGE_MAX }).await?;
            for item in &page.items {
                let Fact::Type(record) = &item.fact else {
                    return Err(PortError::Corrupt(format!("{:?} is no definition", item.key)).into());
                };
                published
                    .push(PublishedType { version: record.definition_version.clone(), since: record.since });
            }
            match page.rest(range) {
                Some(rest) => range = rest,
                None => break,
            }
        }
        if published.is_empty() {
            return Err(unknown(of, artifact_type));
        }
        Ok(published)
    }

    /// One version of a definition.
    ///
    /// # Errors
    /// `TypeUnknown`.
    pub async fn type_version(
        &self,
        of: TypesOf<'_>,
        artifact_type: &str,
        version: &str,
    ) -> Result<Definition, RegistryError> {
        let item = self.table.get(&Key::type_version(of, artifact_type, version)).await?;
        let item = item.ok_or_else(|| unknown(of, &format!("{artifact_type}, version {version}")))?;
        Ok(definition_of(&item)?)
    }
}

impl Push {
    /// Puts a definition, which holds from the next push on (a registry's: within
    /// [`REGISTRY_POLICY_AGE_MAX`](super::REGISTRY_POLICY_AGE_MAX)).
    ///
    /// # Errors
    /// `VersionPublished` where this version was published and said something else.
    pub async fn put_type(&self, of: TypesOf<'_>, definition: &Definition) -> Result<(), RegistryError> {
        let artifact_type = &definition.artifact_type;
        let record = TypeRecord {
            artifact_type: artifact_type.clone(),
            definition_version: definition.version.clone(),
            since: self.now(),
            definition: definition.to_json(),
        };
        let published_key = Key::type_version(of, artifact_type, &definition.version);
        for _ in 0..CONTENTION_TRIES_MAX {
            let keys = [policy_key(of), published_key.clone(), Key::type_definition(of, artifact_type)];
            let mut found = self.table.batch_get(&keys).await?;
            let (policy, current) = (found.swap_remove(0), found.swap_remove(0));
            let published = found.swap_remove(0);
            let mut actions = Vec::new();
            match published.as_ref().map(|item| &item.fact) {
                None => {
                    let item = Item::once(published_key.clone(), Fact::Type(record.clone()));
                    actions.push(Action::Put(item, Expect::Absent));
                }
                Some(Fact::Type(published)) if published.definition == record.definition => {
                    let is_current = matches!(
                        current.as_ref().map(|item| &item.fact),
                        Some(Fact::Type(current)) if current.definition == record.definition
                    );
                    if is_current {
                        return Ok(());
                    }
                }
                Some(_) => {
                    let (artifact_type, version) = (artifact_type.clone(), definition.version.clone());
                    return Err(RegistryError::VersionPublished { artifact_type, version });
                }
            }
            let item = Item::once(keys[2].clone(), Fact::Type(record.clone()));
            actions.push(Action::Put(item, Expect::Anything));
            actions.push(self.changed_definitions(of, policy));
            if let Transacted::Done = self.table.transact(actions).await? {
                return Ok(());
            }
        }
        Err(RegistryError::Contended)
    }

    /// Deletes a definition; its published versions stay readable. Where one is built in, that holds again.
    ///
    /// # Errors
    /// `TypeUnknown`, or `TypeBuiltIn` where it is not the registry's own.
    pub async fn delete_type(&self, of: TypesOf<'_>, artifact_type: &str) -> Result<(), RegistryError> {
        let key = Key::type_definition(of, artifact_type);
        for _ in 0..CONTENTION_TRIES_MAX {
            let mut found = self.table.batch_get(&[policy_key(of), key.clone()]).await?;
            let (current, policy) = (found.pop().flatten(), found.pop().flatten());
            if current.is_none() {
                let is_built_in =
                    of == TypesOf::Registry && Definitions::built_in().get(artifact_type).is_some();
                let artifact_type = artifact_type.to_owned();
                return Err(if is_built_in {
                    RegistryError::TypeBuiltIn { artifact_type }
                } else {
                    unknown(of, &artifact_type)
                });
            }
            let actions =
                vec![Action::Delete(key.clone(), Expect::Anything), self.changed_definitions(of, policy)];
            if let Transacted::Done = self.table.transact(actions).await? {
                return Ok(());
            }
        }
        Err(RegistryError::Contended)
    }

    /// The policy with a fresh mark of its definitions, on the version that was read.
    fn changed_definitions(&self, of: TypesOf<'_>, policy: Option<Item>) -> Action {
        let expect = expected(policy.as_ref());
        let definitions = Some(self.fresh_version());
        let fact = match of {
            TypesOf::Registry => {
                Fact::RegistryPolicy(RegistryPolicy { definitions, ..registry_policy_of(policy) })
            }
            TypesOf::Repository(_) => Fact::Policy(Policy { definitions, ..policy_of(policy) }),
        };
        Action::Put(Item::at(policy_key(of), self.fresh_version(), fact), expect)
    }
}

fn policy_key(of: TypesOf<'_>) -> Key {
    match of {
        TypesOf::Registry => Key::registry_policy(),
        TypesOf::Repository(repository) => Key::policy(repository),
    }
}

fn listed(definition: &Definition, by: DefinedBy, is_off: bool) -> DefinedType {
    DefinedType {
        artifact_type: definition.artifact_type.clone(),
        kind: definition.kind,
        version: definition.version.clone(),
        title: definition.title.get("en").cloned().unwrap_or_default(),
        by,
        is_off,
    }
}

fn unknown(of: TypesOf<'_>, artifact_type: &str) -> RegistryError {
    let path = match of {
        TypesOf::Registry => "/v2/_moorage/types".to_owned(),
        TypesOf::Repository(repository) => format!("/v2/{repository}/_moorage/types"),
    };
    RegistryError::TypeUnknown { artifact_type: artifact_type.to_owned(), path }
}
