//! What is wrong with the content of a config by the definition of its type.

use moorage_oci::Manifest;
use serde_json::Value;

use crate::bounds;
use crate::breach;
use crate::config_schema::{ConfigSchema, Ready};
use crate::definition::Definition;
use crate::finding::{Finding, Rule, Within};
use crate::pattern::fits_any;
use crate::words::excerpt;

/// A longer config is not looked at, which is a finding where the definition has a schema.
pub const CONFIG_BYTES_MAX: usize = 256 * 1024;

const FINDINGS_MAX: usize = 20;

/// How often any value of a content may be looked at by any part of a schema: about a second's work at worst. An image
/// config of 2,000 values with a schema of 500 parts is at a twentieth of it.
const LOOKS_MAX: u64 = 20_000_000;

/// What the errors of a content may take in memory, in bytes, at worst: each look may end in one of a few hundred bytes,
/// and where there are alternatives, in a copy of the content. Over it, only whether the content is right is said.
const ERROR_BYTES_MAX: u64 = 64 * 1024 * 1024;
const BYTES_AN_ERROR: u64 = 256;

/// Everything that is wrong with a config's content, at most 20 findings; nothing where the definition has no schema for
/// it. Content that is longer than [`CONFIG_BYTES_MAX`], or no JSON, is one finding.
#[must_use]
pub fn check_config(definition: &Definition, content: &[u8]) -> Vec<Finding> {
    let schema = definition.config.as_ref().and_then(|config| config.schema.as_ref());
    schema.map_or_else(Vec::new, |schema| check(schema, content))
}

/// Whether the content of this manifest's config is to be checked: the definition has a schema for it, and there is one
/// with content, of a type that the definition takes.
#[must_use]
pub fn is_config_checked(definition: &Definition, manifest: &Manifest) -> bool {
    let Some(rule) = definition.config.as_ref().filter(|rule| rule.schema.is_some()) else { return false };
    let media_type = manifest.config_media_type().unwrap_or_default();
    manifest.has_config() && (rule.media_types.is_empty() || fits_any(&rule.media_types, media_type))
}

fn check(schema: &ConfigSchema, content: &[u8]) -> Vec<Finding> {
    if content.len() > CONFIG_BYTES_MAX {
        let found = format!("{} bytes", content.len());
        return whole(found, format!("at most {CONFIG_BYTES_MAX} bytes: a longer config is not looked at"));
    }
    let content_bytes = content.len() as u64;
    let content = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content);
    let value: Value = match serde_json::from_slice(content) {
        Ok(value) => value,
        Err(error) => return whole(excerpt(&error.to_string()), "JSON"),
    };
    let Some(Ready { validator, weight }) = schema.ready() else {
        return whole(
            "a config",
            "another version of the type's definition: its schema is not one that is taken",
        );
    };
    let values = bounds::count_values(&value) as u64 + 1;
    let looks = values * weight;
    if looks > LOOKS_MAX {
        let found = format!("{values} values");
        return whole(found, format!("at most {}, by the size of the schema", LOOKS_MAX / weight));
    }
    if validator.is_valid(&value) {
        return Vec::new();
    }
    if looks * BYTES_AN_ERROR + weight * content_bytes > ERROR_BYTES_MAX {
        return whole(
            format!("{values} values"),
            "what the schema demands; the config is too large to say where it does not",
        );
    }
    let breaches = validator.iter_errors(&value).flat_map(|error| breach::of(&error));
    breaches.take(FINDINGS_MAX).map(|breach| finding(breach.pointer, breach.found, breach.expected)).collect()
}

fn whole(found: impl Into<String>, expected: impl Into<String>) -> Vec<Finding> {
    vec![finding(String::new(), found.into(), expected.into())]
}

fn finding(pointer: String, found: String, expected: String) -> Finding {
    Finding { within: Within::Config, pointer, rule: Rule::ConfigContent, found, expected }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
