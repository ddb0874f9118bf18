//! Properties of the parsers of what comes over the wire, for any text.

use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::parsers::{Query, Route, byte_range, content_range, route};

fn config() -> Config {
    Config { failure_persistence: None, ..Config::with_cases(512) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}", size in any::<u64>()) {
        let _ = route(&text);
        let _ = route(&format!("/v2/{text}"));
        let _ = content_range(&text);
        let _ = byte_range(&text, size);
        let _ = Query::parse(Some(&text));
    }

    #[test]
    fn a_served_range_lies_within_the_blob(first in any::<u64>(), last in any::<u64>(), size in 0..1000u64) {
        for header in [format!("bytes={first}-{last}"), format!("bytes={first}-"), format!("bytes=-{last}")] {
            if let Ok(Some(range)) = byte_range(&header, size) {
                prop_assert!(range.start < range.end && range.end <= size, "{header}: {range:?}");
            }
        }
    }

    #[test]
    fn a_chunk_has_the_bytes_it_says(begins in 0..u64::MAX / 2, size in 1..u64::MAX / 2) {
        let range = content_range(&format!("{begins}-{}", begins + size - 1));
        prop_assert_eq!(range.map(|r| (r.begins, r.size)), Ok((begins, size)));
    }

    #[test]
    fn every_name_and_tag_finds_its_manifest(name in "[a-z0-9]{1,9}(/[a-z0-9]{1,9}){0,4}", tag in "[A-Za-z0-9_][A-Za-z0-9._-]{0,20}") {
        let path = format!("/v2/{name}/manifests/{tag}");
        let expected = Route::Manifest { repository: name.as_str().into(), reference: tag.as_str().into() };
        prop_assert_eq!(route(&path), Ok(expected));
    }

    #[test]
    fn what_was_encoded_comes_back(value in ".{0,50}") {
        let encoded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let text = format!("x=1&last={encoded}");
        let query = Query::parse(Some(&text));
        prop_assert_eq!(query.get("last"), Some(value.as_str()));
    }
}
