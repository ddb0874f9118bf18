#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use serde_json::{Value, json};

use super::*;

fn told(event: &Value) -> Result<Value, Error> {
    let event = RawValue::from_string(event.to_string()).expect("it is JSON");
    read(&event).map(|told| serde_json::to_value(told.response).expect("it is JSON"))
}

/// As Lambda hands it over.
fn record(number: &str, keys: &Value, new: &Value) -> Value {
    json!({
        "eventID": "1", "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1", "eventSourceARN": "arn:aws:dynamodb:us-east-1:1:table/t/stream/s",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_795_000_000, "Keys": keys, "NewImage": new,
            "SequenceNumber": number, "SizeBytes": 26, "StreamViewType": "NEW_AND_OLD_IMAGES"
        }
    })
}

fn keys(partition: &str, sort: &str) -> Value {
    json!({ "PK": { "S": partition }, "SK": { "S": sort } })
}

/// A repository in the catalog.
fn readable(number: &str) -> Value {
    let keys = keys("catalog", "app");
    let mut new = keys.clone();
    new["format"] = json!({ "N": "1" });
    new["kind"] = json!({ "S": "catalog" });
    record(number, &keys, &new)
}

/// The bytes of a manifest, which are no change.
fn body(number: &str) -> Value {
    let keys = keys(&format!("manifest#app#sha256:{}", "0".repeat(64)), "0#body");
    let mut new = keys.clone();
    new["body"] = json!({ "B": "e30=" });
    record(number, &keys, &new)
}

#[test]
fn what_can_be_read_does_not_fail() {
    let response = told(&json!({ "Records": [readable("1"), body("2")] })).expect("it is an event");
    assert_eq!(response, json!({ "batchItemFailures": [] }));
}

#[test]
fn what_cannot_be_read_fails_alone() {
    let unknown = record("2", &keys("catalog", "app"), &json!({ "PK": { "S": "catalog" } }));
    let newer = {
        let mut newer = readable("3");
        newer["dynamodb"]["NewImage"]["format"] = json!({ "N": "1000" });
        newer
    };
    let odd = json!({ "dynamodb": { "SequenceNumber": "4" } });
    let event = json!({ "Records": [readable("1"), unknown, newer, odd, readable("5")] });
    let response = told(&event).expect("it is an event");
    let failed = ["2", "3", "4"].map(|number| json!({ "itemIdentifier": number }));
    assert_eq!(response, json!({ "batchItemFailures": failed }));
}

/// Named, it would take those behind it along when it is given up; so Lambda is made to split the batch until it is
/// alone.
#[test]
fn what_cannot_be_read_is_named_once_no_other_is_behind_it() {
    let unknown = || record("1", &keys("catalog", "app"), &json!({ "PK": { "S": "catalog" } }));
    assert!(told(&json!({ "Records": [unknown(), readable("2")] })).is_err());
    let response = told(&json!({ "Records": [unknown()] })).expect("it is an event");
    assert_eq!(response, json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] }));
}

/// Lambda then sends the whole batch again.
#[test]
fn a_record_without_a_number_fails_all() {
    assert!(told(&json!({ "Records": [readable("1"), {}] })).is_err());
}

#[test]
fn the_schedule_is_understood_and_nothing_else_is() {
    let scheduled =
        json!({ "version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
    assert_eq!(told(&scheduled).expect("it is an event"), json!({ "batchItemFailures": [] }));
    assert!(told(&json!({ "hello": "world" })).is_err());
}
