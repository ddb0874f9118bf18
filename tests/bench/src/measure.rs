//! Driving one workload for a stated time, and what it cost both sides.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::clocks::Clocks;
use crate::http::{Engine, Origin, Tally, Workload};
use crate::stats;
use crate::target::Server;

/// How long a row takes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Pace {
    /// Uncounted load before the window.
    pub warm_up: Duration,
    pub window: Duration,
}

/// One row of one target in one round.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Load {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Units of work that were completed in the window.
    pub count: usize,
    pub mebibytes_per_second: f64,
    /// Requests that were under way when time was up.
    pub unanswered: usize,
    pub errors: u64,
    pub first_error: Option<String>,
    /// Processor time of the server for each unit; the kernel counts it in hundredths of a second.
    pub server_cpu_us: Option<f64>,
    /// Processor time of this driver for each unit.
    pub driver_cpu_us: f64,
    /// The part of the machine that others used meanwhile.
    pub others: Option<f64>,
}

/// Fewer than so many in the window are too few to say anything.
const FEW: usize = 10;
/// How many windows are waited for them.
const LONGER: u32 = 5;

/// Runs `work` on `lanes` connections. `server` is asked for its processor time, if it is ours to ask.
pub fn measure(
    origin: Origin,
    lanes: usize,
    work: &mut dyn Workload,
    pace: Pace,
    server: Option<&Server>,
) -> Result<Load> {
    let mut engine = Engine::new(origin, lanes)?;
    let mut unseen = Tally::default();
    engine.run(work, Instant::now() + pace.warm_up, &mut unseen)?;
    let mut tally = Tally::default();
    let before = Clocks::read(server);
    let began = Instant::now();
    engine.run(work, began + pace.window, &mut tally)?;
    if tally.latencies_ns.len() < FEW && began.elapsed() >= pace.window {
        // Too slow for the window: a few are waited for, so that there is a figure at all.
        let until = began + pace.window * LONGER;
        while tally.latencies_ns.len() < FEW && Instant::now() < until && engine.busy() > 0 {
            engine.run(work, Instant::now() + Duration::from_millis(100), &mut tally)?;
        }
    }
    let spent = before.until(&Clocks::read(server));
    let unanswered = engine.busy();
    engine.drain()?;
    let count = tally.latencies_ns.len();
    let each_us = |time: Duration| time.as_secs_f64() * 1e6 / count.max(1) as f64;
    tally.latencies_ns.sort_unstable();
    Ok(Load {
        per_second: count as f64 / spent.elapsed.as_secs_f64(),
        p50_ms: stats::percentile(&tally.latencies_ns, 50.0) / 1e6,
        p99_ms: stats::percentile(&tally.latencies_ns, 99.0) / 1e6,
        count,
        mebibytes_per_second: tally.bytes as f64 / spent.elapsed.as_secs_f64() / f64::from(1 << 20),
        unanswered,
        errors: tally.wrong + unseen.wrong,
        first_error: tally.first_wrong.or(unseen.first_wrong),
        server_cpu_us: spent.server.map(each_us),
        driver_cpu_us: each_us(spent.driver),
        others: spent.others,
    })
}

/// Runs `work` to its end on one connection, and returns what was wrong.
pub fn check(origin: Origin, work: &mut dyn Workload) -> Result<Tally> {
    let mut tally = Tally::default();
    Engine::new(origin, 1)?.run(work, Instant::now() + Duration::from_secs(30), &mut tally)?;
    Ok(tally)
}
