//! Which records of a stream a function gets (Lambda Developer Guide, "Control which events Lambda sends to your
//! function"): what the template needs of the patterns' language; the rest is refused, not passed over.

use serde_json::Value;
use std::collections::BTreeMap;

/// Filters of one mapping, and bytes of a pattern, at most (the same page, and `Pattern` in the API's reference).
const FILTERS_MAX: usize = 5;
const PATTERN_BYTES_MAX: usize = 4096;
/// All that a pattern may ask of a record of DynamoDB ("Using event filtering with a DynamoDB event source").
const FILTERED_MEMBER: &str = "dynamodb";

/// `FilterCriteria`: a record is for the function where one of the patterns fits it, or where there is none.
#[derive(Debug, Clone, Default)]
pub struct Filter(Vec<Pattern>);

#[derive(Debug, Clone)]
enum Pattern {
    /// An object each of whose members fits.
    Members(BTreeMap<String, Pattern>),
    /// A value that one of the rules takes. One that is not there is taken by none of those below.
    Value(Vec<Rule>),
}

#[derive(Debug, Clone)]
enum Rule {
    /// `"a"`, `1`, `true`, `null`.
    Equals(Value),
    /// `{"prefix":"a"}`.
    Prefix(String),
    /// `{"anything-but":["a","b"]}`, `{"anything-but":"a"}`.
    AnythingBut(Vec<Value>),
}

impl Filter {
    /// Reads the patterns, each a text of JSON.
    ///
    /// # Errors
    /// What AWS refuses, and what is not built here.
    pub fn parse(patterns: &[String]) -> Result<Self, String> {
        if patterns.len() > FILTERS_MAX {
            return Err(format!("{} filters; a mapping has {FILTERS_MAX} at most", patterns.len()));
        }
        patterns.iter().map(|text| pattern(text)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the function gets this record.
    #[must_use]
    pub fn accepts(&self, record: &Value) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| pattern.fits(Some(record)))
    }
}

fn pattern(text: &str) -> Result<Pattern, String> {
    if text.len() > PATTERN_BYTES_MAX {
        return Err(format!("a pattern of {} bytes; it has {PATTERN_BYTES_MAX} at most", text.len()));
    }
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("a pattern is not JSON: {error}: {text}"))?;
    let members = value.as_object().ok_or_else(|| format!("a pattern is no object: {text}"))?;
    if let Some(other) = members.keys().find(|name| *name != FILTERED_MEMBER) {
        return Err(format!(
            "a pattern asks for {other}: of a stream's record only {FILTERED_MEMBER} is filtered"
        ));
    }
    Pattern::read(&value)
}

impl Pattern {
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Object(members) if !members.is_empty() => members
                .iter()
                .map(|(name, value)| Ok((name.clone(), Self::read(value)?)))
                .collect::<Result<_, _>>()
                .map(Self::Members),
            Value::Array(rules) if !rules.is_empty() => {
                rules.iter().map(Rule::read).collect::<Result<_, _>>().map(Self::Value)
            }
            other => Err(format!("a pattern has neither members nor a list of values: {other}")),
        }
    }

    fn fits(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Members(members) => {
                members.iter().all(|(name, pattern)| pattern.fits(value.and_then(|value| value.get(name))))
            }
            Self::Value(rules) => value.is_some_and(|value| rules.iter().any(|rule| rule.takes(value))),
        }
    }
}

impl Rule {
    fn read(value: &Value) -> Result<Self, String> {
        let unknown = || format!("the front door does not know this rule of a filter: {value}");
        let Some(members) = value.as_object() else {
            return if value.is_array() { Err(unknown()) } else { Ok(Self::Equals(value.clone())) };
        };
        let mut members = members.iter();
        let (Some((name, operand)), None) = (members.next(), members.next()) else { return Err(unknown()) };
        match (name.as_str(), operand) {
            ("prefix", Value::String(prefix)) => Ok(Self::Prefix(prefix.clone())),
            ("anything-but", Value::String(_) | Value::Number(_)) => {
                Ok(Self::AnythingBut(vec![operand.clone()]))
            }
            ("anything-but", Value::Array(others))
                if !others.is_empty() && others.iter().all(|one| one.is_string() || one.is_number()) =>
            {
                Ok(Self::AnythingBut(others.clone()))
            }
            _ => Err(unknown()),
        }
    }

    fn takes(&self, value: &Value) -> bool {
        let begins = |prefix: &str| value.as_str().is_some_and(|text| text.starts_with(prefix));
        match self {
            Self::Equals(wanted) => value == wanted,
            Self::Prefix(prefix) => begins(prefix),
            Self::AnythingBut(others) => !others.contains(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filter(pattern: &Value) -> Result<Filter, String> {
        Filter::parse(&[json!({ "dynamodb": pattern }).to_string()])
    }

    fn accepts(pattern: &Value, record: &Value) -> bool {
        filter(pattern).expect("it is a pattern").accepts(&json!({ "dynamodb": record }))
    }

    #[test]
    fn each_rule_takes_what_it_says() {
        for (rule, taken, refused) in [
            (json!("a"), json!("a"), json!("ab")),
            (json!(1), json!(1), json!("1")),
            (json!(null), json!(null), json!("")),
            (json!({ "prefix": "re" }), json!("review"), json!("a-review")),
            (json!({ "anything-but": "a" }), json!("b"), json!("a")),
            (json!({ "anything-but": ["a", "b"] }), json!("c"), json!("b")),
        ] {
            let pattern = json!({ "at": [rule] });
            assert!(accepts(&pattern, &json!({ "at": taken })), "{rule} takes {taken}");
            assert!(!accepts(&pattern, &json!({ "at": refused })), "{rule} refuses {refused}");
            assert!(!accepts(&pattern, &json!({ "other": taken })), "{rule} refuses what is not there");
        }
    }

    #[test]
    fn members_are_all_asked_for_and_values_and_patterns_are_choices() {
        let both = json!({ "Keys": { "PK": { "S": ["a", { "prefix": "b" }] }, "SK": { "S": ["self"] } } });
        let record = |partition: &str, sort: &str| json!({ "Keys": { "PK": { "S": partition }, "SK": { "S": sort } } });
        assert!(accepts(&both, &record("a", "self")) && accepts(&both, &record("bcd", "self")));
        assert!(!accepts(&both, &record("a", "other")) && !accepts(&both, &record("c", "self")));

        let two = ["a", "b"].map(|name| json!({ "dynamodb": { "at": [name] } }).to_string());
        let two = Filter::parse(&two).expect("they are patterns");
        for (at, is_accepted) in [("a", true), ("b", true), ("c", false)] {
            assert_eq!(two.accepts(&json!({ "dynamodb": { "at": at } })), is_accepted, "{at}");
        }
        assert!(Filter::default().accepts(&json!({ "dynamodb": {} })), "without a pattern all are taken");
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for rule in [
            json!({ "exists": true }),
            json!({ "numeric": [">", 1] }),
            json!({ "suffix": "a" }),
            json!({ "prefix": 1 }),
            json!({ "prefix": "a", "suffix": "b" }),
            json!({ "anything-but": [] }),
            // Of EventBridge, not of a mapping.
            json!({ "anything-but": { "prefix": "a" } }),
            json!(["a"]),
        ] {
            assert!(filter(&json!({ "at": [rule] })).is_err(), "{rule}");
        }
        for pattern in [json!({}), json!({ "at": "a" }), json!({ "at": [] }), json!({ "at": {} })] {
            assert!(filter(&pattern).is_err(), "{pattern}");
        }
        assert!(Filter::parse(&[r#"{"eventName":["INSERT"]}"#.to_owned()]).is_err(), "only of dynamodb");
        assert!(Filter::parse(&["no JSON".to_owned()]).is_err());
        let one = r#"{"dynamodb":{"at":["a"]}}"#.to_owned();
        assert!(Filter::parse(&vec![one.clone(); 5]).is_ok() && Filter::parse(&vec![one; 6]).is_err());
    }
}
