//! Whatever the header, a range that is served lies within the blob and is not empty.

#![no_main]

use libfuzzer_sys::fuzz_target;
use moorage_http::parsers::byte_range;

fuzz_target!(|input: (u64, &str)| {
    let (size, header) = input;
    if let Ok(Some(range)) = byte_range(header, size) {
        assert!(range.start < range.end && range.end <= size);
    }
});
