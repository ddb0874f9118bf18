//! A write that was done but whose answer was lost: the SDK sends it again, and then its condition fails because of
//! what it wrote.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use moorage_aws::{Table, setup};
use moorage_engines::Engines;
use moorage_oci::Digest;
use moorage_ports::facts::{GrantRecord, Node, State};
use moorage_ports::{
    Action, Context, Durability, Expect, Fact, Incarnation, Item, KeepUntil, Key, Nonce, PortError,
    ReadTable, Timestamp, Transacted, Version, WriteTable, Written,
};

use crate::script::{self, Answer, record, refused_by};

/// Carries every request out, and loses the next answer when it is told to.
#[derive(Clone)]
struct Losing {
    inner: SharedHttpClient,
    next: Arc<AtomicBool>,
}

impl fmt::Debug for Losing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Losing")
    }
}

impl HttpClient for Losing {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(LosingConnector { inner, next: Arc::clone(&self.next) })
    }
}

#[derive(Debug)]
struct LosingConnector {
    inner: SharedHttpConnector,
    next: Arc<AtomicBool>,
}

impl HttpConnector for LosingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, loses) = (self.inner.call(request), self.next.swap(false, Ordering::SeqCst));
        HttpConnectorFuture::new(async move {
            match inner.await {
                Ok(_) if loses => Err(ConnectorError::io("the answer was lost".into())),
                answer => answer,
            }
        })
    }
}

/// A table of which the answer to the first request after `losing` is lost.
struct Lossy {
    table: Table,
    next: Arc<AtomicBool>,
}

impl Lossy {
    async fn new() -> Self {
        let engines = Engines::in_process();
        let (sdk, context) = (engines.sdk_config(), Context::system());
        setup::create_table(&sdk, "registry", &context).await.expect("the table is made");
        let next = Arc::new(AtomicBool::new(false));
        let inner = sdk.http_client().expect("engines are reached by a client of their own");
        let retries = aws_smithy_types::retry::RetryConfig::standard()
            .with_initial_backoff(std::time::Duration::from_millis(1));
        let losing = Losing { inner, next: Arc::clone(&next) };
        let sdk = sdk.into_builder().http_client(losing).retry_config(retries).build();
        Self { table: Table::new(&sdk, "registry", context), next }
    }

    fn losing(&self) -> &Table {
        self.next.store(true, Ordering::SeqCst);
        &self.table
    }

    async fn has(&self, item: &Item) {
        assert!(!self.next.load(Ordering::SeqCst), "an answer was lost");
        assert_eq!(self.table.get(&item.key).await.expect("it is read").as_ref(), Some(item));
    }
}

fn at(version: u128) -> Version {
    Version(Nonce(version))
}

fn grant() -> Item {
    let digest = Digest::sha256(b"blob");
    let node = Node {
        state: State::Condemned,
        incarnation: Incarnation(Nonce(5)),
        keep_until: Timestamp(1_000),
        deadline: None,
        from_bin: false,
    };
    let key = Key::grant(&"library/app".parse().expect("it is a name"), &digest);
    Item::at(key, at(1), Fact::Grant(GrantRecord { node, object: None, size: 4 }))
}

#[tokio::test]
async fn a_put_finds_itself() {
    let lossy = Lossy::new().await;
    for (version, expect) in [(1, Expect::Absent), (2, Expect::VersionIs(at(1)))] {
        let put = lossy.losing().put(record(version), expect, Durability::OnAnswer).await;
        assert_eq!(put.expect("it is answered"), Written::Done);
        lossy.has(&record(version)).await;
    }
    // What has no version is known by all that it says.
    let once = Item::once(Key::from_stored("p", "once"), Fact::Listed);
    let put = lossy.losing().put(once.clone(), Expect::Absent, Durability::OnAnswer).await;
    assert_eq!(put.expect("it is answered"), Written::Done);
    lossy.has(&once).await;
}

#[tokio::test]
async fn a_delete_finds_nothing() {
    let lossy = Lossy::new().await;
    let put = lossy.table.put(record(1), Expect::Absent, Durability::OnAnswer).await;
    assert_eq!(put.expect("it is answered"), Written::Done);
    let expect = Expect::VersionIs(at(1));
    let deleted = lossy.losing().delete(&record(1).key, expect, Durability::OnAnswer).await;
    assert_eq!(deleted.expect("it is answered"), Written::Done);
    assert_eq!(lossy.table.get(&record(1).key).await.expect("it is read"), None);
}

#[tokio::test]
async fn keeping_finds_its_own_version() {
    let lossy = Lossy::new().await;
    let put = lossy.table.put(grant(), Expect::Absent, Durability::OnAnswer).await;
    assert_eq!(put.expect("it is answered"), Written::Done);
    let kept = lossy.losing().keep_until(&grant(), Timestamp(9_000), at(2)).await;
    assert_eq!(kept.expect("it is answered"), Written::Done);
    let mut expected = Item { version: Some(at(2)), ..grant() };
    let node = expected.fact.node_mut().expect("a grant is a node");
    (node.state, node.keep_until) = (State::Live, Timestamp(9_000));
    lossy.has(&expected).await;
}

#[tokio::test]
async fn a_transaction_is_answered_as_before() {
    let lossy = Lossy::new().await;
    let other = Item::once(Key::from_stored("p", "once"), Fact::Listed);
    let actions = vec![Action::Put(record(1), Expect::Absent), Action::Put(other.clone(), Expect::Absent)];
    let done = lossy.losing().transact(actions).await;
    assert_eq!(done.expect("it is answered"), Transacted::Done);
    lossy.has(&record(1)).await;
    lossy.has(&other).await;
}

/// Refused says that nothing was written. Where an attempt may have been, and another writer after it, nobody
/// can say so.
#[tokio::test]
async fn a_refusal_after_a_lost_attempt_says_that_nothing_is_known() {
    let found_other = || script::table(vec![Answer::Breaks, refused_by(2)]).0;
    let found_none = || {
        let code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
        let refused = Answer::Is(400, format!(r#"{{"__type":"{code}","message":"by the script"}}"#));
        script::table(vec![Answer::Breaks, refused]).0
    };
    let expect = Expect::VersionIs(at(7));
    for answer in [
        found_other().put(record(1), Expect::Absent, Durability::OnAnswer).await,
        found_other().put(record(1), expect, Durability::OnAnswer).await,
        found_none().put(record(1), expect, Durability::OnAnswer).await,
        found_other().delete(&record(1).key, expect, Durability::OnAnswer).await,
        found_none().keep_until(&grant(), Timestamp(9_000), at(2)).await,
    ] {
        assert!(matches!(answer, Err(PortError::Unavailable(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_only_attempt_is_a_refusal() {
    let throttled = || script::refused("ThrottlingException");
    let by_what_is_there = |version| Written::Refused(Some(Box::new(record(version))));
    for (answers, found) in [
        (vec![refused_by(2)], 2),
        // A caller's own repetition, also where the attempt before did nothing for sure.
        (vec![refused_by(1)], 1),
        (vec![throttled(), refused_by(1)], 1),
    ] {
        let (table, _) = script::table(answers);
        let put = table.put(record(1), Expect::Absent, Durability::OnAnswer).await;
        assert_eq!(put.expect("it is answered"), by_what_is_there(found));
    }
}
