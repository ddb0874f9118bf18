//! Artifact types as data. A type is a JSON file, a [`Definition`]; this crate reads and checks such files
//! ([`read`]), knows those that are shipped ([`Definitions::built_in`]), tells which type a manifest has
//! ([`Definitions::resolve`]: the one place) and what is wrong with it by its type ([`check_manifest`], [`check_config`]).
//!
//! No I/O, no clock, no storage. A definition comes from outside: nothing in it can fetch anything or be made to run long
//! (`bounds.rs`), and its logo is written anew (`logo.rs`).

mod bounds;
mod breach;
mod built_in;
mod check;
mod config;
mod config_schema;
mod definition;
mod definitions;
mod document;
mod finding;
mod logo;
mod meaning;
mod pattern;
mod read;
mod resolve;
mod source;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod words;

pub use check::check_manifest;
pub use config::{CONFIG_BYTES_MAX, check_config, is_config_checked};
pub use config_schema::ConfigSchema;
pub use definition::{
    ConfigRule, DefinedKind, Definition, EntriesRule, EntryRule, LayerRule, LayersRule, Links, Location,
    Presence, Recognition,
};
pub use definitions::{Definitions, Overlay};
pub use document::{Document, List, Listed};
pub use finding::{Finding, Rule, Within};
pub use logo::{UnsafeLogo, clean_logo};
pub use pattern::fits_any;
pub use read::{DEFINITION_BYTES_MAX, Fault, SCHEMA, read, stored};
pub use resolve::Resolved;

#[cfg(test)]
mod tests {
    use proptest::prelude::ProptestConfig;

    use crate::Definition;

    /// Few cases, so that the whole crate is tested in a second or two, and no file of regressions in the source tree.
    pub(crate) fn quick() -> ProptestConfig {
        ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() }
    }

    /// A definition of these fields, with others where it must have some.
    pub(crate) fn definition(fields: &str) -> Definition {
        let others = r#"{"kind": "manifest", "version": "1.0.0", "title": {"en": "A type"}}"#;
        let mut value: serde_json::Value = serde_json::from_str(others).expect("JSON");
        let fields: serde_json::Value = serde_json::from_str(fields).expect("JSON");
        for (name, field) in fields.as_object().expect("an object") {
            value[name] = field.clone();
        }
        crate::read(value.to_string().as_bytes()).unwrap_or_else(|faults| panic!("{fields}: {faults:?}"))
    }
}
