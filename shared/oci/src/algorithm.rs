//! The hash algorithms a digest may use here.

use std::str::FromStr;

use crate::text::{excerpt, text_value};

/// A hash algorithm that this registry computes and checks.
///
/// Registered are also others (image-spec descriptor.md, "Registered algorithms": main adds blake3); what
/// we cannot compute we cannot verify, so we refuse it by name rather than store it unchecked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    Sha256,
    Sha512,
}

/// An algorithm we do not compute, with its name (shortened).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the digest algorithm `{0}` is not supported here: use sha256 or sha512")]
pub struct UnsupportedAlgorithm(pub String);

impl Algorithm {
    pub const ALL: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha512];

    /// As in a digest: `sha256`.
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }

    /// Number of hexadecimal digits in a digest, twice the bytes of the hash.
    pub fn hex_len(self) -> usize {
        match self {
            Algorithm::Sha256 => 64,
            Algorithm::Sha512 => 128,
        }
    }
}

impl FromStr for Algorithm {
    type Err = UnsupportedAlgorithm;

    fn from_str(text: &str) -> Result<Algorithm, UnsupportedAlgorithm> {
        match text {
            "sha256" => Ok(Algorithm::Sha256),
            "sha512" => Ok(Algorithm::Sha512),
            other => Err(UnsupportedAlgorithm(excerpt(other))),
        }
    }
}

text_value!(Algorithm, UnsupportedAlgorithm);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_read_as_it_is_written() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        assert_eq!(
            "blake3".parse::<Algorithm>().expect_err("not computed here").to_string(),
            "the digest algorithm `blake3` is not supported here: use sha256 or sha512"
        );
        assert!("SHA256".parse::<Algorithm>().is_err());
    }
}
