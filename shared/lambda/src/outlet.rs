//! The bus that `collect` tells what happens, with a count for its log line.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use async_trait::async_trait;
use moorage_ports::{Event, EventSink, PortError};

/// Hands on to a sink, and counts.
pub(crate) struct Counted<S> {
    sink: S,
    handed: AtomicU64,
    left: AtomicU64,
}

/// What became of events since it was asked last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Told {
    pub(crate) handed: u64,
    /// Not taken; they wait in the table.
    pub(crate) left: u64,
}

impl<S> Counted<S> {
    pub(crate) fn new(sink: S) -> Self {
        Self { sink, handed: AtomicU64::new(0), left: AtomicU64::new(0) }
    }

    /// Counts from nothing again.
    pub(crate) fn take(&self) -> Told {
        Told { handed: self.handed.swap(0, Relaxed), left: self.left.swap(0, Relaxed) }
    }
}

#[async_trait]
impl<S: EventSink> EventSink for Counted<S> {
    async fn hand_over(&self, events: &[Event]) -> Vec<Result<(), PortError>> {
        let results = self.sink.hand_over(events).await;
        let handed = results.iter().filter(|result| result.is_ok()).count();
        self.handed.fetch_add(handed as u64, Relaxed);
        self.left.fetch_add((events.len() - handed) as u64, Relaxed);
        results
    }
}

#[cfg(test)]
mod tests {
    use moorage_oci::Digest;
    use moorage_ports::{Happened, Timestamp};

    use super::*;

    /// Takes the first of each call.
    struct TakesOne;

    #[async_trait]
    impl EventSink for TakesOne {
        async fn hand_over(&self, events: &[Event]) -> Vec<Result<(), PortError>> {
            let left = || Err(PortError::Throttled("one is enough".to_owned()));
            (0..events.len()).map(|place| if place == 0 { Ok(()) } else { left() }).collect()
        }
    }

    #[tokio::test]
    async fn what_became_of_events_is_counted_until_somebody_asks() {
        let event = Event {
            id: "1".to_owned(),
            happened: Happened::Pushed,
            at: Timestamp(1),
            repository: "app".parse().expect("it is a name"),
            digest: Digest::sha256(b"1"),
            media_type: "text/plain".to_owned(),
            size: 1,
            artifact_type: None,
            subject: None,
            tag: None,
        };
        let counted = Counted::new(TakesOne);
        for events in [3, 1] {
            assert_eq!(counted.hand_over(&vec![event.clone(); events]).await.len(), events);
        }
        assert_eq!(counted.take(), Told { handed: 2, left: 2 });
        assert_eq!(counted.take(), Told::default());
    }
}
