//! Runs the proof: every scenario, in which nothing may be found; then every rule taken away, in a scenario in
//! which that must be noticed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
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
    /// also orders that nobody can tell apart: the same is found, in more states
    #[argh(switch)]
    every_order: bool,
}

/// States of one scenario.
const STATES_MAX: usize = 1_000_000;
const STATES_MAX_FULL: usize = 30_000_000;

fn main() -> ExitCode {
    let options: Options = argh::from_env();
    let bounds = Bounds {
        states_max: options.states.unwrap_or(if options.full { STATES_MAX_FULL } else { STATES_MAX }),
        rests_max: if options.full { 2_000 } else { 60 },
        every_order: options.every_order,
    };
    // So large a scenario needs the memory for itself.
    let threads = if options.full { 1 } else { thread::available_parallelism().map_or(1, NonZero::get) };
    let mut all = scenarios::all();
    if options.full {
        all.iter_mut().for_each(|scenario| scenario.calls_max = None);
    }
    let mut failed = Vec::new();
    if options.mutant.is_none() {
        explore_all(&all, &options, bounds, threads, &mut failed);
    }
    if options.scenario.is_none() || options.mutant.is_some() {
        take_rules_away(&all, &options, bounds, threads, &mut failed);
    }
    for failure in &failed {
        println!("FAILED {failure}");
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Nothing may be found.
fn explore_all(
    all: &[Scenario],
    options: &Options,
    bounds: Bounds,
    threads: usize,
    failed: &mut Vec<String>,
) {
    println!("{:<82} {:>10} {:>7} {:>6} {:>8}", "scenario", "states", "worlds", "depth", "seconds");
    let is_chosen = |s: &&Scenario| match &options.scenario {
        Some(name) => s.name == name,
        None => options.full || !s.large,
    };
    let chosen: Vec<&Scenario> = all.iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        failed.push(format!("no scenario has the name {:?}", options.scenario));
    }
    let explored = |scenario: &&Scenario| run(scenario, None, bounds);
    in_order(&chosen, threads, explored, |scenario, (explored, seconds)| {
        println!("{}", row(scenario, &explored, seconds));
        if let Some(way) = way(&explored) {
            println!("{way}");
            failed.push(format!("{}: something was found", scenario.name));
        }
    });
}

/// Something must be found.
fn take_rules_away(
    all: &[Scenario],
    options: &Options,
    bounds: Bounds,
    threads: usize,
    failed: &mut Vec<String>,
) {
    println!("\n{:<24} caught by", "rule taken away");
    let mut chosen = Vec::new();
    for (mutant, name) in CAUGHT_BY {
        if options.mutant.as_ref().is_some_and(|only| *only != format!("{mutant:?}")) {
            continue;
        }
        let name = options.scenario.as_deref().unwrap_or(name);
        match all.iter().find(|scenario| scenario.name == name) {
            Some(scenario) => chosen.push((mutant, scenario)),
            None => failed.push(format!("{mutant:?}: no scenario has the name {name}")),
        }
    }
    let explored = |(mutant, scenario): &(Mutant, &Scenario)| run(scenario, Some(*mutant), bounds);
    in_order(&chosen, threads, explored, |(mutant, scenario), (explored, seconds)| {
        let (mutant, name) = (format!("{mutant:?}"), scenario.name);
        let Some(found) = &explored.found else {
            println!("{mutant:<24} NOT CAUGHT by {name}");
            failed.push(format!("{mutant}: not caught by {name}"));
            return;
        };
        let wrong = words::wrong(found.wrong.first().map_or("", String::as_str));
        let wrong: String = wrong.chars().take(160).collect();
        println!("{mutant:<24} {name}: {} steps, {seconds:.1} s: {wrong}", found.way.len());
        if options.mutant.is_some() {
            println!("{}", way(&explored).unwrap_or_default());
        }
    });
}

/// Does jobs on some threads, and tells of each as soon as all before it are done.
fn in_order<J: Sync, R: Send>(
    jobs: &[J],
    threads: usize,
    run: impl Fn(&J) -> R + Sync,
    mut tell: impl FnMut(&J, R),
) {
    let next = AtomicUsize::new(0);
    let (send, done) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let (send, next, run) = (send.clone(), &next, &run);
            scope.spawn(move || {
                while let Some((at, job)) = nth(jobs, next.fetch_add(1, Ordering::Relaxed)) {
                    if send.send((at, run(job))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut waiting = BTreeMap::new();
        let mut told = 0;
        for (at, result) in done {
            waiting.insert(at, result);
            while let Some(result) = waiting.remove(&told) {
                tell(&jobs[told], result);
                told += 1;
            }
        }
    });
}

fn nth<J>(jobs: &[J], at: usize) -> Option<(usize, &J)> {
    jobs.get(at).map(|job| (at, job))
}

fn run(scenario: &Scenario, mutant: Option<Mutant>, bounds: Bounds) -> (Explored, f64) {
    let began = Instant::now();
    set(mutant);
    let space = scenario.space();
    let explored = explore(&space, bounds);
    set(None);
    (explored, began.elapsed().as_secs_f64())
}

fn row(scenario: &Scenario, explored: &Explored, seconds: f64) -> String {
    let Explored { states, worlds, depth, .. } = explored;
    let end = match (&explored.found, explored.complete, scenario.calls_max) {
        (Some(_), _, _) => "FOUND".to_owned(),
        (None, false, _) => "stopped at the bound".to_owned(),
        (None, true, None) => "complete".to_owned(),
        (None, true, Some(calls)) => format!("complete for {calls} calls a role"),
    };
    format!("{:<82} {states:>10} {worlds:>7} {depth:>6} {seconds:>8.1}  {end}", scenario.name)
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
