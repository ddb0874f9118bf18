//! What an emulator never does to one request: it is throttled, fails, or meets a transaction.

use moorage_aws::Table;
use moorage_ports::calls::{Counted, scope};
use moorage_ports::{Action, Durability, Expect, Key, PortError, ReadTable, WriteTable, Written};

use crate::script::{Answer, cancelled, done, found_at, record, refused, table};

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
async fn an_item_of_a_newer_format_is_refused_with_words() {
    let newer = found_at(1).replacen(r#""format":{"N":"1"}"#, r#""format":{"N":"99"}"#, 1);
    let (table, _) = table(vec![Answer::Is(200, format!(r#"{{"Item":{newer}}}"#))]);
    let answer = table.get(&Key::format()).await;
    assert!(matches!(&answer, Err(PortError::Corrupt(why)) if why.contains("newer Moorage")), "{answer:?}");
}
