//! Clients push, push again, mount, move tags, delete, restore and pull, while collectors take away what nothing holds
//! after a grace of seconds and processes are killed at random. Each client knows what was acknowledged: what it still
//! needs must be there, with its digest, and what it was told is there must be there for the push that follows within the
//! grace. At the end everything is deleted, and nothing may be left.

mod asker;
mod cli;
mod client;
mod dynamodb;
mod ending;
mod events;
mod findings;
mod known;
mod left;
mod registry;
mod world;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

use cli::Arguments;
use client::{Client, common};
use dynamodb::DynamoDb;
use findings::Kind;
use left::{Left, Store, Table};
use registry::Registry;
use world::World;

fn main() -> Result<ExitCode> {
    let arguments: Arguments = argh::from_env();
    let registry = match (&arguments.binary, arguments.registry) {
        (Some(binary), None) => Registry::start(binary, &arguments.process, &arguments.logs)?,
        (None, Some(address)) => Registry::given(address),
        _ => anyhow::bail!("give either --binary and --process, or --registry"),
    };
    let table = arguments.dynamodb.map(|address| Table { address, name: arguments.table.clone() });
    let store = Store { objects: arguments.objects.clone(), table };
    let world = World::new(registry, arguments.grace_ms, arguments.recycle_ms);
    println!("{} s, {} clients, seed {}", arguments.seconds, arguments.clients, arguments.seed);

    let ended = AtomicBool::new(false);
    let (kills, left) = std::thread::scope(|scope| {
        let delivering = arguments.control.zip(store.table.as_ref()).map(|(control, table)| {
            let (dynamodb, ended) = (DynamoDb::new(table.address, &table.name), &ended);
            scope.spawn(move || events::deliver(dynamodb, control, ended))
        });
        let kills = work(&world, &arguments);
        let patience = Duration::from_secs(arguments.patience);
        let left = ending::wait_until_nothing_is_left(&world, &store, patience);
        ended.store(true, Ordering::SeqCst);
        match delivering.map(std::thread::ScopedJoinHandle::join) {
            Some(Ok(Ok(delivered))) => println!("records of the stream delivered: {delivered}"),
            Some(Ok(Err(error))) => world.findings.add(Kind::Broken, "events", format!("{error:#}")),
            Some(Err(_)) | None => {}
        }
        left.map(|left| (kills, left))
    })?;
    world.registry.end().context("at the end")?;
    Ok(report(&world, kills, &left))
}

/// Answers how many processes were killed.
fn work(world: &World, arguments: &Arguments) -> u64 {
    let mut clients: Vec<Client<'_>> =
        (0..arguments.clients).map(|number| Client::new(world, number, arguments.seed)).collect();
    let kills = std::thread::scope(|scope| {
        let killer = scope.spawn(|| world.registry.kill_at_random(&world.findings, arguments.seed));
        let working: Vec<_> = clients.iter_mut().map(|client| scope.spawn(move || client.run())).collect();
        std::thread::sleep(Duration::from_secs(arguments.seconds));
        world.stop();
        for client in working {
            // A silence was found and said where it was met.
            let _ = client.join();
        }
        world.registry.stop_killing();
        killer.join().unwrap_or_default()
    });
    std::thread::scope(|scope| {
        for (number, client) in clients.iter_mut().enumerate() {
            scope.spawn(move || {
                let whole = number == 0;
                client.check_all()?;
                if whole {
                    for document in common() {
                        client.is_whole(&document)?;
                    }
                }
                client.delete_all()
            });
        }
    });
    // The others' tags are compared by then.
    let _ = ending::delete_common(world);
    kills
}

fn report(world: &World, kills: u64, left: &Left) -> ExitCode {
    println!("operations: acknowledged, refused, not answered");
    for (how, counts) in world.tally().iter() {
        let lost = counts.asked - counts.acknowledged - counts.refused;
        println!("  {how:<28} {:>7} {:>7} {lost:>6}", counts.acknowledged, counts.refused);
    }
    let total = world.tally().total();
    let lost = total.asked - total.acknowledged - total.refused;
    println!("  {:<28} {:>7} {:>7} {lost:>6}", "in all", total.acknowledged, total.refused);
    println!("compared: {}", world.compared.load(Ordering::Relaxed));
    println!("uploads acknowledged: {}", world.uploads.load(Ordering::Relaxed));
    println!("pushes refused because a promise had run out: {}", world.ran_out.load(Ordering::Relaxed));
    println!("processes killed: {kills}");
    println!("left: {} objects, {} bytes; items {:?}", left.objects, left.bytes, left.items);
    println!("of these, of uploads that were cut off before their record was made: {}", left.cut_off);
    let findings = world.findings.all();
    let losses = findings.iter().filter(|finding| finding.kind.is_loss()).count();
    println!("lost: {losses}; other findings: {}", findings.len() - losses);
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
