//! Why a transaction is cancelled, and what becomes of it.

use moorage_ports::{Action, Expect, Key, Nonce, PortError, Transacted, Version, WriteTable};

use crate::script::{Answer, cancelled, found_at, item, record, refused, table, table_and_pauses};

const CONFLICT: &str = r#"{"Code":"TransactionConflict","Message":"by the script"}"#;
const NONE: &str = r#"{"Code":"None"}"#;

/// The reason of a condition that found the record at a version.
fn refused_at(version: u128) -> String {
    format!(r#"{{"Code":"ConditionalCheckFailed","Item":{},"Message":"by the script"}}"#, found_at(version))
}

fn done() -> Answer {
    Answer::Is(200, r#"{"ConsumedCapacity":[{"TableName":"registry","CapacityUnits":4}]}"#.to_owned())
}

/// The record made, and another item deleted.
fn two() -> Vec<Action> {
    vec![
        Action::Put(record(1), Expect::Absent),
        Action::Delete(item(7).key, Expect::VersionIs(Version(Nonce(7)))),
    ]
}

fn token(request: &str) -> &str {
    let rest = request.split(r#""ClientRequestToken":""#).nth(1).expect("each transaction has a token");
    rest.split('"').next().unwrap_or_default()
}

#[tokio::test]
async fn what_may_pass_is_tried_again_as_a_new_request() {
    for code in ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"] {
        let busy = cancelled(&format!(r#"{NONE},{{"Code":"{code}","Message":"by the script"}}"#));
        let (table, script, pauses) = table_and_pauses(vec![busy.clone(), busy, done()]);
        assert_eq!(table.transact(two()).await.expect("the third try is done"), Transacted::Done, "{code}");
        let requests = script.requests();
        let [first, second, third] = &requests[..] else { panic!("three tries: {requests:?}") };
        assert_ne!(token(first), token(second));
        assert_ne!(token(second), token(third));
        assert_eq!(pauses.all().len(), 2, "{code}");
    }
}

/// The conditions of a try that met another were not all looked at, so that it says nothing of them.
#[tokio::test]
async fn a_failed_condition_beside_a_conflict_is_looked_at_again() {
    let mixed = || cancelled(&format!("{},{CONFLICT}", refused_at(2)));
    let (passed, _) = table(vec![mixed(), done()]);
    assert_eq!(passed.transact(two()).await.expect("the second try is done"), Transacted::Done);

    let both = format!(r#"{},{{"Code":"ConditionalCheckFailed"}}"#, refused_at(2));
    let (refused, script) = table(vec![mixed(), cancelled(&both)]);
    assert_eq!(
        refused.transact(two()).await.expect("the second try is answered"),
        Transacted::Refused(vec![(0, Some(record(2))), (1, None)])
    );
    assert_eq!(script.requests().len(), 2);

    let (busy, script, pauses) = table_and_pauses(vec![mixed()]);
    let given_up = busy.transact(two()).await;
    assert!(
        matches!(&given_up, Err(PortError::Throttled(why)) if why.contains("TransactionConflict")),
        "{given_up:?}"
    );
    assert_eq!((script.requests().len(), pauses.all().len()), (8, 7));
}

#[tokio::test]
async fn failed_conditions_alone_are_an_answer() {
    let (table, script) = table(vec![cancelled(&format!("{NONE},{}", refused_at(2)))]);
    // What is checked for nothing is not sent: reasons are for the others.
    let actions = vec![
        Action::Check(item(5).key, Expect::Anything),
        Action::Delete(item(7).key, Expect::Anything),
        Action::Put(record(1), Expect::Absent),
    ];
    let answer = table.transact(actions).await.expect("it is answered");
    assert_eq!(answer, Transacted::Refused(vec![(2, Some(record(2)))]));
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn what_cannot_pass_is_not_tried_again() {
    for (code, is_misuse) in
        [("ValidationError", true), ("ItemCollectionSizeLimitExceeded", false), ("DuplicateItem", false)]
    {
        let (table, script) = table(vec![cancelled(&format!(r#"{NONE},{{"Code":"{code}"}}"#))]);
        let answer = table.transact(two()).await;
        match answer {
            Err(PortError::Misuse(_)) if is_misuse => {}
            Err(PortError::Unavailable(_)) if !is_misuse => {}
            other => panic!("{code}: {other:?}"),
        }
        assert_eq!(script.requests().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_transaction_keeps_its_token_and_knows_its_own_effect() {
    let transact = |answers| async {
        let (table, script) = table(answers);
        let answer = table.transact(vec![Action::Put(record(1), Expect::Absent)]).await;
        (answer.expect("it is answered"), script.requests())
    };
    let by = |version| cancelled(&refused_at(version));
    let (answer, requests) = transact(vec![Answer::Breaks, by(1)]).await;
    assert_eq!(answer, Transacted::Done);
    let [first, second] = &requests[..] else { panic!("two attempts: {requests:?}") };
    assert_eq!(first, second, "one token for both attempts");
    assert!(!token(first).is_empty());
    assert_eq!(transact(vec![by(1)]).await.0, Transacted::Refused(vec![(0, Some(record(1)))]));
    assert_eq!(
        transact(vec![Answer::Breaks, by(2)]).await.0,
        Transacted::Refused(vec![(0, Some(record(2)))])
    );
    // An attempt that arrives late is no longer that of the same token.
    assert_eq!(transact(vec![Answer::Breaks, cancelled(CONFLICT), by(1)]).await.0, Transacted::Done);
}

#[tokio::test]
async fn a_transaction_that_may_be_done_is_not_throttled() {
    for answers in [
        vec![Answer::Breaks, cancelled(CONFLICT)],
        vec![Answer::Breaks, refused("ThrottlingException")],
        vec![Answer::Breaks, refused("TransactionInProgressException")],
    ] {
        let (table, _) = table(answers);
        let answer = table.transact(vec![Action::Put(record(1), Expect::Absent)]).await;
        assert!(matches!(answer, Err(PortError::Unavailable(_))), "{answer:?}");
    }
    let (table, script) = table(vec![done()]);
    let nothing = table.transact(vec![Action::Check(Key::format(), Expect::Anything)]).await;
    assert_eq!(nothing.expect("there is nothing to do"), Transacted::Done);
    assert_eq!(script.requests().len(), 0);
}
