//! Values of the OCI world, parsed once at the edge; after that, types. A [`Digest`] in hand is valid.
//!
//! No I/O, no clock, no HTTP, and no other crate of Moorage. Each error says what was wrong and what to
//! do; its text goes to clients, so it quotes what they sent (shortened) and nothing of ours.
//!
//! Sources: the OCI distribution-spec and image-spec, both 1.1.1 and main (July 2026). Where they leave
//! a choice open, the item that makes it says which and why.

mod algorithm;
mod descriptor;
mod digest;
mod edge;
mod hash_state;
mod hasher;
mod json;
mod manifest;
pub mod media_type;
mod name;
mod reference;
mod tag;
mod text;

pub use algorithm::{Algorithm, UnsupportedAlgorithm};
pub use descriptor::Descriptor;
pub use digest::{Digest, InvalidDigest};
pub use edge::{Edge, Need, Target};
pub use hash_state::{HashState, InvalidHashState};
pub use hasher::Hasher;
pub use manifest::{InvalidManifest, Kind, Manifest, REMOTE_ANNOTATION};
pub use name::{InvalidName, NAME_LENGTH_MAX, RepositoryName};
pub use reference::{InvalidReference, Reference};
pub use tag::{InvalidTag, TAG_LENGTH_MAX, Tag};

#[cfg(test)]
mod tests {
    use proptest::prelude::ProptestConfig;

    /// Few cases, so that the whole crate is tested in a second or two (the fuzz targets run for longer),
    /// and no file of regressions in the source tree.
    pub(crate) fn quick() -> ProptestConfig {
        ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() }
    }
}
