//! What a page of a search costs, in calls of the table, items that are read, and time, while the registry grows:
//!
//! ```sh
//! cargo run --release -p moorage-collector --example search_cost -- 1000 10000 100000
//! ```
//!
//! For each number an embedded registry is filled with so many artifacts through the operations, and a collector follows
//! the change feed, as ever. Then pages of ten are searched for by one thing and another, each as of two hundred times. The
//! calls and the items of a page must not grow with the size: the example fails otherwise. The registry is in a
//! temporary folder (TMPDIR).

#![expect(clippy::disallowed_methods, reason = "`json!` unwraps what can't fail")]

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use moorage_collector::{Collector, Steps};
use moorage_embedded::{Embedded, Options};
use moorage_oci::media_type::OCI_MANIFEST;
use moorage_oci::{Digest, Reference, RepositoryName};
use moorage_operations::{Common, ManifestPush, NamedValue, Pull, Push, SearchQuery, Settings, TokenSecret};
use moorage_ports::calls::{Call, Calls, scope};
use moorage_ports::testing_context::{SeededRandom, TestContext};
use moorage_ports::{Clock, Context, CountCalls, Timestamp};
use serde_json::{Value, json};

/// So many at most, and at least ten artifacts for each.
const REPOSITORIES_MAX: u64 = 1000;
/// The repository that one artifact in ten is in.
const BUSY: &str = "busy/app";

/// Beside images.
const TYPES: u64 = 20;
const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const CREATED: &str = "org.opencontainers.image.created";

const PUSHES_AT_ONCE: usize = 128;
/// The feed is followed whenever so many were pushed, while the next ones are.
const PUSHES_IN_ROUND: usize = 4000;

/// Artifacts in a page, and pages of each search.
const PAGE: usize = 10;
const PAGES: u64 = 200;

/// How much more, in percent, a page may cost than in the smallest registry. How it is spread over the shards is luck, and
/// some are asked again in one page of a thousand.
const SAME: f64 = 1.0;
/// Where others are among the candidates, how many are looked at is luck too. What grew as much as the logarithm of the size
/// would be more by two thirds, of a hundred times as many.
const SAME_BUT_FOR_LUCK: f64 = 30.0;

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Clone)]
struct Registry {
    push: Push,
    pull: Pull,
    collector: Arc<Collector>,
    test: TestContext,
    /// Of what every repository has: no config, a layer, the configs of images.
    blobs: Arc<Vec<Bytes>>,
    _folder: Arc<tempfile::TempDir>,
}

/// What some pages of one search cost.
struct Cost {
    what: &'static str,
    calls: Calls,
    found: usize,
    median: Duration,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let sizes: Vec<u64> =
        std::env::args().skip(1).map(|size| size.parse()).collect::<Result<_, std::num::ParseIntError>>()?;
    let sizes = if sizes.is_empty() { vec![1_000, 10_000] } else { sizes };
    let mut first: Vec<[f64; 2]> = Vec::new();
    let mut is_constant = true;
    for size in sizes {
        let registry = Registry::open()?;
        let began = Context::system();
        registry.fill(size).await?;
        println!("{size} artifacts, pushed and read of by a collector in {:.0?}:", began.clock.monotonic());
        for (at, (what, growth_percent_max, query)) in queries(size).into_iter().enumerate() {
            let cost = registry.cost(what, &query, size).await?;
            let each = cost.each();
            if first.len() == at {
                first.push(each);
            }
            let is_more = |(now, at_first): (&f64, f64)| *now > at_first * (1.0 + growth_percent_max / 100.0);
            let grew = each.iter().zip(first[at]).any(is_more);
            is_constant &= !grew;
            println!("  {cost}{}", if grew { ": MORE than in the smallest registry" } else { "" });
        }
    }
    println!("{}", if is_constant { "constant" } else { "NOT CONSTANT: the size of the registry shows" });
    Ok(if is_constant { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is searched for: what it is called, how much more it may cost, and it.
fn queries(size: u64) -> Vec<(&'static str, f64, SearchQuery)> {
    let all = || SearchQuery { limit: Some(PAGE), ..SearchQuery::default() };
    let named = |text: String| NamedValue::parse(&text).into_iter().collect::<Vec<_>>();
    let of_type = |artifact_type: String| SearchQuery { artifact_type: Some(artifact_type), ..all() };
    let with_serial =
        |serial: String| SearchQuery { annotations: named(format!("serial={serial}")), ..all() };
    let of_created = named(format!("{CREATED}={}", created(0)));
    let busy = BUSY.parse().ok();
    vec![
        ("all", SAME, all()),
        ("type", SAME, of_type(type_named(0))),
        ("platform", SAME, SearchQuery { platform: "linux/arm64".parse().ok(), ..all() }),
        ("annotation that one has", SAME, with_serial((size / 8).to_string())),
        ("annotation that nobody has", SAME, with_serial("none".to_owned())),
        (
            "type, and an annotation that half of them have",
            SAME_BUT_FOR_LUCK,
            SearchQuery { annotations: of_created, ..of_type(type_named(0)) },
        ),
        (
            "type, and a label that half of them have",
            SAME_BUT_FOR_LUCK,
            SearchQuery { labels: named("tier=gold".to_owned()), ..of_type(IMAGE_CONFIG.to_owned()) },
        ),
        (
            "label that nobody has",
            SAME_BUT_FOR_LUCK,
            SearchQuery { labels: named("tier=none".to_owned()), ..all() },
        ),
        ("all of one repository", SAME, SearchQuery { repository: busy.clone(), ..all() }),
        (
            "type in one repository",
            SAME,
            SearchQuery { repository: busy, ..of_type(IMAGE_CONFIG.to_owned()) },
        ),
    ]
}

fn type_named(number: u64) -> String {
    format!("application/vnd.example.t{number}+json")
}

fn created(day: u64) -> String {
    format!("2026-01-{:02}T00:00:00Z", 1 + day)
}

/// What the artifact of a number is: each kind is everywhere among the others.
struct Kind {
    repository: u64,
    /// Where it has one: which of the configs.
    image: Option<usize>,
    artifact_type: String,
    created: String,
}

impl Kind {
    /// The first of the repositories is the busy one.
    fn of(number: u64, repositories: u64) -> Self {
        let (is_image, half, quarter) = (number.is_multiple_of(2), number / 2 % 2, number / 4 % 2);
        let at = number / 8;
        // Half of what is no image is of one type.
        let other_type = if half == 0 { 0 } else { 1 + at % (TYPES - 1) };
        Self {
            repository: if at.is_multiple_of(10) { 0 } else { 1 + at % (repositories - 1) },
            image: is_image.then(|| usize::from(half == 1) * 2 + usize::from(quarter == 1)),
            artifact_type: type_named(other_type),
            created: created(quarter),
        }
    }
}

impl Registry {
    fn open() -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let test = TestContext::new(0);
        // Filled fast: what is counted is not what a disk takes.
        let options = Options { cache_bytes: 1 << 30, journal_rows_max: 50_000, ..Options::default() };
        let storage = Arc::new(Embedded::open(folder.path(), options, &test.context())?);
        let (table, blobs) = (Arc::new(CountCalls::new(storage.clone())), Arc::new(CountCalls::new(storage)));
        let context = Context { clock: test.clock.clone(), random: Arc::new(SeededRandom::new(1)) };
        let settings = Settings::default();
        let steps = Steps {
            table: table.clone(),
            blobs: blobs.clone(),
            context: context.clone(),
            times: settings.times(),
        };
        let collector = Arc::new(Collector::new(steps, blobs.clone()).searched(settings.search));
        let common =
            Common { context, settings: Arc::new(settings), secret: TokenSecret::new("of this test") };
        let config = |architecture: &str, tier: &str| {
            json!({ "os": "linux", "architecture": architecture, "config": { "Labels": { "tier": tier } } })
                .to_string()
        };
        let blobs_of_all = vec![
            Bytes::from_static(b"{}"),
            Bytes::from_static(b"a layer"),
            config("amd64", "gold").into(),
            config("amd64", "base").into(),
            config("arm64", "gold").into(),
            config("arm64", "base").into(),
        ];
        let pull = Pull::new(table.clone(), blobs.clone(), common.clone());
        let push = Push::new(table, blobs, common);
        Ok(Self { push, pull, collector, test, blobs: Arc::new(blobs_of_all), _folder: Arc::new(folder) })
    }

    /// Pushes so many artifacts, and has a collector read of them.
    async fn fill(&self, size: u64) -> Result<(), Failure> {
        let others = REPOSITORIES_MAX.min(size / 10).max(1);
        let names = [BUSY.to_owned()].into_iter().chain((0..others).map(|number| format!("some/r{number}")));
        let names: Arc<Vec<RepositoryName>> =
            Arc::new(names.map(|name| name.parse()).collect::<Result<_, _>>()?);
        let blobs = (0..names.len()).map(|at| {
            let (registry, names) = (self.clone(), names.clone());
            async move { registry.push_blobs(&names[at]).await }
        });
        at_once(blobs).await?;
        for begin in (0..size).step_by(PUSHES_IN_ROUND) {
            let end = size.min(begin + PUSHES_IN_ROUND as u64);
            let pushes = (begin..end).map(|number| {
                let (registry, names) = (self.clone(), names.clone());
                async move { registry.push_artifact(&names, number).await }
            });
            let (pushed, read) = tokio::join!(at_once(pushes), self.collector.follow());
            pushed.and(read.map(drop).map_err(Into::into))?;
        }
        self.collector.follow().await?;
        Ok(())
    }

    async fn push_blobs(&self, repository: &RepositoryName) -> Result<(), Failure> {
        for bytes in &*self.blobs {
            let body = Box::pin(stream::iter([Ok(bytes.clone())]));
            self.push.put_blob(repository, &Digest::sha256(bytes), Some(bytes.len() as u64), body).await?;
        }
        Ok(())
    }

    async fn push_artifact(&self, names: &[RepositoryName], number: u64) -> Result<(), Failure> {
        let kind = Kind::of(number, names.len() as u64);
        let repository = &names[usize::try_from(kind.repository)?];
        let config = match kind.image {
            Some(config) => self.descriptor(2 + config, IMAGE_CONFIG),
            None => self.descriptor(0, "application/vnd.oci.empty.v1+json"),
        };
        let mut document = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": config,
            "layers": [self.descriptor(1, "application/octet-stream")],
            "annotations": { "serial": number.to_string(), CREATED: kind.created },
        });
        if kind.image.is_none() {
            document["artifactType"] = kind.artifact_type.into();
        }
        // No two at the same time.
        self.test.clock.advance(Duration::from_millis(1));
        let bytes = Bytes::from(document.to_string());
        let reference = Reference::Digest(Digest::sha256(&bytes));
        let content_type = Some(OCI_MANIFEST);
        self.push
            .push_manifest(ManifestPush {
                repository,
                reference: &reference,
                tags: Vec::new(),
                content_type,
                bytes,
            })
            .await?;
        Ok(())
    }

    fn descriptor(&self, blob: usize, media_type: &str) -> Value {
        let bytes = &self.blobs[blob];
        json!({ "mediaType": media_type, "digest": Digest::sha256(bytes).as_str(), "size": bytes.len() })
    }

    /// Reads pages of a search, from places in the newest quarter of the registry on.
    async fn cost(&self, what: &'static str, query: &SearchQuery, size: u64) -> Result<Cost, Failure> {
        let (clock, now) = (Context::system().clock, self.test.clock.now().plus_ms(1));
        let (mut calls, mut found, mut times) = (Calls::default(), 0, Vec::new());
        for page in 0..PAGES {
            let before = Timestamp(now.0 - page * size / (4 * PAGES));
            let query = SearchQuery { before: Some(before), ..query.clone() };
            let began = clock.monotonic();
            let (answer, counted) = scope(self.pull.search(&query)).await;
            times.push(clock.monotonic() - began);
            found += answer?.results.len();
            calls += counted.calls;
        }
        times.sort_unstable();
        Ok(Cost { what, calls, found, median: times[times.len() / 2] })
    }
}

/// All of these in tasks of their own, some at once.
async fn at_once<F>(all: impl Iterator<Item = F>) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let done = stream::iter(all.map(tokio::spawn)).buffer_unordered(PUSHES_AT_ONCE);
    done.map(|done| done?).try_collect().await
}

impl Cost {
    /// Calls and items of a page.
    fn each(&self) -> [f64; 2] {
        let items: u32 = Call::ALL.into_iter().map(|call| self.calls.of(call).items).sum();
        [self.calls.table(), items].map(|all| f64::from(all) / PAGES as f64)
    }
}

/// `type: 10.0 found with 9.0 calls (8.0 query, 1.0 batch_get), 76 items read, 0.21 ms`
impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [calls, items] = self.each();
        let of = |call| f64::from(self.calls.of(call).calls) / PAGES as f64;
        let found = self.found as f64 / PAGES as f64;
        let (queries, batches) = (of(Call::Query), of(Call::BatchGet));
        write!(
            f,
            "{}: {found:.1} found with {calls:.1} calls ({queries:.1} query, {batches:.1} batch_get), ",
            self.what
        )?;
        write!(f, "{items:.0} items read, {:.2} ms", self.median.as_secs_f64() * 1000.0)
    }
}
