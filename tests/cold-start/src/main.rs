//! Starts a function's binary as Lambda does, with the storage behind TLS on loopback, asks it once, and
//! measures: time and processor time until it asks for its first event (the init phase) and until its first
//! answer, and the most memory. Several builds take turns, so that what else the machine does falls on all of them.

mod events;
mod run;
mod storage;
mod table;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use argh::FromArgs;

use run::Measured;
use storage::Storage;
use table::Row;

/// Cold starts of builds of the functions, side by side.
#[derive(FromArgs)]
struct Arguments {
    /// how often each function of each build is started (default 21)
    #[argh(option, default = "21")]
    rounds: usize,
    /// which functions (default: pull, push, ingest, collect)
    #[argh(option)]
    function: Vec<String>,
    /// a build: NAME=DIRECTORY with the functions' binaries
    #[argh(positional)]
    builds: Vec<Build>,
}

struct Build {
    name: String,
    dir: PathBuf,
}

impl std::str::FromStr for Build {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, dir) = text.split_once('=').ok_or("a build is NAME=DIRECTORY")?;
        Ok(Self { name: name.to_owned(), dir: dir.into() })
    }
}

fn main() -> Result<()> {
    let arguments: Arguments = argh::from_env();
    ensure!(!arguments.builds.is_empty(), "name at least one build: NAME=DIRECTORY");
    ensure!(arguments.rounds > 0, "at least one round");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&arguments))
}

async fn measure(arguments: &Arguments) -> Result<()> {
    let functions = match &arguments.function[..] {
        [] => ["pull", "push", "ingest", "collect"].map(str::to_owned).to_vec(),
        some => some.to_vec(),
    };
    let storage = Arc::new(Storage::start().await?);
    let pusher = arguments.builds[0].dir.join("push");
    for seed in events::seeds() {
        let pushed = run::once(&pusher, &storage, &seed).await.context("what the others read is pushed")?;
        ensure!(pushed.status == Some(201), "a push was answered {:?}", pushed.status);
    }
    let object = storage.object_of(events::BLOB_DIGEST)?;

    let mut measured: Vec<(&str, &Build, Vec<Measured>)> = Vec::new();
    for function in &functions {
        for build in &arguments.builds {
            measured.push((function, build, Vec::new()));
        }
    }
    for round in 0..arguments.rounds {
        for (function, build, runs) in &mut measured {
            let event = events::first(function, round, &object)?;
            let one = run::once(&build.dir.join(*function), &storage, &event).await;
            let one = one.with_context(|| format!("{function} of {}", build.name))?;
            check(&one).with_context(|| format!("{function} of {}", build.name))?;
            runs.push(one);
        }
    }
    println!("{} rounds; {} certificates of the system are read", arguments.rounds, storage.roots);
    table::print_head();
    for (function, build, runs) in &measured {
        let bytes = std::fs::metadata(build.dir.join(function))?.len();
        table::print(&Row { function, build: &build.name, bytes, runs });
    }
    Ok(())
}

/// The promise that the first request finds its connections made; and that what was measured is a success.
fn check(one: &Measured) -> Result<()> {
    ensure!(one.status.is_none_or(|status| status < 400), "it answered {:?}", one.status);
    ensure!(one.init.connections > 0, "init made no connection with TLS");
    ensure!(
        one.answer.connections == one.init.connections,
        "{} connections were made in init, and more for the first request: {}",
        one.init.connections,
        one.answer.connections
    );
    Ok(())
}
