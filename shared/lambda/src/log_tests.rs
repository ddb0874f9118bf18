use std::sync::{Mutex, PoisonError};

use moorage_ports::testing_context::TestContext;

use super::*;

/// The lines that `what` logs.
fn logged(what: impl FnOnce()) -> Vec<Value> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let write = {
        let lines = lines.clone();
        move |line: &str| lines.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned())
    };
    let layer = Lines { write, clock: TestContext::new(0).context().clock };
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(LevelFilter::INFO));
    tracing::subscriber::with_default(subscriber, what);
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    let is_one = |line: &String| line.ends_with('\n') && line.matches('\n').count() == 1;
    assert!(lines.iter().all(is_one), "{lines:?}");
    lines.iter().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn request(operation: &str) {
    tracing::info!(
        target: "moorage::request",
        operation,
        method = "GET",
        status = 200_u64,
        sent_bytes = 5_u64,
        duration_us = 1_200_u64,
        table_calls = Some(1_u64),
        retries = None::<u64>,
        read_units = 0.5,
        list_price_nano_usd = 62.5,
        note = "one\nline",
        "request"
    );
}

/// The rules of the specification that a directive can break, each checked on a line that we write.
fn is_by_the_specification(line: &Value) -> Vec<(String, String)> {
    const UNITS: [&str; 4] = ["Microseconds", "Bytes", "Count", "None"];
    let metadata = &line["_aws"];
    assert!(metadata["Timestamp"].is_u64());
    let directives = metadata["CloudWatchMetrics"].as_array().expect("an array");
    let mut metrics = Vec::new();
    for directive in directives {
        let namespace = directive["Namespace"].as_str().expect("a text");
        assert!((1..=1024).contains(&namespace.len()));
        for set in directive["Dimensions"].as_array().expect("an array") {
            let set = set.as_array().expect("an array");
            assert!(set.len() <= 30);
            for dimension in set {
                let value = line[dimension.as_str().expect("a text")].as_str().expect("its target is a text");
                assert!((1..=1024).contains(&value.len()));
            }
        }
        let named = directive["Metrics"].as_array().expect("an array");
        assert!((1..=100).contains(&named.len()));
        for metric in named {
            let (name, unit) = (metric["Name"].as_str().expect("a text"), metric["Unit"].as_str());
            let unit = unit.expect("a text");
            assert!(UNITS.contains(&unit), "{unit}");
            assert!(line[name].is_number(), "{name} is at the root, and a number");
            metrics.push((name.to_owned(), unit.to_owned()));
        }
    }
    metrics
}

#[test]
fn a_requests_line_is_a_metric() {
    let lines = logged(|| request("blob"));
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(line["operation"], "blob");
    assert_eq!(line["note"], "one\nline");
    assert_eq!(line.get("retries"), None);
    let metrics = is_by_the_specification(line);
    let metrics: Vec<_> = metrics.iter().map(|(name, unit)| (name.as_str(), unit.as_str())).collect();
    assert_eq!(
        metrics,
        [
            ("duration_us", "Microseconds"),
            ("list_price_nano_usd", "None"),
            ("read_units", "Count"),
            ("sent_bytes", "Bytes"),
            ("table_calls", "Count"),
        ]
    );
}

#[test]
fn a_path_that_names_nothing_has_a_dimension_too() {
    let lines = logged(|| request(""));
    assert_eq!(lines[0]["operation"], "unknown");
    is_by_the_specification(&lines[0]);
}

#[test]
fn other_lines_are_only_lines_and_name_the_invocation() {
    let lines = logged(|| {
        let span = tracing::info_span!("Lambda runtime invoke", requestId = "abc");
        span.in_scope(|| tracing::error!(cause = %"it broke", "a request failed"));
        tracing::debug!("nobody asked");
    });
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(line.get("_aws"), None);
    assert_eq!((&line["request_id"], &line["level"]), (&"abc".into(), &"ERROR".into()));
    assert_eq!((&line["cause"], &line["message"]), (&"it broke".into(), &"a request failed".into()));
}
