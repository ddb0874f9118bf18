//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use argh::FromArgs;

use crate::content::Size;
use crate::measure::Pace;
use crate::rows::{ROWS, Row};
use crate::target::Target;

/// Drives OCI registries side by side, each alone in turn, and compares them.
#[derive(FromArgs)]
pub struct Arguments {
    /// what to do: `all` (fill and measure), `seed` (fill only), `measure` (what was filled before), `syncs` (count the syncs of a push; needs strace), `rows` (list the rows)
    #[argh(positional)]
    pub mode: Mode,

    /// a server known by name and its binary: moorage=PATH, distribution=PATH, zot=PATH, olareg=PATH, angos=PATH, nginx=PATH; may be repeated
    #[argh(option)]
    target: Vec<String>,

    /// any registry's start command: NAME='COMMAND with {port} and {data}'; may be repeated
    #[argh(option)]
    start: Vec<String>,

    /// a registry that runs already, on this machine: NAME=http://127.0.0.1:PORT (its memory and processor time are not seen); may be repeated
    #[argh(option)]
    url: Vec<String>,

    /// folder for data and state; a temporary one, removed at the end, if left out (`all` only)
    #[argh(option)]
    pub work: Option<PathBuf>,

    /// where the figures go as JSON
    #[argh(option)]
    pub json: Option<PathBuf>,

    /// where the table goes, besides standard output
    #[argh(option)]
    pub markdown: Option<PathBuf>,

    /// alternating rounds (2)
    #[argh(option, default = "2")]
    pub rounds: u32,

    /// seconds a row is measured (4)
    #[argh(option, default = "4.0")]
    seconds: f64,

    /// seconds of load before a row is measured (1)
    #[argh(option, default = "1.0")]
    warm_up: f64,

    /// repositories of the large set (1000)
    #[argh(option, default = "1000")]
    repositories: u32,

    /// manifests in them (100000)
    #[argh(option, default = "100_000")]
    manifests: u32,

    /// blobs of 4 KiB in each of them (20)
    #[argh(option, default = "20")]
    layers: u32,

    /// tags of the repository that has many (100000)
    #[argh(option, default = "100_000")]
    tags: u32,

    /// seconds that each of blobs, manifests and tags may take to fill a peer (120); what was reached by then is what the peer is measured with
    #[argh(option, default = "120")]
    seed_seconds: u64,

    /// only these rows, by id, separated by commas
    #[argh(option)]
    rows: Option<String>,

    /// the seed that everything follows from (1)
    #[argh(option, default = "1")]
    pub seed: u64,

    /// a small run to see that everything works: 50 repositories, 1000 manifests, 1000 tags, one round of short rows
    #[argh(switch)]
    pub quick: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    All,
    Seed,
    Measure,
    Syncs,
    Rows,
}

impl std::str::FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "all" => Self::All,
            "seed" => Self::Seed,
            "measure" => Self::Measure,
            "syncs" => Self::Syncs,
            "rows" => Self::Rows,
            other => return Err(format!("{other}: one of all, seed, measure, syncs, rows")),
        })
    }
}

/// Time that filling our own registry may take, each part.
const OURS_SEED_BUDGET: Duration = Duration::from_secs(1800);

impl Arguments {
    pub fn targets(&self) -> Result<Vec<Target>> {
        let known = self.target.iter().map(|text| Target::known(text));
        let started = self.start.iter().map(|text| Target::command(text));
        let running = self.url.iter().map(|text| Target::running(text));
        let targets: Vec<Target> = known.chain(started).chain(running).collect::<Result<_>>()?;
        ensure!(!targets.is_empty(), "nothing to measure: give --target, --start or --url");
        for (at, target) in targets.iter().enumerate() {
            ensure!(
                targets[..at].iter().all(|other| other.name != target.name),
                "{}: two targets of one name",
                target.name
            );
        }
        Ok(targets)
    }

    pub fn size(&self) -> Result<Size> {
        let size = match self.quick {
            true => Size {
                repositories: 50,
                layers: 4,
                manifests: 1000,
                large_blobs: 16,
                short_lists: 2,
                many_tags: 1500,
                subjects: 5,
            },
            false => Size {
                repositories: self.repositories,
                layers: self.layers,
                manifests: self.manifests,
                large_blobs: 64,
                short_lists: 4,
                many_tags: self.tags,
                subjects: 20,
            },
        };
        ensure!(size.repositories > 0 && size.layers > 0, "at least one repository and one layer");
        ensure!(size.repositories.checked_mul(size.layers + 1).is_some(), "too many blobs");
        Ok(size)
    }

    pub fn pace(&self) -> Result<Pace> {
        let seconds = |text: f64| Duration::try_from_secs_f64(text);
        Ok(match self.quick {
            true => Pace { warm_up: Duration::from_millis(200), window: Duration::from_secs(1) },
            false => Pace { warm_up: seconds(self.warm_up)?, window: seconds(self.seconds)? },
        })
    }

    pub fn rounds(&self) -> u32 {
        if self.quick { 1 } else { self.rounds.max(1) }
    }

    /// How long each large part of filling `target` may take.
    pub fn seed_budget(&self, target: &Target) -> Duration {
        match target.role {
            crate::target::Role::Peer => Duration::from_secs(self.seed_seconds),
            _ => OURS_SEED_BUDGET,
        }
    }

    pub fn rows(&self) -> Result<Vec<&'static Row>> {
        let Some(list) = &self.rows else {
            return Ok(ROWS.iter().collect());
        };
        for id in list.split(',') {
            if !ROWS.iter().any(|row| row.id == id) {
                bail!("{id}: no such row; the mode `rows` lists them");
            }
        }
        Ok(ROWS.iter().filter(|row| list.split(',').any(|id| id == row.id)).collect())
    }
}
