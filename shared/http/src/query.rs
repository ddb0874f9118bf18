//! The query of a request: names and values, decoded. Values with a wrong escape are taken as they stand,
//! as every browser does; what they mean is checked where they are used.
//!
//! A `+` is a plus (RFC 3986), not a space as in a form: many media types have a plus, which people and some clients
//! write as it is. A space is `%20`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A decoded query, in the order it came.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// Reads what stands after the `?`.
    #[must_use]
    pub fn parse(text: Option<&'a str>) -> Self {
        let pairs = text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(k, v)| (decoded(k), decoded(v)))
                .collect(),
        )
    }

    /// The first value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_ref())
    }

    /// Names and values, in the order they came.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// Every value of a name.
    pub fn all<'q>(&'q self, name: &'q str) -> impl Iterator<Item = &'q str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_ref())
    }
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_repeat_and_values_are_decoded() {
        let query = Query::parse(Some("tag=a&digest=sha256%3A00&tag=b&&flag&x=1%2B1%202"));
        assert_eq!(query.all("tag").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(query.get("digest"), Some("sha256:00"));
        assert_eq!(query.get("flag"), Some(""));
        assert_eq!(query.get("x"), Some("1+1 2"));
        assert_eq!(query.get("none"), None);
        assert_eq!(query.pairs().map(|(name, _)| name).collect::<String>(), "tagdigesttagflagx");
        assert_eq!(Query::parse(None), Query::default());
    }

    #[test]
    fn an_artifact_type_keeps_its_plus() {
        for text in ["artifactType=application%2Fspdx%2Bjson", "artifactType=application/spdx+json"] {
            assert_eq!(Query::parse(Some(text)).get("artifactType"), Some("application/spdx+json"));
        }
    }
}
