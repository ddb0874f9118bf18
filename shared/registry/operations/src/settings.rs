//! What an owner of a registry may choose, and the bounds that nobody may.

use moorage_collector::Times;

/// Choices of the registry's owner.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What a push may name that is not here.
    pub missing: MissingChildren,
    /// Bytes of the longest manifest that is taken. The specification asks for 4 MiB at least, and
    /// containers/image and go-containerregistry read no more than that.
    pub manifest_bytes_max: usize,
    /// How long an upload may take from its POST to its closing PUT. Long enough for a slow line and a
    /// large layer, short enough that what was abandoned is soon cleaned up.
    pub upload_age_max_ms: u64,
    /// How long what was just pushed, or asked for by someone who may push, stays although nothing holds it:
    /// at least this long, at first twice.
    pub grace_ms: u64,
    /// How long what was deleted stays in the recycle bin; 0: until the grace is over.
    pub recycle_ms: u64,
    /// Whether clients are given URLs to objects: then these outlive their records for as long as a URL is good.
    pub signs_urls: bool,
    /// Blobs of at least so many bytes are read by the client itself, where the store can sign a URL: what a
    /// redirect costs is a second connection, so a small blob is sooner there without.
    pub redirect_bytes_min: u64,
    /// Whether artifact types are looked at when something is pushed.
    pub types: TypeChecks,
    /// Whether what is pushed can be searched for: then the collector writes search items.
    pub search: bool,
}

impl Default for Settings {
    fn default() -> Self {
        const HOUR_MS: u64 = 60 * 60 * 1000;
        Self {
            missing: MissingChildren::Refuse,
            manifest_bytes_max: 4 * 1024 * 1024,
            upload_age_max_ms: 24 * HOUR_MS,
            grace_ms: Times::GRACE_MS,
            recycle_ms: Times::RECYCLE_MS,
            signs_urls: false,
            redirect_bytes_min: 1024 * 1024,
            types: TypeChecks::ByPolicy,
            search: true,
        }
    }
}

impl Settings {
    /// How long things stay.
    #[must_use]
    pub fn times(&self) -> Times {
        let times = if self.signs_urls { Times::with_signed_urls } else { Times::streaming };
        times(self.grace_ms, self.recycle_ms, self.upload_age_max_ms)
    }
}

/// Whether a manifest may name blobs and manifests that are not in its repository.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MissingChildren {
    /// The push is refused, and the answer names what is missing.
    Refuse,
    /// The push is taken; what comes later is held from its first moment.
    Allow,
}

/// Whether pushes are held to the rules of their artifact types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TypeChecks {
    /// As far as the policies of registry and repository say.
    ByPolicy,
    /// Never, and no policy is read for it.
    Never,
}

/// A pending node that is not live after this time is given up by the collector: one hour.
pub const PENDING_DEADLINE_MS: u64 = 60 * 60 * 1000;

/// Tags in one push. The specification asks for 10 at least; 32 of them (three items each), the check of
/// their target and its `kept` hold are one transaction.
pub const TAGS_IN_PUSH_MAX: usize = 32;

/// Names in one page of tags or of the catalog, whatever was asked for: about 1 MiB of answer.
pub const NAMES_IN_PAGE_MAX: usize = 10_000;

/// Entries in one page of referrers: with annotations of ordinary size well below the 4 MiB that clients
/// read of an index.
pub const REFERRERS_IN_PAGE_MAX: usize = 500;

/// Bytes of descriptors in one page of referrers, for the same reason.
pub const REFERRERS_PAGE_BYTES_MAX: usize = 3 * 1024 * 1024;

/// A referrer's descriptor with more bytes than this is not kept in the listing, which reads it from the
/// manifest: 64 KiB.
pub const REFERRER_DESCRIPTOR_BYTES_MAX: usize = 64 * 1024;

/// Bytes of an upload that may be read back to learn a digest other than the one that ran along.
pub const REREAD_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;

/// How often a compare-and-set that somebody else won is tried again before the client is told to. Each
/// loss means that another request got its work done.
pub const CONTENTION_TRIES_MAX: usize = 64;
