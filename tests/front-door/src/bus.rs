//! A bus of EventBridge, as far as `PutEvents` goes: keeps what it took, and fails when it is told to
//! (EventBridge API reference, "PutEvents" and "PutEventsResultEntry"; AWS JSON 1.1 protocol).

use crate::answer::{Answer, json as json_answer, message};
use crate::function::lock;
use crate::limits::{BUS_ENTRIES_BYTES_MAX, BUS_ENTRIES_MAX, CONTROL_BYTES_MAX};
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use std::sync::Mutex;

/// What becomes of what is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mood {
    #[default]
    Works,
    /// Every second entry is throttled.
    RefusesSome,
    /// Every call is answered 500, and nothing of it is kept.
    IsDown,
    /// Every call is answered 500, and all of it is kept.
    LosesItsAnswer,
}

#[derive(Debug, Default)]
pub(crate) struct Bus(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    mood: Mood,
    entries: Vec<Value>,
    calls: u64,
    refused: u64,
}

impl Bus {
    /// One request to the bus's own address.
    pub(crate) async fn handle(&self, request: Request<Incoming>) -> Answer {
        let (parts, body) = request.into_parts();
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        if parts.method != Method::POST || target != Some("AWSEvents.PutEvents") {
            return refused("UnknownOperationException", "only PutEvents is built here");
        }
        let Ok(body) = Limited::new(body, CONTROL_BYTES_MAX).collect().await else {
            return message(StatusCode::PAYLOAD_TOO_LARGE, "at most 16 MiB");
        };
        match serde_json::from_slice::<Value>(&body.to_bytes()) {
            Ok(call) => self.put_events(&call),
            Err(error) => refused("SerializationException", &error.to_string()),
        }
    }

    fn put_events(&self, call: &Value) -> Answer {
        let entries = call.get("Entries").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if entries.is_empty() || entries.len() > BUS_ENTRIES_MAX {
            return refused("ValidationException", "1 to 10 entries");
        }
        if entries.iter().map(bytes).sum::<usize>() > BUS_ENTRIES_BYTES_MAX {
            return refused(
                "ValidationException",
                "Total size of the entries in the request is over the limit.",
            );
        }
        let mut kept = lock(&self.0);
        kept.calls += 1;
        if kept.mood == Mood::IsDown {
            return answered(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "__type": "InternalException" }));
        }
        let mut results = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            let refusal = wrong(entry).or_else(|| {
                (kept.mood == Mood::RefusesSome && place % 2 == 1).then_some("ThrottlingException")
            });
            if let Some(code) = refusal {
                kept.refused += 1;
                results.push(json!({ "ErrorCode": code, "ErrorMessage": "by the front door" }));
            } else {
                kept.entries.push(entry.clone());
                results.push(json!({ "EventId": format!("{:032x}", kept.entries.len()) }));
            }
        }
        if kept.mood == Mood::LosesItsAnswer {
            return answered(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "__type": "InternalException" }));
        }
        let failed = results.iter().filter(|result| result.get("ErrorCode").is_some()).count();
        answered(StatusCode::OK, &json!({ "FailedEntryCount": failed, "Entries": results }))
    }

    /// What the control address says of it: all entries that were taken.
    pub(crate) fn entries(&self) -> Value {
        Value::Array(lock(&self.0).entries.clone())
    }

    /// From now on it behaves so; `false` where nobody knows the word.
    pub(crate) fn behave(&self, word: &str) -> bool {
        let mood = match word {
            "works" => Mood::Works,
            "refuses some" => Mood::RefusesSome,
            "is down" => Mood::IsDown,
            "loses its answer" => Mood::LosesItsAnswer,
            _ => return false,
        };
        lock(&self.0).mood = mood;
        true
    }

    pub(crate) fn state(&self) -> Value {
        let kept = lock(&self.0);
        json!({ "calls": kept.calls, "taken": kept.entries.len(), "refused": kept.refused })
    }
}

/// Why this entry is never taken.
fn wrong(entry: &Value) -> Option<&'static str> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (Some(source), Some(_), Some(detail), Some(_)) =
        (text("Source"), text("DetailType"), text("Detail"), text("EventBusName"))
    else {
        return Some("InvalidArgument");
    };
    if source.starts_with("aws.") {
        return Some("NotAuthorizedForSourceException");
    }
    let is_object = serde_json::from_str::<Value>(detail).is_ok_and(|detail| detail.is_object());
    (!is_object).then_some("MalformedDetail")
}

/// As the user guide counts it ("Calculating PutEvents event entry size").
fn bytes(entry: &Value) -> usize {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map_or(0, str::len);
    14 + text("Source") + text("DetailType") + text("Detail")
}

fn refused(code: &str, why: &str) -> Answer {
    answered(StatusCode::BAD_REQUEST, &json!({ "__type": code, "message": why }))
}

fn answered(status: StatusCode, body: &Value) -> Answer {
    let mut answer = json_answer(status, body.to_string());
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(detail: &str) -> Value {
        json!({ "Source": "s", "DetailType": "t", "Detail": detail, "EventBusName": "b" })
    }

    fn put(bus: &Bus, entries: &[Value]) -> u16 {
        bus.put_events(&json!({ "Entries": entries })).status().as_u16()
    }

    #[test]
    fn what_is_well_formed_is_kept() {
        let bus = Bus::default();
        let mut aws = entry("{}");
        aws["Source"] = json!("aws.s3");
        let entries = [entry("{}"), entry("[]"), entry("no JSON"), aws, json!({ "Source": "s" })];
        assert_eq!(put(&bus, &entries), 200);
        assert_eq!(bus.state(), json!({ "calls": 1, "taken": 1, "refused": 4 }));
        assert_eq!(bus.entries(), json!([entry("{}")]));
    }

    #[test]
    fn a_call_has_its_bounds() {
        let bus = Bus::default();
        assert_eq!(put(&bus, &vec![entry("{}"); 11]), 400);
        assert_eq!(put(&bus, &[]), 400);
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(131_000));
        assert_eq!((put(&bus, &[entry(&long)]), put(&bus, &[entry(&long), entry(&long)])), (200, 200));
        assert_eq!(put(&bus, &vec![entry(&long); 3]), 400);
    }

    #[test]
    fn it_behaves_as_it_is_told() {
        let bus = Bus::default();
        for (word, status, taken) in
            [("refuses some", 200, 2), ("is down", 500, 2), ("loses its answer", 500, 5), ("works", 200, 8)]
        {
            assert!(bus.behave(word));
            assert_eq!(put(&bus, &vec![entry("{}"); 3]), status, "{word}");
            assert_eq!(bus.state()["taken"], taken, "{word}");
        }
        assert!(!bus.behave("dances"));
    }
}
