//! Asks until there is an answer: a client whose registry vanished tries again, as real ones do.

use std::time::{Duration, Instant};

use moorage_kills::http::{Answer, Body, Connection, Request};
use moorage_kills::random::Random;

use crate::findings::Kind;
use crate::world::World;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// No registry here is away for so long.
const TRIES_FOR: Duration = Duration::from_secs(60);

/// An answer, and what is known of when it was given.
pub struct Answered {
    pub answer: Answer,
    /// When the request that was answered was sent, and when its first predecessor was, if that was not answered.
    pub sent: Instant,
    pub first_sent: Instant,
    /// Whether an earlier try of the same may have been carried out.
    pub in_doubt: bool,
}

impl Answered {
    pub fn status(&self) -> u16 {
        self.answer.status
    }
}

pub struct Asker<'w> {
    world: &'w World,
    /// To each process, in the life in which it was opened.
    connections: Vec<Option<(u64, Connection)>>,
    pub random: Random,
    /// Whether the last try reached a process that ran.
    pub was_sent: bool,
}

/// Nobody answered: the run is over.
#[derive(Debug)]
pub struct Silence;

impl<'w> Asker<'w> {
    pub fn new(world: &'w World, random: Random) -> Self {
        let connections = (0..world.registry.processes()).map(|_| None).collect();
        Self { world, connections, random, was_sent: false }
    }

    /// One try. `None` where nobody knows what became of it.
    pub fn try_once(&mut self, how: &'static str, request: &Request<'_>) -> Option<Answer> {
        let process = self.random.below(self.world.registry.processes());
        self.was_sent = false;
        let (address, life) = self.world.registry.place(process)?;
        let slot = &mut self.connections[process];
        if slot.as_ref().is_none_or(|(of, _)| *of != life) {
            *slot = Some((life, Connection::new(address)));
        }
        let (_, connection) = slot.as_mut()?;
        self.world.tally().asked(how);
        self.was_sent = true;
        let begun = Instant::now();
        match connection.ask(request) {
            Ok(answer) if answer.status >= 500 => {
                if !self.world.registry.kills_itself {
                    let body = String::from_utf8_lossy(&answer.body);
                    let why = format!("{} after {:.1?}: {body}", answer.status, begun.elapsed());
                    self.world.findings.add(
                        Kind::ServerError,
                        format!("{} {}", request.method, request.target),
                        why,
                    );
                }
                None
            }
            Ok(answer) if answer.whole => Some(answer),
            Ok(_) => None,
            Err(broken) => {
                if self.world.registry.place(process).is_some_and(|(_, now)| now == life) {
                    self.world.findings.add(Kind::Broken, "nobody was killed", broken.reason);
                }
                self.connections[process] = None;
                None
            }
        }
    }

    /// Asks until it is answered.
    pub fn ask(&mut self, how: &'static str, request: &Request<'_>) -> Result<Answered, Silence> {
        let first_sent = Instant::now();
        let mut in_doubt = false;
        loop {
            let sent = Instant::now();
            if let Some(answer) = self.try_once(how, request) {
                let mut tally = self.world.tally();
                if answer.status < 400 {
                    tally.acknowledged(how)
                } else {
                    tally.refused(how)
                }
                return Ok(Answered { answer, sent, first_sent, in_doubt });
            }
            in_doubt = true;
            if first_sent.elapsed() > TRIES_FOR {
                self.world.findings.add(Kind::Broken, request.target, "no answer for a minute");
                return Err(Silence);
            }
            std::thread::sleep(PAUSE);
        }
    }

    pub fn simple(
        &mut self,
        how: &'static str,
        method: &'static str,
        target: &str,
    ) -> Result<Answered, Silence> {
        self.ask(how, &Request { method, target, headers: &[], body: Body::None })
    }
}
