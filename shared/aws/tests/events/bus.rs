//! What is sent, and what is answered for each event.

use std::time::Duration;

use moorage_ports::calls::{Counted, scope};
use moorage_ports::{EventSink as _, PortError};
use serde_json::Value;

use crate::script::{Answer, bus, bus_whose_calls_take, events, refused};

const ALL: Answer = Answer::AllBut(&[], "");

/// `.` for taken, `t` throttled, `u` unavailable, `m` never.
fn words(results: &[Result<(), PortError>]) -> String {
    let word = |result: &Result<(), PortError>| match result {
        Ok(()) => '.',
        Err(PortError::Throttled(_)) => 't',
        Err(PortError::Unavailable(_)) => 'u',
        Err(PortError::Misuse(_)) => 'm',
        Err(_) => '?',
    };
    results.iter().map(word).collect()
}

fn detail(entry: &Value) -> Value {
    serde_json::from_str(entry["Detail"].as_str().expect("a text")).expect("JSON")
}

/// The ids of each call's entries.
fn ids(calls: &[Vec<Value>]) -> Vec<Vec<String>> {
    let id = |entry: &Value| detail(entry)["id"].as_str().expect("a text").to_owned();
    calls.iter().map(|entries| entries.iter().map(id).collect()).collect()
}

#[tokio::test]
async fn an_entry_has_the_whole_event_as_its_detail() {
    let (bus, script) = bus(vec![ALL]);
    let events = events(1);
    assert_eq!(words(&bus.hand_over(&events).await), ".");
    let entry = &script.calls()[0][0];
    assert_eq!(entry["EventBusName"], "the-bus");
    assert_eq!(entry["Source"], "moorage");
    assert_eq!(entry["DetailType"], "dev.moorage.artifact.pushed");
    assert_eq!(entry["Time"], 1_764_158_400.123);
    assert_eq!(entry["Detail"].as_str(), Some(events[0].cloud_event("moorage").as_str()));
    let detail = detail(entry);
    assert_eq!(
        (&detail["specversion"], &detail["type"], &detail["source"]),
        (&"1.0".into(), &entry["DetailType"], &"moorage".into())
    );
}

#[tokio::test]
async fn eleven_are_two_calls_and_nothing_is_none() {
    let (bus, script) = bus(vec![ALL]);
    let (results, Counted { backend, .. }) = scope(bus.hand_over(&events(11))).await;
    assert_eq!(words(&results), "...........");
    let calls = script.calls();
    assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [10, 1]);
    assert_eq!(ids(&calls).concat(), (0..11).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(backend.requests, [("events:PutEvents", 2)].into());
    // A dollar for a million.
    assert!((backend.nano_usd - 11_000.0).abs() < 1e-6, "{}", backend.nano_usd);
    assert!(bus.hand_over(&[]).await.is_empty());
    assert_eq!(script.calls().len(), 2);
}

#[tokio::test]
async fn each_is_answered_for_in_its_place() {
    for (code, expected) in [
        ("ThrottlingException", ".t..t.........t..t.."),
        ("InternalFailure", ".u..u.........u..u.."),
        ("AccessDeniedException", ".u..u.........u..u.."),
        ("InvalidArgument", ".u..u.........u..u.."),
        ("MalformedDetail", ".m..m.........m..m.."),
    ] {
        let some = Answer::AllBut(&[1, 4], code);
        let others = Answer::AllBut(&[4, 7], code);
        let (bus, script) = bus(vec![some, others]);
        let (results, counted) = scope(bus.hand_over(&events(20))).await;
        assert_eq!(words(&results), expected, "{code}");
        // What was refused is handed over again by whoever has it: nothing here sends an entry twice.
        assert_eq!(script.calls().len(), 2, "{code}");
        assert!((counted.backend.nano_usd - 16_000.0).abs() < 1e-6, "only what is taken is billed");
    }
}

#[tokio::test]
async fn a_throttled_call_is_tried_again_and_then_each_is_throttled() {
    let (busy, script) = bus(vec![refused("ThrottlingException"), ALL]);
    assert_eq!(words(&busy.hand_over(&events(2)).await), "..");
    assert_eq!(ids(&script.calls()), [["0", "1"], ["0", "1"]]);

    let (busier, script) = bus(vec![refused("ThrottlingException")]);
    assert_eq!(words(&busier.hand_over(&events(2)).await), "tt");
    assert_eq!(script.calls().len(), 3);
}

/// Whether such a call took effect is not known: its events are told again, under the same ids.
#[tokio::test]
async fn a_lost_answer_is_no_answer_for_any_of_the_call() {
    for lost in [Answer::Breaks, Answer::Never, Answer::Is(500, String::new())] {
        let (bus, script) = bus(vec![lost.clone(), lost.clone(), lost, ALL]);
        assert_eq!(words(&bus.hand_over(&events(12)).await), "uuuuuuuuuu..");
        assert_eq!(script.calls().len(), 4);
    }
}

/// The bus is not there, or is not ours: that is no reason to throw events away.
#[tokio::test]
async fn a_call_that_is_refused_whole_says_nothing_of_its_events() {
    for code in ["AccessDeniedException", "ValidationException", "ResourceNotFoundException"] {
        let (bus, script) = bus(vec![refused(code)]);
        let results = bus.hand_over(&events(2)).await;
        assert_eq!(words(&results), "uu", "{code}");
        assert!(format!("{:?}", results[0]).contains("by the script"), "{results:?}");
        assert_eq!(script.calls().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn what_an_answer_says_nothing_of_is_not_taken() {
    let answer = r#"{"FailedEntryCount":0,"Entries":[{"EventId":"1"},{}]}"#;
    let (bus, _) = bus(vec![Answer::Is(200, answer.to_owned())]);
    assert_eq!(words(&bus.hand_over(&events(3)).await), ".uu");
}

#[tokio::test]
async fn a_call_has_a_quarter_of_a_megabyte_at_most() {
    let (bus, script) = bus(vec![ALL]);
    let mut events = events(6);
    for (event, kilobytes) in events.iter_mut().zip([1, 100, 100, 100, 300, 1]) {
        event.artifact_type = Some("x".repeat(kilobytes * 1024));
    }
    assert_eq!(words(&bus.hand_over(&events).await), "....m.");
    assert_eq!(ids(&script.calls()), [vec!["0", "1", "2"], vec!["3"], vec!["5"]]);
}

#[tokio::test]
async fn no_call_begins_when_the_time_is_over() {
    // Each look at the clock finds six seconds more: the second call would begin after twelve.
    let (slow, script) = bus_whose_calls_take(Duration::from_secs(6), vec![ALL]);
    assert_eq!(words(&slow.hand_over(&events(35)).await), format!("..........{}", "u".repeat(25)));
    assert_eq!(script.calls().len(), 1);
}
