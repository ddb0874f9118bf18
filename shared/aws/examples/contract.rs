//! Runs the contracts of both ports against the engines that the standard variables of AWS name, in a table and a
//! bucket of their own, which are deleted afterwards:
//!
//! `AWS_ENDPOINT_URL_S3=http://127.0.0.1:9000 AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:8000
//! AWS_ENDPOINT_URL_DYNAMODB_STREAMS=… AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b
//! cargo run -p moorage-aws --example contract [-- KNOWN...]`
//!
//! KNOWN are clauses that this engine is known to fail, by their names: each must fail, and no other.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use moorage_aws::{Blobs, Table, sdk_config, setup};
use moorage_ports::contract::{Clause, Fixture, Pair, blobs, pair, run, table};
use moorage_ports::{Context, DeleteBlobs as _};

/// Clauses at one time.
const PARALLEL: usize = 4;
/// Of both the bucket and the table.
static NAME: OnceLock<String> = OnceLock::new();

fn name() -> &'static str {
    NAME.get_or_init(|| format!("moorage-contract-{}", Context::system().random.nonce()))
}

struct OfTable(Arc<Table>);

#[async_trait]
impl Fixture for OfTable {
    type Store = Table;
    const FEED_DELAY_MAX: Duration = Duration::from_secs(10);

    async fn fresh() -> Self {
        Self(Arc::new(Table::new(&sdk_config().await, name(), Context::system())))
    }

    fn store(&self) -> Arc<Self::Store> {
        Arc::clone(&self.0)
    }
}

struct OfBlobs(Arc<Blobs>);

#[async_trait]
impl Fixture for OfBlobs {
    type Store = Blobs;
    const PART_BYTES_MIN: usize = 5 << 20;

    async fn fresh() -> Self {
        Self(Arc::new(Blobs::new(&sdk_config().await, name(), Context::system())))
    }

    fn store(&self) -> Arc<Self::Store> {
        Arc::clone(&self.0)
    }
}

struct OfBoth(Arc<Pair<Table, Blobs>>);

#[async_trait]
impl Fixture for OfBoth {
    type Store = Pair<Table, Blobs>;
    const FEED_DELAY_MAX: Duration = OfTable::FEED_DELAY_MAX;
    const PART_BYTES_MIN: usize = OfBlobs::PART_BYTES_MIN;

    async fn fresh() -> Self {
        Self(Arc::new(Pair { table: OfTable::fresh().await.0, blobs: OfBlobs::fresh().await.0 }))
    }

    fn store(&self) -> Arc<Self::Store> {
        Arc::clone(&self.0)
    }
}

/// A clause to run, by its name.
type Job = (&'static str, Box<dyn Fn() + Send + std::panic::UnwindSafe + std::panic::RefUnwindSafe>);

fn jobs<F: Fixture + 'static>(clauses: Vec<(&'static str, Clause<F>)>) -> impl Iterator<Item = Job> {
    clauses.into_iter().map(|(name, clause)| (name, Box::new(move || run::<F>(clause)) as _))
}

fn main() -> ExitCode {
    let known: BTreeSet<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new().expect("the machine has a thread to spare");
    if let Err(error) = runtime.block_on(make()) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let all: Vec<Job> = jobs(table::clauses::<OfTable>())
        .chain(jobs(blobs::clauses::<OfBlobs>()))
        .chain(jobs(pair::clauses::<OfBoth>()))
        .collect();
    let unknown: Vec<&String> =
        known.iter().filter(|known| !all.iter().any(|(name, _)| name == known)).collect();
    let (passed, failed) = run_all(all);
    runtime.block_on(delete());
    println!("passed {}", passed.len());
    let mut right = unknown.is_empty();
    unknown.iter().for_each(|name| println!("there is no clause {name}"));
    for clause in failed {
        let is_known = known.contains(clause);
        right &= is_known;
        println!("failed {clause}{}", if is_known { ", as this engine is known to" } else { "" });
    }
    for clause in passed.into_iter().filter(|clause| known.contains(*clause)) {
        right = false;
        println!("passed {clause}, which this engine was known to fail: take it from the list");
    }
    if right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_all(all: Vec<Job>) -> (Vec<&'static str>, Vec<&'static str>) {
    let (jobs, passed, failed) = (Mutex::new(all), Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    std::thread::scope(|threads| {
        for _ in 0..PARALLEL {
            threads.spawn(|| {
                loop {
                    let Some((clause, job)) = jobs.lock().expect("nobody panics here").pop() else { break };
                    // The panic's words are printed by its hook.
                    let list = if std::panic::catch_unwind(job).is_ok() { &passed } else { &failed };
                    list.lock().expect("nobody panics here").push(clause);
                }
            });
        }
    });
    let names = |list: Mutex<Vec<&'static str>>| list.into_inner().expect("nobody panicked here");
    (names(passed), names(failed))
}

async fn make() -> Result<(), Box<dyn std::error::Error>> {
    let sdk = sdk_config().await;
    setup::create_table(&sdk, name(), &Context::system()).await?;
    setup::create_bucket(&sdk, name()).await?;
    Ok(())
}

async fn delete() {
    let sdk = sdk_config().await;
    let table = aws_sdk_dynamodb::Client::new(&sdk).delete_table().table_name(name()).send().await;
    if let Err(error) = table {
        eprintln!("the table {} was left behind: {error}", name());
    }
    let blobs = Blobs::new(&sdk, name(), Context::system());
    while let Ok(keys) = blobs.list("", None, 1000).await {
        if keys.is_empty() {
            break;
        }
        for key in keys {
            if let Err(error) = blobs.delete(&key).await {
                eprintln!("object {key} was left behind: {error}");
                return;
            }
        }
    }
    // Objects in the making keep a bucket from being deleted on some engines: those end with the engine.
    let _ = aws_sdk_s3::Client::new(&sdk).delete_bucket().bucket(name()).send().await;
}
