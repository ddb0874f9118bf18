//! Objects and the schedule: events that nobody waits for.

use super::support::Door;

#[test]
fn object_events_are_filtered_and_come_late_twice_and_in_no_order() {
    let door = Door::start(&["--events", "rough", "--seed", "3"]);
    door.tell("/events/s3", r#"{"key":"uploads/x","size":1}"#);
    for number in 0..20 {
        door.tell("/events/s3", &format!(r#"{{"key":"sha256:a/b c/{number}","size":{number}}}"#));
    }
    let state = door.until(|state| state["events"]["pending"] == 0);
    assert_eq!(state["events"]["delivered"], 20);
    let twice = state["events"]["duplicates"].as_u64().expect("a number");
    let sizes: Vec<_> =
        door.events().iter().map(|event| event["Records"][0]["s3"]["object"]["size"].as_u64()).collect();
    assert!(twice > 0 && sizes.len() as u64 == 20 + twice, "{state}");
    assert!(!sizes.is_sorted(), "{sizes:?}");
    assert_eq!(door.events()[0]["Records"][0]["s3"]["bucket"]["name"], "bytes");
    let key = door.events()[0]["Records"][0]["s3"]["object"]["key"].as_str().map(str::to_owned);
    assert!(key.expect("a key").starts_with("sha256%3Aa/b+c/"));
}

#[test]
fn the_schedule_fires() {
    let door = Door::start(&[]);
    door.tell("/events/schedule", "");
    door.until(|state| state["events"]["delivered"] == 1);
    assert_eq!(door.events()[0]["detail-type"], "Scheduled Event");
}
