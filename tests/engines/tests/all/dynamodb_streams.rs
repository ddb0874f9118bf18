//! What changed in a table, in its order.

use std::collections::HashMap;

use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record, ShardIteratorType};

use crate::Outcome;
use crate::dynamodb::{TABLE, item, s, table};

type Image = HashMap<String, AttributeValue>;

/// What happened, and the item's `version` before and after.
fn told(record: &Record) -> (Option<&str>, Option<&str>, Option<&str>) {
    fn version(image: Option<&Image>) -> Option<&str> {
        image?.get("version")?.as_s().ok().map(String::as_str)
    }
    let change = record.dynamodb.as_ref();
    (
        record.event_name.as_ref().map(|name| name.as_str()),
        version(change.and_then(|change| change.old_image.as_ref())),
        version(change.and_then(|change| change.new_image.as_ref())),
    )
}

#[tokio::test]
async fn a_stream_tells_each_change_with_both_images() -> Outcome {
    let (engines, client) = table().await?;
    let put = |version| client.put_item().table_name(TABLE).set_item(Some(item("a", "b", version)));
    put("1").send().await?;
    put("2").send().await?;
    client.delete_item().table_name(TABLE).key("PK", s("a")).key("SK", s("b")).send().await?;

    let streams = Client::new(&engines.sdk_config());
    let listed = streams.list_streams().table_name(TABLE).send().await?;
    let arn = listed
        .streams()
        .first()
        .and_then(|stream| stream.stream_arn.clone())
        .ok_or("a table with a stream")?;
    let described = streams.describe_stream().stream_arn(&arn).send().await?;
    let shards = described.stream_description.and_then(|stream| stream.shards).unwrap_or_default();
    let shard = shards.first().and_then(|shard| shard.shard_id.clone()).ok_or("a stream with a shard")?;
    let start = streams.get_shard_iterator().stream_arn(&arn).shard_id(&shard);
    let from_the_start = start.clone().shard_iterator_type(ShardIteratorType::TrimHorizon).send().await?;
    let read =
        streams.get_records().set_shard_iterator(from_the_start.shard_iterator).limit(2).send().await?;
    assert_eq!(
        read.records().iter().map(told).collect::<Vec<_>>(),
        [(Some("INSERT"), None, Some("1")), (Some("MODIFY"), Some("1"), Some("2"))]
    );
    let rest = streams.get_records().set_shard_iterator(read.next_shard_iterator).send().await?;
    assert_eq!(rest.records().iter().map(told).collect::<Vec<_>>(), [(Some("REMOVE"), Some("2"), None)]);

    // Again from a place that was remembered.
    let second = read.records.as_ref().and_then(|all| all[1].dynamodb.as_ref()?.sequence_number.clone());
    let after = start.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).set_sequence_number(second);
    let again = streams.get_records().set_shard_iterator(after.send().await?.shard_iterator).send().await?;
    assert_eq!(again.records, rest.records);
    Ok(())
}
