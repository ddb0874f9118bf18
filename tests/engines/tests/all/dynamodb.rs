//! Items, conditions, transactions and batches.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, ConditionCheck, KeySchemaElement, KeyType,
    KeysAndAttributes, Put, PutRequest, ReturnValuesOnConditionCheckFailure, ScalarAttributeType,
    StreamSpecification, StreamViewType, TimeToLiveSpecification, TransactWriteItem, WriteRequest,
};
use moorage_engines::Engines;

use crate::{Outcome, refused};

pub(crate) const TABLE: &str = "table";

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// A DynamoDB with one table, keys `PK` and `SK`, and its stream.
pub(crate) async fn table() -> Fallible<(Engines, Client)> {
    let engines = Engines::in_process();
    let client = Client::new(&engines.sdk_config());
    let mut create = client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    for (name, key) in [("PK", KeyType::Hash), ("SK", KeyType::Range)] {
        let kind = ScalarAttributeType::S;
        create = create
            .attribute_definitions(
                AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()?,
            )
            .key_schema(KeySchemaElement::builder().attribute_name(name).key_type(key).build()?);
    }
    let images = StreamViewType::NewAndOldImages;
    let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(images).build()?;
    create.stream_specification(stream).send().await?;
    Ok((engines, client))
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn item(pk: &str, sk: &str, version: &str) -> HashMap<String, AttributeValue> {
    [("PK", pk), ("SK", sk), ("version", version)].map(|(name, value)| (name.to_owned(), s(value))).into()
}

fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    [("PK", pk), ("SK", sk)].map(|(name, value)| (name.to_owned(), s(value))).into()
}

async fn get(client: &Client, pk: &str, sk: &str) -> Fallible<Option<HashMap<String, AttributeValue>>> {
    let get = client.get_item().table_name(TABLE).set_key(Some(key(pk, sk))).consistent_read(true);
    Ok(get.send().await?.item)
}

#[tokio::test]
async fn a_condition_that_fails_tells_the_item_that_was_there() -> Outcome {
    let (_, client) = table().await?;
    let create = |version| {
        let put = client.put_item().table_name(TABLE).set_item(Some(item("a", "b", version)));
        put.condition_expression("attribute_not_exists(PK)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    };
    create("1").send().await?;
    let failed = create("2").send().await.expect_err("it is there").into_service_error();
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed) = failed
    else {
        panic!("{failed:?}");
    };
    assert_eq!(failed.item, Some(item("a", "b", "1")));

    let delete = |version| {
        let delete = client.delete_item().table_name(TABLE).set_key(Some(key("a", "b")));
        delete.condition_expression("version = :v").expression_attribute_values(":v", s(version))
    };
    assert_eq!(refused(delete("2").send().await), "ConditionalCheckFailedException");
    assert_eq!(get(&client, "a", "b").await?, Some(item("a", "b", "1")));
    delete("1").send().await?;
    assert_eq!(get(&client, "a", "b").await?, None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_of_many_creates_an_item() -> Outcome {
    let (_, client) = table().await?;
    let puts: Vec<_> = (0..20)
        .map(|writer| {
            let put = client.put_item().table_name(TABLE).set_item(Some(item("a", "b", &writer.to_string())));
            tokio::spawn(put.condition_expression("attribute_not_exists(PK)").send())
        })
        .collect();
    let mut winners = Vec::new();
    for (writer, put) in puts.into_iter().enumerate() {
        match refused(put.await?).as_str() {
            "nothing" => winners.push(writer.to_string()),
            code => assert_eq!(code, "ConditionalCheckFailedException"),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(get(&client, "a", "b").await?, Some(item("a", "b", &winners[0])));
    Ok(())
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing_and_tells_why() -> Outcome {
    let (_, client) = table().await?;
    client.put_item().table_name(TABLE).set_item(Some(item("a", "1", "old"))).send().await?;
    let put = |sk: &str, version: &str| {
        let put = Put::builder().table_name(TABLE).set_item(Some(item("a", sk, version)));
        let put = put.condition_expression("attribute_not_exists(PK)");
        put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    };
    let check = ConditionCheck::builder()
        .table_name(TABLE)
        .set_key(Some(key("a", "3")))
        .condition_expression("attribute_not_exists(PK)")
        .build()?;
    let check = TransactWriteItem::builder().condition_check(check).build();
    let writes = |sk: &str| -> Fallible<_> {
        let clash = TransactWriteItem::builder().put(put(sk, "new").build()?).build();
        let fresh = TransactWriteItem::builder().put(put("2", "new").build()?).build();
        Ok(client.transact_write_items().set_transact_items(Some(vec![check.clone(), clash, fresh])))
    };
    let failed = writes("1")?.send().await.expect_err("a/1 is there").into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
        failed,
    ) = failed
    else {
        panic!("{failed:?}");
    };
    let reasons: Vec<_> = failed.cancellation_reasons().iter().map(|one| (one.code(), one.item())).collect();
    let old = item("a", "1", "old");
    assert_eq!(
        reasons,
        [(Some("None"), None), (Some("ConditionalCheckFailed"), Some(&old)), (Some("None"), None)]
    );
    assert_eq!(get(&client, "a", "2").await?, None);

    writes("4")?.send().await?;
    assert_eq!(get(&client, "a", "2").await?, Some(item("a", "2", "new")));
    assert_eq!(refused(writes("2")?.send().await), "ValidationException", "one item twice");
    Ok(())
}

#[tokio::test]
async fn transactions_and_batches_have_their_limits() -> Outcome {
    let (_, client) = table().await?;
    let transact = |count: usize| -> Fallible<_> {
        let mut writes = Vec::new();
        for number in 0..count {
            let put = Put::builder()
                .table_name(TABLE)
                .set_item(Some(item("t", &number.to_string(), "1")))
                .build()?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        Ok(client.transact_write_items().set_transact_items(Some(writes)))
    };
    transact(100)?.send().await?;
    assert_eq!(refused(transact(101)?.send().await), "ValidationException");

    let write = |count: usize| -> Fallible<_> {
        let mut writes = Vec::new();
        for number in 0..count {
            let put = PutRequest::builder().set_item(Some(item("b", &number.to_string(), "1"))).build()?;
            writes.push(WriteRequest::builder().put_request(put).build());
        }
        Ok(client.batch_write_item().request_items(TABLE, writes))
    };
    write(25)?.send().await?;
    assert_eq!(refused(write(26)?.send().await), "ValidationException");

    let read = |count: usize| -> Fallible<_> {
        let keys = (0..count).map(|number| key("t", &number.to_string())).collect();
        let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build()?;
        Ok(client.batch_get_item().request_items(TABLE, keys))
    };
    let found = read(100)?.send().await?.responses.and_then(|all| all.get(TABLE).map(Vec::len));
    assert_eq!(found, Some(100));
    assert_eq!(refused(read(101)?.send().await), "ValidationException");

    let large = client.put_item().table_name(TABLE).set_item(Some(item("a", "b", &"x".repeat(400 * 1024))));
    assert_eq!(refused(large.send().await), "ValidationException");
    let long = client.put_item().table_name(TABLE).set_item(Some(item("a", &"x".repeat(1025), "1")));
    assert_eq!(refused(long.send().await), "ValidationException");
    Ok(())
}

#[tokio::test]
async fn a_query_goes_through_a_range_in_the_order_of_bytes() -> Outcome {
    let (_, client) = table().await?;
    for sk in ["tag#b", "tag#é", "tag#a", "tag", "type#x", "tag#Z"] {
        client.put_item().table_name(TABLE).set_item(Some(item("repo", sk, "1"))).send().await?;
    }
    let query = client
        .query()
        .table_name(TABLE)
        .consistent_read(true)
        .key_condition_expression("PK = :pk AND begins_with(SK, :prefix)")
        .expression_attribute_values(":pk", s("repo"))
        .expression_attribute_values(":prefix", s("tag#"));
    let first = query.clone().limit(3).send().await?;
    let names = |items: &[HashMap<String, AttributeValue>]| {
        items.iter().map(|item| item["SK"].as_s().cloned().unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(names(first.items()), ["tag#Z", "tag#a", "tag#b"]);
    assert_eq!(first.last_evaluated_key, Some(key("repo", "tag#b")));
    let rest = query.set_exclusive_start_key(first.last_evaluated_key).send().await?;
    assert_eq!((names(rest.items()), rest.last_evaluated_key), (vec!["tag#é".to_owned()], None));
    Ok(())
}

#[tokio::test]
async fn what_is_past_its_time_goes_when_it_is_swept() -> Outcome {
    let (engines, client) = table().await?;
    let ttl = TimeToLiveSpecification::builder().attribute_name("expires").enabled(true).build()?;
    client.update_time_to_live().table_name(TABLE).time_to_live_specification(ttl).send().await?;
    for (sk, expires) in [("past", "1000000000"), ("future", "99999999999")] {
        let mut item = item("a", sk, "1");
        item.insert("expires".to_owned(), AttributeValue::N(expires.to_owned()));
        client.put_item().table_name(TABLE).set_item(Some(item)).send().await?;
    }
    assert!(get(&client, "a", "past").await?.is_some(), "DynamoDB deletes late, too");
    assert_eq!(engines.dynamodb().expire().await, 1);
    assert_eq!(get(&client, "a", "past").await?, None);
    assert!(get(&client, "a", "future").await?.is_some());
    Ok(())
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named_so() -> Outcome {
    let (_, client) = table().await?;
    let get = client.get_item().table_name("absent").set_key(Some(key("a", "b"))).send().await;
    assert_eq!(refused(get), "ResourceNotFoundException");
    let again =
        client.describe_table().table_name(TABLE).send().await?.table.and_then(|table| table.table_status);
    assert_eq!(again, Some(aws_sdk_dynamodb::types::TableStatus::Active));
    Ok(())
}
