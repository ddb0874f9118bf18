//! An HTTP client that answers by a script, a context that never waits, and the words of DynamoDB.

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
use moorage_aws::Table;
use moorage_engines::Engines;
use moorage_ports::testing_context::SeededRandom;
use moorage_ports::{Clock, Context, Fact, Item, Key, Nonce, Timestamp, Version};

/// One answer of the script.
#[derive(Clone)]
pub(crate) enum Answer {
    Is(u16, String),
    /// The connection breaks when the request was sent.
    Breaks,
    Never,
}

/// Answers by a script, its last line again and again; keeps the requests' bodies.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<(Vec<Answer>, Vec<String>)>>);

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl HttpConnector for Script {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut script = self.0.lock().expect("no test panics in here");
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        script.1.push(body);
        let answer = if script.0.len() > 1 { script.0.remove(0) } else { script.0[0].clone() };
        HttpConnectorFuture::new(async move {
            match answer {
                Answer::Is(status, body) => {
                    let status = status.try_into().expect("the script has statuses");
                    Ok(HttpResponse::new(status, SdkBody::from(body)))
                }
                Answer::Breaks => Err(ConnectorError::io("the connection broke".into())),
                Answer::Never => std::future::pending().await,
            }
        })
    }
}

impl HttpClient for Script {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

pub(crate) fn table(answers: Vec<Answer>) -> (Table, Script) {
    let (table, script, _) = table_and_pauses(answers);
    (table, script)
}

/// The same, and what it pauses for.
pub(crate) fn table_and_pauses(answers: Vec<Answer>) -> (Table, Script, Arc<Pauses>) {
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
    let pauses = Arc::new(Pauses::default());
    let context = Context { clock: pauses.clone(), random: Arc::new(SeededRandom::new(7)) };
    (Table::new(&sdk, "registry", context), script, pauses)
}

impl Script {
    pub(crate) fn requests(&self) -> Vec<String> {
        self.0.lock().expect("no test panics in here").1.clone()
    }
}

pub(crate) fn refused(code: &str) -> Answer {
    Answer::Is(
        400,
        format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"by the script"}}"#),
    )
}

pub(crate) fn cancelled(reasons: &str) -> Answer {
    let code = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    Answer::Is(
        400,
        format!(r#"{{"__type":"{code}","Message":"by the script","CancellationReasons":[{reasons}]}}"#),
    )
}

pub(crate) fn done() -> Answer {
    Answer::Is(200, r#"{"ConsumedCapacity":{"TableName":"registry","CapacityUnits":1.5}}"#.to_owned())
}

/// A clock that passes only by sleeping, which takes no time; keeps each pause.
#[derive(Default)]
pub(crate) struct Pauses(Mutex<Vec<Duration>>);

impl Pauses {
    pub(crate) fn all(&self) -> Vec<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Clock for Pauses {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn monotonic(&self) -> Duration {
        self.all().iter().sum()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(duration);
    }
}

/// The format under its key, at a version.
pub(crate) fn record(version: u128) -> Item {
    Item::at(Key::format(), Version(Nonce(version)), Fact::Format { number: 1 })
}

const FOUND_KEYS: &str =
    r#""PK":{"S":"moorage"},"SK":{"S":"format"},"format":{"N":"1"},"kind":{"S":"format"},"number":{"N":"1"}"#;

pub(crate) fn found_at(version: u128) -> String {
    format!(r#"{{{FOUND_KEYS},"version":{{"S":"{}"}}}}"#, Nonce(version))
}

pub(crate) fn refused_by(version: u128) -> Answer {
    let code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    Answer::Is(
        400,
        format!(r#"{{"__type":"{code}","message":"by the script","Item":{}}}"#, found_at(version)),
    )
}

/// An item of its own for each number, at the version of that number.
pub(crate) fn item(number: u128) -> Item {
    Item::at(Key::from_stored("p", &number.to_string()), Version(Nonce(number)), Fact::Catalog)
}

/// The same in DynamoDB's JSON.
pub(crate) fn item_json(number: u128) -> String {
    let version = Nonce(number);
    format!(
        r#"{{"PK":{{"S":"p"}},"SK":{{"S":"{number}"}},"format":{{"N":"1"}},"kind":{{"S":"catalog"}},"version":{{"S":"{version}"}}}}"#
    )
}
