//! A DynamoDB Streams whose shards a test arranges: they split, lose their oldest records, and their stream is
//! switched off and on again. The stream of [`crate::dynamodb`] has one shard that keeps everything.
//!
//! It answers `DescribeTable` (of a table, only which stream is its latest), `DescribeStream` (two shards a page),
//! `GetShardIterator` and `GetRecords`, by the rules of their API reference; signatures are not checked.

#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use crate::dynamodb::TARGET;
use crate::engines::sdk_config;

/// Shards in one page of `DescribeStream`.
const SHARDS_PER_PAGE: usize = 2;

/// The streams that one table has had, the latest last. Clones share them.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    streams: Vec<Stream>,
    /// Iterators made before the last expiry are of an earlier one.
    generation: usize,
    sequence_number: usize,
    operations: Vec<String>,
}

struct Stream {
    arn: String,
    is_on: bool,
    shards: Vec<Shard>,
}

struct Shard {
    id: String,
    parent: Option<String>,
    is_open: bool,
    /// With their sequence numbers.
    records: Vec<(usize, Value)>,
    /// How many of the oldest are no longer kept.
    trimmed: usize,
    /// How many reads answer nothing yet.
    quiet: usize,
}

impl Streams {
    /// A table with a stream that has no shards yet.
    #[must_use]
    pub fn new() -> Self {
        let streams = Self::default();
        streams.switch_on();
        streams
    }

    /// What the SDK's clients are made from.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        sdk_config(self.clone())
    }

    /// A new shard of the latest stream.
    pub fn open(&self, shard: &str, parent: Option<&str>) {
        let (id, parent) = (shard.to_owned(), parent.map(str::to_owned));
        let shard = Shard { id, parent, is_open: true, records: Vec::new(), trimmed: 0, quiet: 0 };
        self.state().latest().shards.push(shard);
    }

    /// The shard takes no more.
    pub fn close(&self, shard: &str) {
        self.state().latest().shard(shard).is_open = false;
    }

    /// An item was made; `image` is in DynamoDB's JSON.
    pub fn insert(&self, shard: &str, image: &Value) {
        let mut state = self.state();
        state.sequence_number += 1;
        let number = state.sequence_number;
        let keys = json!({"PK": image["PK"], "SK": image["SK"]});
        let change = json!({"Keys": keys, "NewImage": image, "SequenceNumber": digits(number),
            "StreamViewType": "NEW_AND_OLD_IMAGES"});
        let record = json!({"eventName": "INSERT", "dynamodb": change});
        state.latest().shard(shard).records.push((number, record));
    }

    /// The oldest `records` of the shard are no longer kept.
    pub fn trim(&self, shard: &str, records: usize) {
        self.state().latest().shard(shard).trimmed = records;
    }

    /// So many reads of the shard answer nothing, although it has more: its records lie apart.
    pub fn keep_quiet(&self, shard: &str, reads: usize) {
        self.state().latest().shard(shard).quiet = reads;
    }

    /// The shard is no longer listed.
    pub fn forget(&self, shard: &str) {
        self.state().latest().shards.retain(|kept| kept.id != shard);
    }

    /// Every iterator that was handed out is too old.
    pub fn expire_iterators(&self) {
        self.state().generation += 1;
    }

    /// The table has no stream from now on; what the latest one has can be read.
    pub fn switch_off(&self) {
        let mut state = self.state();
        let latest = state.latest();
        latest.is_on = false;
        latest.shards.iter_mut().for_each(|shard| shard.is_open = false);
    }

    /// The table has another stream from now on, with another name.
    pub fn switch_on(&self) {
        let mut state = self.state();
        let arn = format!("arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/{}", state.streams.len());
        state.streams.push(Stream { arn, is_on: true, shards: Vec::new() });
    }

    /// What was switched off is no longer kept.
    pub fn forget_earlier_streams(&self) {
        self.state().streams.retain(|stream| stream.is_on);
    }

    /// The names of the operations that were asked for.
    #[must_use]
    pub fn operations(&self) -> Vec<String> {
        self.state().operations.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sequence numbers are numbers in text.
fn digits(number: usize) -> String {
    format!("{number:021}")
}

/// A code, and a message.
type Refused = (&'static str, &'static str);

const NOT_FOUND: Refused = ("ResourceNotFoundException", "Requested resource not found");
const EXPIRED: Refused = ("ExpiredIteratorException", "Iterator expired");
const TRIMMED: Refused = ("TrimmedDataAccessException", "Attempt to access trimmed data");
const INVALID: Refused = ("ValidationException", "not understood by the streams of the tests");

impl State {
    fn latest(&mut self) -> &mut Stream {
        self.streams.last_mut().expect("a table that was given a stream")
    }

    fn perform(&mut self, operation: &str, asked: &Value) -> Result<Value, Refused> {
        match operation {
            "DescribeTable" => {
                let latest = self.streams.last().map(|stream| &stream.arn);
                Ok(json!({"Table": {"LatestStreamArn": latest}}))
            }
            "DescribeStream" => self.stream(asked)?.describe(asked["ExclusiveStartShardId"].as_str()),
            "GetShardIterator" => {
                let arn = asked["StreamArn"].as_str().unwrap_or_default();
                let shard = self.stream(asked)?.find(asked["ShardId"].as_str().unwrap_or_default())?;
                let index = shard.place(asked)?;
                let iterator = format!("{}|{arn}|{}|{index}", self.generation, shard.id);
                Ok(json!({"ShardIterator": iterator}))
            }
            "GetRecords" => self.records(asked),
            _ => Err(INVALID),
        }
    }

    fn stream(&self, asked: &Value) -> Result<&Stream, Refused> {
        let arn = asked["StreamArn"].as_str().unwrap_or_default();
        self.streams.iter().find(|stream| stream.arn == arn).ok_or(NOT_FOUND)
    }

    fn records(&mut self, asked: &Value) -> Result<Value, Refused> {
        let iterator: Vec<&str> = asked["ShardIterator"].as_str().unwrap_or_default().split('|').collect();
        let &[generation, arn, id, index] = &iterator[..] else { return Err(INVALID) };
        if generation != self.generation.to_string() {
            return Err(EXPIRED);
        }
        let stream = self.streams.iter_mut().find(|stream| stream.arn == arn).ok_or(NOT_FOUND)?;
        let shard = stream.shards.iter_mut().find(|shard| shard.id == id).ok_or(NOT_FOUND)?;
        let index: usize = index.parse().map_err(|_| INVALID)?;
        if index < shard.trimmed {
            return Err(TRIMMED);
        }
        if shard.quiet > 0 {
            shard.quiet -= 1;
            return Ok(json!({"Records": [], "NextShardIterator": asked["ShardIterator"]}));
        }
        let most = asked["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(1000);
        let records: Vec<&Value> =
            shard.records.iter().skip(index).take(most).map(|(_, record)| record).collect();
        let next = index + records.len();
        let at_end = !shard.is_open && next == shard.records.len();
        let iterator = (!at_end).then(|| format!("{generation}|{arn}|{id}|{next}"));
        Ok(json!({"Records": records, "NextShardIterator": iterator}))
    }
}

impl Stream {
    fn shard(&mut self, id: &str) -> &mut Shard {
        self.shards.iter_mut().find(|shard| shard.id == id).expect("a shard that was opened")
    }

    fn find(&self, id: &str) -> Result<&Shard, Refused> {
        self.shards.iter().find(|shard| shard.id == id).ok_or(NOT_FOUND)
    }

    fn describe(&self, after: Option<&str>) -> Result<Value, Refused> {
        let start = match after {
            None => 0,
            Some(after) => 1 + self.shards.iter().position(|shard| shard.id == after).ok_or(NOT_FOUND)?,
        };
        let rest = &self.shards[start..];
        let page = &rest[..rest.len().min(SHARDS_PER_PAGE)];
        let more = page.last().filter(|_| page.len() < rest.len()).map(|last| &last.id);
        Ok(json!({"StreamDescription": {
            "StreamArn": self.arn,
            "StreamStatus": if self.is_on { "ENABLED" } else { "DISABLED" },
            "Shards": page.iter().map(Shard::describe).collect::<Vec<_>>(),
            "LastEvaluatedShardId": more,
        }}))
    }
}

impl Shard {
    fn describe(&self) -> Value {
        let number = |record: Option<&(usize, Value)>| digits(record.map_or(0, |(number, _)| *number));
        let mut range = json!({"StartingSequenceNumber": number(self.records.first())});
        if !self.is_open {
            range["EndingSequenceNumber"] = number(self.records.last()).into();
        }
        json!({"ShardId": self.id, "ParentShardId": self.parent, "SequenceNumberRange": range})
    }

    /// The index of the record that an iterator begins with.
    fn place(&self, asked: &Value) -> Result<usize, Refused> {
        match asked["ShardIteratorType"].as_str() {
            Some("TRIM_HORIZON") => Ok(self.trimmed),
            Some("AFTER_SEQUENCE_NUMBER") => {
                let number = asked["SequenceNumber"].as_str().unwrap_or_default();
                let mut records = self.records.iter();
                let index = records.position(|(of, _)| digits(*of) == number).ok_or(INVALID)?;
                if index < self.trimmed { Err(TRIMMED) } else { Ok(index + 1) }
            }
            _ => Err(INVALID),
        }
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streams")
    }
}

impl HttpClient for Streams {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Streams {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get(TARGET).unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let asked = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let mut state = self.state();
        let (status, body) = match state.perform(&operation, &asked) {
            Ok(answer) => (200, answer),
            Err((code, message)) => {
                let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
                (400, json!({"__type": code, "message": message}))
            }
        };
        state.operations.push(operation);
        let status = status.try_into().expect("it is a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body.to_string()))))
    }
}
