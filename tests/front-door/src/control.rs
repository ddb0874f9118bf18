//! The second address: events come in here, and the state goes out, with what the functions told the bus.

use crate::answer::{Answer, json as json_answer, message};
use crate::door::Door;
use crate::limits::CONTROL_BYTES_MAX;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) async fn handle(door: Arc<Door>, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    if (parts.method == Method::GET) && parts.uri.path() == "/state" {
        return json_answer(StatusCode::OK, door.state().to_string());
    }
    if (parts.method == Method::GET) && parts.uri.path() == "/bus" {
        return json_answer(StatusCode::OK, door.bus.entries().to_string());
    }
    let Ok(body) = Limited::new(body, CONTROL_BYTES_MAX).collect().await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "at most 16 MiB");
    };
    let value: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null);
    let queued = match (parts.method, parts.uri.path()) {
        (Method::POST, "/events/s3") => {
            let Some(key) = value.get("key").and_then(Value::as_str) else {
                return message(StatusCode::BAD_REQUEST, "needs key, size and bucket as JSON");
            };
            let size = value.get("size").and_then(Value::as_u64).unwrap_or(0);
            let bucket = value.get("bucket").and_then(Value::as_str).unwrap_or(&door.bucket);
            door.object_created(bucket, key, size)
        }
        (Method::POST, "/events/stream") => match value.get("Records").unwrap_or(&value) {
            Value::Array(records) => door.changed(records),
            _ => return message(StatusCode::BAD_REQUEST, "needs Records as JSON"),
        },
        (Method::POST, "/events/schedule") => door.scheduled(),
        (Method::POST, "/bus") => {
            if !value.as_str().is_some_and(|word| door.bus.behave(word)) {
                return message(StatusCode::BAD_REQUEST, "needs how the bus is to behave, as a JSON text");
            }
            Some(0)
        }
        _ => return message(StatusCode::NOT_FOUND, "Not Found"),
    };
    match queued {
        Some(queued) => json_answer(StatusCode::ACCEPTED, json!({ "queued": queued }).to_string()),
        None => message(StatusCode::TOO_MANY_REQUESTS, "too many events are pending"),
    }
}
