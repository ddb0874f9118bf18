//! What is explored: who works at once, on what.

mod bins;
mod deletes;
mod edges;
mod families;
mod feed;
mod policies;
mod promises;
mod pushes;
mod sessions;
mod uploads;

use std::sync::Arc;

use moorage_oci::{Algorithm, Tag};
use moorage_operations::{MissingChildren, Settings, TypeChecks, UploadToken};
use moorage_ports::facts::Untagged;
use moorage_ports::{Fact, Key};

use crate::cast;
use crate::content::{Doc, here, tag, things};
use crate::explore::{BEGIN, Space};
use crate::gate::Actor;
use crate::invariants::Wrongs;
use crate::rest::LeftOver;
use crate::role::{Does, Hands, Outcome, Role, Time, gate};
use crate::world::{Rules, World};

/// A scenario, and what it is for.
pub struct Scenario {
    pub name: &'static str,
    /// Too large for every day.
    pub large: bool,
    /// Calls of a role after which it stops for ever.
    pub calls_max: Option<usize>,
    settings: Settings,
    /// What was done before, one after the other; some stopped after so many steps.
    before: Vec<(Role, Option<usize>)>,
    /// Time between what was before and what is explored.
    later_ms: u64,
    roles: Vec<Role>,
    reviews_are_read: bool,
    feed_is_followed: bool,
    left_over: LeftOver,
    in_the_end: Option<fn(&World, &[&Outcome]) -> Wrongs>,
}

/// All scenarios.
#[must_use]
pub fn all() -> Vec<Scenario> {
    let themes = [
        pushes::all(),
        uploads::all(),
        sessions::all(),
        deletes::all(),
        bins::all(),
        families::all(),
        edges::all(),
        policies::all(),
        promises::all(),
        feed::all(),
    ];
    themes.into_iter().flatten().collect()
}

/// Numbers of those who worked before.
const BEFORE: u64 = 100;

const HOUR_MS: u64 = 60 * 60 * 1000;
const GRACE_MS: u64 = 1000;

/// Calls of a role where some take turns.
const TURNS: usize = 30;

/// Calls of a role where many orders are to be told apart.
const CALLS: usize = 16;
const FEW_CALLS: usize = 12;

impl Scenario {
    fn new(name: &'static str, before: Vec<Role>, roles: Vec<Role>) -> Self {
        Self {
            name,
            large: false,
            calls_max: None,
            settings: settings(),
            before: before.into_iter().map(|role| (role, None)).collect(),
            later_ms: 0,
            roles,
            reviews_are_read: false,
            feed_is_followed: false,
            left_over: LeftOver::ByTheOvertaken,
            in_the_end: None,
        }
    }

    /// The state in which it begins, and who goes on from there.
    #[must_use]
    pub fn space(&self) -> Space {
        let settings = Arc::new(self.settings.clone());
        let rules = Rules {
            times: settings.times(),
            reviews_are_read: self.reviews_are_read,
            feed_is_followed: self.feed_is_followed,
            missing_allowed: settings.missing == MissingChildren::Allow,
        };
        let mut start = World::new(BEGIN);
        for (number, (role, stops)) in self.before.iter().enumerate() {
            run(&mut start, &rules, &settings, BEFORE + number as u64, role, *stops);
        }
        start.now = start.now.plus_ms(self.later_ms);
        Space {
            start,
            rules,
            settings,
            roles: self.roles.clone(),
            calls_max: self.calls_max.unwrap_or(usize::MAX),
            left_over: self.left_over,
            in_the_end: self.in_the_end,
        }
    }

    /// Nobody is overtaken: then nothing may be left in the end, not even what `audit` removes.
    fn strict(mut self) -> Self {
        self.left_over = LeftOver::Nothing;
        self
    }

    fn large(mut self) -> Self {
        self.large = true;
        self
    }

    /// Each role stops for ever after so many calls, if it has not ended: without a grace, some may take turns without
    /// end. `--full` knows no such bound.
    fn calls(mut self, max: usize) -> Self {
        self.calls_max = Some(max);
        self
    }

    /// Another role before, that stopped after so many steps.
    fn dead(mut self, role: Role, steps: usize) -> Self {
        self.before.push((role, Some(steps)));
        self
    }

    fn later(mut self, ms: u64) -> Self {
        self.later_ms = ms;
        self
    }

    fn grace(mut self, grace_ms: u64) -> Self {
        self.settings.grace_ms = grace_ms;
        self
    }

    /// How long something stays in the bin.
    fn recycle(mut self, recycle_ms: u64) -> Self {
        self.settings.recycle_ms = recycle_ms;
        self
    }

    fn missing_is_allowed(mut self) -> Self {
        self.settings.missing = MissingChildren::Allow;
        self
    }

    fn reviews_are_read(mut self) -> Self {
        self.reviews_are_read = true;
        self
    }

    fn feed_is_followed(mut self) -> Self {
        self.feed_is_followed = true;
        self.reviews_are_read()
    }

    fn in_the_end(mut self, check: fn(&World, &[&Outcome]) -> Wrongs) -> Self {
        self.in_the_end = Some(check);
        self
    }
}

/// No grace and no time in the bin: collectors may take at once whatever nothing holds, the hardest case.
fn settings() -> Settings {
    // Which types may be pushed is no matter of what is kept, and the reads of it make the worlds larger.
    Settings { grace_ms: 0, recycle_ms: 0, types: TypeChecks::Never, ..Settings::default() }
}

/// Runs one role alone, up to its end or to where it stops for ever.
fn run(
    world: &mut World,
    rules: &Rules,
    settings: &Arc<Settings>,
    number: u64,
    role: &Role,
    stops: Option<usize>,
) {
    let Does::Operation(operation) = &role.does else { panic!("time passes between, not before") };
    let gate = gate();
    let time = Time::at(world.now);
    let mut actor = Actor::start(&gate, operation(Hands::new(&gate, number, settings, &time)));
    let mut steps = 0;
    while let Some(call) = actor.asked() {
        if stops.is_some_and(|stops| steps >= stops) {
            return;
        }
        actor.answer(world.apply(&call, rules).and_then(|seen| seen.answer()));
        steps += 1;
    }
    let outcome = actor.outcome();
    assert!(was_done(outcome), "{} before a scenario: {outcome:?}", role.name);
}

/// What nothing holds goes at once.
fn recycles() -> Role {
    recycles_after(0)
}

/// What nothing has held for so long goes.
fn recycles_after(after_ms: u64) -> Role {
    cast::policy(Untagged::Recycle { after_ms }, None)
}

/// What was never held, or lost its tags, stays.
fn keeps() -> Role {
    cast::policy(Untagged::Keep, None)
}

/// An upload, the same in each run.
fn an_upload() -> UploadToken {
    let hands = Hands::new(&gate(), BEFORE + 50, &Arc::new(settings()), &Time::at(BEGIN));
    hands.push().open_upload(Algorithm::Sha256)
}

/// Its token, as it comes back from a client.
fn token() -> String {
    let hands = Hands::new(&gate(), BEFORE + 51, &Arc::new(settings()), &Time::at(BEGIN));
    hands.push().seal_upload(&here(), an_upload())
}

fn was_done(outcome: Option<&Outcome>) -> bool {
    outcome.is_some_and(|outcome| outcome.as_deref() == Ok(cast::DONE))
}

fn is_readable(world: &World, key: &Key) -> bool {
    world.item(key).and_then(|item| item.fact.node()).is_some_and(|node| node.state.is_readable())
}

fn target(world: &World, tag: &Tag) -> Option<moorage_oci::Digest> {
    match &world.item(&Key::tag(&here(), tag))?.fact {
        Fact::Tag(record) => Some(record.digest.clone()),
        _ => None,
    }
}

/// The first role pushed or restored `m` as `t`, and was told so: where `m` is there in the end, it has its tag.
fn a_push_that_was_answered_has_its_tag(world: &World, outcomes: &[&Outcome]) -> Wrongs {
    let m = things().m.digest();
    let is_there = is_readable(world, &Key::manifest(&here(), &m));
    let has_tag = target(world, &tag("t")).is_some();
    if was_done(outcomes.first().copied()) && is_there && !has_tag {
        return vec!["m was pushed again as t, is there, and has no tag".to_owned()];
    }
    Wrongs::new()
}

/// The first role uploaded this, was told so, and something holds it, or nobody collects it: it is there.
fn is_there_if_first_was_done(world: &World, outcomes: &[&Outcome], blob: &Doc) -> Wrongs {
    let is_there = is_readable(world, &Key::grant(&here(), &blob.digest()));
    if was_done(outcomes.first().copied()) && !is_there {
        return vec![format!("{} was uploaded, and is not there", blob.name)];
    }
    Wrongs::new()
}
