//! What it costs to collect something, in calls of the storage, while the registry around it grows:
//!
//! ```sh
//! cargo run --release -p moorage-collector --example collection_cost -- 1000 10000 100000
//! ```
//!
//! For each number an embedded registry is filled with so many objects (images of a manifest, a config and three
//! layers). Then the same few things are deleted in each, the clock is moved on, and a collector works until nothing
//! is left to do. The calls for one collected thing must be the same whatever the size: the example fails otherwise.
//! The registry is in a temporary folder (TMPDIR).

#![expect(clippy::disallowed_methods, reason = "`json!` unwraps what can't fail")]

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use moorage_collector::{Collector, Event, Steps};
use moorage_embedded::{Embedded, Options};
use moorage_oci::{Digest, Reference, RepositoryName};
use moorage_operations::{Common, ManifestPush, Push, Settings, TokenSecret};
use moorage_ports::calls::{Call, Calls, scope};
use moorage_ports::testing_context::{SeededRandom, TestContext};
use moorage_ports::{Clock, Context, CountCalls, Reviewed};
use serde_json::json;

/// Things of each kind that are deleted.
const DELETED: usize = 100;

/// Bytes of a layer of what is deleted, and of what stays.
const DELETED_LAYER_BYTES: usize = 64 << 10;
const LAYER_BYTES: usize = 64;

const LAYERS: usize = 3;

/// Manifest, config, layers.
const OBJECTS_IN_IMAGE: usize = 2 + LAYERS;

const IMAGES_IN_REPOSITORY: usize = 500;
const PUSHES_AT_ONCE: usize = 32;

/// From the deletion of an image to the end of its objects: the recycle bin, then one grace for each level.
const LONG: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How much two sizes may differ: reviews are read in pages, and a page more or less is the luck of the shards.
const DIFFERENCE_PERCENT_MAX: f64 = 3.0;

type Failure = Box<dyn Error + Send + Sync>;

struct Registry {
    push: Push,
    collector: Collector,
    test: TestContext,
    _folder: tempfile::TempDir,
}

/// What the collection of some things of one kind cost.
struct Cost {
    what: &'static str,
    calls: Calls,
    rounds: u32,
    bytes: u64,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let sizes: Vec<usize> =
        std::env::args().skip(1).map(|size| size.parse()).collect::<Result<_, std::num::ParseIntError>>()?;
    let sizes = if sizes.is_empty() { vec![1_000, 10_000] } else { sizes };
    let mut first: Vec<f64> = Vec::new();
    let mut is_constant = true;
    for size in sizes {
        let costs = costs_at(size).await?;
        for (at, cost) in costs.iter().enumerate() {
            let each = cost.each();
            let as_first = *first.get(at).unwrap_or(&each);
            if first.len() == at {
                first.push(each);
            }
            let differs = 100.0 * (each - as_first).abs() / as_first;
            is_constant &= differs <= DIFFERENCE_PERCENT_MAX;
            println!("  {cost}");
        }
    }
    println!("{}", if is_constant { "constant" } else { "NOT CONSTANT: the size of the registry shows" });
    Ok(if is_constant { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn costs_at(objects: usize) -> Result<Vec<Cost>, Failure> {
    let registry = Registry::open()?;
    let images = (objects.saturating_sub(DELETED * (1 + OBJECTS_IN_IMAGE)) / OBJECTS_IN_IMAGE).max(1);
    let shared = registry.push_image("stays/shared", 0, LAYER_BYTES).await?;
    let filled = &registry;
    for begin in (0..images).step_by(IMAGES_IN_REPOSITORY) {
        let at_once = (begin..images.min(begin + IMAGES_IN_REPOSITORY)).map(|number| async move {
            let repository = format!("stays/r{}", begin / IMAGES_IN_REPOSITORY);
            filled.push_image(&repository, 1 + number, LAYER_BYTES).await.map(drop)
        });
        stream::iter(at_once).buffer_unordered(PUSHES_AT_ONCE).try_collect::<()>().await?;
        // The feed does not keep changes for ever.
        registry.collector.follow().await?;
    }
    let goes: RepositoryName = "goes/app".parse()?;
    let stays: RepositoryName = "stays/shared".parse()?;
    let (mut manifests, mut whole) = (Vec::new(), Vec::new());
    for number in 0..DELETED {
        manifests.push(registry.push_manifest(&stays, &shared.1, &format!("goes {number}")).await?);
        whole.push(registry.push_image("goes/app", images + 1 + number, DELETED_LAYER_BYTES).await?.0);
    }
    // Everything is looked at once, when its first time is over.
    let (_, first_looks) = registry.collect().await?;
    let each = f64::from(first_looks.table() + first_looks.blobs()) / objects as f64;
    println!("{objects} objects; the first look at each, once in its life: {each:.2} calls an object");

    let mut costs = Vec::new();
    for number in 0..DELETED {
        registry.push_blob(&goes, &bytes_of(&format!("blob {number}"), DELETED_LAYER_BYTES)).await?;
    }
    costs.push(
        registry.cost("blob that no manifest came to name", DELETED, DELETED * DELETED_LAYER_BYTES).await?,
    );
    for manifest in &manifests {
        registry.push.delete_manifest(&stays, manifest).await?;
    }
    costs.push(registry.cost("manifest whose four blobs others need", 0, 0).await?);
    for manifest in &whole {
        registry.push.delete_manifest(&goes, manifest).await?;
    }
    let freed = DELETED * (LAYERS * DELETED_LAYER_BYTES + LAYER_BYTES);
    costs.push(registry.cost("image of a manifest and four blobs", DELETED * (1 + LAYERS), freed).await?);
    Ok(costs)
}

impl Registry {
    fn open() -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let test = TestContext::new(0);
        let storage = Arc::new(Embedded::open(folder.path(), Options::default(), &test.context())?);
        let (table, blobs) = (Arc::new(CountCalls::new(storage.clone())), Arc::new(CountCalls::new(storage)));
        let context = Context { clock: test.clock.clone(), random: Arc::new(SeededRandom::new(1)) };
        let settings = Settings::default();
        let steps = Steps {
            table: table.clone(),
            blobs: blobs.clone(),
            context: context.clone(),
            times: settings.times(),
        };
        let collector = Collector::new(steps, blobs.clone());
        let common =
            Common { context, settings: Arc::new(settings), secret: TokenSecret::new("of this test") };
        Ok(Self { push: Push::new(table, blobs, common), collector, test, _folder: folder })
    }

    /// Answers the digest of its manifest, and descriptors of its blobs.
    async fn push_image(
        &self,
        repository: &str,
        number: usize,
        layer_bytes: usize,
    ) -> Result<(Digest, Vec<serde_json::Value>), Failure> {
        let repository: RepositoryName = repository.parse()?;
        let mut descriptors = Vec::new();
        for layer in 0..=LAYERS {
            // The first is the config.
            let length = if layer == 0 { LAYER_BYTES } else { layer_bytes };
            let bytes = bytes_of(&format!("image {number}, blob {layer}"), length);
            let digest = self.push_blob(&repository, &bytes).await?;
            descriptors.push(json!({
                "mediaType": "application/octet-stream",
                "digest": digest.as_str(),
                "size": bytes.len(),
            }));
        }
        let manifest = self.push_manifest(&repository, &descriptors, &format!("image {number}")).await?;
        Ok((manifest, descriptors))
    }

    async fn push_blob(&self, repository: &RepositoryName, bytes: &Bytes) -> Result<Digest, Failure> {
        let digest = Digest::sha256(bytes);
        let body = Box::pin(stream::iter([Ok(bytes.clone())]));
        self.push.put_blob(repository, &digest, Some(bytes.len() as u64), body).await?;
        Ok(digest)
    }

    async fn push_manifest(
        &self,
        repository: &RepositoryName,
        descriptors: &[serde_json::Value],
        note: &str,
    ) -> Result<Digest, Failure> {
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let document = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": descriptors[0],
            "layers": descriptors[1..],
            "annotations": { "note": note },
        });
        let bytes = Bytes::from(document.to_string());
        let reference = Reference::Digest(Digest::sha256(&bytes));
        let content_type = Some(media_type);
        let push = ManifestPush { repository, reference: &reference, tags: Vec::new(), content_type, bytes };
        Ok(self.push.push_manifest(push).await?.digest)
    }

    /// Collects what was deleted, and answers what that cost. `objects` and `bytes` are what must be freed.
    async fn cost(&self, what: &'static str, objects: usize, bytes: usize) -> Result<Cost, Failure> {
        let gone = || self.collector.tally().of(Event::ObjectDeleted);
        let before = gone();
        let (rounds, calls) = self.collect().await?;
        let deleted = usize::try_from(gone() - before)?;
        if deleted != objects {
            return Err(format!("{what}: {deleted} objects were deleted instead of {objects}").into());
        }
        Ok(Cost { what, calls, rounds, bytes: bytes as u64 })
    }

    /// Works until nothing is left to do, as time passes; answers how many rounds that took, and all calls.
    async fn collect(&self) -> Result<(u32, Calls), Failure> {
        let end = self.test.clock.now().plus_ms(u64::try_from(LONG.as_millis())?);
        let work = async {
            let mut rounds = 0;
            loop {
                let read = self.collector.follow().await?;
                let worked = self.collector.work(None).await?;
                rounds += 1;
                if worked.failed > 0 {
                    return Err::<_, Failure>(format!("{} reviews could not be done", worked.failed).into());
                }
                if read > 0 || worked.done > 0 {
                    continue;
                }
                let now = self.test.clock.now();
                match worked.next.filter(|next| *next <= end) {
                    Some(next) => self.test.clock.advance(Duration::from_millis(next.since_ms(now))),
                    None => break,
                }
            }
            self.test.clock.advance(Duration::from_millis(end.since_ms(self.test.clock.now())));
            Ok(rounds)
        };
        let (rounds, counted) = scope(work).await;
        Ok((rounds?, counted.calls))
    }
}

impl Cost {
    /// Calls for one of the things: without those of a round that finds nothing, one look at each shard and one at
    /// the feed.
    fn each(&self) -> f64 {
        f64::from(self.all()) / DELETED as f64
    }

    fn all(&self) -> u32 {
        let looks = self.rounds * (u32::from(Reviewed::SHARDS) + 1);
        (self.calls.table() + self.calls.blobs()).saturating_sub(looks)
    }
}

/// `blob: 12.3 calls each (get 2.0, ...), 5333 bytes freed a call`
impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {:.2} calls each (", self.what, self.each())?;
        let mut between = "";
        for call in Call::ALL {
            let looks = match call {
                Call::Query => self.rounds * u32::from(Reviewed::SHARDS),
                Call::Changes => self.rounds,
                _ => 0,
            };
            let calls = self.calls.of(call).calls.saturating_sub(looks);
            if calls > 0 {
                let store = if call.is_table() { "" } else { "object " };
                write!(f, "{between}{store}{} {:.2}", call.name(), f64::from(calls) / DELETED as f64)?;
                between = ", ";
            }
        }
        write!(
            f,
            "), {} bytes freed a call; and {} rounds",
            self.bytes / u64::from(self.all().max(1)),
            self.rounds
        )
    }
}

/// Of this length, and other ones for each name.
fn bytes_of(name: &str, length: usize) -> Bytes {
    Bytes::from(name.bytes().chain(std::iter::repeat_n(b'.', length)).take(length).collect::<Vec<u8>>())
}
