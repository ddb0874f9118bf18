//! Collects figures by store, and shows their medians.

use crate::phases::Figures;
use std::collections::BTreeMap;

/// The rows of the table: what they are called, and which figure they show.
const ROWS: &[(&str, &str, usize)] = &[
    ("open after a clean close, to the first read, ms", "clean_first_read_ms", 1),
    ("the same, page cache cold, ms", "cold_first_read_ms", 1),
    ("**open after SIGKILL, to the first read, ms**", "killed_first_read_ms", 1),
    ("the same, page cache cold, ms", "killed_cold_first_read_ms", 1),
    ("the disk itself: append 4 KiB and sync, p50, us", "disk_p50_us", 0),
    ("commit of 3 conditional puts, synced, /s", "commit_per_s", 0),
    ("  p50, us", "commit_p50_us", 0),
    ("  p99, us", "commit_p99_us", 0),
    ("  processor time each, us", "commit_cpu_us", 0),
    ("  syncs each", "commit_syncs", 2),
    ("  KiB written each", "commit_kib", 0),
    ("the same + 4 KiB blob, /s", "blob_commit_per_s", 0),
    ("  p50, us", "blob_commit_p50_us", 0),
    ("  p99, us", "blob_commit_p99_us", 0),
    ("  KiB written each", "blob_commit_kib", 0),
    ("8 clients, group commit, requests/s", "group8_per_s", 0),
    ("  p50, us", "group8_p50_us", 0),
    ("  p99, us", "group8_p99_us", 0),
    ("  processor time each, us", "group8_cpu_us", 0),
    ("  requests a sync", "group8_requests_per_sync", 1),
    ("commit not synced, p50, us", "deferred_p50_us", 0),
    ("  p99, us", "deferred_p99_us", 0),
    ("  file growth each, KiB", "deferred_growth_kib", 2),
    ("  the synced commit after them, ms", "deferred_then_synced_ms", 1),
    ("get, 1 thread, /s", "get_per_s", 0),
    ("  p50, us", "get_p50_us", 1),
    ("  p99, us", "get_p99_us", 1),
    ("  p50 after a synced commit, us", "get_after_commit_p50_us", 1),
    ("  p50 after a commit not synced, us", "get_after_deferred_p50_us", 1),
    ("get, 2 threads, /s", "get2_per_s", 0),
    ("  p99, us", "get2_p99_us", 1),
    ("get beside a writer, /s", "get_beside_writer_per_s", 0),
    ("  p50, us", "get_beside_writer_p50_us", 1),
    ("  p99, us", "get_beside_writer_p99_us", 1),
    ("  the writer meanwhile, commits/s", "commit_beside_reader_per_s", 0),
    ("range of 2, p50, us", "range2_p50_us", 1),
    ("page of 100, p50, us", "page100_p50_us", 0),
    ("page of 1000, p50, us", "page1000_p50_us", 0),
    ("memory after open, own MiB", "clean_open_anon_mib", 1),
    ("  after open after SIGKILL, own MiB", "killed_open_anon_mib", 1),
    ("  after random reads, own MiB", "gets_anon_mib", 1),
    ("  the same, mapped file MiB", "gets_mapped_mib", 1),
    ("  cache 4 MiB: own MiB after random reads", "cache4_gets_anon_mib", 1),
    ("  cache 4 MiB: get p50, us", "cache4_get_p50_us", 1),
    ("  cache 16 MiB: own MiB after random reads", "cache16_gets_anon_mib", 1),
    ("  cache 16 MiB: get p50, us", "cache16_get_p50_us", 1),
    ("  after commits, own MiB", "commits_anon_mib", 1),
    ("  after commits not synced, own MiB", "deferred_anon_mib", 1),
    ("keys and values, MiB", "data_mib", 0),
    ("on disk, MiB", "disk_mib", 0),
    ("load, s", "load_s", 0),
];

pub struct Report {
    records: u64,
    /// store -> figure -> one value a round
    figures: BTreeMap<String, BTreeMap<String, Vec<f64>>>,
}

impl Report {
    pub fn new(records: u64) -> Self {
        Self { records, figures: BTreeMap::new() }
    }

    pub fn add(&mut self, store: &str, prefix: &str, figures: Figures) {
        let of_store = self.figures.entry(store.to_owned()).or_default();
        for (name, value) in figures {
            of_store.entry(format!("{prefix}{name}")).or_default().push(value);
        }
    }

    pub fn markdown(&self, stores: &[String]) -> String {
        let mut text = format!("| {} records | {} |\n|---|", self.records, stores.join(" | "));
        text.push_str(&"---:|".repeat(stores.len()));
        for (title, figure, decimals) in ROWS {
            text.push_str(&format!("\n| {title} |"));
            for store in stores {
                let value = self.figures.get(store).and_then(|figures| figures.get(*figure));
                match value.and_then(|values| median(values)) {
                    Some(value) => text.push_str(&format!(" {value:.decimals$} |")),
                    None => text.push_str(" |"),
                }
            }
        }
        text.push('\n');
        text
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({ "records": self.records, "figures": self.figures })
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}
