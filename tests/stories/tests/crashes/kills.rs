//! The process is killed at every step that writes to the disk, and started again on what is there.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use moorage_embedded::{Embedded, Options};
use moorage_ports::testing_context::TestContext;
use moorage_stories::Answer;

use crate::contents::ON_DISK;
use crate::dying_disk::{Death, DyingDisk, When};
use crate::effort::one_in;
use crate::heal::{heal, invariants_hold};
use crate::judge::{Told, judge};
use crate::look::look;
use crate::parallel::{block_on, first_failure};
use crate::pusher::Pusher;
use crate::start::{open_on, registry_on_embedded, scratch};
use crate::story::Story;

/// For the process that is killed: where its data is, and when it dies.
const DATA: &str = "MOORAGE_CRASHES_DATA";
const DEATH: &str = "MOORAGE_CRASHES_DEATH";

/// Few, so that the story has several checkpoints.
const JOURNAL_ROWS_MAX: usize = 80;

/// Far more than the story has operations that write: when that many have not been enough, nothing dies.
const OPERATIONS_MAX: usize = 5_000;

/// Starts, and where there was nothing before, pushes; says on its output what was answered, until it is killed.
#[test]
#[ignore = "it is the process that is killed, and started by the tests that kill it"]
fn who_is_killed() {
    let Ok(data) = std::env::var(DATA) else { return };
    let death = std::env::var(DEATH).expect("a death").parse().expect("a death");
    let is_first_life = !Path::new(&data).exists();
    let test = TestContext::new(1);
    let store = open_on(Arc::new(DyingDisk::new(death)), Path::new(&data), JOURNAL_ROWS_MAX, &test);
    let store = store.expect("it opens");
    if is_first_life {
        block_on(push(&store, &test));
    }
    store.close();
}

async fn push(store: &Embedded, test: &TestContext) {
    let story = Story::new(ON_DISK);
    let registry = registry_on_embedded(store, test).await.expect("it starts");
    let mut pusher = Pusher::new(story.contents.client().of(registry));
    for moment in 0.. {
        if story.moment(moment).is_empty() {
            break;
        }
        let answered = |step, answer: &Answer| {
            say(&format!("{ANSWERED}{step} {}", answer.header("location")));
        };
        pusher.tell(&story, moment, answered).await.expect("the story can be told");
    }
}

/// What a line begins with that says which step was answered, and the Location.
const ANSWERED: &str = "answered: ";

/// In one write, so that no half of it is left.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()).expect("somebody listens");
}

/// Starts the process on a directory and waits for its end. Answers what it said, and whether it was killed.
fn run(story: &Story, data: &Path, death: Death) -> Result<(Told, bool), String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(this)
        .args(["kills::who_is_killed", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DATA, data)
        .env(DEATH, death.to_string())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    let mut told = Told::default();
    // libtest says other things, and on the same line.
    for line in said.lines().filter_map(|line| Some(line.split_once(ANSWERED)?.1)) {
        let (step, location) = line.split_once(' ').ok_or("half a line")?;
        told.answer(story, step.parse().map_err(|_| format!("no step: {line}"))?, location);
    }
    let killed = std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(9);
    if !killed && !output.status.success() {
        return Err(format!("{death}: {said}{}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok((told, killed))
}

async fn check(story: &Story, data: &Path, told: &Told, seed: u64) -> Result<(), String> {
    let test = TestContext::new(seed);
    let store = Embedded::open(data, Options::default(), &test.context())
        .map_err(|error| format!("it does not open: {error}"))?;
    let client = story.contents.client().of(registry_on_embedded(&store, &test).await?);
    let seen = look(story, &client, &told.locations).await;
    judge(story, told, &seen)?;
    heal(story, &client, told, &seen).await?;
    invariants_hold(&store).await?;
    store.close();
    Ok(())
}

/// Kills it at one operation after the other until it lives to the end.
fn killed_at_every_operation(when: When) {
    let story = Story::new(ON_DISK);
    let survived_at = AtomicUsize::new(usize::MAX);
    // Where some are left out, each way to die leaves out others.
    let step = one_in(9);
    let points: Vec<usize> = (1 + when as usize % step..OPERATIONS_MAX).step_by(step).collect();
    let failure = first_failure(&points, |operation| {
        if *operation > survived_at.load(Ordering::Relaxed) {
            return Ok(());
        }
        let death = Death { operation: *operation, when };
        let root = scratch();
        let data = root.path().join("data");
        let (told, killed) = run(&story, &data, death)?;
        if !killed {
            survived_at.fetch_min(*operation, Ordering::Relaxed);
        }
        let checked = block_on(check(&story, &data, &told, 1000 + *operation as u64));
        checked.map_err(|wrong| format!("killed at {death}: {wrong}"))
    });
    let survived_at = survived_at.into_inner();
    eprintln!("{} kills", points.iter().filter(|operation| **operation < survived_at).count());
    assert_eq!(failure, None);
    assert!(survived_at > story.steps.len() && survived_at < OPERATIONS_MAX, "it survived {survived_at}");
}

#[test]
fn killed_before_it_writes() {
    killed_at_every_operation(When::Before);
}

#[test]
fn killed_while_it_writes() {
    killed_at_every_operation(When::Midway);
}

#[test]
fn killed_after_it_wrote() {
    killed_at_every_operation(When::After);
}

/// Each start gets one operation further than the one before it.
#[test]
fn killed_again_and_again_while_it_starts() {
    let story = Story::new(ON_DISK);
    let points: Vec<usize> = (60..OPERATIONS_MAX).step_by(70).take(3).collect();
    let failure = first_failure(&points, |operation| {
        let root = scratch();
        let data = root.path().join("data");
        let (told, killed) = run(&story, &data, Death { operation: *operation, when: When::After })?;
        let mut starts = 1;
        while run(&story, &data, Death { operation: starts, when: When::Midway })?.1 {
            starts += 1;
        }
        eprintln!("{starts} starts");
        if !killed || starts < 10 {
            return Err(format!("it lived: {killed}, {starts} starts"));
        }
        let checked = block_on(check(&story, &data, &told, 1000 + *operation as u64));
        checked.map_err(|wrong| format!("killed at {operation}, then at each of {starts} starts: {wrong}"))
    });
    assert_eq!(failure, None);
}
