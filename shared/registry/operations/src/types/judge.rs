//! Whether a manifest may be pushed, by its type.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use moorage_oci::Manifest;
use moorage_ports::facts::{AllowedTypes, Enforcement, GrantRecord, Policy, UnknownTypes};
use moorage_ports::{Fact, Item, Key, ObjectKey, PortError};
use moorage_types::{
    CONFIG_BYTES_MAX, Definition, Document, Finding, Resolved, Rule, Within, check_config, check_manifest,
    fits_any, is_config_checked,
};

use super::rules::Rules;
use crate::error::RegistryError;
use crate::push_manifest::ManifestPush;
use crate::registry::Push;
use crate::settings::TypeChecks;

/// What the rules on types say of a manifest that may be pushed.
#[derive(Clone, Default)]
pub(crate) struct Judged {
    pub(crate) artifact_type: Option<String>,
    pub(crate) warnings: Vec<Finding>,
    /// By what the content of its config is still to be checked, and how strictly.
    pub(crate) config: Option<(Arc<Definition>, Enforcement)>,
}

impl Push {
    /// The key of the registry's policy, where it is to be read along with whatever is read next.
    pub(crate) fn registry_policy_wanted(&self, now: Duration) -> Option<Key> {
        match self.settings().types {
            TypeChecks::ByPolicy => self.types.wanted(now),
            TypeChecks::Never => None,
        }
    }

    /// Judges a manifest by what it says itself.
    ///
    /// # Errors
    /// `TypeRefused`, with every reason.
    pub(crate) async fn judge(
        &self,
        push: &ManifestPush<'_>,
        manifest: &Manifest,
        policy: &Policy,
        registry_policy: Option<Option<Item>>,
        now: Duration,
    ) -> Result<Judged, RegistryError> {
        if self.settings().types == TypeChecks::Never {
            let artifact_type = manifest.resolved_type().map(str::to_owned);
            return Ok(Judged { artifact_type, ..Judged::default() });
        }
        let rules = self.types.of(&*self.table, push.repository, policy, registry_policy, now).await?;
        judge(&rules, manifest, &Document::read(&push.bytes))
    }

    /// Checks the content of the config, whose grant was just read under the manifest's hold.
    ///
    /// # Errors
    /// `TypeRefused`, with every reason.
    pub(crate) async fn judge_config(
        &self,
        judged: &mut Judged,
        grant: Option<&Item>,
    ) -> Result<(), RegistryError> {
        let Some((definition, enforcement)) = judged.config.take() else { return Ok(()) };
        let findings = match grant {
            Some(Item { fact: Fact::Grant(GrantRecord { object: Some(object), size, .. }), .. }) => {
                if *size > CONFIG_BYTES_MAX as u64 {
                    vec![unread(&format!("{size} bytes"), &format!("at most {CONFIG_BYTES_MAX} bytes"))]
                } else {
                    check_config(&definition, &self.content(object).await?)
                }
            }
            _ => vec![unread("nothing", "a config in this repository, pushed before the manifest")],
        };
        weigh(enforcement, findings, &mut judged.warnings)
    }
}

impl Push {
    /// A short object, whole.
    async fn content(&self, object: &ObjectKey) -> Result<Bytes, PortError> {
        let gone = || PortError::Corrupt(format!("{object}, the object of a live grant, is gone"));
        self.steps.object_bytes(object).await?.ok_or_else(gone)
    }
}

fn judge(rules: &Rules, manifest: &Manifest, document: &Document) -> Result<Judged, RegistryError> {
    let Resolved { artifact_type, definition } = rules.definitions.resolve(manifest, document);
    let mut judged = Judged { artifact_type, ..Judged::default() };
    let named = judged.artifact_type.as_deref();
    let not_listed = |patterns: &[String]| !named.is_some_and(|named| fits_any(patterns, named));
    match &rules.allowed {
        AllowedTypes::Only(patterns) if not_listed(patterns) => {
            let expected = format!("a type that this repository takes: {}", patterns.join(", "));
            return Err(RegistryError::TypeRefused {
                findings: vec![of_type(Rule::TypeNotAllowed, named, expected)],
            });
        }
        AllowedTypes::Any | AllowedTypes::Registered | AllowedTypes::Only(_) => {}
    }
    let Some(definition) = definition else {
        let unknown = match &rules.allowed {
            AllowedTypes::Registered => UnknownTypes::Deny,
            // It was named.
            AllowedTypes::Only(_) => UnknownTypes::Allow,
            AllowedTypes::Any => rules.unknown,
        };
        let enforcement = match unknown {
            UnknownTypes::Allow => Enforcement::Off,
            UnknownTypes::Warn => Enforcement::Warn,
            UnknownTypes::Deny => Enforcement::Enforce,
        };
        let expected = "a type with a definition; see GET /v2/_moorage/types".to_owned();
        weigh(enforcement, vec![of_type(Rule::TypeUnknown, named, expected)], &mut judged.warnings)?;
        return Ok(judged);
    };
    if rules.rules != Enforcement::Off {
        weigh(rules.rules, check_manifest(&definition, manifest, document), &mut judged.warnings)?;
    }
    if rules.config != Enforcement::Off && is_config_checked(&definition, manifest) {
        judged.config = Some((definition, rules.config));
    }
    Ok(judged)
}

fn weigh(
    enforcement: Enforcement,
    findings: Vec<Finding>,
    warnings: &mut Vec<Finding>,
) -> Result<(), RegistryError> {
    match enforcement {
        Enforcement::Off => {}
        Enforcement::Warn => warnings.extend(findings),
        Enforcement::Enforce if findings.is_empty() => {}
        Enforcement::Enforce => return Err(RegistryError::TypeRefused { findings }),
    }
    Ok(())
}

fn of_type(rule: Rule, found: Option<&str>, expected: String) -> Finding {
    let found = found.map_or_else(|| "no type".to_owned(), str::to_owned);
    Finding { within: Within::Manifest, pointer: String::new(), rule, found, expected }
}

fn unread(found: &str, expected: &str) -> Finding {
    Finding {
        within: Within::Manifest,
        pointer: "/config".to_owned(),
        rule: Rule::ConfigContent,
        found: found.to_owned(),
        expected: expected.to_owned(),
    }
}
