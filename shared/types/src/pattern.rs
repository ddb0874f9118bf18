//! Patterns of types, of media types and of the values of annotations: `*` stands for any characters, also none; nothing
//! else is special.

use wildmatch::WildMatchPattern;

/// No pattern that is meant has a NUL, which here stands for any one character.
type Pattern = WildMatchPattern<'*', '\0'>;

/// Whether all of the text fits.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    Pattern::new(pattern).matches(text)
}

/// Whether it fits one of them.
#[must_use]
pub fn fits_any(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| fits(pattern, text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("*", "application/wasm"),
            ("application/wasm", "application/wasm"),
            ("application/vnd.x.*", "application/vnd.x."),
            ("application/vnd.*.layer.*+gzip", "application/vnd.x.layer.v1.tar+gzip"),
            ("*+json", "a/b+json+json"),
            ("a**b", "ab"),
            ("ab*ba", "abba"),
        ] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("application/wasm", "application/wasm2"),
            ("application/was?", "application/wasm"),
            ("ab*ba", "aba"),
            ("a*b*c", "acb"),
            ("*+json", "a/b+jsonx"),
            ("A/B", "a/b"),
        ] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    proptest! {
        #![proptest_config(crate::tests::quick())]

        #[test]
        fn it_agrees_with_trying_every_place(pattern in "[ab*]{0,7}", text in "[ab]{0,9}") {
            prop_assert_eq!(fits(&pattern, &text), tried(pattern.as_bytes(), text.as_bytes()));
        }
    }

    fn tried(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, _) => text.is_empty(),
            (Some((b'*', rest)), _) => (0..=text.len()).any(|at| tried(rest, &text[at..])),
            (Some((wanted, pattern)), Some((found, text))) => wanted == found && tried(pattern, text),
            (Some(_), None) => false,
        }
    }
}
