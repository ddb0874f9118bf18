//! What a registry tells of: each thing that happens, at least once, whoever dies or is not there meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use moorage_collector::{Collector, Delivered, Outlet, Steps};
use moorage_ports::calls::Call;
use moorage_ports::faults::{Fault, Faults, Injector, Moment, Plan, Point};
use moorage_ports::{Cursor, Event, EventSink, Happened, PortError, Query, SortRange, rfc3339};
use moorage_stories::{Ports, expect};

use crate::World;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Somebody who wants to know.
#[derive(Default)]
struct Ear(Mutex<Heard>);

#[derive(Default)]
struct Heard {
    events: Vec<Event>,
    /// How many were handed over, taken or not.
    asked: usize,
    /// What is not taken.
    deaf_to: Option<fn(&Event) -> bool>,
}

#[async_trait]
impl EventSink for Ear {
    async fn hand_over(&self, events: &[Event]) -> Vec<Result<(), PortError>> {
        let mut heard = self.heard();
        heard.asked += events.len();
        let hear = |event: &Event| {
            if heard.deaf_to.is_some_and(|is_deaf| is_deaf(event)) {
                return Err(PortError::Unavailable("nobody listens".to_owned()));
            }
            heard.events.push(event.clone());
            Ok(())
        };
        events.iter().map(hear).collect()
    }
}

impl Ear {
    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_deaf_to(&self, deaf_to: Option<fn(&Event) -> bool>) {
        self.heard().deaf_to = deaf_to;
    }

    /// What was heard since it was last asked.
    fn events(&self) -> Vec<Event> {
        std::mem::take(&mut self.heard().events)
    }

    /// How often it was asked to hear an event, since that was asked last.
    fn asked(&self) -> usize {
        std::mem::take(&mut self.heard().asked)
    }

    fn ids(&self) -> BTreeSet<String> {
        self.events().into_iter().map(|event| event.id).collect()
    }
}

/// One line an event, as they were heard; where the feed's clock is not the story's, in another order and without times.
fn told(world: &World, events: &[Event]) -> String {
    let line = |event: &Event| {
        let tag = event.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
        let kind = event.happened.event_type().trim_start_matches("dev.moorage.");
        let what = world.shown(&format!("{kind} {}{tag} {}", event.repository, event.digest));
        if World::is_aws() { what } else { format!("{} {what}", &rfc3339(event.at)[5..16]) }
    };
    let mut lines: Vec<String> = events.iter().map(line).collect();
    if World::is_aws() {
        lines.sort();
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A collector does all that is due.
async fn collect(collector: &Collector) {
    loop {
        let read = collector.follow().await.expect("the feed can be read");
        let worked = collector.work(None).await.expect("reviews can be read");
        assert_eq!(worked.failed, 0, "each review can be done");
        if read == 0 && worked.done == 0 {
            break;
        }
    }
}

async fn deliver(collector: &Collector, ear: &Ear) -> Delivered {
    collector.deliver(ear).await.expect("the table can be read")
}

/// Events that wait in the table.
async fn waiting(world: &World) -> usize {
    let all = Query { range: SortRange::events(), limit: 1000 };
    world.ports().table.query_keys(&all).await.expect("the table can be read").items.len()
}

/// Pushes, moves a tag, deletes and restores, an hour apart.
async fn a_busy_day(world: &World) {
    let (one, two) = (world.bare("one"), world.bare("two"));
    let hour = || world.clock().advance(HOUR);
    world.push("app", "v1", &one).await;
    hour();
    world.push("app", "v1", &two).await;
    hour();
    world.ask("DELETE /v2/app/manifests/<two>").await.is(202);
    hour();
    world.ask("POST /v2/app/_moorage/recycle-bin/<two>").await.is(200);
    hour();
    world.ask("DELETE /v2/app/manifests/v1").await.is(202);
    hour();
    // Where it is already.
    world.push("app", "v2", &two).await;
    world.push("app", "v2", &two).await;
    hour();
    world.ask("DELETE /v2/app/manifests/<two>").await.is(202);
}

#[tokio::test]
async fn all_that_happens_is_told_in_order() {
    let world = World::new().await;
    let (collector, ear) = (world.collector().telling(Outlet::Later), Ear::default());
    a_busy_day(&world).await;
    collect(&collector).await;
    let done = deliver(&collector, &ear).await;
    assert_eq!((done.handed, done.failed, done.more), (12, 0, false));
    world
        .where_it_is(
            expect![[r#"
            01-01T00:00 tag.pointed app:v1 <one>
            01-01T00:00 artifact.pushed app <one>
            01-01T01:00 tag.pointed app:v1 <two>
            01-01T01:00 artifact.pushed app <two>
            01-01T02:00 tag.deleted app:v1 <two>
            01-01T02:00 artifact.deleted app <two>
            01-01T03:00 tag.pointed app:v1 <two>
            01-01T03:00 artifact.restored app <two>
            01-01T04:00 tag.deleted app:v1 <two>
            01-01T05:00 tag.pointed app:v2 <two>
            01-01T06:00 tag.deleted app:v2 <two>
            01-01T06:00 artifact.deleted app <two>
        "#]],
            expect![[r#"
            artifact.deleted app <two>
            artifact.deleted app <two>
            artifact.pushed app <one>
            artifact.pushed app <two>
            artifact.restored app <two>
            tag.deleted app:v1 <two>
            tag.deleted app:v1 <two>
            tag.deleted app:v2 <two>
            tag.pointed app:v1 <one>
            tag.pointed app:v1 <two>
            tag.pointed app:v1 <two>
            tag.pointed app:v2 <two>
        "#]],
        )
        .assert_eq(&told(&world, &ear.events()));
    assert_eq!(waiting(&world).await, 0);

    // When its time in the bin is over.
    world.clock().advance(8 * DAY);
    collect(&collector).await;
    deliver(&collector, &ear).await;
    world
        .where_it_is(
            expect![[r#"
                01-09T06:00 artifact.collected app <two>
            "#]],
            expect![[r#"
                artifact.collected app <two>
            "#]],
        )
        .assert_eq(&told(&world, &ear.events()));
    world.end().await;
}

/// A referrer says what it refers to, and of which type it is; what is refused is nothing that happened.
#[tokio::test]
async fn what_an_event_says() {
    let world = World::new().await;
    let (collector, ear) = (world.collector().telling(Outlet::Later), Ear::default());
    let image = world.push_image("app", "v1").await;
    let missing = world.image("broken", &world.blob("nowhere"), &[]);
    world.ask("PUT /v2/app/manifests/broken").manifest(&missing).await.is(404);
    let signature = world.referrer("signature", "text/x-signature", &image);
    world.push_untagged("app", &signature).await;
    collect(&collector).await;
    deliver(&collector, &ear).await;
    let events = ear.events();
    let of = |digest| events.iter().filter(move |event| event.digest == digest);
    assert_eq!((events.len(), of(missing.digest).count()), (3, 0));
    let event = of(signature.digest.clone()).next().expect("an event");
    assert_eq!(event.happened, Happened::Pushed);
    assert_eq!((&event.media_type, event.size), (&signature.media_type, signature.bytes.len() as u64));
    assert_eq!(event.subject, Some(image.digest.clone()));
    assert_eq!(event.artifact_type.as_deref(), Some("text/x-signature"));
    world.end().await;
}

/// By the same ids, however late.
#[tokio::test]
async fn a_change_that_is_told_twice() {
    let world = World::new().await;
    a_busy_day(&world).await;
    let changes = world.ports().table.changes(&Cursor::default(), 1000).await.expect("the feed can be read");
    let (collector, ear) = (world.collector().telling(Outlet::Later), Ear::default());
    let mut seen = Vec::new();
    for _ in 0..2 {
        // One that is left waiting is not there twice.
        for _ in 0..2 {
            collector.heed(&changes.changes).await.expect("it can be told");
            world.clock().advance(HOUR);
        }
        assert_eq!(waiting(&world).await, 12);
        deliver(&collector, &ear).await;
        let events = ear.events();
        assert_eq!(events.len(), 12);
        seen.push(events.into_iter().map(|event| event.id).collect::<BTreeSet<_>>());
    }
    assert_eq!(seen[0].len(), 12);
    assert_eq!(seen[0], seen[1]);
    world.end().await;
}

/// Later, and nothing else waits for it.
#[tokio::test]
async fn somebody_who_does_not_listen_is_told_later() {
    for at_once in [false, true] {
        let world = World::new().await;
        let ear = Arc::new(Ear::default());
        let outlet = if at_once { Outlet::AtOnce(ear.clone()) } else { Outlet::Later };
        let collector = world.collector().telling(outlet);
        ear.is_deaf_to(Some(|_| true));
        a_busy_day(&world).await;
        collect(&collector).await;
        assert_eq!(waiting(&world).await, 12, "at once: {at_once}");
        let done = deliver(&collector, &ear).await;
        assert_eq!((done.handed, done.failed, done.more), (0, 12, false));
        assert_eq!(ear.ids().len(), 0);

        ear.is_deaf_to(Some(|event| event.happened == Happened::Restored));
        let done = deliver(&collector, &ear).await;
        assert_eq!((done.handed, done.failed, done.more), (11, 1, false));
        ear.is_deaf_to(None);
        let done = deliver(&collector, &ear).await;
        assert_eq!((done.handed, done.failed, done.more), (1, 0, false));
        assert_eq!((ear.ids().len(), waiting(&world).await), (12, 0));
        assert_eq!(deliver(&collector, &ear).await, Delivered::default());

        // What is taken at once is not written.
        world.push("app", "v3", &world.bare("three")).await;
        collect(&collector).await;
        let (heard, written) = (ear.ids().len(), waiting(&world).await);
        assert_eq!((heard, written), if at_once { (2, 0) } else { (0, 2) });
        world.end().await;
    }
}

/// Who takes nothing is not asked for everything; and what nobody will ever take does not keep the rest waiting.
#[tokio::test]
async fn a_round_ends_early_where_nobody_listens() {
    let world = World::new().await;
    let (collector, ear) = (world.collector().telling(Outlet::Later), Ear::default());
    for at in 0..20 {
        world.push("app", &format!("v{at}"), &world.bare(&format!("bare {at}"))).await;
        world.clock().advance(HOUR);
    }
    collect(&collector).await;
    ear.is_deaf_to(Some(|event| event.tag.is_none()));
    let mut rounds = Vec::new();
    for _ in 0..3 {
        let done = deliver(&collector, &ear).await;
        rounds.push((done.handed, done.failed, done.more, ear.asked()));
    }
    // Half of the first sixteen, and so on; then from the beginning.
    assert_eq!(rounds, [(20, 20, false, 40), (0, 16, true, 16), (0, 4, true, 4)]);
    ear.is_deaf_to(None);
    let done = deliver(&collector, &ear).await;
    assert_eq!((done.handed, done.failed, done.more), (20, 0, false));
    world.end().await;
}

/// Two weeks, and then the log has it; but not as soon as a machine is up that was off for a month.
#[tokio::test]
async fn nobody_listens_for_weeks() {
    let world = World::new().await;
    let ear = Ear::default();
    let collector = world.collector().telling(Outlet::Later);
    for at in 0..20 {
        world.push_untagged("app", &world.bare(&format!("bare {at}"))).await;
    }
    collect(&collector).await;
    ear.is_deaf_to(Some(|_| true));
    world.clock().advance(14 * DAY);
    for _ in 0..2 {
        deliver(&collector, &ear).await;
    }
    assert_eq!(waiting(&world).await, 20);
    world.clock().advance(30 * DAY);
    // Another process: the machine was off.
    let collector = world.collector().telling(Outlet::Later);
    for _ in 0..2 {
        deliver(&collector, &ear).await;
    }
    assert_eq!(waiting(&world).await, 20);
    world.push_untagged("app", &world.bare("new")).await;
    collect(&collector).await;
    world.clock().advance(HOUR);
    for _ in 0..2 {
        deliver(&collector, &ear).await;
    }
    assert_eq!(waiting(&world).await, 1);
    ear.is_deaf_to(None);
    assert_eq!((deliver(&collector, &ear).await.handed, waiting(&world).await), (1, 0));
    world.end().await;
}

/// What a collector tells that dies at one of its calls, and another after it.
async fn told_by_two(plan: Plan, at_once: bool) -> (BTreeMap<String, usize>, usize) {
    let world = World::set_up(|setup| setup.settings.search = false).await;
    a_busy_day(&world).await;
    let ear = Arc::new(Ear::default());
    let outlet = if at_once { Outlet::AtOnce(ear.clone()) } else { Outlet::Later };
    let injector = Injector::new(plan, world.clock().clone());
    let Ports { table, blobs, .. } = world.ports();
    let steps = world.collector().steps().clone();
    let steps = Steps { table: Arc::new(Faults::new(table, &injector)), ..steps };
    let dies = Collector::new(steps, blobs).telling(outlet.clone());
    let works = async {
        dies.follow().await?;
        dies.deliver(&*ear).await
    };
    let is_stopped = async {
        while !injector.decisions().iter().any(|d| matches!(d.fault, Some(Fault::Stop(_)))) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = works => {}
        () = is_stopped => {}
    }
    let another = world.collector().telling(outlet);
    another.follow().await.expect("the feed can be read");
    deliver(&another, &ear).await;
    assert_eq!(waiting(&world).await, 0);
    let mut times = BTreeMap::new();
    for event in ear.events() {
        *times.entry(event.id).or_default() += 1;
    }
    world.end().await;
    (times, injector.decisions().len())
}

/// At each call, before it, midway or after it: each thing that happened is told, by one id. On AWS, where a world takes
/// long to make, after some of them.
#[tokio::test]
async fn a_collector_that_dies_loses_nothing() {
    let faults = [Fault::Error(Moment::After), Fault::Stop(Moment::Before), Fault::Stop(Moment::Midway)];
    let (outlets, faults) =
        if World::is_aws() { (&[false][..], &faults[..1]) } else { (&[false, true][..], &faults[..]) };
    for &at_once in outlets {
        let (expected, calls) = told_by_two(Plan::nothing(), at_once).await;
        assert_eq!(expected.values().collect::<Vec<_>>(), vec![&1; 12]);
        assert!(calls > 5, "{calls} calls are too few to be all");
        for number in (1..=calls as u64).step_by(if World::is_aws() { 4 } else { 1 }) {
            for fault in faults {
                let (told, _) = told_by_two(Plan::List(vec![(Point::Call(number), *fault)]), at_once).await;
                let same = told.keys().eq(expected.keys());
                assert!(same, "call {number}, {fault}, at once: {at_once}: {told:#?} for {expected:#?}");
            }
        }
    }
}

/// What is told has survived: a push is told of although nobody was answered yet, and a power cut may undo that.
#[tokio::test]
async fn what_is_told_is_durable() {
    let world = World::set_up(|setup| setup.settings.search = false).await;
    world.push("app", "v1", &world.bare("durable")).await;
    let injector = Injector::new(Plan::nothing(), world.clock().clone());
    let Ports { table, blobs, .. } = world.ports();
    let steps = world.collector().steps().clone();
    let steps = Steps { table: Arc::new(Faults::new(table, &injector)), ..steps };
    let collector = Collector::new(steps, blobs).telling(Outlet::Later);
    collector.follow().await.expect("the feed can be read");
    let followed = injector.decisions().len();
    assert_eq!(deliver(&collector, &Ear::default()).await.handed, 2);
    let calls: Vec<Call> = injector.decisions()[followed..].iter().map(|decision| decision.call).collect();
    // Only a transaction is always durable when it is answered.
    assert_eq!(calls, [Call::Query, Call::Transact, Call::BatchWrite]);
    world.end().await;
}

/// Whoever does not want to know of events writes none.
#[tokio::test]
async fn where_nobody_wants_to_know() {
    let world = World::new().await;
    a_busy_day(&world).await;
    world.collect().await;
    assert_eq!(waiting(&world).await, 0);
    world.end().await;
}
