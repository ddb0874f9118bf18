#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use bytes::Bytes;
use futures_util::stream;
use moorage_oci::{Digest, RepositoryName};
use moorage_operations::{Common, Settings, TokenSecret};
use moorage_ports::contract::Memory;
use moorage_ports::testing_context::TestContext;
use moorage_ports::{CountCalls, Durability, Key, Nonce, ReadTable as _, WriteBlobs as _};
use serde_json::{Value, json};

use super::*;

struct World {
    memory: Arc<Memory>,
    push: Push,
    clock: Arc<dyn Clock>,
}

impl World {
    fn new() -> Self {
        let context = TestContext::new(0).context();
        let memory = Arc::new(Memory::default());
        let common = Common {
            context: context.clone(),
            settings: Arc::new(Settings::default()),
            secret: TokenSecret::new(*b"secret"),
        };
        let counted = Arc::new(CountCalls::new(memory.clone()));
        let push = Push::new(counted.clone(), counted, common);
        Self { memory, push, clock: context.clock }
    }

    async fn put(&self, repository: &str, bytes: &'static [u8]) -> ObjectKey {
        let digest = Digest::sha256(bytes);
        let repository: RepositoryName = repository.parse().expect("it is a name");
        let key = ObjectKey::blob(&digest, &repository, Nonce(7));
        let body = Box::pin(stream::iter([Ok(Bytes::from_static(bytes))]));
        self.memory.put(&key, &digest, None, body, Durability::OnAnswer).await.expect("it is stored");
        key
    }

    /// What S3 says of objects, by key and size.
    async fn told(&self, objects: &[(&str, usize)]) -> (Result<(), Error>, String) {
        let records: Vec<Value> = objects.iter().map(|(key, size)| record(key, *size)).collect();
        let event = RawValue::from_string(json!({ "Records": records }).to_string()).expect("it is JSON");
        let (result, counted) = calls::scope(ingest(&self.push, &self.clock, &event)).await;
        (result, counted.calls.to_string())
    }

    async fn has(&self, repository: &str, bytes: &[u8]) -> bool {
        let repository = repository.parse().expect("it is a name");
        let grant = self.memory.get(&Key::grant(&repository, &Digest::sha256(bytes))).await;
        grant.expect("it is read").is_some()
    }
}

/// As S3 sends it.
fn record(key: &str, size: usize) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
        "eventTime": "2026-11-24T20:00:00.000Z", "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "A" },
        "requestParameters": { "sourceIPAddress": "10.0.0.1" },
        "responseElements": { "x-amz-request-id": "1", "x-amz-id-2": "2" },
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "1",
            "bucket": { "name": "b", "ownerIdentity": { "principalId": "A" }, "arn": "arn:aws:s3:::b" },
            "object": { "key": key.replace(':', "%3A"), "size": size, "eTag": "e", "sequencer": "0" }
        }
    })
}

#[tokio::test]
async fn a_blob_is_recorded_once() {
    let world = World::new();
    let key = world.put("library/app", b"layer").await;
    let (result, calls) = world.told(&[(key.as_str(), 5)]).await;
    assert!(result.is_ok() && world.has("library/app", b"layer").await);
    assert_eq!(calls, "2 table (1 batch_get of 3, 1 transact of 4), 1 blob (1 size)");
    // As every object that our own push function makes is told of.
    let (result, calls) = world.told(&[(key.as_str(), 5)]).await;
    assert!(result.is_ok());
    assert_eq!(calls, "1 table (1 batch_get of 3)");
}

#[tokio::test]
async fn what_is_no_blob_is_passed_over() {
    let world = World::new();
    let key = world.put("app", b"layer").await;
    let foreign = ["photo+of%20a+cat.jpg", "uploads/00000000000000000000000000000007", "%ff", ""];
    let mut objects: Vec<(&str, usize)> = foreign.iter().map(|key| (*key, 5)).collect();
    objects.push((key.as_str(), 5));
    let (result, _) = world.told(&objects).await;
    assert!(result.is_ok() && world.has("app", b"layer").await);
    let (_, calls) = world.told(&objects[..4]).await;
    assert_eq!(calls, "none");
}

#[tokio::test]
async fn an_object_that_is_gone_or_another_is_not_recorded() {
    let world = World::new();
    let key = world.put("app", b"layer").await;
    let gone = key.as_str().replace("/app/", "/other/");
    let (result, calls) = world.told(&[(gone.as_str(), 5), (key.as_str(), 6)]).await;
    assert!(result.is_ok() && !world.has("app", b"layer").await && !world.has("other", b"layer").await);
    assert_eq!(calls, "2 table (2 batch_get of 6), 2 blob (2 size)");
}

#[tokio::test]
async fn only_what_is_no_event_of_s3_fails() {
    let world = World::new();
    for (event, is_right) in [
        (json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b" }), true),
        (json!({ "Records": [] }), true),
        (json!({ "Event": "another" }), false),
        (json!([]), false),
    ] {
        let raw = RawValue::from_string(event.to_string()).expect("it is JSON");
        assert_eq!(ingest(&world.push, &world.clock, &raw).await.is_ok(), is_right, "{event}");
    }
}

#[test]
fn keys_are_decoded_as_forms_are() {
    assert_eq!(decoded("sha256%3A00/a+b%2Bc/%C3%BC"), "sha256:00/a b+c/ü");
}
