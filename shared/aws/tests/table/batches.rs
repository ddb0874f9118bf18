//! Batches of which DynamoDB leaves a part undone.

use std::time::Duration;

use moorage_ports::{Action, Expect, Key, PortError, ReadTable, WriteTable};

use crate::script::{Answer, item, item_json, refused, table, table_and_pauses};

fn ok(body: String) -> Answer {
    Answer::Is(200, body)
}

fn keys_json(numbers: &[u128]) -> String {
    let key = |number: &u128| format!(r#"{{"PK":{{"S":"p"}},"SK":{{"S":"{number}"}}}}"#);
    numbers.iter().map(key).collect::<Vec<_>>().join(",")
}

fn got(found: &[u128], left: &[u128]) -> Answer {
    let found = found.iter().map(|number| item_json(*number)).collect::<Vec<_>>().join(",");
    let left = match left {
        [] => String::new(),
        left => format!(r#""registry":{{"Keys":[{}],"ConsistentRead":true}}"#, keys_json(left)),
    };
    ok(format!(r#"{{"Responses":{{"registry":[{found}]}},"UnprocessedKeys":{{{left}}}}}"#))
}

fn put_json(number: u128) -> String {
    format!(r#"{{"PutRequest":{{"Item":{}}}}}"#, item_json(number))
}

fn delete_json(number: u128) -> String {
    format!(r#"{{"DeleteRequest":{{"Key":{}}}}}"#, keys_json(&[number]))
}

fn left(writes: &[String]) -> Answer {
    ok(format!(r#"{{"UnprocessedItems":{{"registry":[{}]}}}}"#, writes.join(",")))
}

fn keys(numbers: &[u128]) -> Vec<Key> {
    numbers.iter().map(|number| item(*number).key).collect()
}

fn put(number: u128) -> Action {
    Action::Put(item(number), Expect::Anything)
}

fn delete(number: u128) -> Action {
    Action::Delete(item(number).key, Expect::Anything)
}

/// Which of the items 1 to 3 a request names.
fn named(request: &str) -> Vec<u128> {
    (1..=3).filter(|number| request.contains(&format!(r#""SK":{{"S":"{number}"}}"#))).collect()
}

/// Pauses are at most so long: 40 ms, and twice that each further time, up to 1.5 s.
fn assert_bounded(pauses: &[Duration]) {
    for (pause, bound_ms) in pauses.iter().zip([40, 80, 160, 320, 640, 1280, 1500]) {
        assert!(*pause <= Duration::from_millis(bound_ms), "{pauses:?}");
    }
}

#[tokio::test]
async fn keys_left_unprocessed_are_asked_for_again() {
    let (table, script, pauses) = table_and_pauses(vec![got(&[3], &[1, 2]), got(&[1], &[2]), got(&[], &[])]);
    let found = table.batch_get(&keys(&[1, 2, 3])).await.expect("the third try is whole");
    assert_eq!(found, [Some(item(1)), None, Some(item(3))]);
    let requests = script.requests();
    assert_eq!(requests.iter().map(|r| named(r)).collect::<Vec<_>>(), [vec![1, 2, 3], vec![1, 2], vec![2]]);
    assert!(requests.iter().all(|request| request.contains(r#""ConsistentRead":true"#)), "{requests:?}");
    assert_eq!(pauses.all().len(), 2);
    assert_bounded(&pauses.all());
}

#[tokio::test]
async fn keys_that_stay_unprocessed_are_given_up_as_throttled() {
    let run = || async {
        let (table, script, pauses) = table_and_pauses(vec![got(&[1], &[2, 3])]);
        let given_up = table.batch_get(&keys(&[1, 2, 3])).await;
        assert!(
            matches!(&given_up, Err(PortError::Throttled(why)) if why.contains("2 keys")),
            "{given_up:?}"
        );
        assert_eq!(script.requests().len(), 8);
        pauses.all()
    };
    let pauses = run().await;
    assert_eq!(pauses.len(), 7);
    assert_bounded(&pauses);
    assert_ne!(pauses[6], pauses[5], "each is drawn anew");
    assert_eq!(run().await, pauses, "chance comes through the context only");
}

#[tokio::test]
async fn writes_left_unprocessed_are_written_again() {
    let (table, script, pauses) = table_and_pauses(vec![
        left(&[put_json(1), delete_json(3)]),
        left(&[delete_json(3)]),
        ok("{}".into()),
    ]);
    table.batch_write(vec![put(1), put(2), delete(3)]).await.expect("the third try is whole");
    let requests = script.requests();
    assert_eq!(requests.iter().map(|r| named(r)).collect::<Vec<_>>(), [vec![1, 2, 3], vec![1, 3], vec![3]]);
    assert!(requests[2].contains("DeleteRequest") && !requests[2].contains("PutRequest"), "{requests:?}");
    assert_eq!(pauses.all().len(), 2);
    assert_bounded(&pauses.all());
}

#[tokio::test]
async fn writes_that_stay_unprocessed_are_given_up() {
    let (idle, script, pauses) = table_and_pauses(vec![left(&[put_json(1), put_json(2)])]);
    let given_up = idle.batch_write(vec![put(1), put(2)]).await;
    assert!(matches!(&given_up, Err(PortError::Throttled(why)) if why.contains("2 writes")), "{given_up:?}");
    assert_eq!((script.requests().len(), pauses.all().len()), (8, 7));
    assert_bounded(&pauses.all());

    // Throttled says that nothing was done.
    let (half_done, _) = table(vec![left(&[put_json(1)])]);
    let given_up = half_done.batch_write(vec![put(1), put(2)]).await;
    assert!(
        matches!(&given_up, Err(PortError::Unavailable(why)) if why.contains("1 writes")),
        "{given_up:?}"
    );
    for answers in [
        vec![left(&[put_json(1)]), refused("ThrottlingException")],
        vec![Answer::Breaks, refused("ThrottlingException")],
    ] {
        let (table, _) = table(answers);
        let given_up = table.batch_write(vec![put(1), put(2)]).await;
        assert!(matches!(given_up, Err(PortError::Unavailable(_))), "{given_up:?}");
    }
}

#[tokio::test]
async fn a_batch_that_is_throttled_whole_is_throttled() {
    let (table, script) = table(vec![refused("ProvisionedThroughputExceededException")]);
    for answer in [table.batch_write(vec![put(1)]).await, table.batch_get(&keys(&[1])).await.map(|_| ())] {
        assert!(matches!(answer, Err(PortError::Throttled(_))), "{answer:?}");
    }
    assert_eq!(script.requests().len(), 6);
}
