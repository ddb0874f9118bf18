//! The event source mapping of a table's stream (SAM's event `DynamoDB`).

use super::{get, number_of, path, text_of};
use crate::filter::Filter;
use saphyr::Yaml;
use std::ops::RangeInclusive;

/// How Lambda reads the stream for a function. The bounds of each value are those of the API
/// (`CreateEventSourceMapping`).
#[derive(Debug, Clone)]
pub struct Stream {
    /// Records of one event, at most.
    pub batch_size: usize,
    /// How long records are gathered that don't fill a batch.
    pub window_ms: u64,
    /// Whether a batch that failed as a whole is split in two.
    pub bisect: bool,
    pub retries: u64,
    /// Records that are older are given up. `None`: none is too old.
    pub record_age_ms_max: Option<u64>,
    /// `ReportBatchItemFailures`.
    pub partial: bool,
    /// Which records the function gets.
    pub filter: Filter,
}

/// What the front door does as it says. What a function gave up on is only counted here, so its destination is not
/// asked; records come after the front door was started, so there is one place to start from.
const PROPERTIES: [&str; 10] = [
    "Stream",
    "StartingPosition",
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "BisectBatchOnFunctionError",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "FunctionResponseTypes",
    "DestinationConfig",
    "FilterCriteria",
];

pub(super) fn read(event: &Yaml) -> Result<Stream, String> {
    let properties = get(event, "Properties").ok_or("the stream has no Properties")?;
    for (name, _) in properties.as_mapping().into_iter().flatten() {
        let name = text_of(name).unwrap_or_default();
        if !PROPERTIES.contains(&name.as_str()) {
            return Err(format!("the front door does not apply {name} of a stream"));
        }
    }
    let number = |name: &str, bounds: RangeInclusive<i64>| number(properties, name, bounds);
    let retries = number("MaximumRetryAttempts", 0..=10_000)?
        .ok_or("the stream has no MaximumRetryAttempts: one bad record would block it")?;
    Ok(Stream {
        batch_size: number("BatchSize", 1..=10_000)?.unwrap_or(100) as usize,
        window_ms: number("MaximumBatchingWindowInSeconds", 0..=300)?.unwrap_or(0) * 1000,
        bisect: get(properties, "BisectBatchOnFunctionError").and_then(Yaml::as_bool).unwrap_or(false),
        retries,
        record_age_ms_max: number("MaximumRecordAgeInSeconds", 60..=604_800)?.map(|seconds| seconds * 1000),
        partial: get(properties, "FunctionResponseTypes")
            .and_then(Yaml::as_vec)
            .is_some_and(|all| all.iter().any(|one| one.as_str() == Some("ReportBatchItemFailures"))),
        filter: filter(properties)?,
    })
}

/// -1, which is for ever, is out of the bounds here: it is what a template should never say.
fn number(properties: &Yaml, name: &str, bounds: RangeInclusive<i64>) -> Result<Option<u64>, String> {
    let Some(value) = get(properties, name) else { return Ok(None) };
    number_of(value)
        .filter(|value| bounds.contains(value))
        .and_then(|value| u64::try_from(value).ok())
        .map(Some)
        .ok_or_else(|| {
            format!("{name} of the stream is not a number from {} to {}", bounds.start(), bounds.end())
        })
}

fn filter(properties: &Yaml) -> Result<Filter, String> {
    let mut patterns = Vec::new();
    for filter in
        path(properties, &["FilterCriteria", "Filters"]).and_then(Yaml::as_vec).into_iter().flatten()
    {
        patterns
            .push(get(filter, "Pattern").and_then(text_of).ok_or("a filter of the stream has no Pattern")?);
    }
    Filter::parse(&patterns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use saphyr::LoadableYamlNode as _;

    fn of(properties: &str) -> Result<Stream, String> {
        let text = format!("Type: DynamoDB\nProperties:\n  MaximumRetryAttempts: 3\n{properties}");
        let documents = Yaml::load_from_str(&text).expect("it is YAML");
        read(&documents[0])
    }

    #[test]
    fn what_is_not_said_is_as_lambda_has_it() {
        let stream = of("").expect("it is understood");
        assert_eq!((stream.batch_size, stream.window_ms, stream.retries), (100, 0, 3));
        assert!(!stream.bisect && !stream.partial && stream.record_age_ms_max.is_none());
    }

    #[test]
    fn what_lambda_or_the_front_door_does_not_take_is_refused() {
        for (properties, named) in [
            ("  BatchSize: 0\n", "BatchSize"),
            ("  BatchSize: 10001\n", "BatchSize"),
            ("  MaximumBatchingWindowInSeconds: 301\n", "MaximumBatchingWindowInSeconds"),
            ("  MaximumRecordAgeInSeconds: 59\n", "MaximumRecordAgeInSeconds"),
            ("  MaximumRecordAgeInSeconds: -1\n", "MaximumRecordAgeInSeconds"),
            ("  TumblingWindowInSeconds: 30\n", "TumblingWindowInSeconds"),
            ("  FilterCriteria: { Filters: [{ Pattern: no JSON }] }\n", "no JSON"),
            ("  FilterCriteria: { Filters: [{}] }\n", "Pattern"),
        ] {
            let error = of(properties).expect_err(properties);
            assert!(error.contains(named), "{error}");
        }
        let documents = Yaml::load_from_str("Properties: { BatchSize: 1 }").expect("it is YAML");
        assert!(read(&documents[0]).expect_err("it says no retries").contains("MaximumRetryAttempts"));
    }
}
