//! What a function is asked first.

use anyhow::{Result, bail};
use moorage_engines::s3::Stored;
use serde_json::{Value, json};

const MANIFEST: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
const MANIFEST_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// `hello`, and its digest.
const BLOB: &str = "aGVsbG8=";
pub const BLOB_DIGEST: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// The pushes of what the others read: a manifest with a tag, and a blob.
pub fn seeds() -> [Value; 2] {
    let blob = format!("/v2/cold/blobs/uploads/?digest={BLOB_DIGEST}");
    [push_manifest("cold"), request("POST", &blob, Some(("application/octet-stream", BLOB, true)))]
}

/// The first event of a function. `round` tells its push from others; `object` is the blob that was pushed.
pub fn first(function: &str, round: usize, object: &Stored) -> Result<Value> {
    match function {
        "pull" => Ok(request("GET", "/v2/cold/manifests/v1", None)),
        "push" => Ok(push_manifest(&format!("cold-{round}"))),
        "ingest" => Ok(json!({"Records": [object_created(object)]})),
        "collect" => Ok(json!({"Records": []})),
        other => bail!("no event is known for {other}: pull, push, ingest or collect"),
    }
}

fn push_manifest(repository: &str) -> Value {
    let path = format!("/v2/{repository}/manifests/v1");
    request("PUT", &path, Some((MANIFEST_TYPE, MANIFEST, false)))
}

/// A request as API Gateway sends it in its payload format 2.0; the body with its type, and whether it is in base64.
fn request(method: &str, target: &str, body: Option<(&str, &str, bool)>) -> Value {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = json!({"host": "registry.example", "user-agent": "cold-start"});
    if let Some((media_type, _, _)) = body {
        headers["content-type"] = json!(media_type);
    }
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "registry.example", "domainPrefix": "api",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "cold-start"},
            "requestId": "id", "routeKey": "$default", "stage": "$default",
            "time": "24/Nov/2026:12:00:00 +0000", "timeEpoch": 1_795_521_600_000_i64
        },
        "body": body.map(|(_, text, _)| text), "isBase64Encoded": body.is_some_and(|(_, _, base64)| base64)
    })
}

/// What S3 tells of an object; of the key's characters, only the colon is escaped in it.
fn object_created(object: &Stored) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
        "eventTime": "2026-11-24T12:00:00.000Z", "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "id"}, "requestParameters": {"sourceIPAddress": "192.0.2.1"},
        "responseElements": {"x-amz-request-id": "id", "x-amz-id-2": "id"},
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "id",
            "bucket": {"name": "cold-start", "ownerIdentity": {"principalId": "id"}, "arn": "arn:aws:s3:::cold-start"},
            "object": {"key": object.key.replace(':', "%3A"), "size": object.bytes, "eTag": "tag", "sequencer": "0"}
        }
    })
}
