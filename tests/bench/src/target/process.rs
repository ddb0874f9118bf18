//! A server's process: started, timed to its first answer, watched, stopped.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

use crate::http::Origin;

/// A server that runs, and ends with this value.
pub struct Server {
    pub origin: Origin,
    /// From the start of the process to the first answer to `GET /v2/`.
    pub first_answer: Duration,
    child: Child,
}

/// Memory of a server's processes together.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    pub resident_kib: u64,
    /// The most that was resident at once since the start.
    pub peak_kib: u64,
}

/// Longer than the slowest peer takes to read a large store at its start.
const START_PATIENCE: Duration = Duration::from_secs(300);
const STOP_PATIENCE: Duration = Duration::from_secs(20);

impl Server {
    /// Starts `command`, which will listen on `port`, with its output in `log`.
    pub fn start(mut command: Command, port: u16, log: &Path) -> Result<Self> {
        let out = File::options().create(true).append(true).open(log).context("log")?;
        command.stdin(Stdio::null()).stderr(out.try_clone()?).stdout(out);
        let began = Instant::now();
        let child = command.spawn().with_context(|| format!("starting {:?}", command.get_program()))?;
        let origin = Origin::local(port);
        let mut server = Self { origin, first_answer: Duration::ZERO, child };
        while !answers(origin) {
            if let Some(status) = server.child.try_wait()? {
                bail!("ended at once ({status}): {}", last_lines(log));
            }
            if began.elapsed() > START_PATIENCE {
                bail!("no answer in {START_PATIENCE:?}: {}", last_lines(log));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        server.first_answer = began.elapsed();
        Ok(server)
    }

    pub fn memory(&self) -> Memory {
        let mut memory = Memory::default();
        for pid in self.processes() {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            memory.resident_kib += kib_of(&status, "VmRSS:");
            memory.peak_kib += kib_of(&status, "VmHWM:");
        }
        memory
    }

    /// Processor time of its processes together, since their start; counted in hundredths of a second.
    pub fn cost(&self) -> Duration {
        let ticks: u64 = self.processes().iter().map(|pid| ticks_of(*pid)).sum();
        Duration::from_millis(1000 * ticks / rustix::param::clock_ticks_per_second())
    }

    /// Its process and all processes that come from it.
    fn processes(&self) -> Vec<u32> {
        let mut found = vec![self.child.id()];
        let mut at = 0;
        while let Some(&pid) = found.get(at) {
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
            at += 1;
        }
        found
    }

    /// Asks it to end, and ends it if it does not. What `strace` runs is asked, not `strace`.
    pub fn stop(&mut self) {
        let asked = Instant::now();
        let processes = self.processes();
        let is_traced = processes.len() > 1 && is_named(processes[0], "strace");
        signal(processes[usize::from(is_traced)], Signal::TERM);
        while asked.elapsed() < STOP_PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        processes.iter().for_each(|pid| signal(*pid, Signal::KILL));
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port that nobody listens on.
pub fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    Ok(listener.local_addr()?.port())
}

/// Whether `origin` answers `GET /v2/` as a registry that is up does.
fn answers(origin: Origin) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(origin.address())?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        Ok(matches!(&start[9..], b"200" | b"401"))
    };
    ask().unwrap_or(false)
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended by itself; then there is nobody to tell.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

fn is_named(pid: u32, name: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name)
}

fn kib_of(status: &str, field: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// `utime` and `stime`, fields 14 and 15 of proc_pid_stat(5); the name in field 2 may hold anything.
fn ticks_of(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let start = text.char_indices().rev().nth(600).map_or(0, |(at, _)| at);
    text[start..].to_owned()
}
