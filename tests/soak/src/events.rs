//! What AWS does between the table and the function `collect`: hands over the records of the table's stream, shard by
//! shard, and calls it by the schedule. The front door delivers both as roughly as it was told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use moorage_kills::http::{Body, Connection, Request};
use serde_json::json;

use crate::dynamodb::DynamoDb;

/// Between two looks at the stream.
const PAUSE: Duration = Duration::from_millis(200);

/// The schedule. In the template it is a minute, for a grace of a day.
const SCHEDULE: Duration = Duration::from_secs(1);

/// At the end, when no function is called by the schedule any more: so long after the last record the stream is taken
/// to be read, and is so by then.
const QUIET: Duration = Duration::from_secs(2);
const ENDS_WITHIN: Duration = Duration::from_secs(60);

/// Hands events to the front door until it is told to stop, and what was still on its way then; how many records there
/// were.
pub fn deliver(mut dynamodb: DynamoDb, control: SocketAddr, stop: &AtomicBool) -> Result<usize> {
    let mut front_door = Connection::new(control);
    let stream = dynamodb.stream()?;
    // Where each shard goes on; `None` once it was read to its end.
    let mut places: BTreeMap<String, Option<String>> = BTreeMap::new();
    let (mut delivered, mut scheduled) = (0, Instant::now());
    let (mut last_record, mut stopped) = (Instant::now(), None);
    loop {
        if stop.load(Ordering::SeqCst) {
            let since = *stopped.get_or_insert_with(Instant::now);
            if last_record.max(since).elapsed() > QUIET || since.elapsed() > ENDS_WITHIN {
                return Ok(delivered);
            }
        }
        for (shard, parent) in dynamodb.shards(&stream)? {
            // What came before in the same items is in the parent.
            let is_parent_done = parent.is_none_or(|parent| places.get(&parent).is_none_or(Option::is_none));
            if !places.contains_key(&shard) && is_parent_done {
                places.insert(shard.clone(), Some(dynamodb.beginning(&stream, &shard)?));
            }
            let Some(Some(iterator)) = places.get(&shard) else { continue };
            let (mut records, next) = dynamodb.records(iterator)?;
            places.insert(shard, next);
            for record in &mut records {
                record["eventSourceARN"] = json!(stream);
            }
            delivered += records.len();
            if !records.is_empty() {
                last_record = Instant::now();
                tell(&mut front_door, "stream", &json!({ "Records": records }))?;
            }
        }
        if stopped.is_none() && scheduled.elapsed() > SCHEDULE {
            scheduled = Instant::now();
            tell(&mut front_door, "schedule", &json!({}))?;
        }
        std::thread::sleep(PAUSE);
    }
}

fn tell(front_door: &mut Connection, what: &str, event: &serde_json::Value) -> Result<()> {
    let (target, bytes) = (format!("/events/{what}"), event.to_string());
    let request =
        Request { method: "POST", target: &target, headers: &[], body: Body::Whole(bytes.as_bytes()) };
    let answer = front_door.ask(&request).map_err(|broken| anyhow::anyhow!(broken.reason))?;
    ensure!(answer.status < 300, "the front door took no event: {}", answer.status);
    Ok(())
}
