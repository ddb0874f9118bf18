//! Chance that a seed repeats (splitmix64).

use std::hash::{DefaultHasher, Hash, Hasher};

/// The same number for the same seed, purpose and count.
pub(crate) fn draw(seed: u64, purpose: &str, count: u64) -> u64 {
    let mut z = seed ^ number_of(purpose) ^ count.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number for a text, the same in every run.
pub(crate) fn number_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
