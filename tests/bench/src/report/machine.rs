//! The machine the figures are from: they mean little without it.

use std::fs::File;
use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::place::Place;
use crate::stats;

#[derive(Serialize)]
pub struct Machine {
    pub cores: usize,
    pub memory_gib: f64,
    pub kernel: String,
    pub processor: String,
    /// Median time of a write of 4 KiB and its fdatasync in the folder that was measured in.
    pub sync_ms: f64,
}

const SYNCS: usize = 100;

impl Machine {
    /// Looks at the machine, and at the disk under `place`.
    pub fn look(place: &Place) -> Result<Self> {
        let system = rustix::system::uname();
        let info = rustix::system::sysinfo();
        let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: info.totalram as f64 * f64::from(info.mem_unit) / f64::from(1 << 30),
            kernel: system.release().to_string_lossy().into_owned(),
            processor: model.map_or_else(String::new, |(_, name)| name.trim().to_owned()),
            sync_ms: sync_ms(place)?,
        })
    }
}

fn sync_ms(place: &Place) -> Result<f64> {
    let path = place.folder().join("sync-probe");
    let mut file = File::create(&path).with_context(|| path.display().to_string())?;
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    std::fs::remove_file(&path)?;
    Ok(stats::median(times).unwrap_or_default())
}
