//! What the process costs: memory, bytes written, and syncs.
//!
//! Syncs are counted, and can be slowed, by standing in for libc's `fsync` and `fdatasync`: every store
//! here, in Rust or in C, goes through those two. `--sync-delay-us` so shows what a slower disk would do.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

static SYNCS: AtomicU64 = AtomicU64::new(0);
static DELAY_US: AtomicU64 = AtomicU64::new(0);

pub fn set_sync_delay_us(delay_us: u64) {
    DELAY_US.store(delay_us, Relaxed);
}

/// Lets threads started from here on wake up on time: by default the kernel adds up to 50 us to a sleep.
pub fn sleep_exactly() {
    // SAFETY: the call takes only numbers.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64) };
}

pub fn syncs() -> u64 {
    SYNCS.load(Relaxed)
}

/// For a sync that is no call of its own, such as a write to a descriptor opened with O_DSYNC.
pub fn count_sync() {
    SYNCS.fetch_add(1, Relaxed);
    let delay_us = DELAY_US.load(Relaxed);
    if delay_us > 0 {
        std::thread::sleep(Duration::from_micros(delay_us));
    }
}

#[unsafe(no_mangle)]
extern "C" fn fsync(fd: libc::c_int) -> libc::c_int {
    count_sync();
    // SAFETY: the system call takes a number and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_fsync, fd) as libc::c_int }
}

#[unsafe(no_mangle)]
extern "C" fn fdatasync(fd: libc::c_int) -> libc::c_int {
    count_sync();
    // SAFETY: as above.
    unsafe { libc::syscall(libc::SYS_fdatasync, fd) as libc::c_int }
}

/// A figure in KiB from `/proc/self/status`: `RssAnon` is memory of our own, `RssFile` are pages of mapped
/// files, which the kernel may take back.
pub fn memory_kib(field: &str) -> f64 {
    proc_figure("/proc/self/status", field)
}

/// Bytes handed to write calls. (The kernel's own count of bytes for the disk takes the whole of a large
/// page-cache folio for dirty when 4 KiB of it are, and so shows the folios, not the store.)
pub fn written_bytes() -> f64 {
    proc_figure("/proc/self/io", "wchar")
}

/// Processor time of all threads so far, in the store and in the kernel for it.
pub fn cpu_us() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call fills the struct that it is given.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

fn proc_figure(path: &str, field: &str) -> f64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(f64::NAN)
}
