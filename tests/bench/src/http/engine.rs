//! The loop: a number of lanes, each a client that sends one request, waits for its answer, and sends the
//! next, all in one thread.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::event::{Timespec, epoll};

use super::link::{Link, Progress};
use super::{Origin, Reply, Request, Tally, Verdict, Workload, resolve};

pub struct Engine {
    origin: Origin,
    epoll: OwnedFd,
    lanes: Vec<Lane>,
    /// Where bytes are received to; what is thrown away is never written here.
    scratch: Vec<u8>,
    events: Vec<epoll::Event>,
    busy: usize,
}

#[derive(Default)]
struct Lane {
    link: Option<Link>,
    /// Where the present request was redirected to.
    away: Option<Link>,
    is_away: bool,
    request: Request,
    head: String,
    reply: Reply,
    state: State,
    /// When the present unit began; `None` between units.
    unit_began: Option<Instant>,
    sent_at: Option<Instant>,
    hops: u32,
    was_sent_again: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Waiting,
    /// The workload has nothing more for it.
    Finished,
}

const SCRATCH_BYTES: usize = 1 << 20;
const EVENTS_MAX: usize = 64;
const HOPS_MAX: u32 = 3;
/// A request without an answer for so long is given up. Slow peers take seconds for a list of many tags.
const PATIENCE: Duration = Duration::from_secs(60);

impl Engine {
    pub fn new(origin: Origin, lanes: usize) -> Result<Self> {
        Ok(Self {
            origin,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).context("epoll")?,
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            scratch: vec![0; SCRATCH_BYTES],
            events: Vec::with_capacity(EVENTS_MAX),
            busy: 0,
        })
    }

    /// Runs `work` until `until` (requests under way stay so) or until no lane has anything more to do.
    pub fn run(&mut self, work: &mut dyn Workload, until: Instant, tally: &mut Tally) -> Result<()> {
        for lane in 0..self.lanes.len() {
            if self.lanes[lane].state == State::Idle {
                self.launch(lane, work, tally);
            }
        }
        self.turn(work, until, tally)
    }

    /// Lanes with a request under way.
    pub fn busy(&self) -> usize {
        self.busy
    }

    /// Lets the requests under way come to their end, uncounted, unjudged and followed by none.
    pub fn drain(mut self) -> Result<()> {
        self.turn(&mut NoMore, Instant::now() + PATIENCE, &mut Tally::default())
    }

    fn turn(&mut self, work: &mut dyn Workload, until: Instant, tally: &mut Tally) -> Result<()> {
        let mut checked = Instant::now();
        while self.busy > 0 {
            let now = Instant::now();
            if now >= until {
                return Ok(());
            }
            if tally.is_hopeless() {
                bail!(
                    "{} answers were wrong, the first: {}",
                    tally.wrong,
                    tally.first_wrong.as_deref().unwrap_or_default()
                );
            }
            self.wait((until - now).min(Duration::from_millis(100)))?;
            let events = std::mem::take(&mut self.events);
            for event in &events {
                // The lane's number and which of its two links: see `key`.
                let key = { event.data }.u64();
                let lane = usize::try_from(key >> 1).unwrap_or_default();
                self.ready(lane, key & 1 == 1, work, tally);
            }
            self.events = events;
            if checked.elapsed() > Duration::from_secs(1) {
                checked = Instant::now();
                self.give_up_on_the_silent(work, tally);
            }
        }
        Ok(())
    }

    fn wait(&mut self, at_most: Duration) -> Result<()> {
        let timeout = Timespec::try_from(at_most).context("timeout")?;
        self.events.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error).context("epoll"),
        }
    }

    /// Asks the workload for the lane's next request and sends it.
    fn launch(&mut self, at: usize, work: &mut dyn Workload, tally: &mut Tally) {
        let lane = &mut self.lanes[at];
        if !work.next(at, &mut lane.request) {
            lane.state = State::Finished;
            return;
        }
        lane.state = State::Waiting;
        lane.is_away = false;
        lane.hops = 0;
        lane.was_sent_again = false;
        self.busy += 1;
        if let Err(error) = self.send_afresh(at) {
            self.broke(at, error.into(), work, tally);
        }
    }

    /// Composes the lane's request for where it now goes, and sends what the socket takes.
    fn send_afresh(&mut self, at: usize) -> io::Result<()> {
        let lane = &mut self.lanes[at];
        lane.reply.reset(lane.request.keep, lane.request.method == "HEAD");
        let now = Instant::now();
        lane.unit_began.get_or_insert(now);
        lane.sent_at = Some(now);
        let key = key(at, lane.is_away);
        if !lane.is_away && lane.link.is_none() {
            lane.link = Some(Link::open(self.origin, &self.epoll, key)?);
        }
        if let Some(link) = lane.present_link() {
            link.begin();
            let origin = link.origin;
            lane.request.compose(origin, &mut lane.head);
        }
        self.send_on(at)
    }

    fn send_on(&mut self, at: usize) -> io::Result<()> {
        let lane = &mut self.lanes[at];
        let key = key(at, lane.is_away);
        let link = if lane.is_away { &mut lane.away } else { &mut lane.link };
        match link {
            Some(link) => link.send(&lane.head, &lane.request, &self.epoll, key).map(|_| ()),
            None => Ok(()),
        }
    }

    /// `epoll` reported one of the lane's links.
    fn ready(&mut self, at: usize, is_away: bool, work: &mut dyn Workload, tally: &mut Tally) {
        let lane = &mut self.lanes[at];
        if lane.state != State::Waiting || lane.is_away != is_away {
            // Nothing was asked on that link: the server closed it.
            *(if is_away { &mut lane.away } else { &mut lane.link }) = None;
            return;
        }
        if let Err(error) = self.send_on(at) {
            self.broke(at, error.into(), work, tally);
            return;
        }
        let lane = &mut self.lanes[at];
        let link = if is_away { &mut lane.away } else { &mut lane.link };
        let Some(link) = link else { return };
        match link.receive(&mut lane.reply, &mut self.scratch) {
            Ok(Progress::Waiting) => {}
            Ok(Progress::Complete) => self.complete(at, work, tally),
            Err(error) => self.broke(at, error, work, tally),
        }
    }

    /// The answer is complete: follow it, or have it judged and go on.
    fn complete(&mut self, at: usize, work: &mut dyn Workload, tally: &mut Tally) {
        let lane = &mut self.lanes[at];
        tally.requests += 1;
        tally.bytes += lane.reply.body_length;
        if lane.reply.closes {
            *(if lane.is_away { &mut lane.away } else { &mut lane.link }) = None;
        }
        if matches!(lane.reply.status, 301 | 302 | 303 | 307 | 308) && lane.hops < HOPS_MAX {
            match self.follow(at) {
                Ok(()) => return,
                Err(error) => return self.broke(at, error, work, tally),
            }
        }
        self.busy -= 1;
        lane.state = State::Idle;
        match work.answer(at, &lane.reply) {
            Verdict::Continue => {}
            Verdict::Done => {
                let took = lane.unit_began.take().map(|began| began.elapsed()).unwrap_or_default();
                tally.latencies_ns.push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
            }
            Verdict::Wrong(why) => {
                lane.unit_began = None;
                tally.note_wrong(why);
            }
        }
        self.launch(at, work, tally);
    }

    fn follow(&mut self, at: usize) -> Result<()> {
        let lane = &mut self.lanes[at];
        lane.hops += 1;
        let here = lane.present_link().map_or(self.origin, |link| link.origin);
        let (origin, target) = resolve(here, &lane.request.target, &lane.reply.location)?;
        lane.request.target = target;
        lane.is_away = origin != self.origin;
        if lane.is_away && lane.away.as_ref().is_none_or(|link| link.origin != origin) {
            lane.away = Some(Link::open(origin, &self.epoll, key(at, true))?);
        }
        self.send_afresh(at)?;
        Ok(())
    }

    /// The connection broke. A server may close an idle one at any time, so a request that got no answer at
    /// all on a used connection is sent once more on a fresh one; anything else is an error.
    fn broke(&mut self, at: usize, error: anyhow::Error, work: &mut dyn Workload, tally: &mut Tally) {
        let lane = &mut self.lanes[at];
        let was_used = lane.present_link().is_some_and(|link| link.served > 0);
        let again = was_used && lane.reply.is_untouched() && !lane.was_sent_again && !lane.is_away;
        lane.link = None;
        lane.away = None;
        if again {
            lane.was_sent_again = true;
            match self.send_afresh(at) {
                Ok(()) => return,
                Err(error) => return self.broke(at, error.into(), work, tally),
            }
        }
        self.busy -= 1;
        lane.state = State::Idle;
        lane.unit_began = None;
        tally.note_wrong(format!("{} {}: {error:#}", lane.request.method, lane.request.target));
        work.gave_up(at);
        if !tally.is_hopeless() {
            self.launch(at, work, tally);
        }
    }

    fn give_up_on_the_silent(&mut self, work: &mut dyn Workload, tally: &mut Tally) {
        for at in 0..self.lanes.len() {
            let lane = &mut self.lanes[at];
            if lane.state == State::Waiting && lane.sent_at.is_some_and(|sent| sent.elapsed() > PATIENCE) {
                lane.was_sent_again = true;
                self.broke(at, anyhow!("no answer in {PATIENCE:?}"), work, tally);
            }
        }
    }
}

/// Takes whatever answers still come.
struct NoMore;

impl Workload for NoMore {
    fn next(&mut self, _lane: usize, _request: &mut Request) -> bool {
        false
    }

    fn answer(&mut self, _lane: usize, _reply: &Reply) -> Verdict {
        Verdict::Done
    }
}

impl Lane {
    fn present_link(&mut self) -> Option<&mut Link> {
        if self.is_away { self.away.as_mut() } else { self.link.as_mut() }
    }
}

/// What `epoll` calls a link: its lane, and whether it is the one that redirects lead to.
fn key(lane: usize, is_away: bool) -> u64 {
    (lane as u64) << 1 | u64::from(is_away)
}
