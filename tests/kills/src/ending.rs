//! After the kills: the registry is asked to end while clients push, and everything is compared once more.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::check::{Scope, check};
use crate::client::Place;
use crate::findings::Kind;
use crate::in_flight;
use crate::lives::Lives;

/// How long the clients push before the registry is asked to end, and how long requests in flight go on.
const PUSHING: Duration = Duration::from_millis(400);
const STILL_SENDING: Duration = Duration::from_millis(150);

/// Compares everything after the last kill, and lets the clients finish what they left open.
pub fn check_all(lives: &mut Lives<'_>) -> Result<String> {
    let server = lives.start()?;
    let checked = check(lives.world, server.address, Scope::All, "after the last kill");
    lives.note_complaints(server.complaints());
    lives.world.announce_kill();
    server.kill()?;
    Ok(format!(
        "{} blobs, manifests and tags, {} lists, {} uploads compared in {:.1} s",
        checked.entries,
        checked.lists,
        checked.uploads,
        checked.took.as_secs_f64()
    ))
}

/// SIGTERM while clients push: what is in flight is answered, and the exit status is 0.
pub fn check_end_under_load(lives: &mut Lives<'_>, seed: u64) -> Result<String> {
    let server = lives.start()?;
    lives.meet(&server, Place::Same);
    let in_flight = in_flight::begin(lives.world, server.address, seed)?;
    let world = lives.world;
    let log = server.log().to_owned();
    let mut took = Duration::ZERO;
    std::thread::scope(|scope| -> Result<()> {
        for client in &mut lives.clients {
            scope.spawn(|| client.run());
        }
        std::thread::sleep(PUSHING);
        world.announce_end();
        let asked = Instant::now();
        server.ask_to_end()?;
        std::thread::sleep(STILL_SENDING);
        for request in in_flight {
            request.finish(world);
        }
        match server.wait() {
            Ok(status) if status.code() == Some(0) => {}
            Ok(status) => world.findings.add(Kind::WrongExit, "SIGTERM under load", status.to_string()),
            Err(error) => world.findings.add(Kind::WrongExit, "SIGTERM under load", error.to_string()),
        }
        took = asked.elapsed();
        world.stop_clients();
        Ok(())
    })?;
    world.journal().server_gone();
    lives.note_complaints(crate::server::complaints(&log));
    Ok(format!(
        "status 0 after {} ms, {} of them waiting for the slow requests",
        took.as_millis(),
        STILL_SENDING.as_millis()
    ))
}

/// Opened again after a clean end, everything is there; open uploads are finished, and are right.
pub fn check_reopened(lives: &mut Lives<'_>) -> Result<String> {
    let server = lives.start()?;
    let world = lives.world;
    let checked = check(world, server.address, Scope::All, "after a clean end");
    lives.meet(&server, Place::Same);
    let open = world.journal().uploads.values().filter(|upload| upload.can_go_on()).count();
    for client in &mut lives.clients {
        client.finish_all();
    }
    check(world, server.address, Scope::New, "after all uploads were finished");
    lives.note_complaints(server.complaints());
    server.ask_to_end()?;
    let status = server.wait()?;
    if status.code() != Some(0) {
        world.findings.add(Kind::WrongExit, "SIGTERM when idle", status.to_string());
    }
    Ok(format!("{} compared, {open} open uploads finished, status {status}", checked.entries))
}
