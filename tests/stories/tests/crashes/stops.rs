//! A request dies at a call to the storage, or is told that the call failed. Then somebody asks for the same.
//!
//! The storage is in memory: each call is one instant, so a request that is not answered at once never is.

use std::sync::Arc;

use futures_util::FutureExt;
use moorage_ports::calls::Call;
use moorage_ports::contract::Memory;
use moorage_ports::faults::{Fault, Faults, Injector, Moment, Plan, Point};
use moorage_ports::testing_context::TestContext;
use moorage_stories::Answer;

use crate::contents::IN_MEMORY;
use crate::heal::{heal, invariants_hold};
use crate::judge::{Told, judge};
use crate::look::look;
use crate::parallel::{block_on, first_failure};
use crate::pusher::{Pusher, holds};
use crate::start::{registry_on, registry_on_memory, secret_in_memory};
use crate::step::Step;
use crate::story::Story;

/// Where a story breaks off.
#[derive(Clone, Copy, Debug)]
struct Break {
    /// The number of the call among all of the story.
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

/// The calls that the story makes, in order.
fn calls(story: &Story) -> Vec<Call> {
    let injector = Injector::new(Plan::nothing(), TestContext::new(1).clock);
    let memory = Arc::new(Memory::default());
    let first = first_process(story, &memory, &injector);
    block_on(async {
        let mut pusher = first;
        for step in &story.steps {
            let answer = pusher.ask(step).await;
            holds(step, &answer, &[]).expect("the story can be told");
            pusher.learn(step, &answer);
        }
    });
    injector.decisions().into_iter().map(|decision| decision.call).collect()
}

fn first_process(story: &Story, memory: &Arc<Memory>, injector: &Arc<Injector>) -> Pusher {
    let storage = Arc::new(Faults::new(memory.clone(), injector));
    Pusher::new(story.contents.client().of(registry_on(storage, secret_in_memory(), &TestContext::new(1))))
}

/// Tells the story until it breaks off, looks, lets the next process ask for the same, and tells the rest.
async fn break_off(story: &Story, at: &Break) -> Result<(), String> {
    let plan = Plan::List(vec![(Point::Call(at.number), at.fault)]);
    let injector = Injector::new(plan, TestContext::new(1).clock);
    let memory = Arc::new(Memory::default());
    let mut first = first_process(story, &memory, &injector);
    let second = story.contents.client().of(registry_on_memory(&memory, &TestContext::new(2)));
    let mut told = Told::default();

    let mut broken = None;
    for (number, step) in story.steps.iter().enumerate() {
        let answer = first.ask(step).now_or_never();
        if injector.decisions().len() as u64 >= at.number {
            broken = Some((number, answer));
            break;
        }
        let answer = answer.ok_or_else(|| format!("{} stopped too early", step.line))?;
        holds(step, &answer, &[])?;
        first.learn(step, &answer);
        told.answer(story, number, answer.header("location"));
    }
    let (number, answer) = broken.ok_or("there is no such call")?;
    let step = &story.steps[number];
    broke_as_planned(step, at.fault, answer.as_ref())?;
    drop(answer);
    if at.then == Then::PowerCut {
        memory.cut_power();
    }

    let seen = look(story, &second, &told.locations).await;
    judge(story, &told, &seen).map_err(|wrong| format!("{}: {wrong}", step.line))?;
    let mut second = Pusher { client: second, locations: first.locations };
    let answer = second.ask(step).await;
    holds(step, &answer, step.again).map_err(|wrong| format!("asked again, {wrong}"))?;
    second.learn(step, &answer);
    told.answer(story, number, answer.header("location"));
    let seen = look(story, &second.client, &told.locations).await;
    judge(story, &told, &seen).map_err(|wrong| format!("after {} again: {wrong}", step.line))?;
    invariants_hold(&*memory).await.map_err(|wrong| format!("after {} again: {wrong}", step.line))?;

    heal(story, &second.client, &told, &seen).await?;
    invariants_hold(&*memory).await
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

/// Each call of the story with each of these faults.
fn breaks(story: &Story, faults: impl Fn(Moment) -> Fault, then: Then) -> Vec<Break> {
    let moments = |call| match call {
        Call::BatchWrite => vec![Moment::Before, Moment::Midway, Moment::After],
        _ => vec![Moment::Before, Moment::After],
    };
    let at = |(index, call)| {
        let fault = |moment| Break { number: index as u64 + 1, call, fault: faults(moment), then };
        moments(call).into_iter().map(fault).collect::<Vec<_>>()
    };
    calls(story).into_iter().enumerate().flat_map(at).collect()
}

fn break_off_everywhere(faults: impl Fn(Moment) -> Fault, then: Then) {
    let story = Story::new(IN_MEMORY);
    let points = breaks(&story, faults, then);
    eprintln!("{} calls, {} points", calls(&story).len(), points.len());
    let failure = first_failure(&points, |at| {
        block_on(break_off(&story, at)).map_err(|wrong| {
            let Break { number, call, fault, then } = at;
            format!("call {number} ({}), {fault:?}, {then:?}: {wrong}", call.name())
        })
    });
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
