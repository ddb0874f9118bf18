//! See `tests/simulation.sh`.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use moorage_collector::mutants::Mutant;
use moorage_simulation::{Counts, How, Run, run};

/// Runs the registry in simulated worlds.
#[derive(argh::FromArgs)]
struct Options {
    /// how many worlds; 1000 if nothing is said
    #[argh(option, default = "1000")]
    seeds: u64,
    /// the first world's seed; 0 if nothing is said
    #[argh(option, default = "0")]
    first: u64,
    /// one world, once more, with its last steps
    #[argh(option)]
    seed: Option<u64>,
    /// take a rule of the protocol away: then a world must go wrong
    #[argh(option)]
    mutant: Option<String>,
    /// take each rule away, one after the other
    #[argh(switch)]
    mutants: bool,
    /// worlds at once; 1 if nothing is said
    #[argh(option, default = "1")]
    threads: usize,
}

fn main() -> ExitCode {
    let options: Options = argh::from_env();
    let mutant = match options.mutant.as_deref().map(named) {
        Some(None) => {
            eprintln!("there is no such rule; there are {:?}", Mutant::ALL);
            return ExitCode::FAILURE;
        }
        mutant => mutant.flatten(),
    };
    if let Some(seed) = options.seed {
        return replay(seed, mutant);
    }
    if options.mutants {
        let asked = Mutant::ALL.iter().filter(|mutant| !NOT_CAUGHT.contains(mutant));
        let missed = asked.filter(|mutant| !is_caught(&options, **mutant)).count();
        println!("not asked, since no world has shown them: {NOT_CAUGHT:?}");
        return if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match mutant {
        Some(mutant) if is_caught(&options, mutant) => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
        None => all_is_well(&options),
    }
}

/// Without this rule a review is lost only where it is asked for anew at the same millisecond, by something that has no
/// other review, while it is being done: a thousand worlds did not show it.
const NOT_CAUGHT: [Mutant; 1] = [Mutant::ReviewFenced];

fn named(name: &str) -> Option<Mutant> {
    Mutant::ALL.into_iter().find(|mutant| format!("{mutant:?}") == name)
}

fn replay(seed: u64, mutant: Option<Mutant>) -> ExitCode {
    let Run { wrong, hash, steps, trace, .. } = run(seed, How { mutant, traced: true });
    trace.iter().for_each(|step| println!("{step}"));
    println!("seed {seed}: {steps} steps, hash {hash:016x}");
    match wrong {
        None => ExitCode::SUCCESS,
        Some(wrong) => {
            println!("{wrong}");
            ExitCode::FAILURE
        }
    }
}

/// Runs worlds until one goes wrong.
fn worlds(options: &Options, mutant: Option<Mutant>) -> (Option<Run>, u64, Counts) {
    let next = AtomicU64::new(options.first);
    let stop = AtomicBool::new(false);
    let found = Mutex::new((None::<Run>, 0, Counts::default()));
    std::thread::scope(|scope| {
        for _ in 0..options.threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= options.first + options.seeds {
                        return;
                    }
                    let run = run(seed, How { mutant, traced: false });
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.1 += run.steps as u64;
                    found.2.merge(&run.counts);
                    if run.wrong.is_some() && found.0.as_ref().is_none_or(|first| run.seed < first.seed) {
                        found.0 = Some(run);
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn is_caught(options: &Options, mutant: Mutant) -> bool {
    match worlds(options, Some(mutant)).0 {
        Some(Run { seed, wrong: Some(wrong), .. }) => {
            let first = wrong.lines().next().unwrap_or_default();
            println!("{mutant:?}: caught by seed {seed} ({} seeds): {first}", seed - options.first + 1);
            true
        }
        _ => {
            println!("{mutant:?}: NOT caught by {} seeds", options.seeds);
            false
        }
    }
}

fn all_is_well(options: &Options) -> ExitCode {
    let began = Instant::now();
    let (wrong, steps, counts) = worlds(options, None);
    if let Some(Run { seed, wrong: Some(wrong), .. }) = wrong {
        println!("seed {seed}:\n{wrong}\n\nonce more, with its steps: tests/simulation.sh --seed {seed}");
        return ExitCode::FAILURE;
    }
    counts.lines().for_each(|line| println!("{line}"));
    let took = began.elapsed().as_secs_f64();
    println!(
        "{} seeds, {steps} steps, {took:.1} s, {:.1} seeds a second",
        options.seeds,
        options.seeds as f64 / took
    );
    let missing = counts.missing();
    if missing.is_empty() {
        return ExitCode::SUCCESS;
    }
    missing.iter().for_each(|what| println!("never happened: {what}"));
    ExitCode::FAILURE
}
