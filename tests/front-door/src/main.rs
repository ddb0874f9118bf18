//! `front-door`: see the library.

use clap::Parser;
use moorage_front_door::{Options, Running, limits, template::Values};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// The functions of infra/template.yaml behind HTTP, as on AWS.
#[derive(Parser)]
struct Cli {
    #[arg(long, default_value = "infra/template.yaml")]
    template: PathBuf,
    /// Folder with the functions' binaries
    #[arg(long)]
    functions: PathBuf,
    #[arg(long)]
    bucket: String,
    #[arg(long)]
    table: String,
    /// A parameter of the template, NAME=VALUE
    #[arg(long = "parameter", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// Instances of each function, at most
    #[arg(long, default_value_t = 4)]
    instances: usize,
    /// Kill an instance in one of so many invocations; 0: never
    #[arg(long, default_value_t = 0)]
    kill_every: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// calm: at once; rough: late, out of order and twice
    #[arg(long, default_value = "calm", value_parser = ["calm", "rough"])]
    events: String,
    /// Folder for the functions' logs; without it they go to standard error
    #[arg(long)]
    logs: Option<PathBuf>,
    /// Milliseconds until a function has to ask for its first invocation
    #[arg(long, default_value_t = limits::INIT_MS_MAX)]
    init_ms_max: u64,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE, as in Anonymous=push")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if let [_, word, binary] = arguments.as_slice()
        && word == "--exec-function"
    {
        return exec_function(binary);
    }
    match serve(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("front-door: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Becomes the function, after asking to be killed when the front door dies: a frozen one could not notice.
fn exec_function(binary: &std::ffi::OsStr) -> ExitCode {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    use std::os::unix::process::CommandExt as _;
    let parent = getppid();
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        eprintln!("front-door: {error}");
        return ExitCode::FAILURE;
    }
    // It may have died in between.
    if getppid() != parent {
        return ExitCode::FAILURE;
    }
    let error = std::process::Command::new(binary).exec();
    eprintln!("front-door: {}: {error}", binary.display());
    ExitCode::FAILURE
}

#[tokio::main]
async fn serve(cli: Cli) -> Result<(), String> {
    let listen = |kind| signal(kind).map_err(|error| error.to_string());
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let running = Running::start(Options {
        template: cli.template,
        functions: cli.functions,
        values: Values {
            bucket: cli.bucket,
            table: cli.table,
            parameters: cli.parameters.into_iter().collect(),
        },
        instances: cli.instances,
        kill_every: cli.kill_every,
        seed: cli.seed,
        rough: cli.events == "rough",
        logs: cli.logs,
        init_ms_max: cli.init_ms_max,
        launcher: std::env::current_exe().ok(),
    })
    .await?;
    println!("front door listens on http://{}", running.address);
    println!("front door takes events on http://{}", running.control);
    println!("front door has a bus on http://{}", running.bus);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.stop().await;
    Ok(())
}
