//! Kills a registry at random while clients push, starts it again on the same data, and compares what is
//! there with what was acknowledged: every push, every delete, every chunk of an upload.
//!
//! The registry is a process that is spoken to over HTTP; nothing here knows how it stores anything, but for
//! the name of the folder that has the bytes of larger blobs.
//!
//! A library too, so that the soak next door speaks to a registry in the same way.

mod check;
mod cli;
mod client;
pub mod content;
pub mod documents;
mod ending;
mod findings;
pub mod folder;
pub mod http;
mod in_flight;
mod journal;
mod kills;
mod left_over;
mod lives;
pub mod random;
mod sabotage;
mod score;
pub mod server;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

use cli::Arguments;
use folder::Folder;
pub use journal::Tally;
use lives::Lives;
use score::Score;
use world::World;

/// What the command line says.
///
/// # Errors
/// It could not be gone on.
pub fn run() -> Result<ExitCode> {
    let arguments: Arguments = argh::from_env();
    let mut folder = Folder::make(arguments.folder.as_deref(), arguments.keep)?;
    // A build may replace the binary meanwhile; and whoever looks into a failure wants the one that failed.
    let binary = folder.at("registry");
    std::fs::copy(&arguments.binary, &binary).with_context(|| arguments.binary.display().to_string())?;
    let score = if arguments.sabotage {
        println!("damage that must be noticed, seed {}", arguments.seed);
        sabotage::run(&binary, &folder, arguments.clients, arguments.seed)
    } else {
        println!("{} kills, {} clients, seed {}", arguments.kills, arguments.clients, arguments.seed);
        kill_and_compare(&arguments, binary, &folder)
    };
    if score.as_ref().map_or(true, |score| score.failed > 0) {
        folder.keep();
        println!("data, logs and the binary are kept in {}", folder.path().display());
    }
    let score = score?;
    let of_what = if arguments.sabotage { "self-check: " } else { "" };
    println!("{of_what}{} passed, {} failed", score.passed, score.failed);
    Ok(if score.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn kill_and_compare(arguments: &Arguments, binary: PathBuf, folder: &Folder) -> Result<Score> {
    let world = World::default();
    let (clients, seed) = (arguments.clients, arguments.seed);
    let mut lives = Lives::new(&world, clients, seed, binary, folder.at("data"), folder.path().into());
    let mut score = Score::default();
    let mut killed = kills::Killed::default();
    score.check(&world, "killed under load, and nothing is lost", || {
        killed = kills::kill(&mut lives, arguments.kills, seed)?;
        Ok(format!(
            "{} times ({} of them as an answer came, {} after SIGTERM), and {} times at the start; {} reads compared",
            killed.under_load, killed.at_answer, killed.while_ending, killed.at_start, killed.checked.entries
        ))
    });
    // Each kill is a test of its own: all but the one after which something was found have passed.
    score.passed += killed.under_load.saturating_sub(1);
    let going_on = !world.findings.is_grave()
        && score.check(&world, "everything after the last kill", || ending::check_all(&mut lives));
    if going_on {
        score.check(&world, "SIGTERM under load", || ending::check_end_under_load(&mut lives, seed));
        score.check(&world, "opened again", || ending::check_reopened(&mut lives));
        score.check(&world, "bytes in the data directory", || left_over::check_bytes(&lives));
        score.check(&world, "unfinished bodies", || left_over::check_unfinished_bodies(&mut lives, seed));
    }
    let lost = Score::show(&world);
    show_tally(&world.journal().tally);
    show_starts(&mut lives.until_first_answer);
    println!("lost: {lost}");
    Ok(score)
}

fn show_tally(tally: &Tally) {
    println!("operations: acknowledged, refused as they must be, cut off");
    for (how, counts) in tally.iter() {
        let cut_off = counts.asked - counts.acknowledged - counts.refused;
        println!("  {how:<36} {:>7} {:>5} {cut_off:>5}", counts.acknowledged, counts.refused);
    }
    let total = tally.total();
    let cut_off = total.asked - total.acknowledged - total.refused;
    println!("  {:<36} {:>7} {:>5} {cut_off:>5}", "in all", total.acknowledged, total.refused);
}

fn show_starts(starts: &mut [Duration]) {
    starts.sort();
    if let (Some(median), Some(last)) = (starts.get(starts.len() / 2), starts.last()) {
        let ms = |duration: &Duration| duration.as_secs_f64() * 1e3;
        println!(
            "from the start of the process to its first answer: median {:.1} ms, at most {:.1} ms, {} starts",
            ms(median),
            ms(last),
            starts.len()
        );
    }
}
