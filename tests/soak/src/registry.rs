//! The registry that is soaked: processes that are killed at random and started again, or one that runs already.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use moorage_kills::random::Random;
use moorage_kills::server::Server;

use crate::findings::{Findings, Kind};

/// How long a process lives, in milliseconds.
const LIFE_MS: std::ops::Range<usize> = 300..3500;

pub struct Registry {
    slots: Vec<Slot>,
    /// Whether answers of 500 and above are the work of whoever kills its parts.
    pub kills_itself: bool,
    ended: AtomicBool,
}

/// Where one process is, or was.
struct Slot {
    options: Vec<String>,
    binary: PathBuf,
    logs: PathBuf,
    address: Mutex<SocketAddr>,
    /// Raised before each kill, and after each start: odd while it runs.
    life: AtomicU64,
    server: Mutex<Option<Server>>,
}

impl Registry {
    /// One that runs already.
    pub fn given(address: SocketAddr) -> Self {
        let slot = Slot {
            options: Vec::new(),
            binary: PathBuf::new(),
            logs: PathBuf::new(),
            address: Mutex::new(address),
            life: AtomicU64::new(1),
            server: Mutex::new(None),
        };
        Self { slots: vec![slot], kills_itself: true, ended: AtomicBool::new(false) }
    }

    /// # Errors
    /// A process does not come up.
    pub fn start(binary: &Path, processes: &[String], logs: &Path) -> Result<Self> {
        let mut slots = Vec::new();
        for (number, options) in processes.iter().enumerate() {
            let slot = Slot {
                options: options.split_whitespace().map(str::to_owned).collect(),
                binary: binary.to_owned(),
                logs: logs.join(format!("process-{number}")),
                address: Mutex::new(([127, 0, 0, 1], 0).into()),
                life: AtomicU64::new(0),
                server: Mutex::new(None),
            };
            std::fs::create_dir_all(&slot.logs).with_context(|| slot.logs.display().to_string())?;
            slot.start()?;
            slots.push(slot);
        }
        Ok(Self { slots, kills_itself: false, ended: AtomicBool::new(false) })
    }

    pub fn processes(&self) -> usize {
        self.slots.len()
    }

    /// Where a process is, and which life of it that is; `None` while it does not run.
    pub fn place(&self, process: usize) -> Option<(SocketAddr, u64)> {
        let slot = &self.slots[process];
        // In this order: a start that comes in between makes a broken connection excusable.
        let life = slot.life.load(Ordering::SeqCst);
        let address = *slot.address.lock().unwrap_or_else(PoisonError::into_inner);
        (life % 2 == 1).then_some((address, life))
    }

    /// Kills processes at random until it is told to stop; all of them run then. Answers how many it killed.
    pub fn kill_at_random(&self, findings: &Findings, seed: u64) -> u64 {
        let mut random = Random::of(seed, &[u64::MAX]);
        let mut kills = 0;
        if self.kills_itself {
            return 0;
        }
        while !self.ended.load(Ordering::SeqCst) {
            let life = LIFE_MS.start + random.below(LIFE_MS.len());
            let until = Instant::now() + Duration::from_millis(life as u64);
            while Instant::now() < until && !self.ended.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
            if self.ended.load(Ordering::SeqCst) {
                break;
            }
            let slot = &self.slots[random.below(self.slots.len())];
            // Some come back at once, some while others go on without them.
            let away = Duration::from_millis(if random.chance(50) { 0 } else { random.below(700) as u64 });
            kills += 1;
            if let Err(error) = slot.kill().and_then(|()| {
                std::thread::sleep(away);
                slot.start()
            }) {
                findings.add(Kind::Broken, "a process", error.to_string());
                return kills;
            }
        }
        kills
    }

    pub fn stop_killing(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    /// Ends the processes as an operator does.
    pub fn end(&self) -> Result<()> {
        for slot in &self.slots {
            let server = slot.server.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(server) = server {
                server.ask_to_end()?;
                let status = server.wait()?;
                anyhow::ensure!(status.success(), "asked to end, a process ended with {status}");
            }
        }
        Ok(())
    }
}

impl Slot {
    fn start(&self) -> Result<()> {
        let life = self.life.load(Ordering::SeqCst);
        let log = self.logs.join(format!("life-{life}.log"));
        let options: Vec<&OsStr> = self.options.iter().map(OsStr::new).collect();
        let server = Server::start_with(&self.binary, &options, &log)?;
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = server.address;
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        self.life.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn kill(&self) -> Result<()> {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.life.fetch_add(1, Ordering::SeqCst);
        server.context("a process that is to be killed does not run")?.kill()
    }
}
