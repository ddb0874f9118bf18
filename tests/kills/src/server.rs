//! The registry's own process.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::http::Connection;

/// No start takes a tenth of this.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Nor does an end.
const END_TIMEOUT: Duration = Duration::from_secs(20);

/// A running one; dropped, it is killed.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the process to its first answer.
    pub until_first_answer: Duration,
    log: PathBuf,
}

/// Starts the process on a folder, and nothing more.
pub fn spawn(binary: &Path, data: &Path, log: &Path) -> Result<Child> {
    spawn_with(binary, &["--data".as_ref(), data.as_os_str()], log)
}

fn spawn_with(binary: &Path, options: &[&OsStr], log: &Path) -> Result<Child> {
    let log = File::create(log).with_context(|| log.display().to_string())?;
    let mut command = Command::new(binary);
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(options);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    command.spawn().with_context(|| format!("{} does not start", binary.display()))
}

impl Server {
    /// Starts it on a folder, and waits for its first answer.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start(binary: &Path, data: &Path, log: &Path) -> Result<Self> {
        Self::start_with(binary, &["--data".as_ref(), data.as_os_str()], log)
    }

    /// The same with options of `moorage serve`.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start_with(binary: &Path, options: &[&OsStr], log: &Path) -> Result<Self> {
        let begun = Instant::now();
        let mut child = spawn_with(binary, options, log)?;
        let address = child.stdout.take().context("no stdout").and_then(read_address).and_then(|address| {
            let answer = Connection::new(address).get("/v2/");
            match answer.map(|answer| answer.status) {
                Ok(200) => Ok(address),
                Ok(status) => bail!("GET /v2/: {status}"),
                Err(broken) => bail!(broken.reason),
            }
        });
        let until_first_answer = begun.elapsed();
        match address {
            Ok(address) => Ok(Self { child, address, until_first_answer, log: log.to_owned() }),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                let said = std::fs::read_to_string(log).unwrap_or_default();
                let last: Vec<&str> = said.lines().rev().take(3).collect();
                bail!("it does not come up: {error}; it said: {}", last.join(" / "))
            }
        }
    }

    /// SIGKILL, unless somebody was faster. Fails if it had ended by itself.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        let status = self.child.wait()?;
        if status.signal() != Some(Signal::KILL.as_raw()) {
            bail!("it ended by itself, with {status}");
        }
        Ok(())
    }

    /// SIGKILL after [`Self::ask_to_end`], for which it may be too late.
    pub fn kill_or_ended(mut self) -> Result<()> {
        self.child.kill()?;
        let status = self.child.wait()?;
        if status.code() != Some(0) && status.signal() != Some(Signal::KILL.as_raw()) {
            bail!("asked to end, it ended with {status}");
        }
        Ok(())
    }

    pub fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// SIGTERM. It goes on running for as long as it needs.
    pub fn ask_to_end(&self) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::TERM)?)
    }

    /// Waits for its end after [`Self::ask_to_end`].
    pub fn wait(mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + END_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        bail!("it did not end within {} s of SIGTERM", END_TIMEOUT.as_secs())
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Lines of its log that say that something failed inside.
    pub fn complaints(&self) -> Vec<String> {
        complaints(&self.log)
    }
}

/// Lines of a log that say that something failed inside.
pub fn complaints(log: &Path) -> Vec<String> {
    let said = std::fs::read(log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let bad = |line: &&str| {
        line.contains("\"level\":\"ERROR\"")
            || line.contains("\"level\":\"WARN\"")
            || line.contains("panicked at")
    };
    said.lines().filter(bad).map(str::to_owned).collect()
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // It is gone, or about to be.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The address in the first line that has one. Whatever else it prints is read and dropped.
fn read_address(stdout: ChildStdout) -> Result<SocketAddr> {
    let (found, address) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(address) = address_in(&line) {
                // Nobody waits for a second one.
                let _ = found.send(address);
            }
        }
    });
    address.recv_timeout(START_TIMEOUT).context("it does not say where it listens")
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let at = line.find("http://127.0.0.1:")? + "http://".len();
    let end = line[at..]
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':')
        .map_or(line.len(), |end| at + end);
    line[at..end].trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_address_is_found_in_its_line() {
        let address =
            super::address_in("Moorage listens on http://127.0.0.1:4711, and keeps everything in /x.");
        assert_eq!(address.map(|address| address.port()), Some(4711));
    }
}
