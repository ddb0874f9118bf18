//! The table's stream: in order for one item, in no order between items, a batch sometimes twice; filtered, gathered,
//! tried again and given up as the mapping says.

use super::EventCounts;
use super::batch::{Batches, Record};
use crate::chance::{draw, number_of};
use crate::clock::{now_ms, sleep_ms};
use crate::function::{Function, Outcome};
use crate::template::Stream;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::mpsc;

const SHARDS: u64 = 4;

/// Takes records for one function; each shard delivers one batch at a time.
pub(crate) struct Shards {
    mapping: Stream,
    shards: Vec<mpsc::UnboundedSender<Record>>,
}

impl Shards {
    pub(crate) fn start(
        function: &Arc<Function>,
        mapping: &Stream,
        counts: &Arc<EventCounts>,
        rough: Option<u64>,
    ) -> Self {
        let start = |shard| {
            // The number of pending events is bounded where they are taken in.
            let (sender, receiver) = mpsc::unbounded_channel();
            let deliver = Shard {
                function: function.clone(),
                mapping: mapping.clone(),
                counts: counts.clone(),
                rough: rough.map(|seed| seed ^ shard),
            };
            tokio::spawn(deliver.run(Batches::new(receiver, mapping)));
            sender
        };
        Self { mapping: mapping.clone(), shards: (0..SHARDS).map(start).collect() }
    }

    /// Whether the mapping's filter lets it through.
    pub(crate) fn want(&self, record: &Value) -> bool {
        self.mapping.filter.accepts(record)
    }

    /// Records of one item go to one shard, so they stay in order.
    pub(crate) fn put(&self, record: &Value) {
        let keys = record.pointer("/dynamodb/Keys").map(Value::to_string).unwrap_or_default();
        if let Some(shard) = self.shards.get((number_of(&keys) % SHARDS) as usize) {
            let _ = shard.send(Record::new(record));
        }
    }
}

struct Shard {
    function: Arc<Function>,
    mapping: Stream,
    counts: Arc<EventCounts>,
    rough: Option<u64>,
}

impl Shard {
    async fn run(self, mut batches: Batches) {
        let mut number = 0;
        while let Some(records) = batches.next().await {
            number += 1;
            if let Some(seed) = self.rough {
                sleep_ms(draw(seed, "late batch", number) % 300).await;
            }
            let again = self.rough.is_some_and(|seed| draw(seed, "batch twice", number).is_multiple_of(3));
            let copy = again.then(|| records.clone());
            self.deliver(records, false).await;
            if let Some(copy) = copy {
                self.deliver(copy, true).await;
            }
        }
    }

    async fn deliver(&self, records: Vec<Record>, again: bool) {
        let mut work = VecDeque::from([(records, 0)]);
        while let Some((records, tries)) = work.pop_front() {
            let mut records = self.without_old(records, again);
            if records.is_empty() {
                continue;
            }
            let values: Vec<_> = records.iter().map(|record| &record.value).collect();
            let payload = Bytes::from(json!({ "Records": values }).to_string());
            let outcome = self.function.invoke(payload, format!("stream-{tries}")).await;
            let done = self.done(&outcome, &records);
            let mut rest = records.split_off(done.unwrap_or(0));
            self.count(records.len(), again, true);
            if rest.is_empty() {
                continue;
            }
            // A split does not count as a retry; the docs say so, and it ends by itself. Where the function named the
            // records that failed, the batch is split at the first of them only.
            if done.is_none() && self.mapping.bisect && rest.len() > 1 {
                let second = rest.split_off(rest.len() / 2);
                work.push_front((second, tries));
                work.push_front((rest, tries));
            } else if tries >= self.mapping.retries {
                eprintln!("front door: {} records of the stream failed for good", rest.len());
                self.count(rest.len(), again, false);
            } else {
                sleep_ms((20 * (tries + 1)).min(200)).await;
                work.push_front((rest, tries + 1));
            }
        }
    }

    /// "The maximum age of a record that Lambda sends to your function": at each try, those that are older are given up.
    fn without_old(&self, mut records: Vec<Record>, again: bool) -> Vec<Record> {
        let Some(age_ms_max) = self.mapping.record_age_ms_max else { return records };
        let now_ms = now_ms();
        let before = records.len();
        records.retain(|record| record.made_ms + age_ms_max >= now_ms);
        let old = before - records.len();
        if old > 0 {
            eprintln!("front door: {old} records of the stream are too old");
            // What comes twice is counted once.
            if !again {
                self.counts.too_old.fetch_add(old as u64, Relaxed);
            }
            self.count(old, again, false);
        }
        records
    }

    fn count(&self, records: usize, again: bool, good: bool) {
        let records = records as u64;
        match (again, good) {
            (true, _) => self.counts.duplicates.fetch_add(records, Relaxed),
            (false, true) => self.counts.delivered.fetch_add(records, Relaxed),
            (false, false) => self.counts.failed.fetch_add(records, Relaxed),
        };
        if !again {
            self.counts.pending.fetch_sub(records, Relaxed);
        }
    }

    /// How many records from the front are done; nothing when the invocation failed as a whole.
    fn done(&self, outcome: &Outcome, records: &[Record]) -> Option<usize> {
        let Outcome::Result(bytes) = outcome else { return None };
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let failures = value.get("batchItemFailures").and_then(Value::as_array);
        let Some(failures) = failures.filter(|all| self.mapping.partial && !all.is_empty()) else {
            return Some(records.len());
        };
        // The lowest one named counts; a name that is not in the batch fails it whole.
        let place = |failure: &Value| {
            let id = failure.get("itemIdentifier")?.as_str()?;
            records.iter().position(|record| record.sequence_number() == Some(id))
        };
        failures.iter().map(place).collect::<Option<Vec<_>>>().and_then(|places| places.into_iter().min())
    }
}
