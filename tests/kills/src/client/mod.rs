//! A client that pushes all the time, in all the ways clients do, and notes what it is told.
//!
//! Each has repositories of its own, in which it knows exactly what is there; in the shared ones they get in
//! each other's way.

mod blobs;
mod deletes;
mod manifests;
mod shared;
mod uploads;

use std::net::SocketAddr;
use std::time::Duration;

use crate::content::{Blob, Content, SIZES};
use crate::findings::Kind;
use crate::http::{Answer, Broken, Connection, Request};
use crate::journal::{Asked, Name};
use crate::random::Random;
use crate::world::World;
use manifests::Push;
use shared::Shared;

/// A request that begins less than this before SIGTERM may never have been read.
const READ_BY_THEN: Duration = Duration::from_millis(100);

/// How likely each size of a layer is, in percent.
const SIZE_PERCENT: [usize; SIZES.len()] = [8, 22, 38, 27, 5];

/// Contents that every client pushes, so that they meet.
const COMMON_CONTENTS: u64 = 12;

pub struct Client<'w> {
    world: &'w World,
    number: usize,
    random: Random,
    connection: Connection,
    /// Where it works now.
    repository: Name,
    repositories: Vec<Name>,
    /// The push of a manifest that was not answered: clients try again.
    interrupted: Option<Push>,
    shared: Shared,
}

/// How many repositories the next life of the server begins in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Same,
    /// One that nobody has pushed to.
    Fresh,
}

impl<'w> Client<'w> {
    pub fn new(world: &'w World, number: usize) -> Self {
        Self {
            world,
            number,
            random: Random::new(0),
            connection: Connection::new(([127, 0, 0, 1], 0).into()),
            repository: "".into(),
            repositories: Vec::new(),
            interrupted: None,
            shared: Shared::default(),
        }
    }

    /// A server has come up.
    pub fn meet(&mut self, address: SocketAddr, random: Random, place: Place) {
        self.connection = Connection::new(address);
        self.random = random;
        if self.repositories.is_empty() || place == Place::Fresh {
            // Names of every shape: they end in words of the API, too.
            let ending = ["app", "team/app", "blobs", "app/manifests", "tags"][self.random.below(5)];
            self.repository = format!("c{}/r{}/{ending}", self.number, self.repositories.len()).into();
            self.repositories.push(self.repository.clone());
        }
    }

    /// Works until it is told to stop, or the server is gone.
    pub fn run(&mut self) {
        while !self.world.is_stopping() {
            if let Err(broken) = self.step() {
                self.judge(&broken);
                return;
            }
        }
    }

    /// Finishes the uploads that it has left open.
    pub fn finish_all(&mut self) {
        while let Some(id) = self.open_upload_of_mine() {
            if let Err(broken) = self.go_on(id) {
                self.judge(&broken);
                return;
            }
        }
    }

    fn step(&mut self) -> Result<(), Broken> {
        if self.interrupted.is_some() && self.random.chance(70) {
            return self.try_again();
        }
        if self.random.chance(12)
            && let Some(id) = self.open_upload_of_mine()
        {
            return self.go_on(id);
        }
        match self.random.below(100) {
            0..30 => self.push_image(),
            30..35 => self.push_index(),
            35..43 => self.push_referrer(),
            43..49 => self.mount(),
            49..56 => self.move_tag(),
            56..60 => self.push_again(),
            60..64 => self.delete_tag(),
            64..69 => self.delete_manifest(),
            69..76 => self.delete_blob(),
            76..80 => self.cancel_upload(),
            80..84 => self.leave_upload(),
            _ => self.get_in_the_way(),
        }
    }

    /// Sends what was begun, and notes the outcome. Some answer, if it was done; none, if it was refused,
    /// which only a status among `harmless` may do.
    fn carry_out(
        &mut self,
        asked: &Asked,
        request: &Request<'_>,
        done: u16,
        harmless: &[u16],
    ) -> Result<Option<Answer>, Broken> {
        let answer = self.connection.ask(request)?;
        if answer.status == done {
            self.world.one_answered();
            self.world.journal().acknowledge(asked);
            return Ok(Some(answer));
        }
        if answer.status < 500 {
            self.world.journal().refuse(asked);
        }
        if !harmless.contains(&answer.status) {
            self.complain(request, &answer, &format!("expected {done}"));
        }
        Ok(None)
    }

    /// Notes an answer that should not be.
    fn complain(&self, request: &Request<'_>, answer: &Answer, why: &str) {
        let kind = if answer.status >= 500 { Kind::ServerError } else { Kind::Refused };
        self.complain_of(kind, request, answer, why);
    }

    fn complain_of(&self, kind: Kind, request: &Request<'_>, answer: &Answer, why: &str) {
        let body = String::from_utf8_lossy(&answer.body);
        let what = format!("client {}: {} {}", self.number, request.method, request.target);
        self.world.findings.add(kind, what, format!("{}, {why}: {body}", answer.status));
    }

    /// A broken connection is a finding, unless the server was killed, or asked to end.
    fn judge(&self, broken: &Broken) {
        let excused = self.world.is_killed()
            || self.world.asked_to_end().is_some_and(|asked| broken.begun + READ_BY_THEN > asked);
        if !excused {
            self.world.findings.add(Kind::Broken, format!("client {}", self.number), broken.reason.clone());
        }
    }

    /// A blob as a layer: mostly new, sometimes one that others push too.
    fn some_blob(&mut self) -> Blob {
        let draw = self.random.below(100);
        let size = SIZE_PERCENT
            .iter()
            .scan(0, |sum, percent| {
                *sum += percent;
                Some(*sum)
            })
            .position(|sum| draw < sum)
            .unwrap_or(0);
        let seed = if self.random.chance(20) {
            1 + self.random.next() % COMMON_CONTENTS
        } else {
            self.random.next()
        };
        let content = Content::new(seed, SIZES[size]);
        let blob = if self.random.chance(4) { content.sha512_blob() } else { content.blob() };
        self.world.journal().know_blob(&blob);
        blob
    }

    fn note(&mut self) -> String {
        format!("client {}, {:016x}", self.number, self.random.next())
    }
}
