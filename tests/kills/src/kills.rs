//! The kills: clients push, the registry is killed, comes up again, and is compared with what was
//! acknowledged; over and over on the same data.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::check::{Checked, Scope, check};
use crate::client::Place;
use crate::lives::{End, Lives};
use crate::random::Random;

/// How long the clients push, in milliseconds.
const PUSHING_MS: std::ops::Range<usize> = 20..400;

/// Nearly half of the kills come when so many changes were acknowledged: at once, so that what an answer promised
/// has no time to become true.
const ANSWERS: std::ops::Range<usize> = 1..120;

/// Some come so soon after SIGTERM that the registry finishes requests, or tidies up.
const ENDING_US: usize = 50_000;

/// How long a life lasts that is killed at its start: before, while and after it takes in what was left.
const STARTING_US: usize = 15_000;

/// Everything is compared after so many kills; after the others, what is new.
const ALL_EVERY: usize = 20;

/// What was done.
#[derive(Default)]
pub struct Killed {
    pub under_load: usize,
    /// Of these, the moment at which an answer had come.
    pub at_answer: usize,
    /// And shortly after SIGTERM.
    pub while_ending: usize,
    pub at_start: usize,
    pub checked: Checked,
}

/// Kills so many times, or until something is found.
///
/// # Errors
/// It could not be gone on.
pub fn kill(lives: &mut Lives<'_>, kills: usize, seed: u64) -> Result<Killed> {
    let begun = Instant::now();
    let mut random = Random::of(seed, &[u64::MAX]);
    let mut killed = Killed::default();
    while killed.under_load < kills {
        while random.chance(15) {
            lives.start_and_kill(Duration::from_micros(random.below(STARTING_US) as u64))?;
            killed.at_start += 1;
        }
        let server = lives.start()?;
        // Sometimes the clients are there at once, while the registry still cleans up; what they need to
        // know of what came before is then compared after the next kill.
        let at_once = killed.under_load > 0 && random.chance(20);
        if !at_once {
            let scope = if killed.under_load % ALL_EVERY == 0 { Scope::All } else { Scope::New };
            let when = format!("after kill {}", killed.under_load);
            add(&mut killed.checked, check(lives.world, server.address, scope, &when));
            if lives.world.findings.is_grave() {
                return Ok(killed);
            }
        }
        let place = if at_once || random.chance(8) { Place::Fresh } else { Place::Same };
        let pushing = PUSHING_MS.start + random.below(PUSHING_MS.len());
        let end = match random.below(100) {
            0..40 => End::Kill,
            40..85 => End::KillAtAnswer(ANSWERS.start + random.below(ANSWERS.len())),
            _ => End::KillWhileEnding(Duration::from_micros(random.below(ENDING_US) as u64)),
        };
        lives.push_and_kill(server, place, Duration::from_millis(pushing as u64), end)?;
        match end {
            End::Kill => {}
            End::KillAtAnswer(_) => killed.at_answer += usize::from(!lives.world.awaits_kill_at_answer()),
            End::KillWhileEnding(_) => killed.while_ending += 1,
        }
        killed.under_load += 1;
        if killed.under_load % ALL_EVERY == 0 || killed.under_load == kills {
            say_progress(lives, &killed, begun);
        }
        if lives.world.findings.is_grave() {
            break;
        }
    }
    Ok(killed)
}

fn add(sum: &mut Checked, more: Checked) {
    sum.entries += more.entries;
    sum.lists += more.lists;
    sum.uploads += more.uploads;
    sum.took += more.took;
}

fn say_progress(lives: &Lives<'_>, killed: &Killed, begun: Instant) {
    let total = lives.world.journal().tally.total();
    println!(
        "{:>4} kills in {:.0} s: {} operations acknowledged, {} cut off, {} reads compared",
        killed.under_load,
        begun.elapsed().as_secs_f64(),
        total.acknowledged,
        total.asked - total.acknowledged - total.refused,
        killed.checked.entries,
    );
}
