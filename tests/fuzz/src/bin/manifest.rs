//! A manifest is refused, or everything that it points to is well formed, named once, and found again
//! however the same JSON is written.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use moorage_oci::{Digest, Kind, Manifest, Need, Target, media_type};

fuzz_target!(|bytes: &[u8]| {
    // The first line is the Content-Type, the rest the body: so that both are the fuzzer's to choose.
    let (content_type, body) = match bytes.iter().position(|b| *b == b'\n') {
        Some(at) => (str::from_utf8(&bytes[..at]).ok(), &bytes[at + 1..]),
        None => (None, bytes),
    };
    let manifest = match Manifest::parse(body, content_type) {
        Ok(manifest) => manifest,
        Err(refusal) => {
            assert!(refusal.to_string().chars().count() < 1000);
            return;
        }
    };

    assert!(media_type::is_well_formed(manifest.media_type()));
    assert_eq!(Kind::of(manifest.media_type()), manifest.kind());
    let mut seen = BTreeSet::new();
    for edge in manifest.edges() {
        assert_eq!(edge.digest.as_str().parse::<Digest>().as_ref(), Ok(&edge.digest));
        assert!(edge.size <= i64::MAX as u64);
        assert!(seen.insert((edge.target, edge.digest.clone())), "named twice");
        if matches!(manifest.kind(), Kind::Image | Kind::Artifact) {
            assert!(edge.target == Target::Blob && edge.need != Need::Remote);
        }
    }

    let digest = Digest::sha256(body);
    let referrer = manifest.referrer_descriptor(digest.clone(), body.len() as u64);
    assert_eq!((&referrer.digest, referrer.media_type.as_str()), (&digest, manifest.media_type()));
    let written = serde_json::to_string(&referrer).expect("JSON");
    assert_eq!(serde_json::from_str::<moorage_oci::Descriptor>(&written).expect("the same"), referrer);

    // What we take, others take too, and the same document in other spelling is the same manifest.
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let value: serde_json::Value = serde_json::from_slice(body).expect("what we take is JSON");
    for again in [value.to_string(), format!("\u{feff}{value:#}")] {
        assert_eq!(Manifest::parse(again.as_bytes(), content_type), Ok(manifest.clone()));
    }
});
