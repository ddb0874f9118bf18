//! Filling a registry through its API, bounded in time: a peer that takes too long gets less, and what it
//! got is written down and stated in the report.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::content::documents::Named;
use crate::content::{
    self, Digest, EMPTY_CONFIG, LARGE_BLOB_BYTES, ListBlobs, MANY_TAGS, MANY_TAGS_MANIFESTS, REFERRED,
    REFERRERS, SHORT_LIST_TAGS, Size, World,
};
use crate::http::{Engine, Origin, Tally};
use crate::work::{Job, Storing};

/// What a data directory holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stored {
    pub seed: u64,
    pub size: Size,
    /// Whether that is all that was asked for.
    pub is_whole: bool,
    pub seconds: f64,
    /// How often it was measured since; makes each time's pushes fresh.
    pub measured: u32,
}

impl Stored {
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("{}: not seeded", path.display()))?;
        serde_json::from_slice(&text).with_context(|| path.display().to_string())
    }

    pub fn save(&self, path: &Path) -> Result<()> {
        std::fs::write(path, serde_json::to_vec_pretty(self)?).with_context(|| path.display().to_string())
    }
}

/// Connections that fill a registry.
const LANES: usize = 32;
/// Beyond what `budget` says, what every target gets whatever it takes.
const MUST: Duration = Duration::from_secs(1200);

/// Fills the registry at `origin` with what `wanted` says; each of the three large parts (blobs, manifests,
/// tags) may take `budget`.
pub fn fill(origin: Origin, seed: u64, wanted: Size, budget: Duration) -> Result<Stored> {
    let began = Instant::now();
    let mut filler = Filler { origin, size: wanted, seed };
    filler.blobs(budget)?;
    filler.manifests(budget)?;
    filler.large_blobs()?;
    filler.lists()?;
    filler.many_tags(budget)?;
    Ok(Stored {
        seed,
        size: filler.size,
        is_whole: filler.size == wanted,
        seconds: began.elapsed().as_secs_f64(),
        measured: 0,
    })
}

struct Filler {
    origin: Origin,
    seed: u64,
    /// What is asked for, cut down to what there is once a part is through.
    size: Size,
}

impl Filler {
    /// Runs `count` jobs, and returns how many were done before the time was up.
    fn store(&self, what: &str, count: u32, budget: Duration, job: &dyn Fn(u32) -> Job) -> Result<u32> {
        self.store_on(LANES, what, count, budget, job)
    }

    /// The same over so many connections.
    fn store_on(
        &self,
        lanes: usize,
        what: &str,
        count: u32,
        budget: Duration,
        job: &dyn Fn(u32) -> Job,
    ) -> Result<u32> {
        let mut storing = Storing::new(self.origin, lanes, count, job, Instant::now() + budget);
        let mut tally = Tally::default();
        let end = Instant::now() + budget + MUST;
        Engine::new(self.origin, lanes)?
            .run(&mut storing, end, &mut tally)
            .with_context(|| format!("storing {what}"))?;
        ensure!(tally.wrong == 0, "storing {what}: {}", tally.first_wrong.unwrap_or_default());
        Ok(storing.taken())
    }

    /// Stores all of them.
    fn store_all(&self, what: &str, jobs: &dyn Fn(u32) -> Job, count: u32) -> Result<()> {
        let done = self.store(what, count, MUST, jobs)?;
        ensure!(done == count, "storing {what}: {done} of {count} in {MUST:?}");
        Ok(())
    }

    /// Configs of all repositories, then their first layers, their second, and so on.
    fn blobs(&mut self, budget: Duration) -> Result<()> {
        let size = self.size;
        // Only the blobs are asked of it, and they do not depend on what else there is.
        let world = World::new(self.seed, Size { layers: 0, manifests: 0, large_blobs: 0, ..size });
        let job = |at: u32| {
            let repository = at % size.repositories;
            Job::Blob {
                repository: world.repository(repository),
                bytes: match at / size.repositories {
                    0 => world.config(repository),
                    layer => world.layer(repository, layer - 1),
                },
            }
        };
        let done = self.store("blobs", size.repositories * (1 + size.layers), budget, &job)?;
        if done < 2 * size.repositories {
            self.size.repositories = done.saturating_sub(size.repositories);
            self.size.layers = 1;
        } else {
            self.size.layers = done / size.repositories - 1;
        }
        ensure!(self.size.repositories > 0, "not one blob in {budget:?} beside the configs");
        Ok(())
    }

    /// Images of one large layer each.
    fn large_blobs(&self) -> Result<()> {
        let world = World::new(self.seed, Size { manifests: 0, ..self.size });
        let count = self.size.large_blobs;
        let config = |at: u32| {
            let repository = world.large_blob_repository(at);
            Job::Blob { bytes: ListBlobs::new(&repository).config, repository }
        };
        self.store_all("configs of large images", &config, count)?;
        let blob =
            |at: u32| Job::Blob { repository: world.large_blob_repository(at), bytes: world.large_blob(at) };
        self.store_all("large blobs", &blob, count)?;
        let manifest = |at: u32| {
            let repository = world.large_blob_repository(at);
            let layer = Named { digest: world.large_blob_digest(at), size: LARGE_BLOB_BYTES };
            let bytes = ListBlobs::new(&repository).manifest_of(layer, at);
            Job::Manifest { repository, reference: content::list_tag(at), bytes }
        };
        self.store_all("large images", &manifest, count)
    }

    fn manifests(&mut self, budget: Duration) -> Result<()> {
        let world = World::new(self.seed, self.size);
        let job = |at: u32| Job::Manifest {
            repository: world.repository(world.manifest_repository(at)),
            reference: world.manifest_tag(at),
            bytes: world.manifest(at),
        };
        self.size.manifests = self.store("manifests", self.size.manifests, budget, &job)?;
        Ok(())
    }

    /// The blobs that a repository of lists needs.
    fn list_blobs(&self, repository: &str) -> Result<ListBlobs> {
        let blobs = ListBlobs::new(repository);
        let job = |at: u32| Job::Blob {
            repository: repository.to_owned(),
            bytes: match at {
                0 => blobs.config.clone(),
                1 => blobs.layer.clone(),
                _ => EMPTY_CONFIG.to_vec(),
            },
        };
        self.store_all("blobs of lists", &job, 3)?;
        Ok(blobs)
    }

    fn lists(&self) -> Result<()> {
        for list in 0..self.size.short_lists {
            let repository = content::short_list(list);
            let blobs = self.list_blobs(&repository)?;
            let job = |at: u32| Job::Manifest {
                repository: repository.clone(),
                reference: content::list_tag(at),
                bytes: blobs.manifest(at),
            };
            self.store_all("a short list of tags", &job, SHORT_LIST_TAGS)?;
        }
        let blobs = self.list_blobs(REFERRED)?;
        let subject = |at: u32| Job::Manifest {
            repository: REFERRED.into(),
            reference: format!("subject-{at}"),
            bytes: blobs.subject(at),
        };
        self.store_all("subjects", &subject, self.size.subjects)?;
        let referrer = |at: u32| {
            let bytes = blobs.referrer(at / REFERRERS, at % REFERRERS);
            Job::Manifest { repository: REFERRED.into(), reference: Digest::of(&bytes).to_string(), bytes }
        };
        // One after another: olareg forgets some of those that come at the same time.
        self.store_on(1, "referrers", self.size.subjects * REFERRERS, MUST, &referrer)?;
        Ok(())
    }

    fn many_tags(&mut self, budget: Duration) -> Result<()> {
        let blobs = self.list_blobs(MANY_TAGS)?;
        let job = |at: u32| Job::Manifest {
            repository: MANY_TAGS.into(),
            reference: content::list_tag(at),
            bytes: blobs.manifest(at % MANY_TAGS_MANIFESTS),
        };
        self.size.many_tags = self.store("tags", self.size.many_tags, budget, &job)?;
        Ok(())
    }
}
