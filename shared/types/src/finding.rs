//! What is wrong with an artifact, by the definition of its type.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One reason why an artifact is not what its type demands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub within: Within,
    /// JSON pointer to what is wrong; the empty text is the whole.
    pub pointer: String,
    pub rule: Rule,
    /// What stands there, shortened; `nothing` where nothing does.
    pub found: String,
    /// What should.
    pub expected: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let within = match self.within {
            Within::Manifest => "",
            Within::Config => "config ",
        };
        let pointer = if self.pointer.is_empty() { "the whole" } else { &self.pointer };
        write!(f, "{within}{pointer}: found {}, expected {}", self.found, self.expected)
    }
}

/// Which document a finding's pointer points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Within {
    Manifest,
    /// The content of the manifest's config.
    Config,
}

/// The rules of the format; on the wire each is its name with hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The policy does not allow this type.
    TypeNotAllowed,
    /// No definition of this type is known.
    TypeUnknown,
    /// A manifest where the type is an index's, or the other way round.
    Kind,
    ConfigType,
    ConfigRequired,
    ConfigNotAllowed,
    /// The config's content does not satisfy the schema, or is no JSON, or is too long to be looked at.
    ConfigContent,
    /// A layer fits no rule, and others may not come.
    LayerType,
    LayersTooFew,
    LayersTooMany,
    /// An entry fits no rule, and others may not come.
    EntryType,
    EntriesTooFew,
    EntriesTooMany,
    EntryOrder,
    EntryPlatform,
    EntryLocation,
    SubjectRequired,
    SubjectNotAllowed,
}
