//! DynamoDB and DynamoDB Streams: dynoxide, in memory, spoken to in DynamoDB's JSON protocol.
//!
//! What differs from DynamoDB:
//! - every write and read is one step of its own: no throttling, no `TransactionConflict`, no unprocessed items, no
//!   stale reads; a test that wants them injects them;
//! - expired items go when [`DynamoDb::expire`] is called, never by themselves;
//! - a put that changes nothing still makes a stream record;
//! - a stream has one shard, and keeps its records for ever ([`crate::streams`] is for what else happens to shards);
//! - signatures are not checked.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use http::{HeaderMap, Response, StatusCode};
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where the operation's name stands: `DynamoDB_20120810.GetItem`.
pub(crate) const TARGET: &str = "x-amz-target";

/// An in-memory DynamoDB. Clones share their tables.
#[derive(Clone)]
pub struct DynamoDb {
    database: Database,
}

impl DynamoDb {
    /// A fresh one, without tables.
    pub(crate) fn new() -> Self {
        // A name of its own in SQLite's memory file system, so that a second connection can reach the same data.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("file:/moorage-{}?vfs=memdb", NEXT.fetch_add(1, Ordering::Relaxed));
        let database = Database::new(&name).expect("an SQLite database opens in memory");
        index_stream_records(&name).expect("dynoxide 3.2.0 keeps stream records in `_stream_records`");
        Self { database }
    }

    /// Deletes what is past its time to live, as DynamoDB does in its own time; the deletions appear in the stream as
    /// the service's. Returns how many items went.
    pub async fn expire(&self) -> usize {
        let database = self.database.clone();
        blocking(move || database.sweep_ttl()).await.expect("a sweep of an in-memory database")
    }

    /// dynoxide's own API, to look inside.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Answers one request of DynamoDB's or DynamoDB Streams' JSON protocol.
    pub(crate) async fn answer(&self, headers: &HeaderMap, body: Bytes) -> Response<Bytes> {
        let target = headers.get(TARGET).and_then(|target| target.to_str().ok()).unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let database = self.database.clone();
        let (status, body) = match blocking(move || perform(&database, &operation, &body)).await {
            Ok(json) => (StatusCode::OK, json),
            Err(error) => (StatusCode::from_u16(error.status_code()).unwrap_or_default(), error.to_json()),
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let content_type = http::HeaderValue::from_static("application/x-amz-json-1.0");
        response.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
        response
    }
}

/// dynoxide holds one mutex around SQLite: off the threads that drive everything else.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        Err(_) => unreachable!("nobody aborts it, and the runtime is alive while a request waits"),
    }
}

/// Without these, each write to a table with a stream reads all of its records so far.
fn index_stream_records(database: &str) -> rusqlite::Result<()> {
    Connection::open(database)?.execute_batch(
        "CREATE INDEX moorage_stream_last ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
         CREATE INDEX moorage_stream_next
             ON _stream_records (table_name, shard_id, CAST(sequence_number AS INTEGER));",
    )
}

fn perform(database: &Database, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
    match operation {
        "CreateTable" => call(body, |request| database.create_table(request)),
        "DeleteTable" => call(body, |request| database.delete_table(request)),
        "DescribeTable" => call(body, |request| database.describe_table(request)),
        "ListTables" => call(body, |request| database.list_tables(request)),
        "UpdateTable" => call(body, |request| database.update_table(request)),
        "UpdateTimeToLive" => call(body, |request| database.update_time_to_live(request)),
        "DescribeTimeToLive" => call(body, |request| database.describe_time_to_live(request)),
        "GetItem" => call(body, |request| database.get_item(request)),
        "PutItem" => call(body, |request| database.put_item(request)),
        "UpdateItem" => call(body, |request| database.update_item(request)),
        "DeleteItem" => call(body, |request| database.delete_item(request)),
        "Query" => call(body, |request| database.query(request)),
        "Scan" => call(body, |request| database.scan(request)),
        "BatchGetItem" => call(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => call(body, |request| database.batch_write_item(request)),
        "TransactGetItems" => call(body, |request| database.transact_get_items(request)),
        "TransactWriteItems" => call(body, |request| database.transact_write_items(request)),
        "ListStreams" => call(body, |request| database.list_streams(request)),
        "DescribeStream" => call(body, |request| database.describe_stream(request)),
        "GetShardIterator" => call(body, |request| database.get_shard_iterator(request)),
        "GetRecords" => call(body, |request| database.get_records(request)),
        other => {
            Err(DynoxideError::ValidationException(format!("the DynamoDB of the tests has no {other:?}")))
        }
    }
}

fn call<Request: DeserializeOwned, Answer: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Request) -> Result<Answer, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_slice(body).map_err(|refused| unreadable(&refused.to_string()))?;
    serde_json::to_string(&operation(request)?)
        .map_err(|unwritable| DynoxideError::InternalServerError(unwritable.to_string()))
}

/// dynoxide marks in front of serde's message what DynamoDB answers; unmarked, a missing field is a fault of the
/// request and anything else one of its form.
fn unreadable(refused: &str) -> DynoxideError {
    let (mark, text) = refused.split_once(':').unwrap_or_default();
    let message = text.split(" at line ").next().unwrap_or_default().to_owned();
    match mark {
        "VALIDATION" | "VALIDATION_REQUEST" | "VALIDATION_AS_READ" => {
            DynoxideError::ValidationException(message)
        }
        "SERIALIZATION" | "SERIALIZATION_AS_READ" => DynoxideError::SerializationException(message),
        _ if ["missing field", "unknown variant", "invalid type: null", "AttributeValue"]
            .iter()
            .any(|sign| refused.contains(sign)) =>
        {
            DynoxideError::ValidationException(refused.to_owned())
        }
        _ => DynoxideError::SerializationException(refused.to_owned()),
    }
}
