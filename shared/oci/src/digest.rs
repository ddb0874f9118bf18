//! The name of content: an algorithm and the hash of the bytes.

use std::str::FromStr;
use std::sync::Arc;

use crate::Hasher;
use crate::algorithm::{Algorithm, UnsupportedAlgorithm};
use crate::text::{excerpt, text_value};

/// `sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a`: valid by construction, in
/// its one spelling (lower case, right length), so equal digests are equal strings.
///
/// Grammar: image-spec descriptor.md, "Digests". Clones share the text. Sorts as the text does.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    text: Arc<str>,
    algorithm: Algorithm,
}

/// Why a text is no digest that we can use. What is quoted is shortened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDigest {
    /// Not `algorithm:encoded` at all.
    #[error("`{0}` is not a digest: write the algorithm, a colon and the hash, as in `sha256:44136fa3…`")]
    Malformed(String),
    /// A digest by the grammar, whose algorithm we do not compute.
    #[error(transparent)]
    Unsupported(#[from] UnsupportedAlgorithm),
    #[error(
        "`{text}` is not a digest: {algorithm} has {} hexadecimal digits and this has {found}: send all of them",
        algorithm.hex_len()
    )]
    WrongLength { text: String, algorithm: Algorithm, found: usize },
    #[error(
        "`{text}` is not a digest: the hash is written in the digits 0-9 and a-f, and this has `{found}`"
    )]
    NotLowerHex { text: String, found: char },
}

impl Digest {
    /// The digest of these bytes.
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Digest {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The sha256 digest of these bytes.
    pub fn sha256(bytes: &[u8]) -> Digest {
        Digest::of(Algorithm::Sha256, bytes)
    }

    /// From the hash itself, which has the algorithm's number of bytes.
    pub(crate) fn from_hash(algorithm: Algorithm, hash: &[u8]) -> Digest {
        debug_assert_eq!(hash.len() * 2, algorithm.hex_len());
        let mut text = String::with_capacity(algorithm.as_str().len() + 1 + algorithm.hex_len());
        text.push_str(algorithm.as_str());
        text.push(':');
        for byte in hash {
            for nibble in [byte >> 4, byte & 0xf] {
                text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
            }
        }
        Digest { text: text.into(), algorithm }
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hash in lower-case hexadecimal digits, without the algorithm.
    pub fn hex(&self) -> &str {
        &self.text[self.algorithm.as_str().len() + 1..]
    }

    /// The whole digest, `sha256:…`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Digest, InvalidDigest> {
        let Some((name, encoded)) = text.split_once(':') else {
            return Err(InvalidDigest::Malformed(excerpt(text)));
        };
        let algorithm = match name.parse::<Algorithm>() {
            Ok(algorithm) => algorithm,
            Err(unsupported) if is_algorithm(name) && is_encoded(encoded) => return Err(unsupported.into()),
            Err(_) => return Err(InvalidDigest::Malformed(excerpt(text))),
        };
        if !encoded.bytes().fold(true, |good, b| good & is_lower_hex(b)) {
            let found =
                encoded.chars().find(|c| !c.is_ascii() || !is_lower_hex(*c as u8)).unwrap_or_default();
            return Err(InvalidDigest::NotLowerHex { text: excerpt(text), found });
        }
        if encoded.len() != algorithm.hex_len() {
            return Err(InvalidDigest::WrongLength { text: excerpt(text), algorithm, found: encoded.len() });
        }
        Ok(Digest { text: text.into(), algorithm })
    }
}

text_value!(Digest, InvalidDigest);

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// `[a-z0-9]+([+._-][a-z0-9]+)*`
fn is_algorithm(name: &str) -> bool {
    name.split(['+', '.', '_', '-'])
        .all(|part| !part.is_empty() && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9')))
}

/// `[a-zA-Z0-9=_-]+`
fn is_encoded(encoded: &str) -> bool {
    !encoded.is_empty()
        && encoded.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'=' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EMPTY_JSON: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    fn refusal(text: &str) -> InvalidDigest {
        text.parse::<Digest>().expect_err("not a digest")
    }

    #[test]
    fn a_digest_is_what_the_specification_says_the_empty_json_has() {
        let digest = Digest::sha256(b"{}");
        assert_eq!(digest.as_str(), EMPTY_JSON);
        assert_eq!(digest.hex(), &EMPTY_JSON[7..]);
        assert_eq!(EMPTY_JSON.parse(), Ok(digest.clone()));
        assert_eq!(format!("{digest} {digest:?}"), format!("{EMPTY_JSON} {EMPTY_JSON}"));
        assert_eq!(serde_json::to_string(&digest).expect("a string"), format!("\"{EMPTY_JSON}\""));
        assert_eq!(serde_json::from_str::<Digest>(&format!("\"{EMPTY_JSON}\"")).expect("a digest"), digest);
        assert!(serde_json::from_str::<Digest>("\"sha256:44\"").is_err());
    }

    #[test]
    fn each_refusal_says_what_was_wrong() {
        for malformed in
            ["", "sha256", ":", "sha256 :ab", "SHA256:ab", "a+:b", "+a:b", "new:", "new:a b", "a:b:c"]
        {
            assert_eq!(refusal(malformed), InvalidDigest::Malformed(malformed.into()), "{malformed}");
        }
        for unsupported in ["blake3", "multihash+base58", "sha256+b64u"] {
            let expected = InvalidDigest::Unsupported(UnsupportedAlgorithm(unsupported.into()));
            assert_eq!(refusal(&format!("{unsupported}:QmRZxt2b-_=")), expected);
        }
        assert_eq!(
            refusal("sha256:abc").to_string(),
            "`sha256:abc` is not a digest: sha256 has 64 hexadecimal digits and this has 3: send all of them"
        );
        assert!(matches!(refusal("sha512:"), InvalidDigest::WrongLength { found: 0, .. }));
        let upper = EMPTY_JSON.replace('f', "F");
        assert!(matches!(refusal(&upper), InvalidDigest::NotLowerHex { found: 'F', .. }));
        // The official conformance tool's own bad digest.
        assert!(matches!(refusal("sha256:baddigeststring"), InvalidDigest::NotLowerHex { found: 'i', .. }));
    }

    proptest! {
        #![proptest_config(crate::tests::quick())]

        #[test]
        fn what_is_hashed_is_read_back(bytes: Vec<u8>, long: bool) {
            let algorithm = if long { Algorithm::Sha512 } else { Algorithm::Sha256 };
            let digest = Digest::of(algorithm, &bytes);
            prop_assert_eq!(digest.algorithm(), algorithm);
            prop_assert_eq!(digest.hex().len(), algorithm.hex_len());
            prop_assert_eq!(digest.as_str().parse::<Digest>(), Ok(digest.clone()));
            prop_assert_eq!(digest, digest_of_text(algorithm, &bytes));
        }

        #[test]
        fn one_changed_character_makes_another_digest_or_none(bytes: Vec<u8>, at in 0usize..71, new: char) {
            let digest = Digest::sha256(&bytes);
            let mutated: String =
                digest.as_str().chars().enumerate().map(|(i, c)| if i == at { new } else { c }).collect();
            match mutated.parse::<Digest>() {
                Ok(other) => {
                    prop_assert_eq!(other.as_str(), &mutated);
                    prop_assert!(other == digest || at > 6 && matches!(new, '0'..='9' | 'a'..='f'));
                }
                Err(refusal) => prop_assert!(!refusal.to_string().is_empty()),
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*", tail: String) {
            for text in [text.clone(), format!("sha256:{text}"), format!("{text}:{tail}"), tail] {
                if let Ok(digest) = text.parse::<Digest>() {
                    prop_assert_eq!(digest.as_str(), text);
                }
            }
        }
    }

    /// The same digest by way of sha2 alone.
    fn digest_of_text(algorithm: Algorithm, bytes: &[u8]) -> Digest {
        use sha2::Digest as _;
        match algorithm {
            Algorithm::Sha256 => Digest::from_hash(algorithm, &sha2::Sha256::digest(bytes)),
            Algorithm::Sha512 => Digest::from_hash(algorithm, &sha2::Sha512::digest(bytes)),
        }
    }
}
