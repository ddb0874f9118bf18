//! How a client names a manifest.

use std::str::FromStr;

use crate::text::text_value;
use crate::{Digest, InvalidDigest, InvalidTag, Tag};

/// The last part of `/v2/<name>/manifests/<reference>`: a tag, or the digest itself.
///
/// What has a `:` can only be meant as a digest (no tag has one), so a bad one is refused as a digest:
/// that is the error code the specification wants (`DIGEST_INVALID`), and the help the client needs.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reference {
    Tag(Tag),
    Digest(Digest),
}

/// Why a text is neither a tag nor a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    #[error(transparent)]
    Tag(#[from] InvalidTag),
    #[error(transparent)]
    Digest(#[from] InvalidDigest),
}

impl Reference {
    pub fn as_str(&self) -> &str {
        match self {
            Reference::Tag(tag) => tag.as_str(),
            Reference::Digest(digest) => digest.as_str(),
        }
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Reference, InvalidReference> {
        if text.contains(':') {
            Ok(Reference::Digest(text.parse()?))
        } else {
            Ok(Reference::Tag(text.parse()?))
        }
    }
}

impl From<Tag> for Reference {
    fn from(tag: Tag) -> Reference {
        Reference::Tag(tag)
    }
}

impl From<Digest> for Reference {
    fn from(digest: Digest) -> Reference {
        Reference::Digest(digest)
    }
}

text_value!(Reference, InvalidReference);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_colon_makes_it_a_digest() {
        let digest = Digest::sha256(b"");
        assert_eq!(digest.as_str().parse(), Ok(Reference::Digest(digest)));
        assert!(matches!("v1".parse(), Ok(Reference::Tag(_))));
        // 64 digits are a tag by the grammar: only the colon tells.
        assert!(matches!("a".repeat(64).parse(), Ok(Reference::Tag(_))));
        assert!(matches!(
            "sha256:baddigeststring".parse::<Reference>(),
            Err(InvalidReference::Digest(InvalidDigest::NotLowerHex { .. }))
        ));
        assert!(matches!(
            "md5:00".parse::<Reference>(),
            Err(InvalidReference::Digest(InvalidDigest::Unsupported(_)))
        ));
        assert_eq!("".parse::<Reference>(), Err(InvalidReference::Tag(InvalidTag::Empty)));
    }

    proptest! {
        #![proptest_config(crate::tests::quick())]

        #[test]
        fn what_is_taken_is_kept(text in prop_oneof!["\\PC*", "[a-z0-9_.:-]{0,20}", "sha256:[0-9a-f]{64}"]) {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.as_str(), &text);
                prop_assert_eq!(matches!(reference, Reference::Digest(_)), text.contains(':'));
            }
        }
    }
}
