//! CloudWatch's embedded metric format: a log line that says which of its numbers are metrics
//! (Amazon CloudWatch User Guide, "Specification: Embedded metric format").

use moorage_ports::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

const NAMESPACE: &str = "Moorage";
const DIMENSION: &str = "operation";
/// A number that is not counted: each value is a kind.
const STATUS: &str = "status";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'a> {
    /// Milliseconds since the Unix epoch.
    timestamp: u64,
    cloud_watch_metrics: [Directive<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    dimensions: [[&'a str; 1]; 1],
    metrics: Vec<Metric<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric<'a> {
    name: &'a str,
    unit: &'a str,
}

/// Makes the fields of a request's line a metric for each of its numbers, by operation.
pub(crate) fn embed(fields: &mut Map<String, Value>, now: Timestamp) {
    // A dimension without a value would void the line.
    if fields.get(DIMENSION).and_then(Value::as_str).is_none_or(str::is_empty) {
        fields.insert(DIMENSION.to_owned(), "unknown".into());
    }
    let numbers = fields.iter().filter(|(name, value)| value.is_number() && *name != STATUS);
    let metrics = numbers.map(|(name, _)| Metric { name, unit: unit(name) }).collect();
    let directive = Directive { namespace: NAMESPACE, dimensions: [[DIMENSION]], metrics };
    let metadata = Metadata { timestamp: now.0, cloud_watch_metrics: [directive] };
    let metadata = serde_json::to_value(metadata).expect("our own values are JSON");
    fields.insert("_aws".to_owned(), metadata);
}

/// The unit that a field's name says, in CloudWatch's words.
fn unit(name: &str) -> &'static str {
    match name.rsplit_once('_').map_or("", |(_, last)| last) {
        "us" => "Microseconds",
        "bytes" => "Bytes",
        // CloudWatch has no unit of money.
        "usd" => "None",
        _ => "Count",
    }
}
