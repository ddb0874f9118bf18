//! How often a server syncs for a push, counted by `strace`: the durability column of the report, checked.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::content::random::keyed;
use crate::content::{Size, World};
use crate::http::{Engine, Reply, Request, Tally, Verdict, Workload};
use crate::place::{Folder, Place};
use crate::seed;
use crate::target::{Role, Server, Target, free_port};
use crate::work::Pushing;

/// Calls that put written bytes on the disk.
const CALLS: &str = "fsync,fdatasync,sync_file_range,syncfs,msync";
const PUSHES: u32 = 50;

/// Counts and prints the syncs of each target, one after another.
pub fn count_all(targets: &[Target], folder: &Folder, seed: u64) -> Result<()> {
    let world = World::new(seed, A_LITTLE);
    for target in targets.iter().filter(|target| target.role != Role::Static) {
        let counted = count(target, &folder.of(&target.name), &world, seed)?;
        let shown: Vec<String> = counted.iter().map(|(call, each)| format!("{each:.1} {call}")).collect();
        let shown = if shown.is_empty() { "none".to_owned() } else { shown.join(", ") };
        println!("{:<14} {shown} for a push; said to sync: {}", target.name, target.durability());
    }
    Ok(())
}

/// What the pushes need to be there.
const A_LITTLE: Size = Size {
    repositories: 4,
    layers: 1,
    manifests: 4,
    large_blobs: 0,
    short_lists: 0,
    many_tags: 0,
    subjects: 0,
};

/// Syncs for each push of 4 KiB by one client, by call.
fn count(target: &Target, place: &Place, world: &World, seed: u64) -> Result<Vec<(String, f64)>> {
    let before = traced(target, place, world, seed, 0)?;
    let after = traced(target, place, world, seed, PUSHES)?;
    let idle = |call: &str| before.iter().find(|(name, _)| name == call).map_or(0.0, |(_, count)| *count);
    Ok(after
        .into_iter()
        .map(|(call, count)| {
            let each = (count - idle(&call)) / f64::from(PUSHES);
            (call, each)
        })
        .collect())
}

/// All syncs of a process that lives for filling an empty folder a little and for `pushes` pushes.
fn traced(
    target: &Target,
    place: &Place,
    world: &World,
    seed: u64,
    pushes: u32,
) -> Result<Vec<(String, f64)>> {
    let data = place.fresh()?;
    let port = free_port()?;
    let summary = place.folder().join("strace");
    let plain = target.start_command(place.folder(), &data, port)?;
    let mut command = Command::new("strace");
    command.args(["-f", "-c", "-e", &format!("trace={CALLS}"), "-o"]).arg(&summary);
    command.arg(plain.get_program()).args(plain.get_args());
    let mut server = Server::start(command, port, &place.log())?;
    seed::fill(server.origin, seed, world.size, Duration::from_secs(60))?;
    let random = keyed(seed, &[]);
    let mut work = Only(pushes, Pushing::new(server.origin, world, 4 << 10, 1, "syncs".into(), random));
    let mut tally = Tally::default();
    Engine::new(server.origin, 1)?.run(&mut work, Instant::now() + Duration::from_secs(60), &mut tally)?;
    ensure!(tally.wrong == 0, "{}", tally.first_wrong.unwrap_or_default());
    server.stop();
    parse(&summary)
}

/// So many pushes, and no more.
struct Only(u32, Pushing);

impl Workload for Only {
    fn next(&mut self, lane: usize, request: &mut Request) -> bool {
        self.0 > 0 && self.1.next(lane, request)
    }

    fn answer(&mut self, lane: usize, reply: &Reply) -> Verdict {
        let verdict = self.1.answer(lane, reply);
        self.0 -= u32::from(matches!(verdict, Verdict::Done));
        verdict
    }
}

/// Reads the table of `strace -c`: the fourth column is the number of calls, the last the call.
fn parse(summary: &Path) -> Result<Vec<(String, f64)>> {
    let text = std::fs::read_to_string(summary).context("strace wrote nothing")?;
    let rows = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let call = *fields.last()?;
        let is_counted = CALLS.split(',').any(|counted| counted == call);
        let count = fields.get(3)?.parse().ok()?;
        is_counted.then(|| (call.to_owned(), count))
    });
    Ok(rows.collect())
}
