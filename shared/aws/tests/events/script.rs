//! An HTTP client that answers by a script, as EventBridge would; a clock that passes when it is asked; events.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use moorage_aws::EventBridge;
use moorage_engines::Engines;
use moorage_oci::Digest;
use moorage_ports::testing_context::SeededRandom;
use moorage_ports::{Clock, Context, Event, Happened, Timestamp};
use serde_json::Value;

/// What becomes of one call.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Each entry is taken, but those at these places, which are refused with this code.
    AllBut(&'static [usize], &'static str),
    Is(u16, String),
    /// The connection breaks when the request was sent.
    Breaks,
    Never,
}

/// Answers by a script, its last line again and again; keeps the requests' entries.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<(Vec<Answer>, Vec<Value>)>>);

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl HttpConnector for Script {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        assert_eq!(request.headers().get("x-amz-target"), Some("AWSEvents.PutEvents"));
        let mut script = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).expect("JSON");
        let entries = body["Entries"].as_array().expect("entries").len();
        script.1.push(body["Entries"].clone());
        let answer = if script.0.len() > 1 { script.0.remove(0) } else { script.0[0].clone() };
        HttpConnectorFuture::new(async move {
            let (status, body) = match answer {
                Answer::AllBut(refused, code) => (200, results(entries, refused, code)),
                Answer::Is(status, body) => (status, body),
                Answer::Breaks => return Err(ConnectorError::io("the connection broke".into())),
                Answer::Never => std::future::pending().await,
            };
            let status = status.try_into().expect("the script has statuses");
            Ok(HttpResponse::new(status, SdkBody::from(body)))
        })
    }
}

impl HttpClient for Script {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn results(entries: usize, refused: &[usize], code: &str) -> String {
    let result = |place: usize| match refused.contains(&place) {
        true => format!(r#"{{"ErrorCode":"{code}","ErrorMessage":"by the script"}}"#),
        false => format!(r#"{{"EventId":"{place}"}}"#),
    };
    let results = (0..entries).map(result).collect::<Vec<_>>().join(",");
    format!(r#"{{"FailedEntryCount":{},"Entries":[{results}]}}"#, refused.len())
}

pub(crate) fn refused(code: &str) -> Answer {
    Answer::Is(400, format!(r#"{{"__type":"{code}","message":"by the script"}}"#))
}

/// A bus that answers so.
pub(crate) fn bus(answers: Vec<Answer>) -> (EventBridge, Script) {
    bus_whose_calls_take(Duration::ZERO, answers)
}

/// A bus whose clock says that so much time passed whenever it is looked at.
pub(crate) fn bus_whose_calls_take(time: Duration, answers: Vec<Answer>) -> (EventBridge, Script) {
    let script = Script(Arc::new(Mutex::new((answers, Vec::new()))));
    let timeouts = aws_smithy_types::timeout::TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_millis(50))
        .operation_timeout(Duration::from_secs(10))
        .build();
    let retries = aws_smithy_types::retry::RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(1));
    let sdk: SdkConfig = Engines::in_process()
        .sdk_config()
        .into_builder()
        .http_client(script.clone())
        .timeout_config(timeouts)
        .retry_config(retries)
        .build();
    let clock = Arc::new(Passing { step: time, now: Mutex::default() });
    let context = Context { clock, random: Arc::new(SeededRandom::new(7)) };
    (EventBridge::new(&sdk, "the-bus", "moorage", context), script)
}

impl Script {
    /// The entries of each call.
    pub(crate) fn calls(&self) -> Vec<Vec<Value>> {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone();
        calls.iter().map(|entries| entries.as_array().expect("entries").clone()).collect()
    }
}

struct Passing {
    step: Duration,
    now: Mutex<Duration>,
}

#[async_trait]
impl Clock for Passing {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn monotonic(&self) -> Duration {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now += self.step;
        *now
    }

    async fn sleep(&self, _: Duration) {}
}

/// So many events, each with its number as its id.
pub(crate) fn events(count: usize) -> Vec<Event> {
    (0..count).map(event).collect()
}

fn event(number: usize) -> Event {
    Event {
        id: number.to_string(),
        happened: Happened::Pushed,
        at: Timestamp(1_764_158_400_123),
        repository: "library/app".parse().expect("it is a name"),
        digest: Digest::sha256(number.to_string().as_bytes()),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        size: 1234,
        artifact_type: None,
        subject: None,
        tag: None,
    }
}
