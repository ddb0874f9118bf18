//! One round of one target: started on an empty folder, started on its filled one, all rows, stopped.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::content::World;
use crate::content::random::keyed;
use crate::http::Origin;
use crate::measure::{Load, Pace, check, measure};
use crate::place::Place;
use crate::rows::{Filled, READERS, Row, What};
use crate::seed::Stored;
use crate::stats;
use crate::target::{Role, Server, Target, free_port};
use crate::work::{Listing, Pushing, ReadBack, Reading};

/// What a row came to in one round.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// Milliseconds or mebibytes.
    Value(f64),
    Load(Load),
    /// It cannot be asked that, or answered wrongly, and why.
    Nothing {
        because: String,
    },
}

impl Outcome {
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(*value),
            // An answer that was wrong says nothing about speed.
            Self::Load(load) if load.errors == 0 => Some(load.per_second),
            Self::Load(_) | Self::Nothing { .. } => None,
        }
    }

    pub fn load(&self) -> Option<&Load> {
        match self {
            Self::Load(load) => Some(load),
            _ => None,
        }
    }
}

/// Starts on an empty folder in a round; the median counts.
const EMPTY_STARTS: usize = 5;
/// Starts on the filled folder in a round.
const FILLED_STARTS: usize = 3;
/// A server that used less than this part of a core for as long as [`LOOK`] has settled.
const SETTLED: f64 = 0.05;
const LOOK: Duration = Duration::from_secs(1);
/// Some work through their whole store after a start (zot rebuilds what it knows of equal blobs); they get
/// so long before they are measured all the same.
const SETTLE_MAX: Duration = Duration::from_secs(300);

pub struct Round<'a> {
    pub target: &'a Target,
    pub place: &'a Place,
    pub world: &'a World,
    pub stored: &'a Stored,
    pub pace: Pace,
    pub number: u32,
}

impl Round<'_> {
    /// Measures `rows`, in their order.
    pub fn run(&self, rows: &[&Row]) -> Result<Vec<Outcome>> {
        if let Some(origin) = self.target.origin_if_running() {
            return Ok(rows.iter().map(|row| self.row(row, origin, None, &[])).collect());
        }
        let mut states = Vec::new();
        let starts = |filled| {
            rows.iter().any(|row| matches!(row.what, What::FirstAnswer(of) | What::Idle(of) if of == filled))
        };
        if starts(Filled::Empty) && self.target.role != Role::Static {
            self.starts(Filled::Empty, EMPTY_STARTS, &mut states)?;
        }
        let count = if starts(Filled::Whole) { FILLED_STARTS } else { 1 };
        let server = self.starts(Filled::Whole, count, &mut states)?;
        let outcome = |row: &&Row| {
            let outcome = self.row(row, server.origin, Some(&server), &states);
            eprintln!("  {:<14} {:<34} {}", self.target.name, row.title, shown(&outcome));
            outcome
        };
        Ok(rows.iter().map(outcome).collect())
    }

    /// Starts it so many times, notes the figures, and returns the last that was started.
    fn starts(&self, filled: Filled, count: usize, states: &mut Vec<(Filled, State)>) -> Result<Server> {
        let mut first_answers = Vec::new();
        for at in 1..=count {
            let server = self.start(filled)?;
            first_answers.push(server.first_answer.as_secs_f64() * 1e3);
            if at == count {
                self.settle(&server);
                let first_answer_ms = stats::median(first_answers).unwrap_or_default();
                let idle_mib = server.memory().resident_kib as f64 / 1024.0;
                states.push((filled, State { first_answer_ms, idle_mib }));
                return Ok(server);
            }
        }
        anyhow::bail!("not started")
    }

    /// Waits until it does nothing of its own accord.
    fn settle(&self, server: &Server) {
        let began = Instant::now();
        while began.elapsed() < SETTLE_MAX {
            let before = server.cost();
            std::thread::sleep(LOOK);
            let used = server.cost().saturating_sub(before);
            if used.as_secs_f64() < SETTLED * LOOK.as_secs_f64() {
                return;
            }
        }
        eprintln!("  {} is still busy {SETTLE_MAX:?} after its start", self.target.name);
    }

    fn start(&self, filled: Filled) -> Result<Server> {
        let data = match filled {
            Filled::Empty => self.place.fresh()?,
            Filled::Whole => self.place.data(),
        };
        start(self.target, self.place, &data)
    }

    fn row(&self, row: &Row, origin: Origin, server: Option<&Server>, states: &[(Filled, State)]) -> Outcome {
        let state = |of| states.iter().find(|(filled, _)| *filled == of).map(|(_, state)| state);
        let value = match row.what {
            What::FirstAnswer(filled) => state(filled).map(|state| state.first_answer_ms),
            What::Idle(filled) => state(filled).map(|state| state.idle_mib),
            What::Peak => server.map(|server| server.memory().peak_kib as f64 / 1024.0),
            What::Read(_) | What::List(_) | What::Push { .. } => {
                return match self.load(row, origin, server) {
                    Ok(Some(load)) if load.count > 0 || load.errors > 0 => Outcome::Load(load),
                    Ok(Some(load)) if load.unanswered > 0 => nothing("not one answer in five windows"),
                    Ok(_) => nothing("not there"),
                    Err(error) => nothing(&format!("{error:#}")),
                };
            }
        };
        value.map_or_else(|| nothing("not to be seen from outside"), Outcome::Value)
    }

    fn load(&self, row: &Row, origin: Origin, server: Option<&Server>) -> Result<Option<Load>> {
        let is_static = self.target.role == Role::Static;
        let random = keyed(self.stored.seed, &[u64::from(self.stored.measured), u64::from(self.number)]);
        let load = match row.what {
            What::Read(read) => {
                let mut work = Reading::new(self.world, read, READERS, random, !is_static);
                measure(origin, READERS, &mut work, self.pace, server)?
            }
            What::List(list) if !is_static => {
                let mut work = Listing::new(self.world, list, READERS, random);
                measure(origin, READERS, &mut work, self.pace, server)?
            }
            What::Push { layer_bytes, clients } if !is_static => {
                let nonce = format!("{}-{}-{}", self.stored.measured, self.number, row.id);
                let mut work = Pushing::new(origin, self.world, layer_bytes, clients, nonce, random);
                let mut load = measure(origin, clients, &mut work, self.pace, server)?;
                let readings = check(origin, &mut ReadBack::new(work.pushed())).context("reading back")?;
                load.errors += readings.wrong;
                load.first_error = load.first_error.or(readings.first_wrong);
                load
            }
            _ => return Ok(None),
        };
        Ok(Some(load))
    }
}

struct State {
    first_answer_ms: f64,
    idle_mib: f64,
}

/// Starts `target` on `data`, on a port of its own.
pub fn start(target: &Target, place: &Place, data: &std::path::Path) -> Result<Server> {
    let port = free_port()?;
    let command = target.start_command(place.folder(), data, port)?;
    Server::start(command, port, &place.log()).with_context(|| target.name.clone())
}

fn nothing(because: &str) -> Outcome {
    Outcome::Nothing { because: because.to_owned() }
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Value(value) => format!("{value:.1}"),
        Outcome::Load(load) => format!(
            "{:.0}/s, p99 {:.2} ms, server {:.0} us, driver {:.0} us{}",
            load.per_second,
            load.p99_ms,
            load.server_cpu_us.unwrap_or_default(),
            load.driver_cpu_us,
            load.first_error
                .as_deref()
                .map(|error| format!(", {} WRONG: {error}", load.errors))
                .unwrap_or_default()
        ),
        Outcome::Nothing { because } => format!("none: {because}"),
    }
}
