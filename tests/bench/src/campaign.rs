//! All targets: filled one after another, then measured, each alone, in alternating rounds.
//!
//! A peer that fails is left out, with a word on why; a run does not depend on it.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::cli::Arguments;
use crate::content::World;
use crate::place::{Folder, Place};
use crate::report::{Cell, Column, Line, Machine, Report};
use crate::rounds::{self, Outcome, Round};
use crate::rows::Row;
use crate::seed::{self, Stored};
use crate::target::{self, Role, Target};

/// A target and what it holds.
pub struct Contender {
    target: Target,
    place: Place,
    stored: Stored,
}

/// Fills each target, unless its folder already holds what an earlier run put there.
pub fn fill(arguments: &Arguments, targets: Vec<Target>, folder: &Folder) -> Result<Vec<Contender>> {
    let mut contenders = Vec::new();
    for target in targets {
        let place = folder.of(&target.name);
        let stored = Stored::load(&place.stored()).or_else(|_| fill_one(arguments, &target, &place));
        match stored.with_context(|| format!("filling {}", target.name)) {
            Ok(stored) => contenders.push(Contender { target, place, stored }),
            Err(error) if target.role == Role::Peer => eprintln!("left out: {error:#}"),
            Err(error) => return Err(error),
        }
    }
    Ok(contenders)
}

/// The targets as an earlier run filled them.
pub fn filled(targets: Vec<Target>, folder: &Folder) -> Result<Vec<Contender>> {
    let contenders = targets.into_iter().map(|target| {
        let place = folder.of(&target.name);
        let stored = Stored::load(&place.stored())?;
        Ok(Contender { target, place, stored })
    });
    contenders.collect()
}

fn fill_one(arguments: &Arguments, target: &Target, place: &Place) -> Result<Stored> {
    let (seed, size, budget) = (arguments.seed, arguments.size()?, arguments.seed_budget(target));
    place.make()?;
    let stored = if target.role == Role::Static {
        let began = Instant::now();
        target::lay_out(&World::new(seed, size), &place.data(), began + budget)?;
        let seconds = began.elapsed().as_secs_f64();
        Stored { seed, size, is_whole: true, seconds, measured: 0 }
    } else if let Some(origin) = target.origin_if_running() {
        seed::fill(origin, seed, size, budget)?
    } else {
        let server = rounds::start(target, place, &place.data())?;
        seed::fill(server.origin, seed, size, budget)?
    };
    eprintln!("{}: filled in {:.0} s: {:?}", target.name, stored.seconds, stored.size);
    stored.save(&place.stored())?;
    Ok(stored)
}

/// Measures all rows of all of them.
pub fn measure(arguments: &Arguments, mut contenders: Vec<Contender>) -> Result<Report> {
    let rows = arguments.rows()?;
    let machine = Machine::look(&contenders.first().context("nothing is left to measure")?.place)?;
    for contender in &mut contenders {
        contender.stored.measured += 1;
        contender.stored.save(&contender.place.stored())?;
    }
    let mut outcomes: Vec<Vec<Vec<Outcome>>> = vec![Vec::new(); contenders.len()];
    for number in 0..arguments.rounds() {
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        if number % 2 == 1 {
            order.reverse();
        }
        for at in order {
            eprintln!("round {} of {}, {}", number + 1, arguments.rounds(), contenders[at].target.name);
            outcomes[at].push(round(arguments, &contenders[at], number, &rows)?);
        }
    }
    let mut report = Report {
        format: 1,
        machine,
        pace: arguments.pace()?,
        rounds: arguments.rounds(),
        others: None,
        targets: contenders.iter().map(column).collect(),
        rows: rows.iter().enumerate().map(|(at, row)| line(row, at, &outcomes)).collect(),
    };
    report.judge();
    Ok(report)
}

fn round(arguments: &Arguments, contender: &Contender, number: u32, rows: &[&Row]) -> Result<Vec<Outcome>> {
    let Contender { target, place, stored } = contender;
    let world = World::new(stored.seed, stored.size);
    let round = Round { target, place, world: &world, stored, pace: arguments.pace()?, number };
    // What the last target wrote must not be written to the disk in this one's time.
    rustix::fs::sync();
    match round.run(rows) {
        Err(error) if target.role == Role::Peer => {
            eprintln!("  {}: {error:#}", target.name);
            Ok(rows.iter().map(|_| Outcome::Nothing { because: format!("{error:#}") }).collect())
        }
        outcomes => outcomes.with_context(|| target.name.clone()),
    }
}

fn line(row: &'static Row, at: usize, outcomes: &[Vec<Vec<Outcome>>]) -> Line {
    let cell = |rounds: &Vec<Vec<Outcome>>| Cell::new(rounds.iter().map(|round| round[at].clone()).collect());
    Line { id: row.id, unit: row.unit, row, cells: outcomes.iter().map(cell).collect(), verdict: None }
}

fn column(contender: &Contender) -> Column {
    let Contender { target, stored, .. } = contender;
    Column {
        name: target.name.clone(),
        role: target.role,
        syncs: target.syncs,
        durability: target.durability(),
        version: target.version(),
        stored: stored.size,
        is_whole: stored.is_whole,
        filled_in_seconds: stored.seconds,
    }
}
