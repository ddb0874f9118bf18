//! Which artifact types may be pushed, as policies say it on the wire; and `_moorage/policy`, the registry's own.

use http::{Response, StatusCode};
use moorage_operations::{RegistryError, RegistryPolicyChange};
use moorage_ports::facts::{AllowedTypes, Enforcement, TypePolicy, UnknownTypes};
use serde::{Deserialize, Serialize};

use super::policy::policy_document;
use crate::answer::Answer;
use crate::body::AnswerBody;
use crate::registry::Registry;
use crate::request::Incoming;

/// The policy of types on the wire. What is left out is as the registry says, and what that leaves out as by default.
#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct TypesDocument {
    /// `any`, `registered`, or a list of types in which `*` stands for any characters.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    allowed: Option<Allowed>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    unknown: Option<UnknownTypes>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    rules: Option<Enforcement>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    config: Option<Enforcement>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected `any`, `registered` or a list of types")]
enum Allowed {
    One(Word),
    Only(Vec<String>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Word {
    Any,
    Registered,
}

impl TypesDocument {
    pub(super) fn is_silent(&self) -> bool {
        TypePolicy::from(self).is_silent()
    }
}

impl From<&TypePolicy> for TypesDocument {
    fn from(policy: &TypePolicy) -> Self {
        Self {
            allowed: policy.allowed.as_ref().map(|allowed| match allowed {
                AllowedTypes::Any => Allowed::One(Word::Any),
                AllowedTypes::Registered => Allowed::One(Word::Registered),
                AllowedTypes::Only(types) => Allowed::Only(types.clone()),
            }),
            unknown: policy.unknown,
            rules: policy.rules,
            config: policy.config,
        }
    }
}

impl From<&TypesDocument> for TypePolicy {
    fn from(document: &TypesDocument) -> Self {
        Self {
            allowed: document.allowed.as_ref().map(|allowed| match allowed {
                Allowed::One(Word::Any) => AllowedTypes::Any,
                Allowed::One(Word::Registered) => AllowedTypes::Registered,
                Allowed::Only(types) => AllowedTypes::Only(types.clone()),
            }),
            unknown: document.unknown,
            rules: document.rules,
            config: document.config,
        }
    }
}

/// The registry's policy on the wire.
#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RegistryDocument {
    #[serde(default)]
    types: RegistryTypes,
}

/// As a repository's, and which of the built-in definitions do not hold.
#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RegistryTypes {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    allowed: Option<Allowed>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    unknown: Option<UnknownTypes>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    rules: Option<Enforcement>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    config: Option<Enforcement>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    off: Vec<String>,
}

impl Registry {
    /// `GET /v2/_moorage/policy`
    pub(crate) async fn get_registry_policy(&self) -> Result<Response<AnswerBody>, RegistryError> {
        let policy = self.pull()?.registry_policy().await?;
        let TypesDocument { allowed, unknown, rules, config } = TypesDocument::from(&policy.types);
        let types = RegistryTypes { allowed, unknown, rules, config, off: policy.types_off };
        Ok(Answer::new(StatusCode::OK).json("application/json", &RegistryDocument { types }))
    }

    /// `PUT /v2/_moorage/policy`
    pub(crate) async fn put_registry_policy(
        &self,
        incoming: Incoming,
    ) -> Result<Response<AnswerBody>, RegistryError> {
        let RegistryTypes { allowed, unknown, rules, config, off } =
            policy_document::<RegistryDocument>(incoming).await?.types;
        let types = TypePolicy::from(&TypesDocument { allowed, unknown, rules, config });
        self.push()?.set_registry_policy(RegistryPolicyChange { types, types_off: off }).await?;
        Ok(Answer::new(StatusCode::NO_CONTENT).bare())
    }
}
