//! What a definition of an artifact type says: the fields of its JSON file (`samples/types/README.md` explains
//! each, `samples/types/artifact-type.schema.json` is the schema of the file).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config_schema::ConfigSchema;

/// One artifact type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Definition {
    /// Where the schema of this file is, for editors; not looked at.
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none", default)]
    pub schema: Option<String>,
    /// The identifying type, a media type by RFC 6838: what the definition is known under.
    #[serde(rename = "type")]
    pub artifact_type: String,
    /// Further types that mean the same, such as those of earlier versions.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub also: Vec<String>,
    pub kind: DefinedKind,
    /// Of this definition. What was published under a version never changes.
    pub version: String,
    /// For people, by locale (BCP 47); `en` at least.
    pub title: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub description: BTreeMap<String, String>,
    /// How to tell the type where a document does not say it: any of these.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub recognized_by: Vec<Recognition>,
    /// Left out: any config, or none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub config: Option<ConfigRule>,
    /// Of a manifest. Left out: any layers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub layers: Option<LayersRule>,
    /// Of an index. Left out: any entries.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub entries: Option<EntriesRule>,
    /// Whether artifacts of this type are about another one.
    #[serde(skip_serializing_if = "Presence::is_optional", default)]
    pub subject: Presence,
    /// An SVG.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub logo: Option<String>,
    /// The command that gets such an artifact; `{registry}`, `{repository}`, `{tag}` and `{digest}` stand for what they
    /// say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub get: Option<String>,
    #[serde(skip_serializing_if = "Links::is_empty", default)]
    pub links: Links,
}

impl Definition {
    /// As it is stored: compact JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("our own values are JSON")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DefinedKind {
    Manifest,
    Index,
}

/// Whether something must, may or must not be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Presence {
    Required,
    #[default]
    Optional,
    Absent,
}

impl Presence {
    #[must_use]
    pub fn is_optional(&self) -> bool {
        *self == Self::Optional
    }
}

/// One way to tell a type by what is in a document. All that is said must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Recognition {
    /// The types that say too little: only a document of one of these is looked at.
    pub instead_of: Vec<String>,
    /// Patterns (`*`: any characters): a layer of such a type is there.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub layer_types: Vec<String>,
    /// Annotations of the document, with patterns of their values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub annotations: BTreeMap<String, String>,
}

/// What the config may be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConfigRule {
    /// Patterns. Empty: any type.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub media_types: Vec<String>,
    /// Of a config with content: an empty descriptor, a config without a digest and none at all are absent.
    #[serde(skip_serializing_if = "Presence::is_optional", default)]
    pub presence: Presence,
    /// A JSON Schema (draft 2020-12) that a config with content must satisfy; see `bounds`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub schema: Option<ConfigSchema>,
}

/// What layers there may be. They have no order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LayersRule {
    /// A layer counts for the first of these that it fits.
    pub of: Vec<LayerRule>,
    /// Whether layers that fit none may come too.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub others: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LayerRule {
    /// Patterns.
    pub media_types: Vec<String>,
    #[serde(skip_serializing_if = "is_zero", default)]
    pub min: u32,
    /// Left out: any number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max: Option<u32>,
    /// For people, by locale.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub title: BTreeMap<String, String>,
}

/// What entries an index may have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EntriesRule {
    /// An entry counts for the first of these that it fits.
    pub of: Vec<EntryRule>,
    /// Whether entries that fit none may come too.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub others: bool,
    /// Whether entries come in the order of the rules.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub ordered: bool,
}

/// One role in an index. An entry fits when it has one of the media types, one of the artifact types and all of the
/// annotations, as far as these are given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EntryRule {
    /// What findings call it.
    pub role: String,
    /// Patterns.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub media_types: Vec<String>,
    /// Patterns, of the descriptor's `artifactType`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub artifact_types: Vec<String>,
    /// Of the descriptor, with patterns of their values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "is_zero", default)]
    pub min: u32,
    /// Left out: any number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max: Option<u32>,
    /// Whether it must say its platform.
    #[serde(skip_serializing_if = "Presence::is_optional", default)]
    pub platform: Presence,
    #[serde(skip_serializing_if = "Location::is_either", default)]
    pub location: Location,
}

/// Where the content of an entry is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Location {
    /// In the index's own repository.
    Local,
    /// Elsewhere: the entry is flagged as remote.
    Remote,
    #[default]
    Either,
}

impl Location {
    #[must_use]
    pub fn is_either(&self) -> bool {
        *self == Self::Either
    }
}

/// Where to read on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Links {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub specification: Option<String>,
    /// Programs that make or use such artifacts.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tools: Vec<String>,
    /// Where to get the client that `get` names.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client: Option<String>,
}

impl Links {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}
