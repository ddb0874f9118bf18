//! Every order in which the steps of some roles can be taken, each state once, the nearest first: what is found
//! wrong is found by a shortest way.
//!
//! Orders that nobody can tell apart are not all taken. Where a role's next step only reads, and none of the others
//! writes there any more whatever happens, it makes no difference when the step is taken: it is taken at once, and
//! no other from that state. Every world that can be reached still is, and so is every place of each role and every
//! end. Where the others may write is what they were seen to write anywhere; where more is seen later, the states that
//! relied on less are gone back to (for each way that was left out there is one that was taken, with the same steps
//! up to the first that was not foreseen: so that is seen). No role comes to a place twice, so no step is put off for ever.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::Arc;

use moorage_operations::Settings;
use moorage_ports::Timestamp;

use crate::invariants::{Wrongs, wrongs};
use crate::local::{Local, Next, Place, UNSTARTED};
use crate::rest::{LeftOver, leaks};
use crate::role::{Outcome, Role};
use crate::spots::Atlas;
use crate::world::{Rules, World, mixed};

/// Most roles of a scenario.
pub const ROLES_MAX: usize = 8;

/// What is to be explored.
pub struct Space {
    pub start: World,
    pub rules: Rules,
    pub settings: Arc<Settings>,
    pub roles: Vec<Role>,
    /// Calls after which a role stops for ever.
    pub calls_max: usize,
    /// What may be left when all are done.
    pub left_over: LeftOver,
    /// What else has to be so when all are done.
    pub in_the_end: Option<fn(&World, &[&Outcome]) -> Wrongs>,
}

/// How far to go.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub states_max: usize,
    /// Worlds from which collectors work on alone: of those in which all are done, and of others.
    pub rests_max: usize,
    /// Whether also orders are taken that nobody can tell apart.
    pub every_order: bool,
}

/// What was explored.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    pub states: usize,
    /// Worlds among them: states differ in where the roles are too.
    pub worlds: usize,
    /// Places of all roles together.
    pub places: usize,
    /// Steps of the longest way that was gone.
    pub depth: usize,
    pub complete: bool,
    /// Worlds from which collectors worked on alone.
    pub rests: usize,
    /// What was found, and the shortest way to it.
    pub found: Option<Found>,
}

/// Something wrong.
#[derive(Clone, Debug)]
pub struct Found {
    pub wrong: Wrongs,
    pub way: Vec<String>,
}

#[derive(Clone)]
struct State {
    world: World,
    places: Places,
    id: u32,
    depth: u32,
    /// Every role's step is to be taken.
    whole: bool,
}

type Places = [Place; ROLES_MAX];

/// A state from which only one role's step was taken.
struct Reduced {
    id: u32,
    role: u8,
    places: Places,
}

/// Hashes that need no more hashing.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, number: u128) {
        self.0 = u64::try_from(number >> 64).unwrap_or(0);
    }
}

type Seen = HashSet<u128, BuildHasherDefault<Hashed>>;

/// Explores all of it, up to the bounds or to the first thing that is wrong.
#[must_use]
pub fn explore(space: &Space, bounds: Bounds) -> Explored {
    let mut exploration = Exploration::new(space);
    exploration.run(bounds);
    exploration.explored
}

struct Exploration<'s> {
    space: &'s Space,
    atlas: Atlas,
    locals: Vec<Local>,
    reduced: Vec<Reduced>,
    seen: Seen,
    worlds: Seen,
    rested: Seen,
    /// How each state was reached: from which, by whose step.
    came: Vec<(u32, u8)>,
    explored: Explored,
}

impl<'s> Exploration<'s> {
    fn new(space: &'s Space) -> Self {
        assert!(space.roles.len() <= ROLES_MAX, "more roles than a state has room for");
        let local = |(at, role): (usize, &Role)| {
            let settings = Arc::clone(&space.settings);
            Local::new(role.clone(), at as u64 + 1, settings, space.calls_max)
        };
        Self {
            space,
            atlas: Atlas::default(),
            reduced: Vec::new(),
            locals: space.roles.iter().enumerate().map(local).collect(),
            seen: Seen::default(),
            worlds: Seen::default(),
            rested: Seen::default(),
            came: Vec::new(),
            explored: Explored::default(),
        }
    }

    fn start(&mut self) -> State {
        let mut state = State {
            world: self.space.start.clone(),
            places: [UNSTARTED; ROLES_MAX],
            id: 0,
            depth: 0,
            whole: false,
        };
        // Where time passes, it makes a difference when somebody begins; else all have begun.
        let time_passes = self.locals.iter().any(Local::is_clock);
        for at in 0..self.locals.len() {
            if self.locals[at].is_clock() || !time_passes {
                state.places[at] = self.locals[at].started(&mut self.atlas, state.world.now);
            }
        }
        state
    }

    fn run(&mut self, bounds: Bounds) {
        let start = self.start();
        self.seen.insert(self.hash(&start));
        self.came.push((0, 0));
        if self.check(&start, bounds).is_some() {
            return;
        }
        if !bounds.every_order {
            self.look_ahead();
        }
        let mut level = vec![start];
        while !level.is_empty() {
            let mut next = Vec::new();
            for state in level {
                for at in self.roles_to_step(&state, bounds) {
                    let Some(mut to) = self.step(&state, at) else { continue };
                    if !self.seen.insert(self.hash(&to)) {
                        continue;
                    }
                    to.id = u32::try_from(self.came.len()).expect("fewer states than fit");
                    to.depth += 1;
                    self.came.push((state.id, u8::try_from(at).unwrap_or(u8::MAX)));
                    self.explored.depth = self.explored.depth.max(to.depth as usize);
                    if self.check(&to, bounds).is_some() {
                        self.tell();
                        return;
                    }
                    next.push(to);
                }
                if self.came.len() >= bounds.states_max {
                    self.tell();
                    return;
                }
            }
            level = if next.is_empty() { self.reduced_too_far() } else { next };
        }
        self.explored.complete = true;
        self.tell();
    }

    /// Goes some ways to the end, to see where roles write before anything relies on it.
    fn look_ahead(&mut self) {
        let mut chance = 1_u64;
        for _ in 0..LOOKS_AHEAD {
            let mut state = self.start();
            let mut going: Vec<usize> = (0..self.locals.len()).collect();
            while !going.is_empty() {
                chance =
                    chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = usize::try_from(chance >> 33).unwrap_or(0) % going.len();
                // Some go on for a while, so that others find much changed.
                for _ in 0..1 + (chance >> 40) % 8 {
                    match self.step(&state, going[at]) {
                        Some(to) => state = to,
                        None => {
                            going.swap_remove(at);
                            break;
                        }
                    }
                }
            }
        }
    }

    /// Whose steps are to be taken: all, or one that nobody can tell from itself taken later.
    fn roles_to_step(&mut self, state: &State, bounds: Bounds) -> Range<usize> {
        if !bounds.every_order && !state.whole {
            for at in 0..self.locals.len() {
                if self.can_be_alone(&state.places, at) {
                    let (id, role) = (state.id, u8::try_from(at).unwrap_or(u8::MAX));
                    self.reduced.push(Reduced { id, role, places: state.places });
                    return at..at + 1;
                }
            }
        }
        0..self.locals.len()
    }

    /// Whether a role's next step only reads, where nobody else may write before it, as far as is known.
    fn can_be_alone(&mut self, places: &Places, at: usize) -> bool {
        let Some(reads) = self.locals[at].reads(&mut self.atlas, places[at]) else { return false };
        self.locals.iter().zip(places).enumerate().all(|(other, (local, place))| {
            // Time that passes is seen by everybody.
            let is_still = !local.is_clock() || matches!(local.next(*place), Next::Done(_));
            other == at || is_still && !local.writes(*place).meets(reads)
        })
    }

    /// The states from which one role's step was taken, and more is known now.
    fn reduced_too_far(&mut self) -> Vec<State> {
        let reduced = std::mem::take(&mut self.reduced);
        let (stay, too_far): (Vec<_>, Vec<_>) = reduced
            .into_iter()
            .partition(|reduced| self.can_be_alone(&reduced.places, usize::from(reduced.role)));
        self.reduced = stay;
        let whole = |reduced: Reduced| State { whole: true, ..self.state(reduced.id) };
        too_far.into_iter().map(whole).collect()
    }

    fn tell(&mut self) {
        self.explored.states = self.came.len();
        self.explored.worlds = self.worlds.len();
        self.explored.places = self.locals.iter().map(Local::places).sum();
        self.explored.rests = self.rested.len();
    }

    fn hash(&self, state: &State) -> u128 {
        let mut numbers = [0; 2 + ROLES_MAX / 4];
        numbers[0] = state.world.hash();
        for (at, place) in state.places.iter().enumerate() {
            numbers[1 + at / 4] |= u128::from(*place) << (32 * (at % 4));
        }
        mixed(&numbers)
    }

    /// The state after a role's step; `None` where it has none now.
    fn step(&mut self, state: &State, at: usize) -> Option<State> {
        let mut to = State { whole: false, ..state.clone() };
        let place = state.places[at];
        to.places[at] = match self.locals[at].next(place).clone() {
            Next::Done(_) | Next::Stops => return None,
            Next::Starts => self.locals[at].started(&mut self.atlas, to.world.now),
            Next::Waits { by_ms } => {
                to.world.now = to.world.now.plus_ms(by_ms);
                self.locals[at].passed(&mut self.atlas, place, to.world.now)
            }
            Next::Calls(call) => match to.world.apply(&call, &self.space.rules) {
                Ok(seen) => self.locals[at].answered(&mut self.atlas, place, &seen, to.world.now),
                Err(error) => panic!("{}: {error}", self.locals[at].name()),
            },
        };
        Some(to)
    }

    /// Notes what is wrong with a state, if anything is.
    fn check(&mut self, state: &State, bounds: Bounds) -> Option<()> {
        let wrong = self.wrongs(state, bounds);
        if wrong.is_empty() {
            return None;
        }
        self.explored.found = Some(Found { wrong, way: self.way(state.id) });
        Some(())
    }

    fn wrongs(&mut self, state: &State, bounds: Bounds) -> Wrongs {
        let hash = state.world.hash();
        if self.worlds.insert(hash) {
            let wrong = wrongs(&state.world, &self.space.rules);
            if !wrong.is_empty() {
                return wrong;
            }
        }
        let mut outcomes = Vec::new();
        for (local, place) in self.locals.iter().zip(state.places) {
            if let Next::Done(outcome) = local.next(place) {
                if let Err(error) = &**outcome {
                    return vec![format!("{}: {error}", local.name())];
                }
                outcomes.push(Arc::clone(outcome));
            }
        }
        let all_done = outcomes.len() == self.locals.len();
        if let Some(in_the_end) = self.space.in_the_end.filter(|_| all_done) {
            let outcomes: Vec<&Outcome> = outcomes.iter().map(|outcome| &**outcome).collect();
            let wrong = in_the_end(&state.world, &outcomes);
            if !wrong.is_empty() {
                return wrong;
            }
        }
        self.leaks(state, hash, all_done, bounds)
    }

    /// Where all are done, and in a sample of the other worlds, collectors work on alone.
    fn leaks(&mut self, state: &State, hash: u128, all_done: bool, bounds: Bounds) -> Wrongs {
        let sampled = hash.is_multiple_of(SAMPLE) && self.rested.len() < bounds.rests_max;
        if !(all_done && self.rested.len() < 2 * bounds.rests_max || sampled) || !self.rested.insert(hash) {
            return Wrongs::new();
        }
        let left_over = if all_done { self.space.left_over } else { LeftOver::ByTheDead };
        let wrong = leaks(&state.world, &self.space.rules, &self.space.settings, left_over);
        wrong.into_iter().map(|wrong| format!("when only collectors work on: {wrong}")).collect()
    }

    /// The roles whose steps lead to a state.
    fn steps_to(&self, id: u32) -> Vec<usize> {
        let mut steps = Vec::new();
        let mut at = id;
        while at != 0 {
            let (from, role) = self.came[at as usize];
            steps.push(usize::from(role));
            at = from;
        }
        steps.reverse();
        steps
    }

    /// A state that was reached before.
    fn state(&mut self, id: u32) -> State {
        let mut state = self.start();
        for role in self.steps_to(id) {
            state = self.step(&state, role).expect("a step that was taken");
            state.depth += 1;
        }
        State { id, ..state }
    }

    /// The steps to a state, in words.
    fn way(&mut self, id: u32) -> Vec<String> {
        let mut state = self.start();
        let mut way = Vec::new();
        for role in self.steps_to(id) {
            let Some(to) = self.step(&state, role) else { break };
            way.push(format!("{}: {}", self.locals[role].name(), self.told(&state, &to, role)));
            state = to;
        }
        way
    }

    fn told(&self, from: &State, to: &State, role: usize) -> String {
        let mut told = match self.locals[role].next(from.places[role]) {
            Next::Starts => "begins".to_owned(),
            Next::Waits { .. } => "done".to_owned(),
            Next::Done(_) | Next::Stops => "is done".to_owned(),
            Next::Calls(call) => {
                let seen = from.world.clone().apply(call, &self.space.rules);
                crate::words::step(call, seen.and_then(|seen| seen.answer()).ok().as_ref())
            }
        };
        if let Next::Done(outcome) = self.locals[role].next(to.places[role]) {
            let (Ok(words) | Err(words)) = &**outcome;
            told.push_str(&format!(" => {words}"));
        }
        told
    }
}

/// One world in so many, of those in which somebody is not done yet.
const SAMPLE: u128 = 16;

/// Ways that are gone before anything is explored.
const LOOKS_AHEAD: usize = 200;

/// The time at which scenarios begin.
pub const BEGIN: Timestamp = Timestamp(1_800_000_000_000);
