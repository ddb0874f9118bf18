//! Runs the contract of the reference table against the engine that the standard variables of AWS name, in a
//! table of its own, which it deletes:
//!
//! `AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:8000 AWS_ENDPOINT_URL_DYNAMODB_STREAMS=… AWS_REGION=us-east-1
//! AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b cargo run -p moorage-aws --example contract`

use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use moorage_aws::{Table, sdk_config, setup};
use moorage_ports::Context;
use moorage_ports::contract::{Fixture, run, table};

/// Clauses at one time.
const PARALLEL: usize = 4;

static TABLE: OnceLock<String> = OnceLock::new();

struct OnEngine(Arc<Table>);

#[async_trait]
impl Fixture for OnEngine {
    type Store = Table;
    const FEED_DELAY_MAX: Duration = Duration::from_secs(10);

    async fn fresh() -> Self {
        let name = TABLE.get().expect("the table was made first");
        Self(Arc::new(Table::new(&sdk_config().await, name, Context::system())))
    }

    fn store(&self) -> Arc<Self::Store> {
        Arc::clone(&self.0)
    }
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("the machine has a thread to spare");
    let context = Context::system();
    let name = TABLE.get_or_init(|| format!("moorage-contract-{}", context.random.nonce()));
    let made = runtime.block_on(async { setup::create_table(&sdk_config().await, name, &context).await });
    if let Err(error) = made {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let clauses = Mutex::new(table::clauses::<OnEngine>());
    let (passed, failed) = (Mutex::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|threads| {
        for _ in 0..PARALLEL {
            threads.spawn(|| {
                loop {
                    let Some((clause, body)) = clauses.lock().expect("nobody panics here").pop() else {
                        break;
                    };
                    // The panic's words are printed by its hook.
                    match std::panic::catch_unwind(|| run::<OnEngine>(body)) {
                        Ok(()) => *passed.lock().expect("nobody panics here") += 1,
                        Err(_) => failed.lock().expect("nobody panics here").push(clause),
                    }
                }
            });
        }
    });
    let deleted = runtime.block_on(async {
        aws_sdk_dynamodb::Client::new(&sdk_config().await).delete_table().table_name(name).send().await
    });
    if let Err(error) = deleted {
        eprintln!("the table {name} was left behind: {error}");
    }
    println!("passed {}", passed.lock().expect("nobody panics here"));
    let failed = failed.lock().expect("nobody panics here");
    failed.iter().for_each(|clause| println!("failed {clause}"));
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
