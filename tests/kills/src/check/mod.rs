//! Compares what a registry has with what was acknowledged, while nothing is under way. What was not
//! answered is there or not, and from then on known.

mod entries;
mod lists;
mod referrers;
mod uploads;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::findings::Kind;
use crate::http::{Answer, Broken, Connection};
use crate::journal::{Entry, Name};
use crate::world::World;

/// Connections that read at the same time.
const READERS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// What requests were about since the last check.
    New,
    All,
}

/// How much was compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checked {
    pub entries: usize,
    pub lists: usize,
    pub uploads: usize,
    pub took: Duration,
}

/// Compares, and adds what is wrong to the findings. `when` is for whoever reads them.
pub fn check(world: &World, address: SocketAddr, scope: Scope, when: &str) -> Checked {
    let begun = Instant::now();
    let subjects = entries_of(world, scope);
    let entries = entries::check(world, address, &subjects, when);
    entries::check_groups(world);
    let lists = lists::check(world, address, &subjects) + referrers::check(world, address, &subjects);
    let uploads = uploads::check(world, address, scope);
    Checked { entries, lists, uploads, took: begun.elapsed() }
}

/// One entry of one repository.
#[derive(Clone, Debug)]
struct Subject {
    repository: Name,
    entry: Entry,
}

impl Subject {
    fn path(&self) -> String {
        match &self.entry {
            Entry::Blob(digest) => format!("/v2/{}/blobs/{digest}", self.repository),
            Entry::Manifest(digest) => format!("/v2/{}/manifests/{digest}", self.repository),
            Entry::Tag(tag) => format!("/v2/{}/manifests/{tag}", self.repository),
        }
    }
}

fn entries_of(world: &World, scope: Scope) -> Vec<Subject> {
    let journal = world.journal();
    let mut subjects = Vec::new();
    for (repository, there) in &journal.repositories {
        for (entry, register) in &there.entries {
            if scope == Scope::All || register.is_touched() {
                subjects.push(Subject { repository: repository.clone(), entry: entry.clone() });
            }
        }
    }
    subjects
}

/// Does the work for each item, on a few connections.
fn for_each<T: Sync>(
    world: &World,
    address: SocketAddr,
    items: &[T],
    work: impl Fn(&mut Connection, &T) -> Result<(), Broken> + Sync,
) {
    let next = AtomicUsize::new(0);
    let read = || {
        let mut connection = Connection::new(address);
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(broken) = work(&mut connection, item) {
                world.findings.add(Kind::Broken, "a check", broken.reason);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..READERS.min(items.len()) {
            scope.spawn(read);
        }
    });
}

/// Every page of a list, as JSON.
fn pages(connection: &mut Connection, first: &str) -> Result<Result<Vec<serde_json::Value>, String>, Broken> {
    let mut pages = Vec::new();
    let mut target = first.to_owned();
    loop {
        let answer = connection.get(&target)?;
        if answer.status != 200 || !answer.whole {
            return Ok(Err(format!("GET {target}: {}", answer.status)));
        }
        match serde_json::from_slice(&answer.body) {
            Ok(page) => pages.push(page),
            Err(error) => return Ok(Err(format!("GET {target}: {error}"))),
        }
        match next_of(&answer) {
            Some(next) => target = next,
            None => return Ok(Ok(pages)),
        }
    }
}

/// Where the next page is.
fn next_of(answer: &Answer) -> Option<String> {
    let (target, _) = answer.header("Link").strip_prefix('<')?.split_once(">; rel=\"next\"")?;
    Some(target.to_owned())
}
