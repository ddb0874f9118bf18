//! Bodies that never end leave no files behind: neither when the client goes away, nor when the registry is
//! killed. And all in all, there are no more bytes than were sent for a reason.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::content::{Content, SIZES};
use crate::findings::Kind;
use crate::folder::files;
use crate::http::{Body, Connection, Request, chunk, head, open};
use crate::journal::{Entry, Journal};
use crate::lives::Lives;

/// How long a registry may take to clean up in the background.
const CLEANED_WITHIN: Duration = Duration::from_secs(10);

/// Bodies that are left half sent.
const BODIES: u64 = 9;

/// Bytes of tables, and whatever else there is beside blobs' own bytes, are not counted; those of manifests
/// that are too long for a table are few.
const SLACK_BYTES: u64 = 64 << 20;

pub fn check_unfinished_bodies(lives: &mut Lives<'_>, seed: u64) -> Result<String> {
    let server = lives.start()?;
    let before = settled(&lives.data)?;
    let bodies = send_halves(server.address, seed)?;
    let with_bodies = with_bytes(&lives.data)?;
    drop(bodies);
    let after_leaving = cleaned_to(&lives.data, before)?;

    let bodies = send_halves(server.address, seed + BODIES)?;
    lives.world.announce_kill();
    server.kill()?;
    drop(bodies);
    let server = lives.start()?;
    let after_kill = cleaned_to(&lives.data, before)?;
    server.kill()?;

    for (when, left) in [("the clients went away", after_leaving), ("the registry was killed", after_kill)] {
        if left > before {
            let why = format!("{before} files before {BODIES} bodies were half sent, {left} after {when}");
            lives.world.findings.add(Kind::LeftOver, "unfinished bodies", why);
        }
    }
    Ok(format!(
        "{before} files, {with_bodies} with {BODIES} bodies half sent, {after_leaving} when they broke off, {after_kill} after a kill in their midst"
    ))
}

/// Compares the bytes in the data directory with those that were sent.
pub fn check_bytes(lives: &Lives<'_>) -> Result<String> {
    let blobs_folder = lives.data.join("blobs");
    let all = files(&lives.data)?;
    let sum = |files: &[(std::path::PathBuf, u64)]| files.iter().map(|(_, bytes)| bytes).sum::<u64>();
    let in_files: Vec<_> = all.iter().filter(|(path, _)| path.starts_with(&blobs_folder)).cloned().collect();
    let journal = lives.world.journal();
    let open: u64 = journal.uploads.values().map(|upload| upload.sent as u64).sum();
    let sent = &journal.bytes;
    let most = sent.first + sent.again + sent.in_doubt + open + SLACK_BYTES;
    if sum(&in_files) > most {
        let why = format!("{} bytes of blobs, where at most {most} were sent for a reason", sum(&in_files));
        lives.world.findings.add(Kind::LeftOver, "the data directory", why);
    }
    let mib = |bytes: u64| bytes >> 20;
    Ok(format!(
        "{} MiB in all, {} MiB in {} blob files; live content {} MiB; ever pushed {} MiB, pushed again {} MiB, open uploads {} MiB, in doubt {} MiB",
        mib(sum(&all)),
        mib(sum(&in_files)),
        in_files.len(),
        mib(live_bytes(&journal)),
        mib(sent.first),
        mib(sent.again),
        mib(open),
        mib(sent.in_doubt),
    ))
}

/// Bytes of contents that some repository has.
fn live_bytes(journal: &Journal) -> u64 {
    let there = journal.repositories.values().flat_map(|there| &there.entries);
    let blobs = there.filter_map(|(entry, register)| match entry {
        Entry::Blob(digest) if matches!(register.certain(), Some(Some(_))) => Some(digest),
        _ => None,
    });
    let distinct: std::collections::BTreeSet<_> = blobs.collect();
    distinct
        .iter()
        .filter_map(|digest| journal.contents.get(*digest))
        .map(|content| content.bytes as u64)
        .sum()
}

/// Connections that have sent half of a body each: PUT, PATCH with a length, PATCH without.
fn send_halves(address: SocketAddr, seed: u64) -> Result<Vec<TcpStream>> {
    let mut streams = Vec::new();
    for number in 0..BODIES {
        let content = Content::new(seed.wrapping_add(number), SIZES[SIZES.len() - 1]);
        let bytes = content.bytes();
        let half = &bytes[..bytes.len() / 2];
        let location = post(address)?;
        let put = format!("{location}?digest={}", content.blob().digest);
        let (method, target, body) = match number % 3 {
            0 => ("PUT", &put, Body::Whole(&bytes)),
            1 => ("PATCH", &location, Body::Whole(&bytes)),
            _ => ("PATCH", &location, Body::Streamed(&bytes)),
        };
        let mut stream = open(address)?;
        stream.write_all(head(address, &Request { method, target, headers: &[], body }).as_bytes())?;
        let half = if matches!(body, Body::Streamed(_)) { chunk(half) } else { half.to_vec() };
        stream.write_all(&half)?;
        streams.push(stream);
    }
    // Until they are read, and in files.
    std::thread::sleep(Duration::from_millis(300));
    Ok(streams)
}

fn post(address: SocketAddr) -> Result<String> {
    let request =
        Request { method: "POST", target: "/v2/left/over/blobs/uploads/", headers: &[], body: Body::None };
    let answer = Connection::new(address).ask(&request).map_err(|broken| anyhow::anyhow!(broken.reason))?;
    let location = answer.header("Location");
    location.starts_with('/').then(|| location.to_owned()).context("POST: no Location")
}

/// How many files have bytes: empty ones that a registry makes ahead are not left over.
fn with_bytes(data: &Path) -> Result<usize> {
    Ok(files(data)?.iter().filter(|(_, bytes)| *bytes > 0).count())
}

/// How many files there are when nothing is being cleaned up any more.
fn settled(data: &Path) -> Result<usize> {
    let mut before = with_bytes(data)?;
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let now = with_bytes(data)?;
        if now == before {
            return Ok(now);
        }
        before = now;
    }
}

/// How many files there are once they are as few as `wanted`, or when the time is up.
fn cleaned_to(data: &Path, wanted: usize) -> Result<usize> {
    let deadline = Instant::now() + CLEANED_WITHIN;
    loop {
        let now = with_bytes(data)?;
        if now <= wanted || Instant::now() > deadline {
            return Ok(now);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
