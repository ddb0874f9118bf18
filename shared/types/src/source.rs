//! Where things stand in the text of a JSON document, and which keys stand twice. Slower than a parser, and used where
//! an author is told what is wrong.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::words::{member, unescaped};

/// A place in a text; lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The text of a JSON document that a parser took.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
}

impl<'a> Source<'a> {
    /// Where the value at this pointer begins, or the nearest one around it that is there.
    pub(crate) fn position(self, pointer: &str) -> Position {
        let mut value = self.text.trim_start();
        for step in pointer.split('/').skip(1) {
            match child(value, &unescaped(step)) {
                Some(found) => value = found,
                None => break,
            }
        }
        // A part of the text, so that where it begins is told by what is left.
        let offset = value.as_ptr() as usize - self.text.as_ptr() as usize;
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }

    /// The pointers to what stands under a key that its object has before.
    pub(crate) fn duplicates(self) -> Vec<String> {
        let mut duplicates = Vec::new();
        find_duplicates(self.text, "", &mut duplicates);
        duplicates
    }
}

fn child<'a>(value: &'a str, step: &str) -> Option<&'a str> {
    if let Ok(Members(members)) = serde_json::from_str(value) {
        // The last one counts, as it does for the parser.
        return members.into_iter().rev().find(|(key, _)| key == step).map(|(_, value)| value.get());
    }
    let items: Vec<&RawValue> = serde_json::from_str(value).ok()?;
    items.get(step.parse::<usize>().ok()?).map(|item| item.get())
}

fn find_duplicates(value: &str, pointer: &str, duplicates: &mut Vec<String>) {
    match value.trim_start().as_bytes().first() {
        Some(b'{') => {
            let Ok(Members(members)) = serde_json::from_str(value) else { return };
            let mut keys = BTreeSet::new();
            for (key, value) in &members {
                let at = member(pointer, key);
                if !keys.insert(key) {
                    duplicates.push(at.clone());
                }
                find_duplicates(value.get(), &at, duplicates);
            }
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(value).unwrap_or_default();
            for (index, item) in items.iter().enumerate() {
                find_duplicates(item.get(), &format!("{pointer}/{index}"), duplicates);
            }
        }
        _ => {}
    }
}

/// The members of an object, in order and with those that are there twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = access.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(InOrder).map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "\n{\n  \"a\": [1, {\"é\": true}],\n  \"b/c\": {\"~\": \"x\"},\n  \"a\": [2,\n   3]\n}\n";

    fn at(pointer: &str) -> (usize, usize) {
        let Position { line, column } = Source { text: TEXT }.position(pointer);
        (line, column)
    }

    #[test]
    fn a_pointer_has_a_place_in_the_text() {
        assert_eq!((at(""), at("/a"), at("/a/1")), ((2, 1), (5, 8), (6, 4)));
        assert_eq!((at("/b~1c"), at("/b~1c/~0")), ((4, 10), (4, 16)));
        assert_eq!((at("/b~1c/none/more"), at("/a/7")), ((4, 10), (5, 8)), "the nearest around it");
        let one_line = Source { text: "{\"é\":{\"b\":1}}" };
        assert_eq!(one_line.position("/é/b"), Position { line: 1, column: 11 });
    }

    #[test]
    fn keys_that_stand_twice_are_found_at_any_depth() {
        assert_eq!(Source { text: TEXT }.duplicates(), ["/a"]);
        let deep = r#"{"a":[{"b":1,"c":{"d":[],"d":{"e":1,"e":1}}}],"\u0061":0}"#;
        assert_eq!(Source { text: deep }.duplicates(), ["/a/0/c/d", "/a/0/c/d/e", "/a"]);
    }
}
