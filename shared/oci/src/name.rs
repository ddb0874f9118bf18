//! The name of a repository.

use std::str::FromStr;
use std::sync::Arc;

use crate::text::{excerpt, text_value};

/// Longest name, in characters with its slashes. The specification sets no limit but says that many
/// clients stop at 255 for host and name together; 255 for the name alone is also what keeps table keys
/// within their bounds.
pub const NAME_LENGTH_MAX: usize = 255;

/// `library/ubuntu`: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` in each component, `/` between them, at most
/// [`NAME_LENGTH_MAX`] characters (distribution-spec, "Pulling manifests"). So it is ASCII, has no empty
/// component, and never a `#`, which separates the parts of a table key.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryName(Arc<str>);

/// Why a text is no repository name. What is quoted is shortened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    #[error("a repository name is missing: write one such as `team/app`")]
    Empty,
    #[error(
        "`{text}` is not a repository name: it has {length} characters, and at most {NAME_LENGTH_MAX} are allowed: shorten it"
    )]
    TooLong { text: String, length: usize },
    #[error(
        "`{text}` is not a repository name: it goes wrong at character {position}{}. Each part between slashes is \
         made of a-z and 0-9, and between those one `.`, one or two `_`, or dashes, as in `team/my-app`",
        found.map(|found| format!(", `{found}`")).unwrap_or_default()
    )]
    Malformed {
        text: String,
        /// Counted from 1; one past the end where something is missing.
        position: usize,
        found: Option<char>,
    },
}

impl RepositoryName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RepositoryName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<RepositoryName, InvalidName> {
        if text.is_empty() {
            return Err(InvalidName::Empty);
        }
        if text.len() > NAME_LENGTH_MAX && text.is_ascii() {
            return Err(InvalidName::TooLong { text: excerpt(text), length: text.len() });
        }
        if let Some(at) = first_flaw(text.as_bytes()) {
            return Err(InvalidName::Malformed {
                text: excerpt(text),
                position: at + 1, // All that went before is ASCII.
                found: text[at..].chars().next(),
            });
        }
        Ok(RepositoryName(text.into()))
    }
}

text_value!(RepositoryName, InvalidName);

/// Where the grammar is first broken: a byte that may not stand there, or the end where more is needed.
fn first_flaw(name: &[u8]) -> Option<usize> {
    let run = |from: usize, of: fn(&u8) -> bool| name[from..].iter().take_while(|b| of(b)).count();
    let mut at = 0;
    loop {
        let letters = run(at, |b| matches!(b, b'a'..=b'z' | b'0'..=b'9'));
        if letters == 0 {
            return Some(at);
        }
        at += letters;
        at += match name.get(at) {
            None => return None,
            Some(b'/' | b'.') => 1,
            Some(b'_') => run(at, |b| *b == b'_').min(2),
            Some(b'-') => run(at, |b| *b == b'-'),
            Some(_) => return Some(at),
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The specification's own expression, as a generator.
    const NAME: &str = r"[a-z0-9]{1,5}((\.|_|__|-{1,4})[a-z0-9]{1,5}){0,3}(/[a-z0-9]{1,5}((\.|_|__|-{1,4})[a-z0-9]{1,5}){0,2}){0,3}";

    fn refusal(text: &str) -> InvalidName {
        text.parse::<RepositoryName>().expect_err("not a name")
    }

    #[test]
    fn names_of_the_specification_are_taken() {
        for good in
            ["a", "0", "library/ubuntu", "a/b/c/d", "a.b", "a_b", "a__b", "a-b", "a---b", "v2/blobs/uploads"]
        {
            assert_eq!(good.parse::<RepositoryName>().map(|name| name.to_string()).as_deref(), Ok(good));
        }
        assert!(
            "a/".repeat(127).as_str().strip_suffix('/').is_some_and(|n| n.parse::<RepositoryName>().is_ok())
        );
        assert!("a".repeat(NAME_LENGTH_MAX).parse::<RepositoryName>().is_ok());
    }

    #[test]
    fn a_refusal_says_where() {
        let broken = [
            ("/a", 1),
            ("a/", 3),
            ("a//b", 3),
            (".a", 1),
            ("a.", 3),
            ("a..b", 3),
            ("a___b", 4),
            ("a.-b", 3),
            ("a-_b", 3),
            ("a/-b", 3),
            ("Ab", 1),
            ("a b", 2),
            ("a#b", 2),
            ("aé", 2),
            ("a:b", 2),
            ("-", 1),
        ];
        for (text, expected) in broken {
            assert!(
                matches!(refusal(text), InvalidName::Malformed { position, .. } if position == expected),
                "{text}: {:?}",
                refusal(text)
            );
        }
        assert_eq!(refusal(""), InvalidName::Empty);
        assert!(matches!(refusal(&"a".repeat(256)), InvalidName::TooLong { length: 256, .. }));
        assert!(matches!(
            refusal(&"é".repeat(200)),
            InvalidName::Malformed { position: 1, found: Some('é'), .. }
        ));
        assert_eq!(
            refusal("Team/App").to_string(),
            "`Team/App` is not a repository name: it goes wrong at character 1, `T`. Each part between slashes is \
             made of a-z and 0-9, and between those one `.`, one or two `_`, or dashes, as in `team/my-app`"
        );
    }

    proptest! {
        #![proptest_config(crate::tests::quick())]

        #[test]
        fn valid_names_are_taken_and_kept(text in NAME) {
            let name: RepositoryName = text.parse().expect("made by the grammar");
            prop_assert_eq!(name.as_str(), &text);
            let json = serde_json::to_string(&name).expect("a string");
            prop_assert_eq!(serde_json::from_str::<RepositoryName>(&json).expect("the same"), name);
        }

        #[test]
        fn a_foreign_character_anywhere_is_refused(text in NAME, new in r"[^a-z0-9._/-]", at: proptest::sample::Index) {
            let at = at.index(text.len() + 1);
            let mutated = format!("{}{new}{}", &text[..at], &text[at..]);
            prop_assert!(mutated.parse::<RepositoryName>().is_err());
        }

        #[test]
        fn a_separator_at_either_end_is_refused(text in NAME, separator in r"[._/-]") {
            let before = format!("{separator}{text}");
            let after = format!("{text}{separator}");
            prop_assert!(before.parse::<RepositoryName>().is_err());
            prop_assert!(after.parse::<RepositoryName>().is_err());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in prop_oneof!["\\PC*", "[a-c._/-]{0,12}", ".{250,260}"]) {
            match text.parse::<RepositoryName>() {
                Ok(name) => prop_assert!(name.as_str() == text && !text.contains('#')),
                Err(refusal) => prop_assert!(!refusal.to_string().is_empty()),
            }
        }
    }
}
