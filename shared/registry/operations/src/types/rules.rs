//! The rules on types that hold for a repository, without a read of their own: its policy is read with whatever a push
//! reads anyway, the registry's along with it when what is remembered of that is older than
//! [`REGISTRY_POLICY_AGE_MAX`]. Definitions are read only when the policy says that they changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moorage_oci::RepositoryName;
use moorage_ports::facts::{AllowedTypes, Enforcement, Policy, RegistryPolicy, UnknownTypes};
use moorage_ports::{Fact, Item, Key, PortError, Query, ReadTable, SortRange, TypesOf, Version};
use moorage_types::{Definition, Definitions, Overlay, fits_any};

/// So long after a change of the registry's policy or definitions a process may still go by the old ones. A change of a
/// repository's holds from the next push on.
pub const REGISTRY_POLICY_AGE_MAX: Duration = Duration::from_secs(5);

/// Repositories whose own definitions a process remembers. A mere bound: what is forgotten is read again.
const REPOSITORIES_REMEMBERED_MAX: usize = 256;

/// Definitions in one page of a query.
const DEFINITIONS_IN_PAGE: usize = 100;

/// What one process remembers of the rules on types.
pub(crate) struct TypeRules(Mutex<Remembered>);

struct Remembered {
    registry: Option<RegistryRules>,
    repositories: HashMap<RepositoryName, RepositoryDefinitions>,
}

#[derive(Clone)]
struct RegistryRules {
    read_at: Duration,
    policy: RegistryPolicy,
    definitions: Arc<Definitions>,
}

/// A repository's own definitions over the registry's.
#[derive(Clone)]
struct RepositoryDefinitions {
    own: Version,
    registry: Arc<Definitions>,
    all: Arc<Definitions>,
}

/// The rules for one repository at one moment.
pub(crate) struct Rules {
    pub(crate) allowed: AllowedTypes,
    pub(crate) unknown: UnknownTypes,
    pub(crate) rules: Enforcement,
    pub(crate) config: Enforcement,
    pub(crate) definitions: Arc<Definitions>,
}

impl TypeRules {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Remembered { registry: None, repositories: HashMap::new() }))
    }

    /// The key to read along with whatever is read next.
    pub(crate) fn wanted(&self, now: Duration) -> Option<Key> {
        let remembered = self.remembered();
        let is_fresh = remembered
            .registry
            .as_ref()
            .is_some_and(|known| now.saturating_sub(known.read_at) < REGISTRY_POLICY_AGE_MAX);
        (!is_fresh).then(Key::registry_policy)
    }

    /// The rules that hold for a repository. `own` is its policy, `read` the registry's where that was
    /// [wanted](Self::wanted); `now` is when the reading began.
    pub(crate) async fn of(
        &self,
        table: &dyn ReadTable,
        repository: &RepositoryName,
        own: &Policy,
        read: Option<Option<Item>>,
        now: Duration,
    ) -> Result<Rules, PortError> {
        let registry = self.registry(table, read, now).await?;
        let definitions = match own.definitions {
            None => registry.definitions.clone(),
            Some(version) => self.own(table, repository, version, &registry.definitions).await?,
        };
        let (own, common) = (&own.types, registry.policy.types);
        Ok(Rules {
            allowed: own.allowed.clone().or(common.allowed).unwrap_or_default(),
            unknown: own.unknown.or(common.unknown).unwrap_or_default(),
            rules: own.rules.or(common.rules).unwrap_or_default(),
            config: own.config.or(common.config).unwrap_or_default(),
            definitions,
        })
    }

    async fn registry(
        &self,
        table: &dyn ReadTable,
        read: Option<Option<Item>>,
        now: Duration,
    ) -> Result<RegistryRules, PortError> {
        let known = self.remembered().registry.clone();
        let policy = match (read, known.as_ref()) {
            (Some(item), _) => registry_policy_of(item),
            (None, Some(known)) => return Ok(known.clone()),
            (None, None) => registry_policy_of(table.get(&Key::registry_policy()).await?),
        };
        let definitions = match known {
            Some(known) if is_same(&known.policy, &policy) => known.definitions,
            _ => registry_definitions(table, &policy).await?,
        };
        let fresh = RegistryRules { read_at: now, policy, definitions };
        let mut remembered = self.remembered();
        // Another request may have read a newer one meanwhile.
        match &remembered.registry {
            Some(newer) if newer.read_at > now => {}
            _ => remembered.registry = Some(fresh.clone()),
        }
        Ok(fresh)
    }

    async fn own(
        &self,
        table: &dyn ReadTable,
        repository: &RepositoryName,
        version: Version,
        registry: &Arc<Definitions>,
    ) -> Result<Arc<Definitions>, PortError> {
        let known = self.remembered().repositories.get(repository).cloned();
        if let Some(known) =
            known.filter(|known| known.own == version && Arc::ptr_eq(&known.registry, registry))
        {
            return Ok(known.all);
        }
        let own = definitions(table, TypesOf::Repository(repository)).await?;
        let all = Arc::new(registry.with(own.into_iter().map(|own| Overlay::Put(Box::new(own)))));
        let mut remembered = self.remembered();
        if remembered.repositories.len() >= REPOSITORIES_REMEMBERED_MAX {
            remembered.repositories.clear();
        }
        let fresh = RepositoryDefinitions { own: version, registry: registry.clone(), all: all.clone() };
        remembered.repositories.insert(repository.clone(), fresh);
        Ok(all)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_same(one: &RegistryPolicy, other: &RegistryPolicy) -> bool {
    one.definitions == other.definitions && one.types_off == other.types_off
}

pub(crate) fn registry_policy_of(item: Option<Item>) -> RegistryPolicy {
    match item {
        Some(Item { fact: Fact::RegistryPolicy(policy), .. }) => policy,
        _ => RegistryPolicy::default(),
    }
}

/// The built-in definitions that were not switched off, and the registry's own over them.
async fn registry_definitions(
    table: &dyn ReadTable,
    policy: &RegistryPolicy,
) -> Result<Arc<Definitions>, PortError> {
    let built_in = Definitions::built_in();
    if policy.definitions.is_none() && policy.types_off.is_empty() {
        return Ok(built_in);
    }
    let off = built_in
        .iter()
        .filter(|definition| is_off(policy, &definition.artifact_type))
        .map(|definition| Overlay::Off(definition.artifact_type.clone()));
    let own = match policy.definitions {
        Some(_) => definitions(table, TypesOf::Registry).await?,
        None => Vec::new(),
    };
    let own = own.into_iter().map(|definition| Overlay::Put(Box::new(definition)));
    Ok(Arc::new(built_in.with(off.chain(own))))
}

/// Whether the owner of the registry switched a built-in definition off.
pub(crate) fn is_off(policy: &RegistryPolicy, artifact_type: &str) -> bool {
    fits_any(&policy.types_off, artifact_type)
}

async fn definitions(table: &dyn ReadTable, of: TypesOf<'_>) -> Result<Vec<Definition>, PortError> {
    let mut definitions = Vec::new();
    let mut range = SortRange::types(of);
    loop {
        let page = table.query(&Query { range: range.clone(), limit: DEFINITIONS_IN_PAGE }).await?;
        for item in &page.items {
            definitions.push(definition_of(item)?);
        }
        match page.rest(range) {
            Some(rest) => range = rest,
            None => return Ok(definitions),
        }
    }
}

/// What an item of a definition says; it was checked when it was put.
pub(crate) fn definition_of(item: &Item) -> Result<Definition, PortError> {
    let damaged = || PortError::Corrupt(format!("{:?} is no definition of a type", item.key));
    let Fact::Type(record) = &item.fact else { return Err(damaged()) };
    moorage_types::stored(&record.definition).ok_or_else(damaged)
}
