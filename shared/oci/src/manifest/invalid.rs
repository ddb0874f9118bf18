//! Why a manifest is refused.

use crate::InvalidDigest;
use crate::json::{DEPTH_MAX, Refusal};
use crate::media_type::{OCI_INDEX, OCI_MANIFEST};
use crate::text::excerpt;

/// Why bytes are not taken as a manifest. All of these are `MANIFEST_INVALID` to a client; what is quoted
/// is shortened, and places are JSON pointers (RFC 6901), empty for the document itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidManifest {
    #[error("the manifest is not UTF-8 from byte {offset_bytes} on: write it in UTF-8")]
    NotUtf8 {
        /// Counted from 0.
        offset_bytes: usize,
    },
    /// What the parser says, with line and column.
    #[error("the manifest is not JSON: {0}")]
    NotJson(String),
    #[error("the manifest is {found}: it must be a JSON object")]
    NotAnObject { found: &'static str },
    /// Readers disagree on which of the two counts, so the same bytes would mean two things.
    #[error("the manifest has the key `{key}` twice in one object, {}: remove one of them", place(pointer))]
    DuplicateKey { pointer: String, key: String },
    #[error(
        "the manifest has more than {DEPTH_MAX} objects and lists within one another, {}: make it flatter",
        place(pointer)
    )]
    TooDeep { pointer: String },
    #[error("the manifest's {pointer}: {source}")]
    Digest { pointer: String, source: InvalidDigest },
    /// A field that has the wrong shape or is missing; `problem` goes on from "the manifest's /layers/0".
    #[error("the manifest's {pointer} {problem}")]
    Field { pointer: String, problem: String },
    #[error(
        "the manifest says in `mediaType` that it is `{body}`, but was sent with Content-Type `{content_type}`: \
         send it with the former"
    )]
    MediaTypesDiffer { body: String, content_type: String },
    #[error("the Content-Type `{0}` is not a media type: send the manifest's own, such as `{OCI_MANIFEST}`")]
    BadContentType(String),
    #[error(
        "the manifest does not say what it is: send its media type as Content-Type, such as `{OCI_MANIFEST}` or `{OCI_INDEX}`"
    )]
    NoMediaType,
    /// Could be read as an image by one client and as an index by another.
    #[error(
        "the manifest is `{media_type}` and has `{field}` all the same: remove those, or correct its media type"
    )]
    Ambiguous { media_type: String, field: &'static str },
    #[error(
        "this is a Docker manifest of version 2 schema 1, a format retired in 2016 and not taken here: push it with a \
         client that writes schema 2 or OCI manifests (any Docker since 1.10; skopeo converts with `--format v2s2`)"
    )]
    Schema1,
}

impl InvalidManifest {
    pub(super) fn field(pointer: &str, problem: impl Into<String>) -> InvalidManifest {
        InvalidManifest::Field { pointer: excerpt(pointer), problem: problem.into() }
    }

    pub(super) fn digest(pointer: &str, source: InvalidDigest) -> InvalidManifest {
        InvalidManifest::Digest { pointer: excerpt(pointer), source }
    }

    pub(super) fn bad_media_type(pointer: &str, media_type: &str) -> InvalidManifest {
        let media_type = excerpt(media_type);
        InvalidManifest::field(
            pointer,
            format!("is `{media_type}`, no media type: write one such as `{OCI_MANIFEST}`"),
        )
    }

    pub(super) fn bad_content_type(content_type: &str) -> InvalidManifest {
        InvalidManifest::BadContentType(excerpt(content_type))
    }

    pub(super) fn media_types_differ(body: &str, content_type: &str) -> InvalidManifest {
        InvalidManifest::MediaTypesDiffer { body: excerpt(body), content_type: excerpt(content_type) }
    }
}

impl From<Refusal> for InvalidManifest {
    fn from(refusal: Refusal) -> InvalidManifest {
        match refusal {
            Refusal::Syntax(message) => InvalidManifest::NotJson(excerpt(&message)),
            Refusal::DuplicateKey { pointer, key } => {
                InvalidManifest::DuplicateKey { pointer: excerpt(&pointer), key: excerpt(&key) }
            }
            Refusal::TooDeep { pointer } => InvalidManifest::TooDeep { pointer: excerpt(&pointer) },
        }
    }
}

fn place(pointer: &str) -> String {
    if pointer.is_empty() { "at the top".into() } else { format!("at {pointer}") }
}
