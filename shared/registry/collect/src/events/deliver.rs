//! Handing over the events that wait in the table.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use moorage_ports::{Action, Event, EventSink, Expect, Fact, Item, Key, PortError, Query, SortRange};

use super::{EVENTS_AT_ONCE_MAX, FAILURES_MAX, hand_over};
use crate::collector::Collector;

/// Pages of one round: so many that most rounds do it all, so few that a round ends while its caller has time.
const PAGES_IN_ROUND_MAX: usize = 4;

/// How long an event is kept that nobody takes: two weeks, so that a receiver that breaks at the beginning of
/// somebody's holidays loses nothing, and the table does not grow for ever.
const WAITS_MS_MAX: u64 = 14 * 24 * 60 * 60 * 1000;

/// For so long nothing is given up after the first try: a machine that was off for a month may be up a little before
/// its receiver.
const TRIES_FOR_MIN: Duration = Duration::from_secs(10 * 60);

/// What too old events are looked for in after a round in which nobody took anything, in pages: more than come in
/// meanwhile, on nearly every registry.
const OLD_PAGES_MAX: usize = 10;

/// What a round of delivery did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Delivered {
    /// Events that were taken, and are not told again.
    pub handed: usize,
    /// Events that were not taken. They wait for another round, but for those that waited for two weeks.
    pub failed: usize,
    /// Others are waiting that were not handed over in this round.
    pub more: bool,
}

/// How far delivery has come, in this process.
#[derive(Default)]
pub(crate) struct Delivery(Mutex<Progress>);

#[derive(Clone, Default)]
struct Progress {
    /// The last round gave up after this event: the next goes on from there, so that some that nobody will ever take
    /// don't keep the others waiting.
    after: Option<Key>,
    /// When something was handed over first, by the monotonic clock.
    since: Option<Duration>,
}

/// Events that wait, as they are in the table.
struct Waiting {
    events: Vec<Event>,
    last: Option<Key>,
    more: bool,
}

impl Collector {
    /// Hands over events that wait in the table, the oldest first, for one round; what was taken is deleted. Gives up
    /// for now where nobody takes them. Several processes may do this at once: an event is then told twice.
    ///
    /// # Errors
    /// Those of the table. What was taken until then may be told again.
    pub async fn deliver(&self, sink: &dyn EventSink) -> Result<Delivered, PortError> {
        let progress = self.delivery.get();
        let since = progress.since.unwrap_or(self.steps.context.clock.monotonic());
        let mut after = progress.after;
        // From the middle on, what is before it is left for the next round.
        let mut done = Delivered { more: after.is_some(), ..Delivered::default() };
        for page in 1..=PAGES_IN_ROUND_MAX {
            // A few to begin with: perhaps nobody takes any.
            let limit = if page == 1 { FAILURES_MAX } else { EVENTS_AT_ONCE_MAX };
            let waiting = self.waiting(after.as_ref(), limit).await?;
            let taken = if waiting.events.is_empty() {
                Vec::new()
            } else {
                // Or something may be told that a power cut undoes.
                self.steps.make_durable().await?;
                hand_over(sink, &waiting.events).await
            };
            let handed = taken.iter().filter(|taken| **taken).count();
            done.handed += handed;
            done.failed += taken.len() - handed;
            let may_drop = self.steps.context.clock.monotonic().saturating_sub(since) >= TRIES_FOR_MIN;
            let goes = |(event, taken): (Event, bool)| {
                (taken || (may_drop && self.is_dropped(&event))).then(|| Key::event(&event))
            };
            self.forget(waiting.events.into_iter().zip(taken).filter_map(goes).collect()).await?;
            after = waiting.last.filter(|_| waiting.more);
            if after.is_none() {
                break;
            }
            if done.failed >= FAILURES_MAX {
                if done.handed == 0 && may_drop {
                    self.drop_old().await?;
                }
                break;
            }
        }
        done.more |= after.is_some();
        self.delivery.set(Progress { after: after.filter(|_| done.failed > 0), since: Some(since) });
        Ok(done)
    }

    async fn waiting(&self, after: Option<&Key>, limit: usize) -> Result<Waiting, PortError> {
        let range = SortRange::events();
        let range = after.map_or(range.clone(), |after| range.after_key(after));
        let page = self.steps.table.query(&Query { range, limit }).await?;
        let last = page.items.last().map(|item| item.key.clone());
        let event = |item: Item| match item.fact {
            Fact::Event(event) => Ok(event),
            _ => Err(PortError::Corrupt(format!("{:?} is no event of ours", item.key))),
        };
        let events = page.items.into_iter().map(event).collect::<Result<_, _>>()?;
        Ok(Waiting { events, last, more: page.more })
    }

    async fn forget(&self, events: Vec<Key>) -> Result<(), PortError> {
        let delete = |key| Action::Delete(key, Expect::Anything);
        self.steps.write_all(events.into_iter().map(delete).collect()).await
    }

    /// Whether an event that nobody took is given up. The log has it then, and nothing else.
    fn is_dropped(&self, event: &Event) -> bool {
        if self.steps.now().since_ms(event.at) <= WAITS_MS_MAX {
            return false;
        }
        let event = event.cloud_event("moorage");
        tracing::error!(%event, "an event was not taken for two weeks, and is given up");
        true
    }

    /// Gives up what has waited too long, where not even the first of it can be handed over.
    async fn drop_old(&self) -> Result<(), PortError> {
        for _ in 0..OLD_PAGES_MAX {
            let waiting = self.waiting(None, EVENTS_AT_ONCE_MAX).await?;
            let found = waiting.events.len();
            let old: Vec<Key> =
                waiting.events.iter().take_while(|event| self.is_dropped(event)).map(Key::event).collect();
            let all_old = old.len() == found;
            self.forget(old).await?;
            if !all_old || !waiting.more {
                break;
            }
        }
        Ok(())
    }
}

impl Delivery {
    fn get(&self) -> Progress {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, progress: Progress) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }
}
