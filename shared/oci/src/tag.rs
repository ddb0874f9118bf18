//! A name that moves.

use std::str::FromStr;
use std::sync::Arc;

use crate::text::{excerpt, text_value};

/// Longest tag, in characters (distribution-spec, "Pulling manifests").
pub const TAG_LENGTH_MAX: usize = 128;

/// `latest`, `v1.2-rc_3`: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`. Case counts. Sorts byte by byte, as the
/// tags list does.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Arc<str>);

/// Why a text is no tag. What is quoted is shortened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTag {
    #[error("a tag is missing: write one such as `latest`")]
    Empty,
    #[error(
        "`{text}` is not a tag: it has {length} characters, and at most {TAG_LENGTH_MAX} are allowed: shorten it"
    )]
    TooLong { text: String, length: usize },
    #[error(
        "`{text}` is not a tag: it has `{found}` at character {position}. A tag is made of letters a-z and A-Z, digits, \
         `_`, `.` and `-`, and starts with neither of the last two"
    )]
    Malformed {
        text: String,
        /// Counted from 1.
        position: usize,
        found: char,
    },
}

impl Tag {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = InvalidTag;

    fn from_str(text: &str) -> Result<Tag, InvalidTag> {
        if text.is_empty() {
            return Err(InvalidTag::Empty);
        }
        if text.len() > TAG_LENGTH_MAX && text.is_ascii() {
            return Err(InvalidTag::TooLong { text: excerpt(text), length: text.len() });
        }
        let may_stand = |at: usize, c: char| match c {
            '.' | '-' => at > 0,
            c => c.is_ascii_alphanumeric() || c == '_',
        };
        if let Some((at, found)) = text.char_indices().find(|(at, c)| !may_stand(*at, *c)) {
            return Err(InvalidTag::Malformed { text: excerpt(text), position: at + 1, found });
        }
        Ok(Tag(text.into()))
    }
}

text_value!(Tag, InvalidTag);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str) -> InvalidTag {
        text.parse::<Tag>().expect_err("not a tag")
    }

    #[test]
    fn a_refusal_says_where() {
        for (text, expected, character) in
            [(".a", 1, '.'), ("-a", 1, '-'), ("a b", 2, ' '), ("aé", 2, 'é'), ("a/b", 2, '/')]
        {
            let expected = InvalidTag::Malformed { text: text.into(), position: expected, found: character };
            assert_eq!(refusal(text), expected);
        }
        assert_eq!(refusal(""), InvalidTag::Empty);
        assert!(matches!(refusal(&"a".repeat(129)), InvalidTag::TooLong { length: 129, .. }));
        assert_eq!(
            refusal("a+b").to_string(),
            "`a+b` is not a tag: it has `+` at character 2. A tag is made of letters a-z and A-Z, digits, \
             `_`, `.` and `-`, and starts with neither of the last two"
        );
    }

    proptest! {
        #![proptest_config(crate::tests::quick())]

        #[test]
        fn valid_tags_are_taken_and_kept(text in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}") {
            let tag: Tag = text.parse().expect("made by the grammar");
            prop_assert_eq!(tag.as_str(), &text);
            let json = serde_json::to_string(&tag).expect("a string");
            prop_assert_eq!(serde_json::from_str::<Tag>(&json).expect("the same"), tag);
        }

        #[test]
        fn a_foreign_character_anywhere_is_refused(
            text in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,100}", new in "[^a-zA-Z0-9._-]", at: proptest::sample::Index,
        ) {
            let at = at.index(text.len() + 1);
            let mutated = format!("{}{new}{}", &text[..at], &text[at..]);
            prop_assert!(mutated.parse::<Tag>().is_err());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in prop_oneof!["\\PC*", "[a.-]{0,130}"]) {
            match text.parse::<Tag>() {
                Ok(tag) => prop_assert_eq!(tag.as_str(), text),
                Err(refusal) => prop_assert!(!refusal.to_string().is_empty()),
            }
        }
    }
}
