//! Runs the proof: every scenario, in which nothing may be found; then every rule taken away, in a scenario in
//! which that must be noticed.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use argh::FromArgs;
use moorage_collector::mutants::{Mutant, set};
use moorage_proof::explore::{Bounds, Explored, explore};
use moorage_proof::mutants::CAUGHT_BY;
use moorage_proof::scenarios::{self, Scenario};
use moorage_proof::words;

/// Explores every order of the steps of operations and collectors, and checks that a rule that is taken away is missed.
#[derive(FromArgs)]
struct Options {
    /// larger scenarios too, and all of them to a higher bound
    #[argh(switch)]
    full: bool,
    /// only this scenario; with a mutant, there
    #[argh(option)]
    scenario: Option<String>,
    /// only this mutant, and the shortest way to what it does
    #[argh(option)]
    mutant: Option<String>,
    /// states of a scenario after which it is left
    #[argh(option)]
    states: Option<usize>,
}

/// States of one scenario.
const STATES_MAX: usize = 1_000_000;
const STATES_MAX_FULL: usize = 30_000_000;

fn main() -> ExitCode {
    let options: Options = argh::from_env();
    let bounds = Bounds {
        states_max: options.states.unwrap_or(if options.full { STATES_MAX_FULL } else { STATES_MAX }),
        rests_max: if options.full { 2_000 } else { 60 },
    };
    let mut failed = Vec::new();
    let all = scenarios::all();
    if options.mutant.is_none() {
        println!("{:<66} {:>10} {:>7} {:>6} {:>8}", "scenario", "states", "worlds", "depth", "seconds");
        let chosen = |s: &&Scenario| match &options.scenario {
            Some(name) => s.name == name,
            None => options.full || !s.large,
        };
        for scenario in all.iter().filter(chosen) {
            let (explored, seconds) = run(scenario, None, bounds);
            println!("{}", row(scenario.name, &explored, seconds));
            if let Some(way) = way(&explored) {
                println!("{way}");
                failed.push(format!("{}: something was found", scenario.name));
            }
        }
    }
    if options.scenario.is_none() || options.mutant.is_some() {
        println!("\n{:<24} caught by", "rule taken away");
        for (mutant, name) in CAUGHT_BY {
            if options.mutant.as_ref().is_some_and(|only| *only != format!("{mutant:?}")) {
                continue;
            }
            let name = options.scenario.as_deref().unwrap_or(name);
            let Some(scenario) = all.iter().find(|scenario| scenario.name == name) else {
                failed.push(format!("{mutant:?}: no scenario has the name {name}"));
                continue;
            };
            let (explored, seconds) = run(scenario, Some(mutant), bounds);
            match &explored.found {
                Some(found) => {
                    let wrong = words::wrong(found.wrong.first().map_or("", String::as_str));
                    let steps = found.way.len();
                    let wrong: String = wrong.chars().take(160).collect();
                    println!("{:<24} {name}: {steps} steps, {seconds:.1} s: {wrong}", format!("{mutant:?}"));
                    if options.mutant.is_some() {
                        println!("{}", way(&explored).unwrap_or_default());
                    }
                }
                None => {
                    println!("{:<24} NOT CAUGHT by {name}", format!("{mutant:?}"));
                    failed.push(format!("{mutant:?}: not caught by {name}"));
                }
            }
        }
    }
    for failure in &failed {
        println!("FAILED {failure}");
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(scenario: &Scenario, mutant: Option<Mutant>, bounds: Bounds) -> (Explored, f64) {
    let began = Instant::now();
    set(mutant);
    let space = scenario.space();
    let explored = explore(&space, bounds);
    set(None);
    (explored, began.elapsed().as_secs_f64())
}

fn row(name: &str, explored: &Explored, seconds: f64) -> String {
    let Explored { states, worlds, depth, .. } = explored;
    let end = match (&explored.found, explored.complete) {
        (Some(_), _) => "FOUND",
        (None, true) => "complete",
        (None, false) => "stopped at the bound",
    };
    format!("{name:<66} {states:>10} {worlds:>7} {depth:>6} {seconds:>8.1}  {end}")
}

/// What was found, and how to get there.
fn way(explored: &Explored) -> Option<String> {
    let found = explored.found.as_ref()?;
    let mut told = String::new();
    for (at, step) in found.way.iter().enumerate() {
        writeln!(told, "  {:>3}. {step}", at + 1).ok()?;
    }
    for wrong in &found.wrong {
        writeln!(told, "   !! {}", words::wrong(wrong)).ok()?;
    }
    Some(told)
}
