//! Logs: one line of JSON for each event, to standard output. The line of a request is a metric too.

use std::io::Write as _;
use std::sync::Arc;

use moorage_ports::Clock;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::metrics::embed;

/// The target of the line that each request writes (moorage-http, and [`crate::ingest`]).
pub(crate) const REQUEST: &str = "moorage::request";

/// From now on, what is logged goes to standard output.
pub(crate) fn start(level: LevelFilter, clock: Arc<dyn Clock>) {
    let write = |line: &str| {
        // Nobody is there to be told that the log cannot be written.
        let _ = std::io::stdout().lock().write_all(line.as_bytes());
    };
    tracing_subscriber::registry().with(Lines { write, clock }.with_filter(level)).init();
}

struct Lines<W> {
    write: W,
    clock: Arc<dyn Clock>,
}

/// The invocation's id, as Lambda logs it too; from the span around an invocation.
struct RequestId(Value);

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    W: Fn(&str) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(request_id) = fields.0.remove("requestId")
            && let Some(span) = context.span(id)
        {
            span.extensions_mut().insert(RequestId(request_id));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let now = self.clock.now();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut fields = fields.0;
        let metadata = event.metadata();
        fields.insert("level".to_owned(), metadata.level().as_str().into());
        fields.insert("target".to_owned(), metadata.target().into());
        let mut spans = context.event_scope(event).into_iter().flatten();
        if let Some(id) = spans.find_map(|span| span.extensions().get::<RequestId>().map(|id| id.0.clone())) {
            fields.insert("request_id".to_owned(), id);
        }
        if metadata.target() == REQUEST {
            embed(&mut fields, now);
        }
        // After the metrics were chosen: it is a number, and none of them.
        fields.insert("time_ms".to_owned(), now.0.into());
        (self.write)(&format!("{}\n", Value::Object(fields)));
    }
}

/// The fields of an event or a span.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.insert(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
