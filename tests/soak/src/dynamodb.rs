//! DynamoDB Local over its wire: it checks no signature, so that a small client is enough.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use moorage_kills::http::{Body, Connection, Request};
use serde_json::{Value, json};

pub struct DynamoDb {
    connection: Connection,
    table: String,
}

impl DynamoDb {
    pub fn new(address: SocketAddr, table: &str) -> Self {
        Self { connection: Connection::new(address), table: table.to_owned() }
    }

    fn call(&mut self, service: &str, operation: &str, input: &Value) -> Result<Value> {
        let bytes = input.to_string();
        let target = format!("{service}_20120810.{operation}");
        let credential = "AWS4-HMAC-SHA256 Credential=moorage/20260101/us-east-1/dynamodb/aws4_request, \
                          SignedHeaders=host, Signature=0";
        let headers = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("X-Amz-Target", &*target),
            ("Authorization", credential),
        ];
        let body = Body::Whole(bytes.as_bytes());
        let request = Request { method: "POST", target: "/", headers: &headers, body };
        let answer = self.connection.ask(&request).map_err(|broken| anyhow::anyhow!(broken.reason))?;
        let said = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status == 200, "{operation}: {} {said}", answer.status);
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Partition and sort keys of all items.
    pub fn keys(&mut self) -> Result<Vec<(String, String)>> {
        let mut keys = Vec::new();
        let mut after = Value::Null;
        loop {
            let mut scan = json!({
                "TableName": self.table,
                "ProjectionExpression": "PK, SK",
                "ConsistentRead": true,
            });
            if !after.is_null() {
                scan["ExclusiveStartKey"] = after;
            }
            let page = self.call("DynamoDB", "Scan", &scan)?;
            for item in page["Items"].as_array().context("a page without items")? {
                let text = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
                keys.push((text("PK"), text("SK")));
            }
            after = page["LastEvaluatedKey"].clone();
            if after.is_null() {
                return Ok(keys);
            }
        }
    }

    /// The ARN of the table's stream.
    pub fn stream(&mut self) -> Result<String> {
        let streams = self.call("DynamoDBStreams", "ListStreams", &json!({ "TableName": self.table }))?;
        let name = streams["Streams"][0]["StreamArn"].as_str().context("the table has no stream")?;
        Ok(name.to_owned())
    }

    /// Shards of a stream, each with its parent.
    pub fn shards(&mut self, stream: &str) -> Result<Vec<(String, Option<String>)>> {
        let description = self.call("DynamoDBStreams", "DescribeStream", &json!({ "StreamArn": stream }))?;
        let shards = description["StreamDescription"]["Shards"].as_array().context("no shards")?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let shard = |shard: &Value| Some((text(&shard["ShardId"])?, text(&shard["ParentShardId"])));
        Ok(shards.iter().filter_map(shard).collect())
    }

    /// Where a shard begins.
    pub fn beginning(&mut self, stream: &str, shard: &str) -> Result<String> {
        let input = json!({ "StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
        let answer = self.call("DynamoDBStreams", "GetShardIterator", &input)?;
        Ok(answer["ShardIterator"].as_str().context("no iterator")?.to_owned())
    }

    /// A page of records, and where the shard goes on; `None` at its end.
    pub fn records(&mut self, iterator: &str) -> Result<(Vec<Value>, Option<String>)> {
        let mut answer = self.call("DynamoDBStreams", "GetRecords", &json!({ "ShardIterator": iterator }))?;
        let Value::Array(records) = answer["Records"].take() else { return Ok((Vec::new(), None)) };
        Ok((records, answer["NextShardIterator"].as_str().map(str::to_owned)))
    }
}
