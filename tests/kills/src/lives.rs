//! One registry after another on the same data: started, pushed to, killed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::client::{Client, Place};
use crate::findings::Kind;
use crate::random::Random;
use crate::server::{self, Server};
use crate::world::World;

/// What a life ends with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// SIGKILL.
    Kill,
    /// SIGKILL as soon as so many changes were acknowledged, if they are.
    KillAtAnswer(usize),
    /// SIGTERM, and so much later SIGKILL: it may be tidying up by then, or gone.
    KillWhileEnding(Duration),
}

/// Logs of so many lives are kept.
const LOGS_KEPT: u64 = 4;

/// What the lives have in common.
pub struct Lives<'w> {
    pub world: &'w World,
    pub clients: Vec<Client<'w>>,
    pub binary: PathBuf,
    pub data: PathBuf,
    logs: PathBuf,
    seed: u64,
    lives: u64,
    /// From the start of each process to its first answer.
    pub until_first_answer: Vec<Duration>,
}

impl<'w> Lives<'w> {
    pub fn new(
        world: &'w World,
        clients: usize,
        seed: u64,
        binary: PathBuf,
        data: PathBuf,
        logs: PathBuf,
    ) -> Self {
        let clients = (0..clients).map(|number| Client::new(world, number)).collect();
        Self { world, clients, binary, data, logs, seed, lives: 0, until_first_answer: Vec::new() }
    }

    /// The next life begins.
    ///
    /// # Errors
    /// It does not come up, which is a finding too.
    pub fn start(&mut self) -> Result<Server> {
        self.world.begin_life();
        let log = self.next_log();
        match Server::start(&self.binary, &self.data, &log) {
            Ok(server) => {
                self.until_first_answer.push(server.until_first_answer);
                Ok(server)
            }
            Err(error) => {
                self.world.findings.add(Kind::WrongExit, "a start", error.to_string());
                Err(error)
            }
        }
    }

    /// A life that ends so soon that it may still be reading what its predecessor left.
    pub fn start_and_kill(&mut self, after: Duration) -> Result<()> {
        let log = self.next_log();
        let mut child = server::spawn(&self.binary, &self.data, &log)?;
        std::thread::sleep(after);
        child.kill()?;
        let status = child.wait()?;
        if status.code().is_some() {
            self.world.findings.add(Kind::WrongExit, "a start", format!("it ended by itself with {status}"));
        }
        self.note_complaints(server::complaints(&log));
        Ok(())
    }

    /// The clients push, in repositories of which the `place` says which, and after a while the registry is
    /// killed in the midst.
    pub fn push_and_kill(&mut self, server: Server, place: Place, pushing: Duration, end: End) -> Result<()> {
        self.meet(&server, place);
        if let End::KillAtAnswer(answers) = end {
            self.world.kill_at_answer(answers, server.id());
        }
        let world = self.world;
        let log = self.log_of(self.lives);
        std::thread::scope(|scope| {
            for client in &mut self.clients {
                scope.spawn(|| client.run());
            }
            let deadline = Instant::now() + pushing;
            while Instant::now() < deadline && !world.is_killed() {
                std::thread::sleep(Duration::from_millis(1));
            }
            world.announce_kill();
            if let Err(error) = end_with(server, end) {
                world.findings.add(Kind::WrongExit, "under load", error.to_string());
            }
            world.stop_clients();
        });
        world.journal().server_gone();
        self.note_complaints(server::complaints(&log));
        Ok(())
    }

    pub fn meet(&mut self, server: &Server, place: Place) {
        for (number, client) in self.clients.iter_mut().enumerate() {
            client.meet(server.address, Random::of(self.seed, &[self.lives, number as u64]), place);
        }
    }

    pub fn note_complaints(&self, complaints: Vec<String>) {
        for line in complaints {
            self.world.findings.add(Kind::ServerError, "its log", line);
        }
    }

    fn next_log(&mut self) -> PathBuf {
        self.lives += 1;
        if self.lives > LOGS_KEPT {
            // One that is not there needs no removal.
            let _ = std::fs::remove_file(self.log_of(self.lives - LOGS_KEPT));
        }
        self.log_of(self.lives)
    }

    fn log_of(&self, life: u64) -> PathBuf {
        self.logs.join(format!("life-{life}.log"))
    }
}

fn end_with(server: Server, end: End) -> Result<()> {
    if let End::KillWhileEnding(later) = end {
        server.ask_to_end()?;
        std::thread::sleep(later);
        return server.kill_or_ended();
    }
    server.kill()
}
