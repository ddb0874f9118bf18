//! What a story calls the things it speaks of: `<layer>` for a digest, `~1` for a random value.

use std::sync::{Arc, Mutex, PoisonError};

use moorage_oci::{Algorithm, Digest};

/// The names of one story's contents; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Names(Arc<Mutex<Vec<Named>>>);

struct Named {
    /// `<layer>`, or `<layer:sha512>`.
    name: String,
    digest: String,
}

impl Names {
    /// Gives a content's digests a name.
    pub(crate) fn learn(&self, name: &str, bytes: &[u8]) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, algorithm) in
            [(format!("<{name}>"), Algorithm::Sha256), (format!("<{name}:sha512>"), Algorithm::Sha512)]
        {
            let digest = Digest::of(algorithm, bytes).to_string();
            assert!(
                names.iter().all(|n| n.name != name && n.digest != digest),
                "there is a {name}, or its like"
            );
            names.push(Named { name, digest });
        }
    }

    /// A request's text with digests for names.
    pub(crate) fn fill(&self, text: &str) -> String {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut filled = text.to_owned();
        if filled.contains('<') {
            names.iter().for_each(|n| filled = filled.replace(&n.name, &n.digest));
        }
        filled
    }

    /// The name of a content, by its digest.
    pub(crate) fn of(&self, digest: &str) -> Option<String> {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.iter().find(|n| n.digest == digest).map(|n| n.name.clone())
    }

    /// A picture with names for digests and numbers for random values.
    pub(crate) fn show(&self, text: &str) -> String {
        let mut nonces: Vec<&str> = Vec::new();
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let word = &rest[..rest.find(|c| !is_of_word(c)).unwrap_or(rest.len())];
            if word.is_empty() {
                shown.push(next);
                rest = &rest[next.len_utf8()..];
                continue;
            }
            rest = &rest[word.len()..];
            let is_hex = word.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            let algorithm = ["sha256:", "sha512:"].into_iter().find(|a| shown.ends_with(a));
            match (algorithm, word.len()) {
                (Some(algorithm), 64 | 128) if is_hex => {
                    let digest = format!("{algorithm}{word}");
                    let name = self.of(&digest).unwrap_or_else(|| format!("{algorithm}{}…", &word[..8]));
                    shown.truncate(shown.len() - algorithm.len());
                    shown.push_str(&name);
                }
                (None, 32) if is_hex => {
                    let number = nonces.iter().position(|n| *n == word).unwrap_or_else(|| {
                        nonces.push(word);
                        nonces.len() - 1
                    });
                    shown.push_str(&format!("~{}", number + 1));
                }
                _ if shown.ends_with("/blobs/uploads/") => shown.push_str("<token>"),
                _ if shown.ends_with("last=") && word.len() > 60 => shown.push_str("<place>"),
                _ => shown.push_str(word),
            }
        }
        shown
    }
}

/// Letters and digits, and what base64 for URLs has beside them.
fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_digests_both_ways() {
        let names = Names::default();
        names.learn("layer", b"layer");
        for name in ["<layer>", "<layer:sha512>"] {
            let filled = names.fill(&format!("/v2/a/blobs/{name}"));
            assert!(!filled.contains('<'), "{filled}");
            assert_eq!(names.show(&filled), format!("/v2/a/blobs/{name}"));
        }
    }

    #[test]
    fn random_values_are_numbered_as_they_come() {
        let (one, two) = ("0".repeat(32), "f".repeat(32));
        let shown = Names::default().show(&format!("{one}#{two}#{one}"));
        assert_eq!(shown, "~1#~2#~1");
    }

    #[test]
    fn other_words_stay() {
        let unknown = format!("sha256:{} {}", "a".repeat(64), "b".repeat(31));
        assert_eq!(Names::default().show(&unknown), format!("sha256:aaaaaaaa… {}", "b".repeat(31)));
        assert_eq!(Names::default().show("</v2/a/blobs/uploads/QUJ-_0>"), "</v2/a/blobs/uploads/<token>>");
    }
}
