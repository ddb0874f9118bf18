//! A definition, read from the text that someone wrote: all that is wrong with it is said at once, and where.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

use crate::bounds;
use crate::breach::{self, Breach, BreachKind};
use crate::definition::Definition;
use crate::logo::clean_logo;
use crate::meaning;
use crate::source::{Position, Source};
use crate::words::{excerpt, unescaped};

/// The JSON Schema of a definition's file, which is published.
pub const SCHEMA: &str = include_str!("../../../samples/types/artifact-type.schema.json");

/// Of a definition's file.
pub const DEFINITION_BYTES_MAX: usize = 128 * 1024;

/// A file may be wrong in thousands of places; so many are told.
const FAULTS_MAX: usize = 100;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(SCHEMA).expect("a schema that is tested");
    bounds::compile(&schema).unwrap_or_else(|error| panic!("a schema that is tested: {error}"))
});

/// Something that is wrong with the file of a definition.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[error("{line}:{column}: {pointer}: {problem}")]
pub struct Fault {
    /// JSON pointer; empty for the whole.
    pub pointer: String,
    /// From 1 on; 0 where the text could not be read at all.
    pub line: usize,
    /// In characters, from 1 on; 0 where the text could not be read at all.
    pub column: usize,
    /// What is wrong, and what to do about it.
    pub problem: String,
}

/// Reads a definition. Its logo is [cleaned](clean_logo).
///
/// # Errors
/// Everything that is wrong, at most 100 faults, in the order of the text.
pub fn read(bytes: &[u8]) -> Result<Definition, Vec<Fault>> {
    let text = text(bytes).map_err(|fault| vec![fault])?;
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let problem = format!("this is not JSON: {}", excerpt(&error.to_string()));
        vec![Fault { pointer: String::new(), line: error.line(), column: error.column(), problem }]
    })?;

    let mut found = Found { source: Source { text }, faults: Vec::new() };
    for pointer in found.source.duplicates() {
        found.add(&pointer, "is there twice in one object: remove one of them");
    }
    let breaches = VALIDATOR.iter_errors(&value).flat_map(|error| breach::of(&error));
    for breach in breaches.take(FAULTS_MAX) {
        found.breach(&breach);
    }
    let right_so_far = found.faults.is_empty();
    let definition = match serde_path_to_error::deserialize::<_, Definition>(&value) {
        Ok(mut definition) => {
            meaning::check(&definition, &mut |pointer, problem| found.add(pointer, problem));
            let cleaned = definition.logo.as_deref().map(clean_logo).transpose();
            cleaned.map_or_else(|error| found.add("/logo", error.to_string()), |logo| definition.logo = logo);
            Some(definition)
        }
        Err(error) => {
            // The published schema says the same in better words, where it says it.
            if right_so_far {
                found.add("", format!("{}: {}", error.path(), excerpt(&error.inner().to_string())));
            }
            None
        }
    };
    match definition {
        Some(definition) if found.faults.is_empty() => Ok(definition),
        _ => Err(found.sorted()),
    }
}

/// A definition as it is kept: it was [read](read()) before. `None` where it is none.
#[must_use]
pub fn stored(json: &str) -> Option<Definition> {
    serde_json::from_str(json).ok()
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    let unreadable = |problem| Fault { pointer: String::new(), line: 0, column: 0, problem };
    if bytes.len() > DEFINITION_BYTES_MAX {
        let problem = format!("this has {} bytes: at most {DEFINITION_BYTES_MAX} are taken", bytes.len());
        return Err(unreadable(problem));
    }
    let text = str::from_utf8(bytes).map_err(|error| {
        unreadable(format!("this is not UTF-8 from byte {} on: write it in UTF-8", error.valid_up_to()))
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

struct Found<'a> {
    source: Source<'a>,
    faults: Vec<Fault>,
}

impl Found<'_> {
    fn add(&mut self, pointer: &str, problem: impl Into<String>) {
        if self.faults.len() < FAULTS_MAX {
            let Position { line, column } = self.source.position(pointer);
            self.faults.push(Fault { pointer: excerpt(pointer), line, column, problem: problem.into() });
        }
    }

    fn breach(&mut self, breach: &Breach) {
        match breach.kind {
            BreachKind::Missing => {
                let (parent, name) = breach.pointer.rsplit_once('/').unwrap_or_default();
                self.add(parent, format!("has no `{}`: it must be there", unescaped(name)));
            }
            BreachKind::Unexpected => {
                self.add(&breach.pointer, "is no field of the format: remove it, or correct its name");
            }
            BreachKind::Wrong => {
                self.add(&breach.pointer, format!("is {}: it must be {}", breach.found, breach.expected));
            }
        }
    }

    fn sorted(mut self) -> Vec<Fault> {
        self.faults.sort_by(|a, b| (a.line, a.column, &a.pointer).cmp(&(b.line, b.column, &b.pointer)));
        self.faults
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
