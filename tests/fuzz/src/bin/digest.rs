//! A digest is taken in its one spelling, or refused with words of a bounded length.

#![no_main]

use libfuzzer_sys::fuzz_target;
use moorage_oci::{Digest, InvalidDigest};

fuzz_target!(|text: &str| match text.parse::<Digest>() {
    Ok(digest) => {
        assert_eq!(digest.to_string(), text);
        assert_eq!(format!("{}:{}", digest.algorithm(), digest.hex()), text);
        assert_eq!(digest.hex().len(), digest.algorithm().hex_len());
        let json = serde_json::to_string(&digest).expect("a string");
        assert_eq!(serde_json::from_str::<Digest>(&json).expect("the same"), digest);
    }
    Err(refusal) => {
        assert!(refusal.to_string().chars().count() < 500);
        assert!(!matches!(refusal, InvalidDigest::Unsupported(_)) || text.contains(':'));
    }
});
