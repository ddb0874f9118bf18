//! Every way in which a request can be refused. What it means on the wire is decided once, in the HTTP
//! crate; the texts here are for clients and name no internals.

use moorage_oci::{
    Digest, InvalidDigest, InvalidManifest, InvalidName, InvalidTag, Reference, RepositoryName, Tag,
};
use moorage_ports::PortError;
use moorage_types::{Fault, Finding};

/// A child of a manifest that is not in its repository.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MissingChild {
    pub digest: Digest,
    /// Whether it is a manifest, not a blob.
    pub is_manifest: bool,
}

/// What is wrong with a request before its meaning is looked at.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidRequest {
    #[error("there is no such route; the API begins at /v2/")]
    UnknownRoute,
    #[error("{method} is not supported here; use {allowed}")]
    MethodNotAllowed { method: String, allowed: &'static str },
    #[error("the query parameter `{parameter}` is not valid: {reason}")]
    Query { parameter: &'static str, reason: String },
    #[error("there is no query parameter `{parameter}` here; use {known}")]
    UnknownParameter { parameter: String, known: &'static str },
    #[error("the header `{header}` is not valid: {reason}")]
    Header { header: &'static str, reason: String },
    #[error("the closing request of an upload needs `?digest=<digest of the whole blob>`")]
    DigestMissing,
    #[error("the path is not valid: {0}")]
    Path(&'static str),
    #[error("the request cannot be read: {0}")]
    Unreadable(&'static str),
}

/// Every refusal and failure.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error(transparent)]
    Request(#[from] InvalidRequest),
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error(transparent)]
    Tag(#[from] InvalidTag),
    /// A tag that was asked for and that nothing can have.
    #[error("there is no such tag: {0}")]
    NoSuchTag(InvalidTag),
    #[error(transparent)]
    Digest(#[from] InvalidDigest),

    #[error("repository {repository} is not known; push a manifest to it to make it")]
    RepositoryUnknown { repository: RepositoryName },
    #[error(
        "repository {repository} has no manifest {reference}; look at its tags with GET /v2/{repository}/tags/list"
    )]
    ManifestUnknown { repository: RepositoryName, reference: Reference },
    #[error(
        "manifest {digest} is not kept here: index {index} names it as remote; get it from {}",
        places(urls)
    )]
    ManifestIsRemote { digest: Digest, index: Digest, urls: Vec<String> },
    #[error("repository {repository} has no blob {digest}; push it, or mount it from another repository")]
    BlobUnknown { repository: RepositoryName, digest: Digest },

    #[error(
        "this upload is not known: it is finished, was cancelled, or is too old; begin again with POST /v2/{repository}/blobs/uploads/"
    )]
    UploadUnknown { repository: RepositoryName },
    #[error(
        "the chunk begins at byte {begins} of the blob, but {received} bytes have come; go on from there"
    )]
    ChunkOutOfOrder { begins: u64, received: u64 },
    #[error(
        "the chunk says that it has {said} bytes, but {came} came; {received} bytes of the blob are stored, go on from there"
    )]
    ChunkSize { said: u64, came: u64, received: u64 },
    #[error(
        "another request added to this upload at the same time; {received} bytes have come, go on from there"
    )]
    UploadRaced { received: u64 },
    #[error("an upload has at most {max} parts; begin again with larger chunks")]
    TooManyParts { max: usize },
    #[error("the bytes of the blob did not arrive: {0}; send them again")]
    BodyBroken(String),
    #[error("the digest of what came is not {expected}{}; nothing was stored, send the bytes again", actual.as_ref().map_or(String::new(), |d| format!(", but {d}")))]
    DigestMismatch { expected: Digest, actual: Option<Digest> },
    #[error("a blob of {size} bytes is too long to be checked against {digest} after it came; open the upload with ?digest-algorithm={}, or send it in one PUT", digest.algorithm())]
    TooLongToReread { size: u64, digest: Digest },

    #[error("{0}")]
    ManifestInvalid(#[from] InvalidManifest),
    #[error("the manifest has more than {max} bytes, the most that this registry takes")]
    ManifestTooLong { max: usize },
    #[error("the manifest names {} not in this repository: {}; push what is missing first", if missing.len() == 1 { "something that is" } else { "things that are" }, digests(missing))]
    ChildrenMissing { missing: Vec<MissingChild> },
    #[error("a push may carry at most {max} tags, this one has {count}; push again with the others")]
    TooManyTags { count: usize, max: usize },

    #[error("index {index} needs manifest {digest}; delete the index first")]
    ManifestHeld { digest: Digest, index: Digest },
    #[error("manifest {manifest} needs blob {digest}; delete the manifest first")]
    BlobHeld { digest: Digest, manifest: Digest },

    #[error(
        "the recycle bin of {repository} does not have manifest {digest}; see what it has with GET /v2/{repository}/_moorage/recycle-bin/"
    )]
    NotRecycled { repository: RepositoryName, digest: Digest },

    #[error("tag {tag} points to {current} and is immutable here; push under another tag")]
    TagImmutable { tag: Tag, current: Digest },
    #[error("the policy is not valid: {reason}")]
    PolicyInvalid { reason: String },

    #[error("the artifact is not what its type or this repository's policy demands: {}", first_of(findings))]
    TypeRefused { findings: Vec<Finding> },
    #[error("the definition is not valid: {}", first_of(.faults))]
    DefinitionInvalid { faults: Vec<Fault> },
    #[error("the definition is of type {defined}, but was put as {asked}: put it under its own type")]
    DefinitionOfAnother { defined: String, asked: String },
    #[error(
        "version {version} of {artifact_type} is published already, and says something else: raise the version"
    )]
    VersionPublished { artifact_type: String, version: String },
    #[error("there is no definition of type {artifact_type} here; see which there are with GET {path}")]
    TypeUnknown { artifact_type: String, path: String },
    #[error(
        "the definition of {artifact_type} is built in: switch it off with `types.off` of PUT /v2/_moorage/policy"
    )]
    TypeBuiltIn { artifact_type: String },
    #[error("the definition of {artifact_type} has no logo")]
    NoLogo { artifact_type: String },

    #[error("this part of the registry serves {serves} only; the routes in front of it are wrong")]
    Misrouted { serves: &'static str },
    #[error("this registry takes no pushes and no deletes without an account; its owner can allow them")]
    ReadOnly,
    /// What one client may ask in a second is used up.
    #[error(
        "this address asks more often than {per_second} times a second, the most that this registry answers; wait {retry_after_s} s and ask again, with fewer requests at once"
    )]
    TooManyRequests { per_second: u32, retry_after_s: u32 },
    #[error("this registry cannot be searched: its owner has switched that off")]
    NotSearched,
    #[error("the range is outside of the blob, which has {size} bytes")]
    RangeNotSatisfiable { size: u64 },
    #[error(
        "the answer has more than {max} bytes, the most that can be sent from here; the registry's owner can have \
         shorter blobs redirected to the store (MOORAGE_REDIRECT_BYTES_MIN), or take shorter manifests only \
         (MOORAGE_MANIFEST_BYTES_MAX)"
    )]
    AnswerTooLong { max: usize },
    #[error("others are changing the same thing all the time; try again")]
    Contended,
    /// The text for clients says nothing of what failed; the log does.
    #[error(
        "the registry could not reach its storage, or what is stored is damaged; try again, and tell the registry's owner if it stays so"
    )]
    Storage(PortError),
}

impl From<PortError> for RegistryError {
    fn from(error: PortError) -> Self {
        match error {
            PortError::Body(why) => Self::BodyBroken(why),
            other => Self::Storage(other),
        }
    }
}

/// The first few of what is wrong, and how many more there are.
fn first_of(wrong: &[impl ToString]) -> String {
    const NAMED_MAX: usize = 3;
    let named: Vec<String> = wrong.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let more = wrong.len().saturating_sub(NAMED_MAX);
    let more = if more == 0 { String::new() } else { format!("; and {more} more, see `detail`") };
    format!("{}{more}", named.join("; "))
}

fn places(urls: &[String]) -> String {
    if urls.is_empty() { "where its publisher says".to_owned() } else { urls.join(" or ") }
}

fn digests(missing: &[MissingChild]) -> String {
    const NAMED_MAX: usize = 5;
    let named: Vec<String> = missing
        .iter()
        .take(NAMED_MAX)
        .map(|m| format!("{} {}", if m.is_manifest { "manifest" } else { "blob" }, m.digest))
        .collect();
    let more = missing.len().saturating_sub(NAMED_MAX);
    if more == 0 { named.join(", ") } else { format!("{} and {more} more", named.join(", ")) }
}
