//! What a schema for configs may be, so that it can fetch nothing and cannot be made to run long, whoever wrote it and
//! whatever content it meets.
//!
//! - It refers to nothing outside: `$ref` is `#/…` into the schema itself, and nothing may give it another name (`$id`,
//!   `$anchor`), another dialect (`$schema`) or a meaning that depends on the way there (`$dynamicRef`). The keywords are
//!   a closed list, so that what is not known to be bounded is not there. The compiler could fetch nothing either.
//! - It ends: references make no cycle, and the schema with all references written out has at most
//!   [`SUBSCHEMAS_MAX`] subschemas, [`DEPTH_MAX`] deep. So a value of a config meets each of them once, or a few times
//!   more where a keyword looks again to say what is wrong; [`Expanded::weight`] counts these.
//! - `unevaluatedProperties` and `unevaluatedItems` are not among the keywords: they evaluate what is beside them again,
//!   at each level.
//! - Patterns are matched by an engine that is linear in the text, whatever the pattern; how long the automaton is that
//!   walks over it is bounded by [`PATTERNS_BYTES_MAX`].

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use regex::RegexBuilder;
use serde_json::Value;

use crate::breach;
use crate::words::{excerpt, member, unescaped};

/// Of the schema, written without blanks.
pub(crate) const SCHEMA_BYTES_MAX: usize = 64 * 1024;
/// With all references written out.
pub(crate) const SUBSCHEMAS_MAX: usize = 1000;
/// Subschemas within one another, with all references written out.
pub(crate) const DEPTH_MAX: usize = 32;
/// Values that content is compared with (`enum`, `const`, `required` and the like), with all references written out.
pub(crate) const VALUES_MAX: usize = 4000;
/// One compiled pattern.
const PATTERN_BYTES_MAX: usize = 32 * 1024;
/// All compiled patterns, each as often as it is used with all references written out.
pub(crate) const PATTERNS_BYTES_MAX: usize = 128 * 1024;
/// What a pattern's compiled size is told by: the smallest limit under which it compiles.
const PATTERN_SIZES_BYTES: [usize; 6] = [1024, 2048, 4096, 8192, 16 * 1024, PATTERN_BYTES_MAX];
/// What the engine may keep while it walks over a text.
const PATTERN_CACHE_BYTES: usize = 256 * 1024;

/// The only dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Something in a schema that is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unbounded {
    /// In the schema.
    pub(crate) pointer: String,
    pub(crate) problem: String,
}

/// What a schema is with all references written out.
#[derive(Debug, Default)]
pub(crate) struct Expanded<'s> {
    /// How often one value of a config can be looked at, at most.
    pub(crate) weight: u64,
    subschemas: usize,
    values: usize,
    patterns: BTreeMap<&'s str, Used>,
}

/// A pattern's use in a schema with all references written out.
#[derive(Debug, Default, PartialEq, Eq)]
struct Used {
    times: usize,
    /// Pointer to the first.
    first: String,
}

/// What a keyword means for the walk over a schema.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keyword {
    /// A subschema.
    One,
    /// The same, and errors are found by looking a second time.
    OneAgain,
    List,
    ListAgain,
    /// An object of subschemas.
    Members,
    /// The same, whose keys are patterns.
    PatternMembers,
    Pattern,
    Definitions,
    Reference,
    /// Content is compared with it.
    Compared,
    /// Says something to people, and asserts nothing here (`format` does not either).
    Note,
    Dialect,
}

fn keyword(name: &str) -> Option<Keyword> {
    Some(match name {
        "additionalProperties" | "items" | "propertyNames" | "then" | "else" => Keyword::One,
        "contains" | "not" | "if" => Keyword::OneAgain,
        "allOf" | "prefixItems" => Keyword::List,
        "anyOf" | "oneOf" => Keyword::ListAgain,
        "properties" | "dependentSchemas" => Keyword::Members,
        "patternProperties" => Keyword::PatternMembers,
        "pattern" => Keyword::Pattern,
        "$defs" => Keyword::Definitions,
        "$ref" => Keyword::Reference,
        "type" | "enum" | "const" | "required" | "dependentRequired" | "minimum" | "maximum"
        | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" | "minLength" | "maxLength" | "minItems"
        | "maxItems" | "uniqueItems" | "minContains" | "maxContains" | "minProperties" | "maxProperties" => {
            Keyword::Compared
        }
        "title" | "description" | "default" | "examples" | "deprecated" | "readOnly" | "writeOnly"
        | "$comment" | "format" | "contentEncoding" | "contentMediaType" => Keyword::Note,
        "$schema" => Keyword::Dialect,
        _ => return None,
    })
}

/// Everything in a schema that is not taken.
///
/// # Errors
/// All of it, at least one.
pub(crate) fn check(schema: &Value) -> Result<(), Vec<Unbounded>> {
    let expanded = expand(schema)?;
    check_patterns(&expanded).map_err(|problem| vec![problem])?;
    match compile(schema) {
        Ok(_) => Ok(()),
        Err(error) => Err(breach::of(&error)
            .into_iter()
            .map(|breach| Unbounded {
                pointer: breach.pointer,
                problem: format!("is {}: it must be {}", breach.found, breach.expected),
            })
            .collect()),
    }
}

/// By the engine itself: the compiler puts a shorter way in its place where it knows one, and comes back to it for some
/// texts, then without a limit.
fn check_patterns(expanded: &Expanded<'_>) -> Result<(), Unbounded> {
    let mut bytes = 0;
    for (pattern, used) in &expanded.patterns {
        let Some(one) = pattern_bytes(pattern) else {
            let problem = format!(
                "is no pattern that is taken: one is a regular expression without look-around and back-references that \
                 comes to {} KiB at most",
                PATTERN_BYTES_MAX / 1024
            );
            return Err(Unbounded { pointer: used.first.clone(), problem });
        };
        bytes += one * used.times;
        if bytes > PATTERNS_BYTES_MAX {
            let problem = format!(
                "is a pattern too much: all of them may come to {} KiB, each counted as often as it is used, so use \
                 fewer, or shorter counted repetitions",
                PATTERNS_BYTES_MAX / 1024
            );
            return Err(Unbounded { pointer: used.first.clone(), problem });
        }
    }
    Ok(())
}

/// A validator that fetches nothing, asserts no formats and matches patterns in linear time. Only for a schema that
/// [`expand`] took.
///
/// # Errors
/// What is no schema, or no pattern, or a pattern that is too large or not of the linear kind (look-around,
/// back-references).
pub(crate) fn compile(schema: &Value) -> Result<Validator, Box<ValidationError<'static>>> {
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_CACHE_BYTES);
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .offline()
        .should_validate_formats(false)
        .with_pattern_options(patterns)
        .build(schema)
        .map_err(Box::new)
}

/// About how large it is, compiled; `None`: over the limit, or not of the linear kind.
fn pattern_bytes(pattern: &str) -> Option<usize> {
    let pattern = jsonschema_regex::to_rust_regex(pattern).ok()?;
    let compiles = |bytes: &usize| RegexBuilder::new(&pattern).size_limit(*bytes).build().is_ok();
    PATTERN_SIZES_BYTES.into_iter().find(compiles)
}

/// What the schema is with all references written out.
///
/// # Errors
/// All that is not of the bounded kind, at least one; where that is the size of the whole, the first place where it is
/// too much.
pub(crate) fn expand(schema: &Value) -> Result<Expanded<'_>, Vec<Unbounded>> {
    let bytes = schema.to_string().len();
    if bytes > SCHEMA_BYTES_MAX {
        let problem =
            format!("has {bytes} bytes: at most {SCHEMA_BYTES_MAX} are taken, written without blanks");
        return Err(vec![Unbounded { pointer: String::new(), problem }]);
    }
    let mut written = Written { root: schema, subschemas: BTreeSet::new(), problems: Vec::new() };
    written.walk(schema, "", 1);
    if !written.problems.is_empty() {
        return Err(written.problems);
    }
    let mut walk = Walk { written: &written, expanded: Expanded::default(), within: Vec::new() };
    walk.expand(schema, "", 1).map_err(|problem| vec![problem])?;
    Ok(walk.expanded)
}

/// The schema as it is written: each keyword is looked at once.
struct Written<'s> {
    root: &'s Value,
    /// Where the subschemas are, which alone can be referred to.
    subschemas: BTreeSet<*const Value>,
    problems: Vec<Unbounded>,
}

impl<'s> Written<'s> {
    fn problem(&mut self, pointer: &str, problem: impl Into<String>) {
        self.problems.push(Unbounded { pointer: pointer.to_owned(), problem: problem.into() });
    }

    fn walk(&mut self, schema: &'s Value, pointer: &str, depth: usize) {
        if depth > DEPTH_MAX {
            return self.problem(pointer, too_deep());
        }
        self.subschemas.insert(std::ptr::from_ref(schema));
        let Some(keywords) = schema.as_object() else {
            if !schema.is_boolean() {
                self.problem(pointer, "is no schema: it must be an object, or true or false");
            }
            return;
        };
        for (name, value) in keywords {
            let at = member(pointer, name);
            if name == "type" {
                self.check_type(value, &at);
            }
            match keyword(name) {
                None => {
                    self.problem(&at, "is no keyword that is taken here; samples/types/README.md lists them");
                }
                Some(Keyword::Reference) => {
                    if !value.as_str().is_some_and(|to| to.starts_with("#/") && !to.contains('%')) {
                        let found = excerpt(&value.to_string());
                        self.problem(
                            &at,
                            format!("is {found}: only `#/…`, into this schema, without `%`, is taken"),
                        );
                    }
                }
                Some(Keyword::Dialect) => {
                    let dialect = value.as_str().map(|dialect| dialect.trim_end_matches('#'));
                    if !pointer.is_empty() || dialect != Some(DIALECT) {
                        self.problem(
                            &at,
                            format!("is not taken but at the top, and there it is `{DIALECT}`"),
                        );
                    }
                }
                Some(kind) => {
                    for (at, part) in parts(kind, value, &at) {
                        self.walk(part, &at, depth + 1);
                    }
                }
            }
        }
    }

    /// The compiler says it in a way that helps nobody, and this is the mistake that is made most.
    fn check_type(&mut self, value: &Value, pointer: &str) {
        const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
        if let Some(name) = value.as_str().filter(|name| !TYPES.contains(name)) {
            self.problem(pointer, format!("is `{}`: there are {}", excerpt(name), TYPES.join(", ")));
        }
    }

    /// The subschema that a reference, which [`walk`](Self::walk) took, points to.
    fn target(&self, reference: &str) -> Option<&'s Value> {
        let mut target = self.root;
        for step in reference.strip_prefix("#/")?.split('/') {
            target = match target {
                Value::Object(members) => members.get(&unescaped(step))?,
                Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        self.subschemas.contains(&std::ptr::from_ref(target)).then_some(target)
    }
}

/// The subschemas in the value of a keyword.
fn parts<'s>(kind: Keyword, value: &'s Value, at: &str) -> Vec<(String, &'s Value)> {
    match (kind, value) {
        (Keyword::One | Keyword::OneAgain, one) => vec![(at.to_owned(), one)],
        (Keyword::List | Keyword::ListAgain, Value::Array(list)) => {
            list.iter().enumerate().map(|(index, part)| (format!("{at}/{index}"), part)).collect()
        }
        (Keyword::Members | Keyword::PatternMembers | Keyword::Definitions, Value::Object(members)) => {
            members.iter().map(|(name, part)| (member(at, name), part)).collect()
        }
        // Of the wrong shape, which the compiler says, or without subschemas.
        _ => Vec::new(),
    }
}

/// The walk over the schema with all references written out. It ends early where that is too much.
struct Walk<'w, 's> {
    written: &'w Written<'s>,
    expanded: Expanded<'s>,
    /// The subschemas we are in.
    within: Vec<*const Value>,
}

impl<'s> Walk<'_, 's> {
    /// `looks`: how often a value may come to this subschema.
    fn expand(&mut self, schema: &'s Value, pointer: &str, looks: u64) -> Result<(), Unbounded> {
        let refuse = |problem: String| Err(Unbounded { pointer: pointer.to_owned(), problem });
        let this = std::ptr::from_ref(schema);
        if self.within.contains(&this) {
            return refuse(
                "refers back to a schema that it is part of: references must not go round in a circle"
                    .to_owned(),
            );
        }
        if self.within.len() >= DEPTH_MAX {
            return refuse(too_deep());
        }
        self.expanded.subschemas += 1;
        self.expanded.weight += looks;
        if self.expanded.subschemas > SUBSCHEMAS_MAX {
            return refuse(format!(
                "is one subschema too many: with all references written out there may be {SUBSCHEMAS_MAX}"
            ));
        }
        let Some(keywords) = schema.as_object() else { return Ok(()) };
        self.within.push(this);
        for (name, value) in keywords {
            let at = member(pointer, name);
            let Some(kind) = keyword(name) else { continue };
            match kind {
                Keyword::Reference => {
                    let reference = value.as_str().unwrap_or_default();
                    let Some(target) = self.written.target(reference) else {
                        let problem = format!("is `{}`, where no schema is", excerpt(reference));
                        return Err(Unbounded { pointer: at, problem });
                    };
                    self.expand(target, &at, looks)?;
                }
                Keyword::Pattern => self.pattern(value.as_str().unwrap_or_default(), &at),
                Keyword::Compared => self.compare(value, &at, looks)?,
                Keyword::Definitions | Keyword::Note | Keyword::Dialect => {}
                Keyword::PatternMembers => {
                    for (pattern, part) in value.as_object().into_iter().flatten() {
                        let at = member(&at, pattern);
                        self.pattern(pattern, &at);
                        self.expand(part, &at, looks)?;
                    }
                }
                Keyword::One | Keyword::List | Keyword::Members => {
                    for (at, part) in parts(kind, value, &at) {
                        self.expand(part, &at, looks)?;
                    }
                }
                Keyword::OneAgain | Keyword::ListAgain => {
                    for (at, part) in parts(kind, value, &at) {
                        self.expand(part, &at, looks + 1)?;
                    }
                }
            }
        }
        self.within.pop();
        Ok(())
    }

    fn pattern(&mut self, pattern: &'s str, pointer: &str) {
        let first = || Used { times: 0, first: pointer.to_owned() };
        self.expanded.patterns.entry(pattern).or_insert_with(first).times += 1;
    }

    fn compare(&mut self, value: &Value, pointer: &str, looks: u64) -> Result<(), Unbounded> {
        let values = count_values(value);
        self.expanded.values += values;
        self.expanded.weight += looks * values as u64;
        if self.expanded.values <= VALUES_MAX {
            return Ok(());
        }
        let problem = format!(
            "is too much to compare with: with all references written out there may be {VALUES_MAX} values in `enum`, \
             `required` and the like"
        );
        Err(Unbounded { pointer: pointer.to_owned(), problem })
    }
}

/// How many values there are in a value, itself not counted.
pub(crate) fn count_values(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| 1 + count_values(item)).sum(),
        Value::Object(members) => members.values().map(|member| 1 + count_values(member)).sum(),
        _ => 0,
    }
}

fn too_deep() -> String {
    format!("is too deep: at most {DEPTH_MAX} schemas within one another are taken")
}

#[cfg(test)]
#[path = "bounds_tests.rs"]
mod tests;
