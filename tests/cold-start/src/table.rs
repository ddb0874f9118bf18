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

/// A line of the table: medians, and for the first answer the range as well.
pub fn print(row: &Row<'_>) {
    let of = |what: fn(&Measured) -> Duration| {
        let mut all: Vec<Duration> = row.runs.iter().map(what).collect();
        all.sort();
        all
    };
    let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
    let median = |all: &[Duration]| ms(all[all.len() / 2]);
    let (init, first, cpu) = (of(|run| run.init), of(|run| run.first_answer), of(|run| run.cpu));
    let mut peaks: Vec<u64> = row.runs.iter().map(|run| run.peak_kib).collect();
    peaks.sort_unstable();
    println!(
        "{:<8} {:<28} {:>6.1} MB  init {:>6.1} ms  first answer {:>6.1} ms ({:.1} to {:.1})  cpu {:>5.0} ms  peak {:>5.1} MiB",
        row.function,
        row.build,
        row.bytes as f64 / 1e6,
        median(&init),
        median(&first),
        ms(first[0]),
        ms(first[first.len() - 1]),
        median(&cpu),
        peaks[peaks.len() / 2] as f64 / 1024.0,
    );
}
