//! Invocations nobody waits for (objects, the schedule): retried by Lambda as often as the template says.

use super::EventCounts;
use crate::chance::draw;
use crate::clock::{now_ms, sleep_ms};
use crate::event::iso_time;
use crate::function::{Function, Outcome};
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A key in S3's event is escaped as in a form, its slashes not (S3: "Event message structure").
const KEY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b' ');

pub(crate) fn object_created(bucket: &str, key: &str, size: u64, number: u64) -> Value {
    let key = utf8_percent_encode(key, KEY).to_string().replace(' ', "+");
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": iso_time(now_ms()),
        "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "front-door" },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": { "x-amz-request-id": format!("{number:016X}"), "x-amz-id-2": "front-door" },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "front-door",
            "bucket": {
                "name": bucket,
                "ownerIdentity": { "principalId": "front-door" },
                "arn": format!("arn:aws:s3:::{bucket}"),
            },
            "object": { "key": key, "size": size, "sequencer": format!("{number:016X}") },
        },
    }] })
}

pub(crate) fn scheduled() -> Value {
    json!({
        "version": "0",
        "id": "front-door",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": iso_time(now_ms()),
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/front-door"],
        "detail": {},
    })
}

/// Delivers one event, in its own task: at once when calm; late and sometimes twice when rough.
pub(crate) async fn deliver(
    function: Arc<Function>,
    counts: Arc<EventCounts>,
    event: Value,
    rough: Option<u64>,
    number: u64,
) {
    let payload = Bytes::from(event.to_string());
    let mut times = 1;
    if let Some(seed) = rough {
        sleep_ms(draw(seed, "late", number) % 300).await;
        times += u64::from(draw(seed, "twice", number).is_multiple_of(3));
    }
    for time in 0..times {
        let done = with_retries(&function, &payload, number).await;
        match (time, done) {
            (0, true) => counts.delivered.fetch_add(1, Relaxed),
            (0, false) => counts.failed.fetch_add(1, Relaxed),
            _ => counts.duplicates.fetch_add(1, Relaxed),
        };
        if let Some(seed) = rough.filter(|_| time + 1 < times) {
            sleep_ms(draw(seed, "again", number) % 300).await;
        }
    }
    counts.pending.fetch_sub(1, Relaxed);
}

/// Lambda waits one and two minutes between the tries; here tenths of a second.
async fn with_retries(function: &Arc<Function>, payload: &Bytes, number: u64) -> bool {
    for retry in 0..=function.spec.async_retries {
        sleep_ms(retry * 100).await;
        if let Outcome::Result(_) = function.invoke(payload.clone(), format!("event-{number}")).await {
            return true;
        }
    }
    eprintln!("front door: event {number} for {} failed for good", function.spec.name);
    false
}
