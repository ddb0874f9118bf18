//! The bus that the functions tell what happens.

use super::support::{Door, exchange, json};
use serde_json::{Value, json};

fn put_events(door: &Door, details: &[&str]) -> (u16, Value) {
    let entry =
        |detail: &&str| json!({ "Source": "s", "DetailType": "t", "Detail": detail, "EventBusName": "b" });
    let body = json!({ "Entries": details.iter().map(entry).collect::<Vec<_>>() }).to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-amz-target: AWSEvents.PutEvents\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let (status, _, body) = exchange(&door.bus, &head, body.as_bytes());
    (status, json(&body))
}

#[test]
fn it_keeps_what_it_took_and_fails_as_it_is_told() {
    let door = Door::start(&[]);
    let (status, answer) = put_events(&door, &[r#"{"id":"1"}"#, "no JSON"]);
    assert_eq!((status, &answer["FailedEntryCount"]), (200, &1.into()));
    assert_eq!(answer["Entries"][1]["ErrorCode"], "MalformedDetail");
    door.tell("/bus", r#""is down""#);
    assert_eq!(put_events(&door, &[r#"{"id":"2"}"#]).0, 500);
    door.tell("/bus", r#""works""#);
    assert_eq!(put_events(&door, &[r#"{"id":"3"}"#]).0, 200);
    let taken = door.said("/bus");
    let details: Vec<_> = taken.as_array().expect("entries").iter().map(|entry| &entry["Detail"]).collect();
    assert_eq!(details, [r#"{"id":"1"}"#, r#"{"id":"3"}"#]);
    assert_eq!(door.state()["bus"], json!({ "calls": 3, "taken": 2, "refused": 1 }));
}

/// The SDK finds it by itself.
#[test]
fn a_function_is_told_where_it_is() {
    let door = Door::start(&[]);
    assert_eq!(door.get("/v2/").0, 200);
    let pid = &door.state()["functions"]["Echo"]["instances"][0];
    let environment = std::fs::read(format!("/proc/{pid}/environ")).expect("it runs");
    let wanted = format!("AWS_ENDPOINT_URL_EVENTBRIDGE=http://{}", door.bus);
    assert!(environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()));
}
