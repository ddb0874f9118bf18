//! One world, from its seed to its end.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use moorage_collector::mutants::{self, Mutant};
use moorage_collector::{Collector, Steps};
use moorage_embedded::{Embedded, Options};
use moorage_operations::{Common, Pull, Push, Settings, TokenSecret, TypeChecks};
use moorage_ports::faults::{Fault, Moment};
use moorage_ports::testing_context::{ManualClock, SeededRandom};
use moorage_ports::{Clock, Context, PortError, Reviewed};
use moorage_proof::gate::{Actor, Answer, Call, Gate};
use tempfile::TempDir;

use crate::clients::{Client, Outcome, storage_failed};
use crate::counts::Counts;
use crate::disk::UnsyncedDisk;
use crate::end;
use crate::every_step;
use crate::focus::{Focus, GRACE_MS};
use crate::shared::{MadeObject, Shared};
use crate::universe::Universe;
use crate::world::World;

const UPLOAD_AGE_MAX_MS: u64 = 20 * GRACE_MS;

const CLIENTS_AT_ONCE: usize = 6;
/// More than any world has needed.
const STEPS_MAX: usize = 20_000;
/// Steps before the end that a failure shows.
const SHOWN_MAX: usize = 20_000;

/// What a seed has led to.
pub struct Run {
    pub seed: u64,
    /// `None` where all is well.
    pub wrong: Option<String>,
    /// Of every call and every answer, in their order.
    pub hash: u64,
    pub steps: usize,
    pub counts: Counts,
    /// The last steps, where they were asked for.
    pub trace: VecDeque<String>,
}

/// How to run.
#[derive(Clone, Copy, Default)]
pub struct How {
    /// The rule that is taken away.
    pub mutant: Option<Mutant>,
    pub traced: bool,
}

/// Runs a world.
///
/// # Panics
/// Where the storage of the test itself can't be set up.
#[must_use]
pub fn run(seed: u64, how: How) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be had");
    runtime.block_on(async {
        let mut simulation = Simulation::new(seed, how.traced);
        mutants::set(how.mutant);
        let wrong = simulation.live_through().await.err();
        mutants::set(None);
        let Simulation { hash, steps, counts, trace, .. } = simulation;
        Run { seed, wrong, hash: hash.finish(), steps, counts, trace }
    })
}

struct Simulation {
    /// Dropped after the storage, which is in it.
    storage: Arc<Embedded>,
    _dir: TempDir,
    clock: Arc<ManualClock>,
    context: Context,
    random: SeededRandom,
    settings: Arc<Settings>,
    shared: Arc<Shared>,
    world: World,
    focus: Focus,
    /// The long time after which pending nodes are given up may pass.
    is_long: bool,
    actors: Vec<Acting>,
    scripts_left: usize,
    names: u32,
    hash: DefaultHasher,
    steps: usize,
    counts: Counts,
    traced: bool,
    trace: VecDeque<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Client,
    Collector,
    /// A look that nobody asked for.
    Look,
}

/// An actor, and what is known of it.
struct Acting {
    name: String,
    kind: Kind,
    actor: Actor<Outcome>,
    collector: Option<Arc<Collector>>,
    /// How often it is chosen, beside the others.
    weight: u64,
    /// Objects that it made, and that it gave up.
    made: Vec<moorage_ports::ObjectKey>,
    gave_up: Vec<moorage_ports::ObjectKey>,
}

/// What becomes of a call.
enum Fate {
    Answered,
    Fails(Moment),
    Dies(Moment),
}

impl Simulation {
    fn new(seed: u64, traced: bool) -> Self {
        let clock = Arc::new(ManualClock::default());
        let context = Context { clock: clock.clone(), random: Arc::new(SeededRandom::new(!seed)) };
        let dir = tempfile::tempdir().expect("a directory can be made");
        let storage = Embedded::open_on(Arc::new(UnsyncedDisk), dir.path(), Options::default(), &context);
        let focus = Focus::of_seed(seed);
        let settings = Settings {
            grace_ms: focus.grace_ms,
            recycle_ms: 3 * focus.grace_ms,
            upload_age_max_ms: UPLOAD_AGE_MAX_MS,
            // No matter of what is kept.
            types: TypeChecks::Never,
            ..Settings::default()
        };
        Self {
            storage: Arc::new(storage.expect("the storage opens")),
            _dir: dir,
            shared: Shared::new(clock.clone()),
            clock,
            context,
            random: SeededRandom::new(seed),
            settings: Arc::new(settings),
            world: World::new(),
            focus,
            is_long: seed / 8 % 8 == 3 && !focus.nothing_fails,
            actors: Vec::new(),
            scripts_left: 0,
            names: 0,
            hash: DefaultHasher::new(),
            steps: 0,
            counts: Counts::default(),
            traced,
            trace: VecDeque::new(),
        }
    }

    fn one_in(&self, bound: u64) -> bool {
        self.random.below(bound) == 0
    }

    /// From rest to rest, up to the last.
    async fn live_through(&mut self) -> Result<(), String> {
        for _ in 0..=self.focus.rests {
            self.scripts_left = self.focus.count;
            self.come_to_rest().await?;
            let given_up = |kind: &str| self.counts.of(&format!("{kind}: Pending -> Deleting"));
            let spared = end::Spared {
                nothing_failed: self.focus.nothing_fails,
                nobody_was_overtaken: self.focus.nobody_is_overtaken
                    && given_up("manifest") + given_up("grant") == 0,
            };
            if let Some(wrong) = end::wrong(&self.storage, &self.world, &self.context, spared).await {
                return Err(wrong);
            }
            self.world.look_again(&*self.storage).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Until every script has ended, and the collectors have then done all that is due, as time passes.
    async fn come_to_rest(&mut self) -> Result<(), String> {
        let mut last = None;
        while self.scripts_left > 0 || self.actors.iter().any(|acting| acting.kind == Kind::Client) {
            if self.steps >= STEPS_MAX {
                return Err(format!("after {STEPS_MAX} steps somebody is still under way"));
            }
            self.people();
            self.pass_time();
            let at = self.choose(last);
            last = self.step(at).await?.then_some(at);
        }
        let actors = std::mem::take(&mut self.actors);
        for acting in actors {
            self.forget(acting)?;
        }
        let quiet = end::collect_to_the_end(&self.storage, &self.context, self.settings.times(), &self.clock);
        let collector = quiet.await?;
        self.counts.tally(collector.tally());
        Ok(())
    }

    /// Sees to it that there are clients and collectors.
    fn people(&mut self) {
        let count = |kind: Kind, actors: &[Acting]| actors.iter().filter(|a| a.kind == kind).count();
        while self.scripts_left > 0 && count(Kind::Client, &self.actors) < CLIENTS_AT_ONCE {
            self.scripts_left -= 1;
            self.start_client();
        }
        while count(Kind::Collector, &self.actors) < self.focus.collectors {
            self.start_collector();
        }
        if self.focus.is_looked_around && count(Kind::Look, &self.actors) < 1 {
            self.start_look();
        }
    }

    fn start_client(&mut self) {
        let scripts = self.focus.scripts;
        let script = scripts[self.random.below(scripts.len() as u64) as usize];
        self.counts.add(format!("script: {script:?}"), 1);
        let gate = Gate::new();
        let random = Arc::new(SeededRandom::new(self.random.draw()));
        let context = Context { clock: self.clock.clone(), random: random.clone() };
        let secret = TokenSecret::new(*b"simulation");
        let common = Common { context, settings: self.settings.clone(), secret };
        let pull = Pull::new(gate.clone(), gate.clone(), common.clone());
        let push = Push::new(gate.clone(), gate.clone(), common);
        let client = Client { push, pull, random, shared: self.shared.clone(), focus: self.focus };
        self.add(format!("{script:?}"), Kind::Client, Actor::start(&gate, client.run(script)), None);
    }

    fn collector(&self, gate: &Arc<Gate>) -> Arc<Collector> {
        let random = Arc::new(SeededRandom::new(self.random.draw()));
        let context = Context { clock: self.clock.clone(), random };
        let steps = Steps { table: gate.clone(), blobs: gate.clone(), context, times: self.settings.times() };
        Arc::new(Collector::new(steps, gate.clone()).searched(true))
    }

    fn start_collector(&mut self) {
        let gate = Gate::new();
        let collector = self.collector(&gate);
        let working = collector.clone();
        let work = async move {
            let done = async {
                working.follow().await?;
                working.work(None).await
            };
            done.await.map_or_else(|error| storage_failed(&error), |_| Outcome::Fine)
        };
        self.add("collector".to_owned(), Kind::Collector, Actor::start(&gate, work), Some(collector));
    }

    /// At a node that there may be: nothing asks for it, and it must do no harm.
    fn start_look(&mut self) {
        let universe = Universe::get();
        let repository = universe.repositories[self.random.below(2) as usize].clone();
        let blob = universe.blobs[self.random.below(universe.blobs.len() as u64) as usize].digest.clone();
        let manifest = &universe.manifests[self.random.below(universe.manifests.len() as u64) as usize];
        let of = match self.random.below(3) {
            0 => Reviewed::Manifest(repository, manifest.digest.clone()),
            1 => Reviewed::Grant(repository, blob),
            _ => Reviewed::Content(blob),
        };
        let gate = Gate::new();
        let collector = self.collector(&gate);
        let looking = collector.clone();
        let look = async move {
            looking.review(&of).await.map_or_else(|error| storage_failed(&error), |()| Outcome::Fine)
        };
        self.add("look".to_owned(), Kind::Look, Actor::start(&gate, look), Some(collector));
    }

    fn add(&mut self, name: String, kind: Kind, actor: Actor<Outcome>, collector: Option<Arc<Collector>>) {
        self.names += 1;
        let name = format!("{name} {}", self.names);
        let weight = self.weight();
        let (made, gave_up) = (Vec::new(), Vec::new());
        self.actors.push(Acting { name, kind, actor, collector, weight, made, gave_up });
    }

    /// Some are slow, so that others do much between two of their steps.
    fn weight(&self) -> u64 {
        [1, 16, 16, 64][self.random.below(4) as usize]
    }

    fn pass_time(&mut self) {
        let by_ms = match self.random.below(1000) {
            drawn if drawn < self.focus.ticks_per_mille => self.random.below(GRACE_MS / 8),
            drawn if drawn < self.focus.ticks_per_mille + self.focus.leaps_per_mille => {
                2 * GRACE_MS + self.random.below(GRACE_MS)
            }
            // As long as no pusher is waited for.
            999 if self.is_long && self.one_in(4) => 3_700_000,
            _ => return,
        };
        self.clock.advance(Duration::from_millis(by_ms));
    }

    /// Whose step is next: often the last one's, else by their weights.
    fn choose(&mut self, last: Option<usize>) -> usize {
        if let Some(last) = last.filter(|_| self.one_in(2)) {
            return last;
        }
        if self.one_in(20) {
            let at = self.random.below(self.actors.len() as u64) as usize;
            self.actors[at].weight = self.weight();
            if self.actors[at].weight == 1 {
                self.counts.add("fault: an actor sleeps", 1);
            }
        }
        let all: u64 = self.actors.iter().map(|acting| acting.weight).sum();
        let mut drawn = self.random.below(all);
        for (at, acting) in self.actors.iter().enumerate() {
            if drawn < acting.weight {
                return at;
            }
            drawn -= acting.weight;
        }
        unreachable!("a number below the sum of the weights is below one of them")
    }

    fn fate(&self) -> Fate {
        let moment = || if self.one_in(2) { Moment::Before } else { Moment::After };
        match self.random.below(1000) {
            _ if self.focus.nothing_fails => Fate::Answered,
            0..8 => Fate::Fails(moment()),
            8..14 => Fate::Dies(moment()),
            _ => Fate::Answered,
        }
    }

    /// Makes the call that an actor waits for. `true` where it goes on after that.
    async fn step(&mut self, at: usize) -> Result<bool, String> {
        let Some(call) = self.actors[at].actor.asked() else {
            let acting = self.actors.swap_remove(at);
            self.forget(acting)?;
            return Ok(false);
        };
        self.steps += 1;
        self.shared.next_step();
        let fate = self.fate();
        let answer = match fate {
            Fate::Fails(Moment::Before) | Fate::Dies(Moment::Before) => None,
            _ => Some(self.make(at, &call).await?),
        };
        match fate {
            Fate::Answered => {}
            Fate::Fails(moment) => self.counts.add(format!("fault: error {moment} a call"), 1),
            Fate::Dies(moment) => {
                self.counts.add(format!("fault: crash {moment} a call"), 1);
                let acting = self.actors.swap_remove(at);
                self.note(&acting.name, &call, &"it dies");
                self.forget(acting)?;
                return Ok(false);
            }
        }
        let answer = match fate {
            Fate::Fails(moment) => Err(PortError::Unavailable(format!("injected {}", Fault::Error(moment)))),
            _ => answer.expect("a call that does not fail was made"),
        };
        let name = self.actors[at].name.clone();
        self.note(&name, &call, &answer);
        self.actors[at].actor.answer(answer);
        if self.actors[at].actor.outcome().is_some() {
            let acting = self.actors.swap_remove(at);
            self.forget(acting)?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Makes a call, and looks at the world after it.
    async fn make(&mut self, at: usize, call: &Call) -> Result<Result<Answer, PortError>, String> {
        let answer = call.clone().make(&*self.storage, &*self.storage).await;
        let acting = &mut self.actors[at];
        if let Ok(answer) = &answer {
            let who = if acting.kind == Kind::Client { "client" } else { "collector" };
            self.counts.lost(who, call, answer);
        }
        if let (Call::PutObject { key, bytes, .. }, Ok(Answer::Stored(_))) = (call, &answer) {
            acting.made.push(key.clone());
            self.shared.made(MadeObject { object: key.clone(), size: bytes.len() as u64 });
        }
        let changed = self.world.follow(call, &*self.storage).await.map_err(|error| error.to_string())?;
        acting.gave_up.extend(changed.trashed);
        changed.transitions.into_iter().for_each(|transition| self.counts.transition(transition));
        let mut wrong = if changed.matters { every_step::check(&self.world) } else { Vec::new() };
        let is_told_to = self.actors[at].name.starts_with("DeleteTag");
        let lost_a_tag = changed.untagged.iter().find(|of| !is_told_to && self.world.is_readable(of));
        wrong.extend(lost_a_tag.map(|of| format!("a manifest keeps its tags: {of:?} is there and lost one")));
        if wrong.is_empty() {
            return Ok(answer);
        }
        let name = self.actors[at].name.clone();
        self.note(&name, call, &answer);
        Err(wrong.join("\n"))
    }

    /// An actor that has ended, or died.
    fn forget(&mut self, acting: Acting) -> Result<(), String> {
        if let Some(collector) = &acting.collector {
            self.counts.tally(collector.tally());
        }
        match acting.actor.outcome() {
            Some(Outcome::Wrong(what)) => Err(format!("{}: {what}", acting.name)),
            Some(Outcome::MustSendAgain) => {
                let lost = acting
                    .made
                    .last()
                    .filter(|object| acting.gave_up.contains(object) && !self.world.was_recorded(object));
                match lost {
                    Some(object) => Err(format!(
                        "{}: it gave {object} up, which was never recorded, and must send it again",
                        acting.name
                    )),
                    None => Ok(()),
                }
            }
            Some(Outcome::Fine) | None => Ok(()),
        }
    }

    fn note(&mut self, name: &str, call: &Call, answer: &impl fmt::Debug) {
        let mut hashed = Hashed(&mut self.hash);
        write!(hashed, "{name} {call:?} {answer:?}").expect("a hash takes everything");
        if self.traced {
            if self.trace.len() == SHOWN_MAX {
                self.trace.pop_front();
            }
            let now = self.clock.now().since_ms(moorage_ports::Timestamp(0)) % 10_000_000;
            self.trace.push_back(format!("{:>5} {now} {name}: {call:?}\n        = {answer:?}", self.steps));
        }
    }
}

/// Hashes text as it is written.
struct Hashed<'h>(&'h mut DefaultHasher);

impl fmt::Write for Hashed<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.hash(self.0);
        Ok(())
    }
}
