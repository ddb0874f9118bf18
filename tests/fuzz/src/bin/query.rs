//! Whatever the query, it is read, and what was encoded comes back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use moorage_http::parsers::Query;

fuzz_target!(|text: &str| {
    let query = Query::parse(Some(text));
    assert_eq!(query.all("tag").next(), query.get("tag"));
    let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
    assert_eq!(Query::parse(Some(&format!("a=b&last={encoded}"))).get("last"), Some(text));
});
