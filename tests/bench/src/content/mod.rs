//! The registry that is measured: which repositories, manifests, blobs, tags and referrers it holds. All of
//! it follows from a seed and a size, so nothing but the size has to be remembered between runs.

mod digest;
pub mod documents;
pub mod random;

pub use digest::Digest;
use documents::Named;
use random::keyed;
use serde::{Deserialize, Serialize};

/// How much there is. What a registry really holds may be less than what was asked for: see `seed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Repositories of the large set.
    pub repositories: u32,
    /// Blobs of 4 KiB in each of them.
    pub layers: u32,
    /// Manifests in all of them together, dealt out in turn.
    pub manifests: u32,
    /// Blobs of 1 MiB.
    pub large_blobs: u32,
    /// Repositories with [`SHORT_LIST_TAGS`] tags each.
    pub short_lists: u32,
    /// Tags of the one repository that has many.
    pub many_tags: u32,
    /// Manifests with [`REFERRERS`] referrers each.
    pub subjects: u32,
}

pub const SMALL_BLOB_BYTES: usize = 4 << 10;
pub const LARGE_BLOB_BYTES: usize = 1 << 20;
/// Tags of a list that a client asks for whole.
pub const SHORT_LIST_TAGS: u32 = 500;
/// Referrers of a subject.
pub const REFERRERS: u32 = 20;
/// Manifests that the many tags point to, in turn.
pub const MANY_TAGS_MANIFESTS: u32 = 1000;
/// The repository with many tags.
pub const MANY_TAGS: &str = "bench/lists/many";
/// The repository of subjects and referrers.
pub const REFERRED: &str = "bench/lists/referred";

/// What a push or a check needs to know of a blob or manifest that is kept.
pub struct World {
    pub size: Size,
    seed: u64,
    configs: Vec<Named>,
    layers: Vec<Digest>,
    manifests: Vec<Named>,
    large_blobs: Vec<Digest>,
}

impl World {
    pub fn new(seed: u64, size: Size) -> Self {
        let mut world = Self {
            size,
            seed,
            configs: Vec::new(),
            layers: Vec::new(),
            manifests: Vec::new(),
            large_blobs: Vec::new(),
        };
        world.configs = (0..size.repositories).map(|at| Named::of(&world.config(at))).collect();
        world.layers = (0..size.repositories * size.layers)
            .map(|at| Digest::of(&world.layer(at / size.layers, at % size.layers)))
            .collect();
        world.manifests = (0..size.manifests).map(|at| Named::of(&world.manifest(at))).collect();
        world.large_blobs = (0..size.large_blobs).map(|at| Digest::of(&world.large_blob(at))).collect();
        world
    }

    /// Name of a repository of the large set.
    pub fn repository(&self, at: u32) -> String {
        format!("bench/team-{:02}/app-{at:04}", at % 20)
    }

    pub fn config(&self, repository: u32) -> Vec<u8> {
        documents::config(&self.repository(repository))
    }

    pub fn layer(&self, repository: u32, at: u32) -> Vec<u8> {
        self.noise(1, repository, at, SMALL_BLOB_BYTES)
    }

    pub fn layer_digest(&self, repository: u32, at: u32) -> Digest {
        self.layers[(repository * self.size.layers + at) as usize]
    }

    /// The repository that large blob `at` is in.
    pub fn large_blob_repository(&self, at: u32) -> String {
        format!("bench/large/app-{:02}", at % 16)
    }

    pub fn large_blob(&self, at: u32) -> Vec<u8> {
        self.noise(2, 0, at, LARGE_BLOB_BYTES)
    }

    pub fn large_blob_digest(&self, at: u32) -> Digest {
        self.large_blobs[at as usize]
    }

    /// Layers of each repository that some manifest names: what no manifest names, a registry may collect.
    pub fn layers_in_use(&self) -> u32 {
        self.size.layers.min(self.size.manifests / self.size.repositories)
    }

    /// The repository that manifest `at` is in.
    pub fn manifest_repository(&self, at: u32) -> u32 {
        at % self.size.repositories
    }

    /// The tag of manifest `at`.
    pub fn manifest_tag(&self, at: u32) -> String {
        format!("1.{}.0", at / self.size.repositories)
    }

    pub fn manifest(&self, at: u32) -> Vec<u8> {
        let repository = self.manifest_repository(at);
        let layer = Named {
            digest: self.layer_digest(repository, (at / self.size.repositories) % self.size.layers),
            size: SMALL_BLOB_BYTES,
        };
        documents::manifest(self.configs[repository as usize], layer, &self.manifest_tag(at))
    }

    pub fn manifest_named(&self, at: u32) -> Named {
        self.manifests[at as usize]
    }

    /// Bytes that no two things share.
    fn noise(&self, kind: u64, a: u32, b: u32, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        keyed(self.seed, &[kind, u64::from(a), u64::from(b)]).fill(&mut bytes);
        bytes
    }
}

/// The repository whose list of tags is short, by number.
pub fn short_list(at: u32) -> String {
    format!("bench/lists/short-{at}")
}

/// The name of tag `at` in a repository of lists; they sort as they count.
pub fn list_tag(at: u32) -> String {
    format!("build-{at:07}")
}

/// What the repositories of lists hold besides manifests: one config, one layer, the empty config.
pub struct ListBlobs {
    pub config: Vec<u8>,
    pub layer: Vec<u8>,
}

/// The empty config of artifacts.
pub const EMPTY_CONFIG: &[u8] = b"{}";

impl ListBlobs {
    pub fn new(repository: &str) -> Self {
        Self {
            config: documents::config(repository),
            layer: format!("the one layer of {repository}").into_bytes(),
        }
    }

    pub fn manifest(&self, mark: u32) -> Vec<u8> {
        self.manifest_of(Named::of(&self.layer), mark)
    }

    /// With another layer than its own.
    pub fn manifest_of(&self, layer: Named, mark: u32) -> Vec<u8> {
        documents::manifest(Named::of(&self.config), layer, &mark.to_string())
    }

    /// Subject `at`, in [`REFERRED`].
    pub fn subject(&self, at: u32) -> Vec<u8> {
        self.manifest(at)
    }

    /// One of the referrers of subject `subject`.
    pub fn referrer(&self, subject: u32, at: u32) -> Vec<u8> {
        let subject = Named::of(&self.subject(subject));
        let mark = format!("sbom-{at}");
        documents::referrer(subject, Named::of(EMPTY_CONFIG), Named::of(&self.layer), &mark)
    }
}
