//! What a validator says, in our words and shapes.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

use crate::words::{NOTHING, either, excerpt, member};

/// One place where a value breaks a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    /// Of what is wrong; of what should be there, where it is missing.
    pub(crate) pointer: String,
    pub(crate) found: String,
    pub(crate) expected: String,
    pub(crate) kind: BreachKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BreachKind {
    /// Not what it should be.
    Wrong,
    /// It should be there, and is not.
    Missing,
    /// There should be nothing.
    Unexpected,
}

/// The places that an error is about: one, but for several fields that should not be there.
pub(crate) fn of(error: &ValidationError<'_>) -> Vec<Breach> {
    let pointer = error.instance_path().to_string();
    let value: &Value = error.instance();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let expected = format!("`{}`, which must be there", excerpt(name));
            let pointer = member(&pointer, name);
            vec![Breach { pointer, found: NOTHING.to_owned(), expected, kind: BreachKind::Missing }]
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| Breach {
                pointer: member(&pointer, name),
                found: value.get(name).map_or_else(|| excerpt(name), shown),
                expected: "nothing: there is no such field".to_owned(),
                kind: BreachKind::Unexpected,
            })
            .collect(),
        ValidationErrorKind::PropertyNames { error: inner } => {
            let found = inner.instance().as_str().unwrap_or_default().to_owned();
            let expected = format!("another name for this field: {}", expectation(inner));
            let pointer = member(&pointer, &found);
            vec![Breach { pointer, found: excerpt(&found), expected, kind: BreachKind::Wrong }]
        }
        _ => vec![Breach {
            pointer,
            found: shown(value),
            expected: expectation(error),
            kind: BreachKind::Wrong,
        }],
    }
}

/// The value, shortened; of a long one, what it is.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(members) => format!("an object of {} fields", members.len()),
        Value::Array(items) => format!("a list of {} items", items.len()),
        Value::String(text) => excerpt(&format!("\"{text}\"")),
        other => other.to_string(),
    }
}

/// What should stand there.
fn expectation(error: &ValidationError<'_>) -> String {
    use ValidationErrorKind as Kind;
    match error.kind() {
        Kind::Type { kind: TypeKind::Single(one) } => format!("a value of type {one}"),
        Kind::Type { kind: TypeKind::Multiple(several) } => {
            let names: Vec<_> = several.iter().map(|one| one.to_string()).collect();
            format!("a value of type {}", either(&names))
        }
        Kind::Enum { options } => match options.as_array().map(Vec::as_slice) {
            Some(options @ [_, ..]) if options.len() <= 12 => {
                excerpt(&either(&options.iter().map(Value::to_string).collect::<Vec<_>>()))
            }
            _ => "one of the values that are listed".to_owned(),
        },
        Kind::Constant { expected_value } => excerpt(&expected_value.to_string()),
        Kind::Pattern { pattern } => excerpt(&format!("a text that fits `{pattern}`")),
        Kind::MinLength { limit } => format!("at least {limit} characters"),
        Kind::MaxLength { limit } => format!("at most {limit} characters"),
        Kind::MinItems { limit } => format!("at least {limit} items"),
        Kind::MaxItems { limit } => format!("at most {limit} items"),
        Kind::MinProperties { limit } => format!("at least {limit} fields"),
        Kind::MaxProperties { limit } => format!("at most {limit} fields"),
        Kind::Minimum { limit } => format!("a number from {limit} on"),
        Kind::Maximum { limit } => format!("a number up to {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("a number over {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("a number under {limit}"),
        Kind::UniqueItems => "no item twice".to_owned(),
        Kind::FalseSchema => "nothing here".to_owned(),
        Kind::Contains => "an item of the kind that must be among them".to_owned(),
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
            "one of several shapes, of which it has none".to_owned()
        }
        Kind::OneOfMultipleValid { .. } => "one of several shapes, of which it has more than one".to_owned(),
        _ => excerpt(&error.masked_with("this").to_string()),
    }
}
