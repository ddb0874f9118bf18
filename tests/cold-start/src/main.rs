//! Starts a function's binary as Lambda does, with the storage behind TLS on loopback, asks it once, and
//! measures: until it asks for its first event (the init phase), until its first answer, the processor's time,
//! and the most memory. Several builds take turns, so that what else the machine does falls on all of them.

mod events;
mod run;
mod storage;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
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

fn main() -> Result<ExitCode> {
    let arguments: Arguments = argh::from_env();
    ensure!(!arguments.builds.is_empty(), "name at least one build: NAME=DIRECTORY");
    ensure!(arguments.rounds > 0, "at least one round");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&arguments))?;
    Ok(ExitCode::SUCCESS)
}

async fn measure(arguments: &Arguments) -> Result<()> {
    let functions = match &arguments.function[..] {
        [] => ["pull", "push", "ingest", "collect"].map(str::to_owned).to_vec(),
        some => some.to_vec(),
    };
    let storage = Storage::start().await?;
    let first = &arguments.builds[0];
    let pushed =
        run::once(&first.dir.join("push"), &storage, &events::seed()?).await.context("the first push")?;
    if pushed.status != Some(201) {
        bail!("the push that everything else reads was answered {:?}", pushed.status);
    }

    let mut measured: Vec<(String, &str, Vec<Measured>)> = Vec::new();
    for function in &functions {
        for build in &arguments.builds {
            measured.push((function.clone(), &build.name, Vec::new()));
        }
    }
    for round in 0..arguments.rounds {
        for (function, name, runs) in &mut measured {
            let build = arguments.builds.iter().find(|build| build.name == *name).context("a build")?;
            let event = events::first(function, round)?;
            let binary = build.dir.join(&*function);
            let one = run::once(&binary, &storage, &event).await;
            let one = one.with_context(|| format!("{function} of {name}"))?;
            ensure!(
                one.status.is_none_or(|status| status < 400),
                "{function} of {name} answered {:?}",
                one.status
            );
            runs.push(one);
        }
    }
    for (function, name, runs) in &measured {
        let build = arguments.builds.iter().find(|build| build.name == *name).context("a build")?;
        let bytes = std::fs::metadata(build.dir.join(function))?.len();
        table::print(&Row { function, build: name, bytes, runs });
    }
    Ok(())
}
