//! What was measured, as text.

use std::time::Duration;

use crate::run::Measured;

/// One function of one build.
pub struct Row<'a> {
    pub function: &'a str,
    pub build: &'a str,
    /// Of the binary.
    pub bytes: u64,
    pub runs: &'a [Measured],
}

/// Above the lines of [`print`].
pub fn print_head() {
    println!("median and 90th percentile in ms, from the start of the process; `cpu` is processor time");
    println!(
        "{:<8} {:<17} {:>6}  {:>13} {:>13}  {:>13} {:>13}  {:>5}  connections",
        "function", "build", "MB", "init", "answer", "init cpu", "answer cpu", "MiB"
    );
}

/// A line of the table. Connections are those made in init, and those made for the first event.
pub fn print(row: &Row<'_>) {
    let times = |of: fn(&Measured) -> Duration| {
        let mut all: Vec<Duration> = row.runs.iter().map(of).collect();
        all.sort();
        let ms = |at: usize| all[at].as_secs_f64() * 1000.0;
        format!("{:.1} {:>6.1}", ms(all.len() / 2), ms((all.len() * 9).div_ceil(10) - 1))
    };
    let mut peaks: Vec<u64> = row.runs.iter().map(|run| run.peak_kib).collect();
    peaks.sort_unstable();
    let in_init = row.runs.iter().map(|run| run.init.connections).max().unwrap_or_default();
    let after = row.runs.iter().map(|run| run.answer.connections - run.init.connections).max();
    println!(
        "{:<8} {:<17} {:>6.2}  {:>13} {:>13}  {:>13} {:>13}  {:>5.1}  {in_init} + {}",
        row.function,
        row.build,
        row.bytes as f64 / 1e6,
        times(|run| run.init.time),
        times(|run| run.answer.time),
        times(|run| run.init.cpu),
        times(|run| run.answer.cpu),
        peaks[peaks.len() / 2] as f64 / 1024.0,
        after.unwrap_or_default(),
    );
}
