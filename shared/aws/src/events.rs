//! Events of a registry, handed to a bus of Amazon EventBridge.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use aws_smithy_types::timeout::TimeoutConfig;
use moorage_ports::calls::note_backend;
use moorage_ports::{Context, Event, EventSink, PortError};

use crate::attempts::NoteAttempts;
use crate::config::with_defaults;
use crate::error::{is_throttling, port_error};
use crate::prices;

/// Entries of one call, at most (EventBridge API reference, "`PutEvents`").
const ENTRIES_MAX: usize = 10;
/// Bytes of all entries of one call, at most (EventBridge User Guide, "Calculating Amazon EventBridge `PutEvents` event
/// entry size"), by [`entry_bytes`].
const ENTRIES_BYTES_MAX: usize = 256 * 1024;
/// What a time counts for there.
const TIME_BYTES: usize = 14;

const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(3);
/// One call with its retries.
const CALL_TIME_MAX: Duration = Duration::from_secs(6);
/// No further call begins after this time: those whose turn did not come are not taken. So [`EventBridge::hand_over`]
/// answers within this and one call.
const HAND_OVER_TIME_MAX: Duration = Duration::from_secs(10);

/// The code of an entry that is bad itself (the same reference, "`PutEventsResultEntry`"). All others may pass: somebody
/// grants the right that is missing, or makes the bus.
const MALFORMED: &str = "MalformedDetail";

/// A bus of EventBridge. Cheap to clone.
///
/// An event is there as an entry with the configured source, the type of the event as its detail-type, and the whole
/// event as CloudEvents has it as its detail: what a rule matches on is below `detail`.
#[derive(Clone)]
pub struct EventBridge {
    client: Client,
    bus: Arc<str>,
    source: Arc<str>,
    context: Context,
}

impl EventBridge {
    /// The bus of this name or ARN; `default` is the account's own. `source` is what events say they come from, as
    /// CloudEvents and EventBridge call it; it must not begin with `aws.`, which EventBridge refuses. Makes no call.
    ///
    /// Retries and time-outs are those of `sdk`, and where it has no time-outs our own.
    #[must_use]
    pub fn new(sdk: &SdkConfig, bus: impl Into<String>, source: impl Into<String>, context: Context) -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIME_MAX)
            .operation_timeout(CALL_TIME_MAX)
            .build();
        let config = aws_sdk_eventbridge::config::Builder::from(sdk)
            .timeout_config(with_defaults(sdk, &timeouts))
            .interceptor(NoteAttempts)
            .build();
        Self {
            client: Client::from_conf(config),
            bus: bus.into().into(),
            source: source.into().into(),
            context,
        }
    }

    fn entries(&self, events: &[Event]) -> VecDeque<PutEventsRequestEntry> {
        events.iter().map(|event| self.entry(event)).collect()
    }

    fn entry(&self, event: &Event) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&*self.bus)
            .source(&*self.source)
            .detail_type(event.happened.event_type())
            .detail(event.cloud_event(&self.source))
            .time(DateTime::from_millis(i64::try_from(event.at.0).unwrap_or(i64::MAX)))
            .build()
    }

    /// One call; answers for each entry, in their order.
    async fn put(&self, entries: Vec<PutEventsRequestEntry>) -> Vec<Result<(), PortError>> {
        let sent = entries.len();
        match self.client.put_events().set_entries(Some(entries)).send().await {
            Ok(answer) => {
                let mut results = answer.entries().iter().map(taken).collect::<Vec<_>>();
                // It promises one for each; what has no answer was not taken.
                results.resize_with(sent, || Err(unavailable("it did not say what became of an event")));
                note_taken(results.iter().filter(|result| result.is_ok()).count());
                results
            }
            Err(error) => {
                // Of the whole call nothing says that an event is bad; so each is worth another try.
                let (why, throttled) = match port_error("PutEvents", &error) {
                    PortError::Throttled(why) => (why, true),
                    other => (other.to_string(), false),
                };
                (0..sent).map(|_| Err(refusal(throttled, why.clone()))).collect()
            }
        }
    }
}

#[async_trait]
impl EventSink for EventBridge {
    async fn hand_over(&self, events: &[Event]) -> Vec<Result<(), PortError>> {
        let clock = &self.context.clock;
        let began = clock.monotonic();
        let mut entries = self.entries(events);
        let mut results = Vec::with_capacity(events.len());
        while !entries.is_empty() {
            if clock.monotonic().saturating_sub(began) > HAND_OVER_TIME_MAX {
                results.extend(entries.iter().map(|_| Err(unavailable("there was no time left"))));
                break;
            }
            if let Some(bytes) = entries.front().map(entry_bytes).filter(|bytes| *bytes > ENTRIES_BYTES_MAX) {
                entries.pop_front();
                results.push(Err(PortError::Misuse(format!(
                    "an event of {bytes} bytes; EventBridge takes {ENTRIES_BYTES_MAX} at most"
                ))));
                continue;
            }
            let call = entries.drain(..fitting(&entries)).collect();
            results.extend(self.put(call).await);
        }
        results
    }
}

/// How many of them fit into one call.
fn fitting(entries: &VecDeque<PutEventsRequestEntry>) -> usize {
    let mut bytes = 0;
    let fits = |entry: &&PutEventsRequestEntry| {
        bytes += entry_bytes(entry);
        bytes <= ENTRIES_BYTES_MAX
    };
    entries.iter().take(ENTRIES_MAX).take_while(fits).count()
}

/// As EventBridge counts it.
fn entry_bytes(entry: &PutEventsRequestEntry) -> usize {
    let texts = [entry.source(), entry.detail_type(), entry.detail()];
    TIME_BYTES + texts.into_iter().flatten().map(str::len).sum::<usize>()
}

/// What an answer says of one entry.
fn taken(entry: &PutEventsResultEntry) -> Result<(), PortError> {
    if entry.event_id().is_some() {
        return Ok(());
    }
    let code = entry.error_code().unwrap_or("no code");
    let why =
        format!("EventBridge did not take an event: {code}: {}", entry.error_message().unwrap_or("no word"));
    Err(if code == MALFORMED { PortError::Misuse(why) } else { refusal(is_throttling(code), why) })
}

fn refusal(is_throttled: bool, why: String) -> PortError {
    if is_throttled { PortError::Throttled(why) } else { PortError::Unavailable(why) }
}

fn unavailable(why: &str) -> PortError {
    PortError::Unavailable(format!("EventBridge: {why}"))
}

/// Events are billed, not calls.
fn note_taken(events: usize) {
    note_backend(|backend| backend.nano_usd += prices::of_events(events));
}
