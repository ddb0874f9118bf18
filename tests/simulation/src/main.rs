//! See `tests/simulation.sh`.

use std::collections::BTreeMap;
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
    /// take each rule away: a world must go wrong without it
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
        return all_are_caught(&options);
    }
    match mutant {
        Some(mutant) if is_caught(&options, mutant) => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
        None => all_is_well(&options),
    }
}

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
    let caught = worlds(options, Some(mutant)).0;
    tell(options, mutant, caught.as_ref());
    caught.is_some()
}

fn tell(options: &Options, mutant: Mutant, caught: Option<&Run>) {
    match caught {
        Some(Run { seed, wrong, .. }) => {
            let first = wrong.as_deref().and_then(|wrong| wrong.lines().next()).unwrap_or_default();
            println!("{mutant:?}: caught by seed {seed} ({} seeds): {first}", seed - options.first + 1);
        }
        None => println!("{mutant:?}: NOT caught by {} seeds", options.seeds),
    }
}

/// Takes away every rule. Each world is lived through without each rule that none before it has caught.
fn all_are_caught(options: &Options) -> ExitCode {
    let began = Instant::now();
    let last = options.first + options.seeds;
    let tries = (options.first..last).flat_map(|seed| Mutant::ALL.map(|mutant| (seed, mutant)));
    let tries = Mutex::new(tries);
    let caught = Mutex::new(BTreeMap::<Mutant, Run>::new());
    let next = || tries.lock().unwrap_or_else(PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        for _ in 0..options.threads {
            scope.spawn(|| {
                while let Some((seed, mutant)) = next() {
                    let is_before = |run: &Run| run.seed < seed;
                    let all = || caught.lock().unwrap_or_else(PoisonError::into_inner);
                    if all().get(&mutant).is_some_and(is_before) {
                        continue;
                    }
                    let run = run(seed, How { mutant: Some(mutant), traced: false });
                    let mut all = all();
                    if run.wrong.is_some() && !all.get(&mutant).is_some_and(is_before) {
                        all.insert(mutant, run);
                    }
                }
            });
        }
    });
    let caught = caught.into_inner().unwrap_or_else(PoisonError::into_inner);
    Mutant::ALL.into_iter().for_each(|mutant| tell(options, mutant, caught.get(&mutant)));
    let took = began.elapsed().as_secs_f64();
    let (count, all) = (caught.len(), Mutant::ALL.len());
    println!(
        "{count} of {all} rules can't be taken away unnoticed: seeds {} to {}, {took:.1} s",
        options.first,
        last - 1
    );
    if count == all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
