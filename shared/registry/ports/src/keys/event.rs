//! The keys of events that are yet to be handed over.

use super::{DUE_DIGITS, DUE_MAX, Key, SortRange};
use crate::events::Event;

const EVENTS: &str = "events";

impl Key {
    /// An event that is to be handed over: `events / 01764158400000#<id>`, the oldest first.
    #[must_use]
    pub fn event(event: &Event) -> Self {
        Self::new(EVENTS, format!("{:0DUE_DIGITS$}#{}", event.at.0.min(DUE_MAX), event.id))
    }

    pub(super) fn is_of_events(&self) -> bool {
        self.partition == EVENTS
    }
}

impl SortRange {
    /// The events that are yet to be handed over, the oldest first.
    #[must_use]
    pub fn events() -> Self {
        Self::new(EVENTS.to_owned(), "")
    }
}
