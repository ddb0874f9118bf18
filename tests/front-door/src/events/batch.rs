//! Records of one shard, gathered into batches: up to the mapping's size, and Lambda's, for as long as the mapping says
//! (Lambda Developer Guide, "Batching behavior").

use crate::clock::{now_ms, sleep_ms};
use crate::limits::REQUEST_BYTES_MAX;
use crate::template::Stream;
use serde_json::Value;
use tokio::sync::mpsc;

/// Bytes of records in one event, which has `{"Records":[]}` around them.
const RECORDS_BYTES_MAX: usize = REQUEST_BYTES_MAX - 14;

/// A change of an item.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) value: Value,
    /// As JSON, with a comma.
    bytes: usize,
    /// When the change was made, since 1970.
    pub(crate) made_ms: u64,
}

impl Record {
    pub(crate) fn new(value: &Value) -> Self {
        let made = value.pointer("/dynamodb/ApproximateCreationDateTime").and_then(Value::as_f64);
        Self {
            bytes: value.to_string().len() + 1,
            // In seconds. A record that doesn't say is as new as it came.
            made_ms: made.map_or_else(now_ms, |seconds| (seconds * 1000.0) as u64),
            value: value.clone(),
        }
    }

    pub(crate) fn sequence_number(&self) -> Option<&str> {
        self.value.pointer("/dynamodb/SequenceNumber")?.as_str()
    }
}

pub(crate) struct Batches {
    receiver: mpsc::UnboundedReceiver<Record>,
    /// It came, and did not fit the batch before.
    left_over: Option<Record>,
    records_max: usize,
    window_ms: u64,
}

impl Batches {
    pub(crate) fn new(receiver: mpsc::UnboundedReceiver<Record>, mapping: &Stream) -> Self {
        Self { receiver, left_over: None, records_max: mapping.batch_size, window_ms: mapping.window_ms }
    }

    /// Waits for a first record; then for as many as a batch has, until the window ends. `None`: no more will come.
    pub(crate) async fn next(&mut self) -> Option<Vec<Record>> {
        let first = match self.left_over.take() {
            Some(record) => record,
            None => self.receiver.recv().await?,
        };
        let mut bytes = first.bytes;
        let mut batch = vec![first];
        let window = sleep_ms(self.window_ms);
        tokio::pin!(window);
        while batch.len() < self.records_max {
            let record = tokio::select! {
                // What is there already is taken, even where the window has no length.
                biased;
                record = self.receiver.recv() => record,
                () = &mut window => None,
            };
            let Some(record) = record else { break };
            bytes += record.bytes;
            if bytes > RECORDS_BYTES_MAX {
                self.left_over = Some(record);
                break;
            }
            batch.push(record);
        }
        Some(batch)
    }
}
