//! A reference is a tag or a digest, and which of them shows in the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use moorage_oci::{Digest, InvalidReference, Reference, TAG_LENGTH_MAX, Tag};

fuzz_target!(|text: &str| match text.parse::<Reference>() {
    Ok(reference) => {
        assert_eq!(reference.to_string(), text);
        match reference {
            Reference::Tag(tag) => {
                assert!(!text.contains([':', '/', '#', '%']) && (1..=TAG_LENGTH_MAX).contains(&text.len()));
                assert_eq!(text.parse::<Tag>(), Ok(tag));
            }
            Reference::Digest(digest) => assert_eq!(text.parse::<Digest>(), Ok(digest)),
        }
    }
    Err(refusal) => {
        assert_eq!(matches!(refusal, InvalidReference::Digest(_)), text.contains(':'));
        assert!(refusal.to_string().chars().count() < 500);
    }
});
