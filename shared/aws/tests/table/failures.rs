//! What an emulator never does, by a client that answers by a script.

use std::sync::{Arc, Mutex};
use std::time::Duration;

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
use moorage_ports::calls::{Counted, scope};
use moorage_ports::{
    Action, Context, Durability, Expect, Fact, Item, Key, Nonce, PortError, ReadTable, Transacted, Version,
    WriteTable, Written,
};

/// One answer of the script.
#[derive(Clone)]
enum Answer {
    Is(u16, String),
    /// The connection breaks when the request was sent.
    Breaks,
    Never,
}

/// Answers by a script, its last line again and again; keeps the requests' bodies.
#[derive(Clone)]
struct Script(Arc<Mutex<(Vec<Answer>, Vec<String>)>>);

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

fn table(answers: Vec<Answer>) -> (Table, Script) {
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
    (Table::new(&sdk, "registry", Context::system()), script)
}

impl Script {
    fn requests(&self) -> Vec<String> {
        self.0.lock().expect("no test panics in here").1.clone()
    }
}

fn refused(code: &str) -> Answer {
    Answer::Is(
        400,
        format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"by the script"}}"#),
    )
}

fn cancelled(reasons: &str) -> Answer {
    let code = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    Answer::Is(
        400,
        format!(r#"{{"__type":"{code}","Message":"by the script","CancellationReasons":[{reasons}]}}"#),
    )
}

fn done() -> Answer {
    Answer::Is(200, r#"{"ConsumedCapacity":{"TableName":"registry","CapacityUnits":1.5}}"#.to_owned())
}

/// The format under its key, at a version.
fn record(version: u128) -> Item {
    Item::at(Key::format(), Version(Nonce(version)), Fact::Format { number: 1 })
}

const FOUND_KEYS: &str =
    r#""PK":{"S":"moorage"},"SK":{"S":"format"},"format":{"N":"1"},"kind":{"S":"format"},"number":{"N":"1"}"#;

fn found_at(version: u128) -> String {
    format!(r#"{{{FOUND_KEYS},"version":{{"S":"{}"}}}}"#, Nonce(version))
}

fn refused_by(version: u128) -> Answer {
    let code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    Answer::Is(
        400,
        format!(r#"{{"__type":"{code}","message":"by the script","Item":{}}}"#, found_at(version)),
    )
}

async fn put(table: &Table, expect: Expect) -> Result<Written, PortError> {
    table.put(record(1), expect, Durability::OnAnswer).await
}

#[tokio::test]
async fn throttling_is_said_after_three_attempts() {
    for code in ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"] {
        let (table, script) = table(vec![refused(code)]);
        let (answer, Counted { backend, .. }) = scope(put(&table, Expect::Anything)).await;
        assert!(matches!(answer, Err(PortError::Throttled(_))), "{code}: {answer:?}");
        assert_eq!(script.requests().len(), 3, "{code}");
        // The SDK's interceptors run in the task of the request.
        assert_eq!(backend.requests, [("dynamodb:PutItem", 3)].into());
        assert_eq!(backend.retries, 2);
    }
}

#[tokio::test]
async fn no_answer_is_unavailable_after_three_attempts() {
    for failure in [Answer::Never, Answer::Breaks, Answer::Is(500, String::new())] {
        let (table, script) = table(vec![failure]);
        let answer = table.get(&Key::format()).await;
        assert!(matches!(answer, Err(PortError::Unavailable(_))), "{answer:?}");
        assert_eq!(script.requests().len(), 3);
    }
}

#[tokio::test]
async fn a_conflict_is_tried_again_and_then_said() {
    let (busy, script) = table(vec![refused("TransactionConflictException"), done()]);
    let (answer, counted) = scope(put(&busy, Expect::Absent)).await;
    assert_eq!(answer.expect("the second try is done"), Written::Done);
    assert_eq!(script.requests().len(), 2);
    assert!((counted.backend.write_units - 1.5).abs() < 1e-9);

    let (busier, script) = table(vec![cancelled(r#"{"Code":"TransactionConflict"}"#)]);
    let answer = busier.transact(vec![Action::Put(record(1), Expect::Absent)]).await;
    assert!(matches!(answer, Err(PortError::Throttled(_))), "{answer:?}");
    assert_eq!(script.requests().len(), 8);
}

#[tokio::test]
async fn unprocessed_items_are_written_again_and_then_given_up() {
    let put = |item: Item| Action::Put(item, Expect::Anything);
    let left =
        format!(r#"{{"UnprocessedItems":{{"registry":[{{"PutRequest":{{"Item":{}}}}}]}}}}"#, found_at(1));
    let (busy, script) = table(vec![Answer::Is(200, left.clone()), Answer::Is(200, "{}".to_owned())]);
    busy.batch_write(vec![put(record(1))]).await.expect("the second try is done");
    assert_eq!(script.requests().len(), 2);

    let (busier, script) = table(vec![Answer::Is(200, left)]);
    let answer = busier.batch_write(vec![put(record(1))]).await;
    assert!(matches!(answer, Err(PortError::Throttled(_))), "{answer:?}");
    assert_eq!(script.requests().len(), 8);
}

#[tokio::test]
async fn only_a_repeated_attempt_may_be_refused_by_its_own_effect() {
    let written = |answers| async {
        let (table, _) = table(answers);
        put(&table, Expect::Absent).await.expect("it is answered")
    };
    let refused = |version| Written::Refused(Some(Box::new(record(version))));
    // The first attempt broke, the second found what it had written.
    assert_eq!(written(vec![Answer::Breaks, refused_by(1)]).await, Written::Done);
    assert_eq!(written(vec![Answer::Breaks, refused_by(2)]).await, refused(2));
    // A caller's own repetition is refused, also where the attempt before did nothing for sure.
    assert_eq!(written(vec![refused_by(1)]).await, refused(1));
    assert_eq!(written(vec![refused_by_throttling(), refused_by(1)]).await, refused(1));
}

fn refused_by_throttling() -> Answer {
    refused("ThrottlingException")
}

#[tokio::test]
async fn a_transaction_keeps_its_token_and_knows_its_own_effect() {
    let by =
        |version| cancelled(&format!(r#"{{"Code":"ConditionalCheckFailed","Item":{}}}"#, found_at(version)));
    let transact = |answers| async {
        let (table, script) = table(answers);
        let answer = table.transact(vec![Action::Put(record(1), Expect::Absent)]).await;
        (answer.expect("it is answered"), script.requests())
    };
    let (answer, requests) = transact(vec![Answer::Breaks, by(1)]).await;
    assert_eq!(answer, Transacted::Done);
    let [first, second] = &requests[..] else { panic!("two attempts: {requests:?}") };
    assert!(first.contains("ClientRequestToken"), "{first}");
    assert_eq!(first, second, "one token for both attempts");
    assert_eq!(transact(vec![by(1)]).await.0, Transacted::Refused(vec![(0, Some(record(1)))]));
    assert_eq!(
        transact(vec![Answer::Breaks, by(2)]).await.0,
        Transacted::Refused(vec![(0, Some(record(2)))])
    );
}

#[tokio::test]
async fn an_item_of_a_newer_format_is_refused_with_words() {
    let newer = found_at(1).replacen(r#""format":{"N":"1"}"#, r#""format":{"N":"99"}"#, 1);
    let (table, _) = table(vec![Answer::Is(200, format!(r#"{{"Item":{newer}}}"#))]);
    let answer = table.get(&Key::format()).await;
    assert!(matches!(&answer, Err(PortError::Corrupt(why)) if why.contains("newer Moorage")), "{answer:?}");
}
