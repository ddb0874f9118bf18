//! What each role does next, learnt from the real code and remembered.
//!
//! Between two calls an operation does what its code says of what it has been answered so far, of the time, and of
//! nonces of its own. So its place is known by its answers, and its next call is found once: by starting the
//! operation anew and giving it the same answers. From then on a step of it needs no code to run.

use std::collections::HashMap;
use std::sync::Arc;

use moorage_operations::Settings;
use moorage_ports::Timestamp;

use crate::gate::{Actor, Answer, Call};
use crate::role::{Does, Hands, Outcome, Role, Time, gate};
use crate::seen::{Failed, Seen};
use crate::spots::{Atlas, Spots};

/// A place of a role: an index into what is known of it.
pub type Place = u32;

/// Where a role is before it began.
pub const UNSTARTED: Place = 0;

/// What a role does next.
#[derive(Clone, Debug)]
pub enum Next {
    Starts,
    Calls(Arc<Call>),
    /// Time passes.
    Waits {
        by_ms: u64,
    },
    Done(Arc<Outcome>),
    /// It has made as many calls as are explored: it stops for ever.
    Stops,
}

type Came = (Place, Timestamp, Option<Result<Answer, Failed>>);

struct Known {
    next: Next,
    /// How many calls it made to come here.
    calls: usize,
    /// Where its call reads, if it only reads; as of so many known spots.
    reads: Option<(Spots, usize)>,
    /// Where it may write from here on, as far as it was seen.
    writes: Spots,
    /// How it came here: from where, at what time, with which answer (none: it began).
    came: Option<Came>,
}

impl Known {
    fn new(came: Option<Came>, calls: usize) -> Self {
        Self { next: Next::Starts, calls, reads: None, writes: Spots::default(), came }
    }
}

/// All that is known of one role.
pub struct Local {
    role: Role,
    number: u64,
    settings: Arc<Settings>,
    calls_max: usize,
    known: Vec<Known>,
    places: HashMap<(Place, u128, Timestamp), Place>,
    ends: HashMap<Outcome, Place>,
}

impl Local {
    #[must_use]
    pub fn new(role: Role, number: u64, settings: Arc<Settings>, calls_max: usize) -> Self {
        let known = vec![Known::new(None, 0)];
        Self { role, number, settings, calls_max, known, places: HashMap::new(), ends: HashMap::new() }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.role.name
    }

    #[must_use]
    pub fn is_clock(&self) -> bool {
        matches!(self.role.does, Does::Clock { .. })
    }

    #[must_use]
    pub fn next(&self, place: Place) -> &Next {
        &self.known[place as usize].next
    }

    /// Where it is once it began.
    pub fn started(&mut self, atlas: &mut Atlas, now: Timestamp) -> Place {
        self.moved(atlas, UNSTARTED, 0, now, || None)
    }

    /// Where a clock is once its time has passed.
    pub fn passed(&mut self, atlas: &mut Atlas, place: Place, now: Timestamp) -> Place {
        self.moved(atlas, place, 0, now, || None)
    }

    /// Where its next step reads, if it is one that changes nothing.
    pub fn reads(&mut self, atlas: &mut Atlas, place: Place) -> Option<Spots> {
        let known = &mut self.known[place as usize];
        let (spots, of) = known.reads?;
        if of == atlas.len() {
            return Some(spots);
        }
        let Next::Calls(call) = &known.next else { return None };
        known.reads = atlas.read(call).map(|spots| (spots, atlas.len()));
        known.reads.map(|(spots, _)| spots)
    }

    /// Where it was seen to write from this place on.
    #[must_use]
    pub fn writes(&self, place: Place) -> Spots {
        self.known[place as usize].writes
    }

    /// How many places are known.
    #[must_use]
    pub fn places(&self) -> usize {
        self.known.len()
    }

    /// Where it is with the answer to its call.
    pub fn answered(&mut self, atlas: &mut Atlas, place: Place, seen: &Seen, now: Timestamp) -> Place {
        self.moved(atlas, place, seen.hash(), now, || Some(seen.remembered()))
    }

    fn moved(
        &mut self,
        atlas: &mut Atlas,
        from: Place,
        seen: u128,
        now: Timestamp,
        answer: impl FnOnce() -> Option<Result<Answer, Failed>>,
    ) -> Place {
        if let Some(place) = self.places.get(&(from, seen, now)) {
            return *place;
        }
        let place = Place::try_from(self.known.len()).expect("fewer places than fit");
        let answer = answer();
        let calls = self.known[from as usize].calls + usize::from(answer.is_some());
        self.known.push(Known::new(Some((from, now, answer)), calls));
        let next = self.learn(place);
        // Who is done does nothing any more, whatever he saw: all ends with one outcome are one place.
        let end = match &next {
            Next::Done(outcome) => *self.ends.entry(Outcome::clone(outcome)).or_insert(place),
            _ => place,
        };
        if end == place {
            if let Next::Calls(call) = &next {
                let reads = atlas.read(call);
                self.known[place as usize].reads = reads.map(|spots| (spots, atlas.len()));
                self.will_write(place, atlas.written(call));
            }
            self.known[place as usize].next = next;
        } else {
            self.known.pop();
        }
        self.places.insert((from, seen, now), end);
        end
    }

    /// Notes it for this place and for all on the way to it.
    fn will_write(&mut self, place: Place, spots: Spots) {
        let mut at = Some(place);
        while let Some(place) = at {
            let known = &mut self.known[place as usize];
            if !known.writes.join(spots) {
                return;
            }
            at = known.came.as_ref().map(|came| came.0);
        }
    }

    /// Runs the operation up to a place.
    fn learn(&self, place: Place) -> Next {
        let operation = match &self.role.does {
            Does::Clock { by_ms }
                if self.known[place as usize].came.as_ref().is_some_and(|c| c.0 == UNSTARTED) =>
            {
                return Next::Waits { by_ms: *by_ms };
            }
            Does::Clock { .. } => return Next::Done(Arc::new(Ok("they passed".to_owned()))),
            Does::Operation(operation) => operation,
        };
        let mut steps = Vec::new();
        let mut at = place;
        while let Some((from, now, answer)) = &self.known[at as usize].came {
            steps.push((*now, answer));
            at = *from;
        }
        let gate = gate();
        let time = Time::at(Timestamp(0));
        let mut actor = None;
        for (now, answer) in steps.into_iter().rev() {
            time.set(now);
            match (&mut actor, answer) {
                (None, _) => {
                    let hands = Hands::new(&gate, self.number, &self.settings, &time);
                    actor = Some(Actor::start(&gate, operation(hands)));
                }
                (Some(actor), Some(answer)) => actor.answer(answer.clone().map_err(|failed| failed.error())),
                (Some(_), None) => unreachable!("it begins once"),
            }
        }
        let actor = actor.expect("it began");
        match (actor.outcome(), actor.asked()) {
            (Some(outcome), _) => Next::Done(Arc::new(outcome.clone())),
            (None, Some(_)) if self.known[place as usize].calls >= self.calls_max => Next::Stops,
            (None, Some(call)) => Next::Calls(Arc::new(call)),
            (None, None) => Next::Done(Arc::new(Err("it waits for nothing that comes".to_owned()))),
        }
    }
}
