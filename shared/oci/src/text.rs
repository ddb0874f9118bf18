//! What every value that is written as one string has in common.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserializer, Error, Visitor};

/// A client's text in one of our sentences is cut after this many characters: long enough for a sha512
/// digest (135), short enough that a 4 MiB key does not come back as a 4 MiB answer.
const EXCERPT_LENGTH_MAX: usize = 160;

/// The beginning of what a client sent, to be quoted in an error.
pub(crate) fn excerpt(text: &str) -> String {
    if text.len() <= EXCERPT_LENGTH_MAX {
        return text.to_owned();
    }
    match text.char_indices().nth(EXCERPT_LENGTH_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Gives a type with `as_str` and `FromStr` the rest of what a string has: `Display`, `Debug` (the same,
/// so that logs read well), `AsRef<str>`, `TryFrom<&str>`, and serde as a string that is checked when read.
macro_rules! text_value {
    ($value:ty, $error:ty) => {
        impl std::fmt::Display for $value {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::fmt::Debug for $value {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl AsRef<str> for $value {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl TryFrom<&str> for $value {
            type Error = $error;

            fn try_from(text: &str) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl serde::Serialize for $value {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $value {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::text::deserialize(deserializer)
            }
        }
    };
}

pub(crate) use text_value;

/// Reads a string and parses it, without a `String` in between.
pub(crate) fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    deserializer.deserialize_str(Parse(PhantomData))
}

struct Parse<T>(PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Parse<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        assert_eq!(excerpt("short"), "short");
        let exact = "é".repeat(EXCERPT_LENGTH_MAX);
        assert_eq!(excerpt(&exact), exact);
        assert_eq!(excerpt(&(exact.clone() + "é")), exact + "…");
    }
}
