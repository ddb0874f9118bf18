//! What a function is asked first.

use anyhow::{Context, Result};
use serde_json::{Value, json};

const MANIFEST: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

/// The push of what `pull` reads.
pub fn seed() -> Result<Value> {
    Ok(request("PUT", "/v2/cold/manifests/v1", Some(MANIFEST)))
}

/// The first event of a function; `round` tells it from others where it writes.
pub fn first(function: &str, round: usize) -> Result<Value> {
    match function {
        "pull" => Ok(request("GET", "/v2/cold/manifests/v1", None)),
        "push" => Ok(request("PUT", &format!("/v2/cold-{round}/manifests/v1"), Some(MANIFEST))),
        // An object that is not there: read, and found to be none.
        "ingest" => Ok(json!({"Records": [object_created()]})),
        "collect" => Ok(json!({"Records": []})),
        other => {
            Err(anyhow::anyhow!("no event is known for {other}")).context("pull, push, ingest or collect")
        }
    }
}

/// A request as API Gateway sends it in its payload format 2.0.
fn request(method: &str, path: &str, body: Option<&str>) -> Value {
    let mut headers = json!({"host": "registry.example", "user-agent": "cold-start"});
    if body.is_some() {
        headers["content-type"] = json!("application/vnd.oci.image.index.v1+json");
    }
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "registry.example", "domainPrefix": "api",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "cold-start"},
            "requestId": "id", "routeKey": "$default", "stage": "$default",
            "time": "24/Nov/2026:12:00:00 +0000", "timeEpoch": 1_795_521_600_000_i64
        },
        "body": body, "isBase64Encoded": false
    })
}

fn object_created() -> Value {
    let key = format!("sha256%3A{}/cold/{}", "0".repeat(64), "0".repeat(32));
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
        "eventTime": "2026-11-24T12:00:00.000Z", "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "id"}, "requestParameters": {"sourceIPAddress": "192.0.2.1"},
        "responseElements": {"x-amz-request-id": "id", "x-amz-id-2": "id"},
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "id",
            "bucket": {"name": "cold-start", "ownerIdentity": {"principalId": "id"}, "arn": "arn:aws:s3:::cold-start"},
            "object": {"key": key, "size": 1, "eTag": "tag", "sequencer": "0"}
        }
    })
}
