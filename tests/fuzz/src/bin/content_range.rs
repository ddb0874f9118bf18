//! Whatever the header, a chunk that is taken has bytes, and its end can be counted.

#![no_main]

use libfuzzer_sys::fuzz_target;
use moorage_http::parsers::content_range;

fuzz_target!(|header: &str| {
    if let Ok(range) = content_range(header) {
        assert!(range.size > 0);
        assert!(range.begins.checked_add(range.size - 1).is_some());
        let again = content_range(&format!("{}-{}", range.begins, range.begins + (range.size - 1)));
        assert_eq!(again, Ok(range));
    }
});
