//! A request dies at a call to the storage, or is told that the call failed. Then somebody asks for the same.
//!
//! The storage is in memory: each call is one instant, so a request that is not answered at once never is.

use std::sync::Arc;

use futures_util::FutureExt;
use moorage_ports::calls::Call;
use moorage_ports::contract::Memory;
use moorage_ports::faults::{Fault, Faults, Injector, Moment, Plan, Point};
use moorage_ports::testing_context::TestContext;
use moorage_stories::{Answer, Client};

use crate::contents::IN_MEMORY;
use crate::heal::invariants_hold;
use crate::judge::{Told, judge};
use crate::look::look;
use crate::parallel::{block_on, first_failure};
use crate::pusher::{Pusher, holds};
use crate::start::{registry_on, registry_on_memory, secret_in_memory};
use crate::step::Step;
use crate::story::Story;

/// The story as far as one of its steps.
struct Scene<'s> {
    story: &'s Story,
    /// The number of the step that comes next.
    next: usize,
    memory: Memory,
    told: Told,
    /// The calls that the step makes.
    calls: Vec<Call>,
}

/// How a step breaks off.
#[derive(Clone, Copy, Debug)]
struct Break {
    /// The number of the call, among those of the step.
    number: u64,
    call: Call,
    fault: Fault,
    then: Then,
}

/// What happens after that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    /// Another process goes on.
    GoOn,
    /// The power goes, and takes along what had not yet to be durable; then another process goes on.
    PowerCut,
}

/// A process on a storage that fails as planned.
fn process(story: &Story, memory: &Arc<Memory>, seed: u64, injector: &Arc<Injector>) -> Client {
    let storage = Arc::new(Faults::new(memory.clone(), injector));
    story.contents.client().of(registry_on(storage, secret_in_memory(), &TestContext::new(seed)))
}

fn injector(plan: Plan) -> Arc<Injector> {
    Injector::new(plan, TestContext::new(0).clock)
}

/// A scene for each step of the story.
async fn scenes(story: &Story) -> Vec<Scene<'_>> {
    let (memory, injector) = (Arc::new(Memory::default()), injector(Plan::nothing()));
    let mut told = Told::default();
    let mut scenes = Vec::new();
    let mut pusher = Pusher::new(process(story, &memory, 1, &injector));
    for (next, step) in story.steps.iter().enumerate() {
        let (before, told_before) = (memory.copy(), told.clone());
        let made_before = injector.decisions().len();
        let answer = pusher.ask(step).await;
        holds(step, &answer, &[]).expect("the story can be told");
        pusher.learn(step, &answer);
        told.answer(story, next, answer.header("location"));
        let calls = injector.decisions().iter().skip(made_before).map(|made| made.call).collect();
        scenes.push(Scene { story, next, memory: before, told: told_before, calls });
    }
    scenes
}

impl Scene<'_> {
    /// Each call of the step with each of these faults.
    fn breaks(&self, faults: impl Fn(Moment) -> Fault, then: Then) -> Vec<Break> {
        let at = |(index, call): (usize, &Call)| {
            let moments: &[Moment] = match call {
                Call::BatchWrite => &[Moment::Before, Moment::Midway, Moment::After],
                _ => &[Moment::Before, Moment::After],
            };
            let (number, call) = (index as u64 + 1, *call);
            moments
                .iter()
                .map(|moment| Break { number, call, fault: faults(*moment), then })
                .collect::<Vec<_>>()
        };
        self.calls.iter().enumerate().flat_map(at).collect()
    }

    /// Breaks the step off, looks, and lets the next process ask for the same, and tell the rest.
    async fn break_off(&self, at: &Break) -> Result<(), String> {
        let (story, step) = (self.story, &self.story.steps[self.next]);
        let memory = Arc::new(self.memory.copy());
        let plan = Plan::List(vec![(Point::Call(at.number), at.fault)]);
        let first = process(story, &memory, 2, &injector(plan));
        let first = Pusher { client: first, locations: self.told.locations.clone() };
        let answer = first.ask(step).now_or_never();
        broke_as_planned(step, at.fault, answer.as_ref())?;
        drop(answer);
        if at.then == Then::PowerCut {
            memory.cut_power();
        }

        let second = story.contents.client().of(registry_on_memory(&memory, &TestContext::new(3)));
        let seen = look(story, &second, &self.told.locations).await;
        judge(story, &self.told, &seen)?;
        let mut second = Pusher { client: second, locations: first.locations };
        let mut told = self.told.clone();
        for (number, step) in story.steps.iter().enumerate().skip(self.next) {
            let answer = second.ask(step).await;
            let others = if number == self.next { step.again } else { &[] };
            holds(step, &answer, others).map_err(|wrong| format!("asked by the next, {wrong}"))?;
            second.learn(step, &answer);
            told.answer(story, number, answer.header("location"));
            if number == self.next {
                invariants_hold(&*memory).await.map_err(|wrong| format!("asked again: {wrong}"))?;
            }
        }
        let seen = look(story, &second.client, &told.locations).await;
        judge(story, &told, &seen).map_err(|wrong| format!("at the end: {wrong}"))?;
        invariants_hold(&*memory).await.map_err(|wrong| format!("at the end: {wrong}"))
    }
}

/// A request that is stopped answers nothing; one whose call failed answers that, and nothing else.
fn broke_as_planned(step: &Step, fault: Fault, answer: Option<&Answer>) -> Result<(), String> {
    match (fault, answer) {
        (Fault::Stop(_), None) => Ok(()),
        (Fault::Error(_), Some(answer)) if answer.outline() == "503 TOOMANYREQUESTS" => Ok(()),
        (_, answer) => {
            let answer = answer.map_or("nothing".to_owned(), Answer::outline);
            Err(format!("{} answered {answer}", step.line))
        }
    }
}

fn break_off_everywhere(faults: impl Fn(Moment) -> Fault, then: Then) {
    let story = Story::new(IN_MEMORY);
    let scenes = block_on(scenes(&story));
    let breaks = |scene| Scene::breaks(scene, &faults, then).into_iter().map(move |at| (scene, at));
    let points: Vec<(&Scene<'_>, Break)> = scenes.iter().flat_map(breaks).collect();
    let failure = first_failure(&points, |(scene, at)| {
        block_on(scene.break_off(at)).map_err(|wrong| {
            let Break { number, call, fault, then } = at;
            let line = &story.steps[scene.next].line;
            format!("{line}: call {number} ({}), {fault}, {then:?}: {wrong}", call.name())
        })
    });
    eprintln!("{} points", points.len());
    assert_eq!(failure, None);
}

#[test]
fn a_request_dies_at_any_call() {
    break_off_everywhere(Fault::Stop, Then::GoOn);
}

#[test]
fn the_power_goes_at_any_call() {
    break_off_everywhere(Fault::Stop, Then::PowerCut);
}

#[test]
fn any_call_fails() {
    break_off_everywhere(Fault::Error, Then::GoOn);
}
