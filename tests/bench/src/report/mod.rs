//! What came out: for people a table, for programs JSON.

mod machine;
mod table;
mod verdict;

use serde::Serialize;

pub use machine::Machine;
pub use table::table;

use crate::content::Size;
use crate::measure::Pace;
use crate::rounds::Outcome;
use crate::rows::{Row, Unit, What};
use crate::stats;
use crate::target::{Role, Syncs};

/// Everything that was measured.
#[derive(Serialize)]
pub struct Report {
    /// The form of this document; raised when a reader has to be changed.
    pub format: u32,
    pub machine: Machine,
    pub pace: Pace,
    pub rounds: u32,
    /// The part of the machine that others used while rows were read: the median of all, and the most.
    pub others: Option<(f64, f64)>,
    pub targets: Vec<Column>,
    pub rows: Vec<Line>,
}

/// A target.
#[derive(Serialize)]
pub struct Column {
    pub name: String,
    pub role: Role,
    pub syncs: Syncs,
    pub durability: &'static str,
    pub version: Option<String>,
    pub stored: Size,
    /// Whether that is all that was asked for.
    pub is_whole: bool,
    pub filled_in_seconds: f64,
}

/// A row.
#[derive(Serialize)]
pub struct Line {
    pub id: &'static str,
    pub unit: Unit,
    #[serde(skip)]
    pub row: &'static Row,
    /// One for each target.
    pub cells: Vec<Cell>,
    /// Ours against what it is compared with, and whether the aim is reached.
    pub verdict: Option<verdict::Verdict>,
}

#[derive(Serialize)]
pub struct Cell {
    /// The median of the rounds; none if a round had a wrong answer.
    pub median: Option<f64>,
    pub p99_ms: Option<f64>,
    pub server_cpu_us: Option<f64>,
    pub driver_cpu_us: Option<f64>,
    pub rounds: Vec<Outcome>,
}

impl Cell {
    pub fn new(rounds: Vec<Outcome>) -> Self {
        let loads = || rounds.iter().filter_map(Outcome::load);
        let values: Option<Vec<f64>> = rounds.iter().map(Outcome::value).collect();
        Self {
            median: values.and_then(stats::median),
            p99_ms: stats::median(loads().map(|load| load.p99_ms)),
            server_cpu_us: stats::median(loads().filter_map(|load| load.server_cpu_us)),
            driver_cpu_us: stats::median(loads().map(|load| load.driver_cpu_us)),
            rounds,
        }
    }

    /// Why there is no figure.
    pub fn because(&self) -> Option<&str> {
        self.rounds.iter().find_map(|outcome| match outcome {
            Outcome::Nothing { because } => Some(because.as_str()),
            Outcome::Load(load) => load.first_error.as_deref(),
            Outcome::Value(_) => None,
        })
    }
}

impl Report {
    /// Fills in what follows from the cells, once all are there.
    pub fn judge(&mut self) {
        self.others = self.others();
        let verdicts: Vec<_> = self.rows.iter().map(|line| verdict::judge(self, line)).collect();
        for (line, verdict) in self.rows.iter_mut().zip(verdicts) {
            line.verdict = verdict;
        }
    }

    /// Of pushes it is not asked: writing back to the disk is the kernel's work, but done for the server.
    fn others(&self) -> Option<(f64, f64)> {
        let reads = self.rows.iter().filter(|line| !matches!(line.row.what, What::Push { .. }));
        let outcomes = reads.flat_map(|line| &line.cells).flat_map(|cell| &cell.rounds);
        let parts: Vec<f64> = outcomes.filter_map(|outcome| outcome.load()?.others).collect();
        let most = parts.iter().copied().reduce(f64::max)?;
        Some((stats::median(parts)?, most))
    }
}
