//! The functions' front over storage in memory, in the forms that Lambda hands over and takes.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::stream;
use moorage_http::{Access, Halves};
use moorage_oci::{Algorithm, Digest};
use moorage_operations::{Common, Pull, Push, Settings, TokenSecret};
use moorage_ports::contract::Memory;
use moorage_ports::testing_context::TestContext;
use moorage_ports::{Object, ObjectBody, ObjectKey, PortError, ReadBlobs};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Both functions on one storage.
struct World {
    pull: Registry,
    push: Registry,
}

/// An answer as API Gateway reads it.
#[derive(Debug)]
struct Read {
    status: u64,
    headers: Value,
    body: Vec<u8>,
}

impl Read {
    fn header(&self, name: &str) -> &str {
        self.headers[name].as_str().unwrap_or_default()
    }

    fn code(&self) -> String {
        let errors: Value = serde_json::from_slice(&self.body).expect("an error is JSON");
        errors["errors"][0]["code"].as_str().expect("it has a code").to_owned()
    }
}

impl World {
    fn new() -> Self {
        Self::reading(|memory| memory)
    }

    /// Where `pull` reads blobs through something.
    fn reading(through: impl FnOnce(Arc<Memory>) -> Arc<dyn ReadBlobs>) -> Self {
        let context = TestContext::new(0).context();
        let memory = Arc::new(Memory::default());
        let common = Common {
            context: context.clone(),
            settings: Arc::new(Settings::default()),
            secret: TokenSecret::new(*b"secret"),
        };
        let start = |halves| Registry::new(halves, Access::PullAndPush, context.clock.clone());
        Self {
            pull: start(Halves::Pull(Pull::new(memory.clone(), through(memory.clone()), common.clone()))),
            push: start(Halves::Push(Push::new(memory.clone(), memory, common))),
        }
    }

    async fn raw(&self, method: &str, event: &str) -> Read {
        let registry = if matches!(method, "GET" | "HEAD") { &self.pull } else { &self.push };
        let event = RawValue::from_string(event.to_owned()).expect("an event is JSON");
        let answer = serde_json::to_value(answer(registry, &event).await).expect("an answer is JSON");
        let body = answer["body"].as_str().unwrap_or_default();
        assert_eq!(answer["isBase64Encoded"], !body.is_empty());
        Read {
            status: answer["statusCode"].as_u64().expect("it has a status"),
            headers: answer["headers"].clone(),
            body: BASE64_STANDARD.decode(body).expect("a body is base64"),
        }
    }

    /// A request, its body as text where `body` is, in base64 where it is bytes.
    async fn ask(&self, line: &str, content_type: Option<&str>, body: Body<'_>) -> Read {
        let (method, target) = line.split_once(' ').expect("a method and a target");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (body, is_base64) = match body {
            Body::None => (Value::Null, false),
            Body::Text(text) => (text.into(), false),
            Body::Bytes(bytes) => (BASE64_STANDARD.encode(bytes).into(), true),
        };
        let event = json!({
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": content_type.map(|media_type| json!({ "content-type": media_type })).unwrap_or(json!({})),
            "requestContext": { "stage": "$default", "http": { "method": method, "path": path } },
            "body": body,
            "isBase64Encoded": is_base64,
        });
        self.raw(method, &event.to_string()).await
    }

    async fn get(&self, target: &str) -> Read {
        self.ask(&format!("GET {target}"), None, Body::None).await
    }

    async fn push_blob(&self, bytes: &[u8], content_type: Option<&str>) -> Digest {
        let digest = Digest::of(Algorithm::Sha256, bytes);
        let line = format!("POST /v2/app/blobs/uploads/?digest={digest}");
        let answer = self.ask(&line, content_type, Body::Bytes(bytes)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        digest
    }
}

enum Body<'b> {
    None,
    Text(&'b str),
    Bytes(&'b [u8]),
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Not UTF-8, with a byte order mark and a line end of every kind.
const ODD: &[u8] = b"\xef\xbb\xbf\xff\xfe\x00\r\n\n\x80";

#[tokio::test]
async fn bytes_come_out_as_they_went_in() {
    let world = World::new();
    for (index, content_type) in
        [Some("text/plain"), Some("application/vnd.x+json"), Some("application/octet-stream"), None]
            .into_iter()
            .enumerate()
    {
        let bytes = [ODD, &[index as u8]].concat();
        let digest = world.push_blob(&bytes, content_type).await;
        let answer = world.get(&format!("/v2/app/blobs/{digest}")).await;
        assert_eq!((answer.status, answer.body), (200, bytes));
    }
}

/// API Gateway hands text over as text: the bytes are its UTF-8.
#[tokio::test]
async fn a_manifest_keeps_its_byte_order_mark_as_text_and_in_base64() {
    let world = World::new();
    let document = |name: &str| {
        let document = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [],
            "annotations": { "name": name },
        });
        format!("\u{feff}{document}")
    };
    for (tag, as_text) in [("text", true), ("base64", false)] {
        let text = document(tag);
        let body = if as_text { Body::Text(&text) } else { Body::Bytes(text.as_bytes()) };
        let line = format!("PUT /v2/app/manifests/{tag}");
        let answer = world.ask(&line, Some("application/vnd.oci.image.index.v1+json"), body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(answer.header("docker-content-digest"), Digest::sha256(text.as_bytes()).as_str());
        let read = world.get(&format!("/v2/app/manifests/{tag}")).await;
        assert_eq!(read.body, text.as_bytes());
        let encoded = Digest::sha256(text.as_bytes()).as_str().replace(':', "%3A");
        assert_eq!(world.get(&format!("/v2/app/manifests/{encoded}")).await.body, text.as_bytes());
    }
}

#[tokio::test]
async fn a_manifest_that_is_not_utf8_is_invalid() {
    let world = World::new();
    let body = b"{\"schemaVersion\":2,\"x\":\"\xff\"}";
    let answer = world.ask("PUT /v2/app/manifests/v1", Some(MANIFEST), Body::Bytes(body)).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "MANIFEST_INVALID"));
}

#[tokio::test]
async fn a_head_says_how_long_the_get_is() {
    let world = World::new();
    let digest = world.push_blob(ODD, None).await;
    let head = world.ask(&format!("HEAD /v2/app/blobs/{digest}"), None, Body::None).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "10", 0));
    let missing = world.ask("HEAD /v2/app/manifests/none", None, Body::None).await;
    assert_eq!((missing.status, missing.body.len()), (404, 0));
}

/// What a pull function would send too much of never was a blob of its: those are redirected.
#[tokio::test]
async fn what_is_too_long_for_lambda_is_said_to_be() {
    let world = World::new();
    let digest = world.push_blob(&vec![7; crate::answer::BODY_BYTES_MAX], None).await;
    assert_eq!(world.get(&format!("/v2/app/blobs/{digest}")).await.status, 200);
    let digest = world.push_blob(&vec![7; crate::answer::BODY_BYTES_MAX + 1], None).await;
    let answer = world.get(&format!("/v2/app/blobs/{digest}")).await;
    assert_eq!((answer.status, answer.code().as_str()), (500, "UNSUPPORTED"));
    assert!(String::from_utf8_lossy(&answer.body).contains("MOORAGE_REDIRECT_BYTES_MIN"));
}

/// Only the first bytes of any object come.
struct BreaksOff(Arc<Memory>);

#[async_trait]
impl ReadBlobs for BreaksOff {
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Option<Object>, PortError> {
        let Some(object) = self.0.get(key, range).await? else { return Ok(None) };
        let pieces = [Ok(Bytes::from_static(b"first")), Err(PortError::Unavailable("it broke".to_owned()))];
        Ok(Some(Object { body: ObjectBody::Stream(Box::pin(stream::iter(pieces))), ..object }))
    }

    async fn signed_url(&self, _: &ObjectKey) -> Result<Option<String>, PortError> {
        Ok(None)
    }
}

/// Nothing of an answer is on its way before its last byte is here, so that it can still be a refusal.
#[tokio::test]
async fn an_answer_that_breaks_off_becomes_a_refusal() {
    let world = World::reading(|memory| Arc::new(BreaksOff(memory)));
    let digest = world.push_blob(&[7; 100], None).await;
    let answer = world.get(&format!("/v2/app/blobs/{digest}")).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "TOOMANYREQUESTS"));
    for header in ["content-length", "docker-content-digest"] {
        assert_eq!(answer.header(header), "", "nothing of the blob's answer is left");
    }
}

/// A half that gets the other's requests says so.
#[tokio::test]
async fn routes_that_are_wrong_are_noticed() {
    let world = World::new();
    let event = json!({ "rawPath": "/v2/app/tags/list", "requestContext": { "http": { "method": "GET" } } });
    let answer = world.raw("PUT", &event.to_string()).await;
    assert_eq!((answer.status, answer.code().as_str()), (421, "UNSUPPORTED"));
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_the_protocols_form() {
    let world = World::new();
    let line = json!({ "http": { "method": "GET" } });
    for event in [
        json!({}),
        json!(null),
        json!({ "rawPath": "/v2/" }),
        json!({ "rawPath": null, "requestContext": line }),
        json!({ "rawPath": "", "requestContext": line }),
        json!({ "rawPath": "v2", "requestContext": line }),
        json!({ "rawPath": format!("/{}", "a".repeat(1 << 17)), "requestContext": line }),
        json!({ "rawPath": "/v2/", "requestContext": { "http": { "method": "G E T" } } }),
        json!({ "rawPath": "/v2/", "requestContext": { "http": { "method": "" } } }),
        json!({ "rawPath": "/v2/", "requestContext": line, "headers": { "": "x" } }),
        json!({ "rawPath": "/v2/", "requestContext": line, "headers": { "a b": "x" } }),
        json!({ "rawPath": "/v2/", "requestContext": line, "headers": { "a": "x\r\ny: z" } }),
        json!({ "rawPath": "/v2/", "requestContext": line, "body": "no base64!", "isBase64Encoded": true }),
    ] {
        let answer = world.raw("GET", &event.to_string()).await;
        assert_eq!(answer.status, 400, "{event}");
        assert_eq!(answer.code(), "UNSUPPORTED");
        assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0");
    }
}

/// Each of these panics inside `lambda_http` 1.3.2, or fails its conversion.
#[tokio::test]
async fn odd_requests_are_only_odd() {
    let world = World::new();
    let with = |name: &str, value: Value| {
        let mut event = json!({ "rawPath": "/v2/", "requestContext": { "http": { "method": "GET" } } });
        event[name] = value;
        event.to_string()
    };
    for event in [
        with("rawQueryString", "a= \"<>{}\u{e9}".into()),
        with("headers", json!({ "host": "[::1", "x-forwarded-proto": "not a scheme" })),
        with("headers", json!({ "user-agent": "caf\u{e9}" })),
        with(
            "headers",
            (0..40_000).map(|n| (format!("h{n}"), "x".into())).collect::<serde_json::Map<_, _>>().into(),
        ),
    ] {
        let answer = world.raw("GET", &event).await;
        assert!(matches!(answer.status, 200 | 400), "{answer:?}");
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// Paths that begin as ours do, and any others.
fn paths() -> impl Strategy<Value = String> {
    prop_oneof![
        "/v2/[a-z%/ \"{}<>é?#]{0,20}/(blobs|manifests|tags|referrers)/[\\PC%:]{0,30}",
        "\\PC{0,40}",
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands where a client's bytes stand, there is an answer, and no function failed.
    #[test]
    fn there_is_always_an_answer(
        method in prop_oneof![Just("GET".to_owned()), Just("HEAD".to_owned()), Just("PUT".to_owned()), any::<String>()],
        path in paths(),
        query in prop_oneof!["(n|last|digest|mount|artifactType)=[\\PC]{0,20}", any::<String>()],
        headers in prop::collection::btree_map(any::<String>(), any::<String>(), 0..4),
        odd_headers in prop::collection::btree_map(
            prop_oneof![Just("host"), Just("range"), Just("content-range"), Just("content-length"), Just("content-type")],
            any::<String>(), 0..4),
        body in prop::option::of(any::<String>()),
        is_base64 in any::<bool>(),
    ) {
        let mut all = json!(headers);
        for (name, value) in odd_headers {
            all[name] = value.into();
        }
        let event = json!({
            "rawPath": path, "rawQueryString": query, "headers": all, "body": body, "isBase64Encoded": is_base64,
            "requestContext": { "http": { "method": method } },
        });
        let answer = block_on(World::new().raw(&method, &event.to_string()));
        prop_assert!((200..500).contains(&answer.status), "{answer:?}");
    }

    /// So it is with events that Lambda never sends.
    #[test]
    fn there_is_an_answer_to_any_json(field in "(rawPath|headers|requestContext|body|isBase64Encoded)", text in any::<String>()) {
        let mut event = json!({ "rawPath": "/v2/", "requestContext": { "http": { "method": "GET" } } });
        event[field] = json!([text, { "http": 7 }]);
        let answer = block_on(World::new().raw("GET", &event.to_string()));
        prop_assert_eq!(answer.status, 400);
    }

    /// A body is the same bytes in both forms.
    #[test]
    fn text_and_base64_are_one(text in "\\PC{1,60}") {
        let digest = Digest::sha256(text.as_bytes());
        let (read, line) = block_on(async {
            let world = World::new();
            let line = format!("POST /v2/app/blobs/uploads/?digest={digest}");
            let answer = world.ask(&line, Some("text/plain"), Body::Text(&text)).await;
            (world.get(&format!("/v2/app/blobs/{digest}")).await, answer.status)
        });
        prop_assert_eq!(line, 201);
        prop_assert_eq!(Bytes::from(read.body), Bytes::from(text));
    }
}
