//! A repository name can be put into a path and a table key as it is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use moorage_oci::{NAME_LENGTH_MAX, RepositoryName};

fuzz_target!(|text: &str| match text.parse::<RepositoryName>() {
    Ok(name) => {
        assert_eq!(name.to_string(), text);
        assert!((1..=NAME_LENGTH_MAX).contains(&text.len()));
        assert!(text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/')));
        for part in text.split('/') {
            let is_alphanumeric = |c: char| c.is_ascii_alphanumeric();
            assert!(part.starts_with(is_alphanumeric) && part.ends_with(is_alphanumeric));
            assert!(!part.contains("..") && !part.contains("___"));
            // Each part is a name by itself.
            assert_eq!(part.parse::<RepositoryName>().expect("a part").as_str(), part);
        }
    }
    Err(refusal) => assert!(refusal.to_string().chars().count() < 500),
});
