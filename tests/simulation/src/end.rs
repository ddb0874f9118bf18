//! The end of a world: nobody is under way any more, time moves on, and collectors do all that is due.

use std::sync::Arc;
use std::time::Duration;

use crate::invariants;
use crate::snapshot::Snapshot;
use crate::world::World;
use moorage_collector::{Collector, Steps, Times};
use moorage_embedded::Embedded;
use moorage_ports::testing_context::ManualClock;
use moorage_ports::{Clock, Context, Fact, ObjectKey};

/// Rounds of a collector until nothing is due any more; each waits for what is due next.
const ROUNDS_MAX: usize = 5_000;

fn steps(storage: &Arc<Embedded>, context: &Context, times: Times) -> Steps {
    Steps { table: storage.clone(), blobs: storage.clone(), context: context.clone(), times }
}

/// Until there is no review left.
pub async fn collect_to_the_end(
    storage: &Arc<Embedded>,
    context: &Context,
    times: Times,
    clock: &ManualClock,
) -> Result<Collector, String> {
    let collector = Collector::new(steps(storage, context, times), storage.clone()).searched(true);
    for _ in 0..ROUNDS_MAX {
        let read = collector.follow().await.map_err(|error| error.to_string())?;
        let worked = collector.work(None).await.map_err(|error| error.to_string())?;
        if worked.failed > 0 {
            return Err(format!("{} reviews could not be done", worked.failed));
        }
        if read > 0 || worked.done > 0 {
            continue;
        }
        let Some(next) = worked.next else { return Ok(collector) };
        clock.advance(Duration::from_millis(next.since_ms(clock.now())));
    }
    Err(format!("after {ROUNDS_MAX} rounds of a collector something is still due"))
}

/// What a world has been spared, and so may not have left over: `protocol.md` leaves it to the audit.
#[derive(Clone, Copy)]
pub struct Spared {
    /// Else objects may be there that were never recorded.
    pub nothing_failed: bool,
    /// Else holds of those who died, or who were given up by another while they put them.
    pub nobody_was_overtaken: bool,
}

/// What is wrong with a world where nothing is left to do; `None` where all is well.
pub async fn wrong(
    storage: &Arc<Embedded>,
    world: &World,
    context: &Context,
    spared: Spared,
) -> Option<String> {
    let snapshot = Snapshot::take(&**storage).await;
    let mut wrong = Vec::new();
    wrong.extend(invariants::check(&snapshot, &invariants::ALWAYS));
    wrong.extend(invariants::check(&snapshot, [&invariants::WHERE_NOTHING_IS_MISSING]));
    wrong.extend(invariants::check(&snapshot, [&invariants::WHERE_ALL_CHANGES_WERE_READ]));
    if spared.nothing_failed {
        wrong.extend(invariants::check(&snapshot, [&invariants::WHERE_NOTHING_FAILED]));
    }
    if spared.nobody_was_overtaken {
        wrong.extend(invariants::check(&snapshot, [&invariants::WHERE_NOBODY_IS_OVERTAKEN]));
        wrong.extend(invariants::check(&snapshot, [&invariants::WHERE_NO_COLLECTOR_IS_OVERTAKEN]));
    }
    wrong.extend(left_over(&snapshot));
    wrong.extend(forgotten_objects(&snapshot, world));
    wrong.extend(unreachable(storage, &snapshot, context).await);
    (!wrong.is_empty()).then(|| wrong.join("\n"))
}

/// Reviews, uploads, tombstones, entries of the bin: all of them end.
fn left_over(snapshot: &Snapshot) -> Vec<String> {
    let ends =
        |fact: &Fact| matches!(fact, Fact::Review | Fact::Session(_) | Fact::Trash(_) | Fact::Recycled);
    let left = snapshot.rows.values().filter(|item| ends(&item.fact));
    left.map(|item| format!("at the end there is {:?}", item.key)).collect()
}

/// Objects that something named once, and nothing does now.
fn forgotten_objects(snapshot: &Snapshot, world: &World) -> Vec<String> {
    let named: Vec<&ObjectKey> = snapshot
        .rows
        .values()
        .filter_map(|item| match &item.fact {
            Fact::Content(content) => Some(&content.object),
            Fact::Manifest(manifest) => manifest.object.as_ref(),
            _ => None,
        })
        .collect();
    let forgotten =
        snapshot.objects.keys().filter(|object| world.was_recorded(object) && !named.contains(object));
    forgotten.map(|object| format!("{object} was recorded, and is forgotten")).collect()
}

/// Nodes that nothing holds, by the collector's own look.
async fn unreachable(storage: &Arc<Embedded>, snapshot: &Snapshot, context: &Context) -> Vec<String> {
    let steps = steps(storage, context, Times::default());
    let mut wrong = Vec::new();
    for item in snapshot.rows.values().filter(|item| item.fact.node().is_some()) {
        let Some(of) = item.key.reviewed() else { continue };
        match steps.look(&of, Some(item)).await {
            Ok(look) if look.by.is_some() => {}
            Ok(_) => wrong.push(format!("nothing holds {of}, and it was not collected")),
            Err(error) => wrong.push(format!("{of}: {error}")),
        }
    }
    wrong
}
