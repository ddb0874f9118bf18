//! Processor time: of the server, of this driver, and of everything else on the machine, whose share says how
//! far the figures of a run can be trusted.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::target::Server;

/// The clocks at one moment.
pub struct Clocks {
    at: Instant,
    driver: Duration,
    server: Option<Duration>,
    machine: Duration,
}

/// What passed between two moments.
pub struct Spent {
    pub elapsed: Duration,
    pub driver: Duration,
    pub server: Option<Duration>,
    /// The part of all cores' time that neither server nor driver used, but others did. The kernel's own work for the
    /// server (writing back to the disk) is in it.
    pub others: Option<f64>,
}

impl Clocks {
    pub fn read(server: Option<&Server>) -> Self {
        Self {
            at: Instant::now(),
            driver: Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default(),
            server: server.map(Server::cost),
            machine: machine_busy(),
        }
    }

    pub fn until(&self, later: &Self) -> Spent {
        let elapsed = later.at - self.at;
        let driver = later.driver.saturating_sub(self.driver);
        let server = later.server.zip(self.server).map(|(later, earlier)| later.saturating_sub(earlier));
        let all = elapsed.as_secs_f64() * std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let others = server.map(|server| {
            let busy = later.machine.saturating_sub(self.machine);
            busy.saturating_sub(server + driver).as_secs_f64() / all
        });
        Spent { elapsed, driver, server, others }
    }
}

/// Time that all cores together were not idle since the machine started: the first line of proc_stat(5),
/// without its fields `idle` and `iowait`, and `guest` time, which is in `user` already.
fn machine_busy() -> Duration {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8);
    let ticks: u64 = fields
        .enumerate()
        .filter(|(at, _)| !matches!(at, 3 | 4))
        .filter_map(|(_, ticks)| ticks.parse::<u64>().ok())
        .sum();
    Duration::from_millis(1000 * ticks / rustix::param::clock_ticks_per_second())
}
