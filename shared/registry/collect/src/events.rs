//! The events of a registry: a pure function of a change of the table, and how they get to whoever wants to know.
//!
//! An event is told at least once: it is in the table until somebody took it, or was taken before the feed was read
//! any further. It decides nothing.

mod deliver;
mod from_change;

use std::collections::BTreeMap;
use std::sync::Arc;

use moorage_ports::{Action, Change, Event, EventSink, Expect, Fact, Item, Key, PortError};

use crate::collector::Collector;

pub use deliver::Delivered;
pub(crate) use deliver::Delivery;
pub use from_change::event;

/// Events handed over in one call of a sink: few enough for its answer to come soon.
const EVENTS_AT_ONCE_MAX: usize = 100;

/// So many events that were not taken show that nobody takes any: the rest is not tried in the same round.
const FAILURES_MAX: usize = 16;

/// Where events go.
#[derive(Clone)]
pub enum Outlet {
    /// Nobody wants to know.
    Nobody,
    /// Into the table, from where [`Collector::deliver`] hands them over: nothing waits for who is slow.
    Later,
    /// At once; what is not taken goes into the table.
    AtOnce(Arc<dyn EventSink>),
}

impl Collector {
    /// Tells what happened.
    pub(crate) async fn tell(&self, changes: &[Change]) -> Result<(), PortError> {
        if matches!(self.outlet, Outlet::Nobody) {
            return Ok(());
        }
        let now = self.steps.now();
        // Each once: a batch must not have a key twice.
        let events: BTreeMap<Key, Event> = changes
            .iter()
            .filter_map(|change| event(change, now))
            .map(|event| (Key::event(&event), event))
            .collect();
        let mut events: Vec<Event> = events.into_values().collect();
        if let Outlet::AtOnce(sink) = &self.outlet {
            events = not_taken(&**sink, events).await;
        }
        let put =
            |event: Event| Action::Put(Item::once(Key::event(&event), Fact::Event(event)), Expect::Anything);
        self.steps.write_all(events.into_iter().map(put).collect()).await
    }
}

/// Hands events over, and answers those that were not taken.
async fn not_taken(sink: &dyn EventSink, events: Vec<Event>) -> Vec<Event> {
    let mut left = Vec::new();
    let mut events = events.into_iter();
    while left.len() < FAILURES_MAX {
        let some: Vec<Event> = events.by_ref().take(EVENTS_AT_ONCE_MAX).collect();
        if some.is_empty() {
            break;
        }
        let taken = hand_over(sink, &some).await;
        left.extend(some.into_iter().zip(taken).filter(|(_, taken)| !taken).map(|(event, _)| event));
    }
    left.extend(events);
    left
}

/// Whether each was taken. What was not is logged here.
async fn hand_over(sink: &dyn EventSink, events: &[Event]) -> Vec<bool> {
    let results = sink.hand_over(events).await;
    let failures = results.iter().filter_map(|result| result.as_ref().err());
    if let Some(error) = failures.clone().next().map(said) {
        let failed = failures.count();
        tracing::warn!(error, failed, "events were not taken, and are handed over again later");
    }
    let mut taken: Vec<bool> = results.iter().map(Result::is_ok).collect();
    // Of what a sink does not speak of it is not known.
    taken.resize(events.len(), false);
    taken
}

/// What a sink says of a failure: it is no storage, as the error's own words have it.
fn said(error: &PortError) -> &str {
    match error {
        PortError::Throttled(said)
        | PortError::Unavailable(said)
        | PortError::Full(said)
        | PortError::Corrupt(said)
        | PortError::Body(said)
        | PortError::Misuse(said) => said,
    }
}
