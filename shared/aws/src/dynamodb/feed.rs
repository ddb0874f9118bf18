//! The change feed: the table's stream.
//!
//! A stream has shards. Changes of one item are in one shard, or in its parent before, so that a shard is read
//! only when its parent was read to the end. A cursor says of each shard how far it was read.

mod cursor;
mod record;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::operation::describe_stream::DescribeStreamError;
use aws_sdk_dynamodbstreams::operation::get_records::GetRecordsError;
use aws_sdk_dynamodbstreams::operation::get_shard_iterator::GetShardIteratorError;
use aws_sdk_dynamodbstreams::types::{Shard, ShardIteratorType, StreamStatus};
use moorage_ports::{Change, ChangeFeed, Changes, Cursor, PortError};

use self::cursor::{Place, Places};
pub use self::record::change_of_event;
use super::Table;
use crate::error::{misuse, port_error};
use crate::setup::how_to_switch_stream_on;

/// DynamoDB answers at most so many records in one read.
const RECORDS_MAX: usize = 1000;
/// Reads of one page of changes: a closed shard may answer nothing many times before its end. Where to go on
/// is remembered in the process, so that the next page is further on.
const READS_MAX: usize = 200;

/// What the process remembers between pages.
pub(super) struct Feed {
    client: Client,
    remembered: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    /// The table's stream, once it was asked for.
    stream: Option<String>,
    /// Where the next read of a shard begins, for who is at that place. DynamoDB keeps an iterator for 15 minutes.
    iterators: BTreeMap<String, (Place, String)>,
    /// How many pages were begun: each begins with another shard.
    turn: usize,
}

impl Feed {
    pub(super) fn new(client: Client) -> Self {
        Self { client, remembered: Mutex::default() }
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ChangeFeed for Table {
    async fn changes(&self, cursor: &Cursor, limit: usize) -> Result<Changes, PortError> {
        if limit == 0 {
            return Err(misuse("a page of no changes"));
        }
        let earlier = Places::from_cursor(cursor)?;
        let listed = self.context.clock.now();
        let Stream { name, is_on, shards } = self.stream().await?;
        let (places, lost) = Places::on(earlier, &name, listed, &shards);
        let mut page =
            Reading { feed: &self.feed, stream: name, limit, places, lost, changes: Vec::new(), reads: 0 };
        page.read(&shards).await?;
        if !is_on && page.places.are_at_the_end() && page.changes.is_empty() && !page.lost {
            return Err(self.without_stream());
        }
        Ok(Changes { changes: page.changes, next: page.places.into_cursor()?, lost: page.lost })
    }
}

/// A stream as it is now.
struct Stream {
    /// Its ARN.
    name: String,
    /// Whether changes are still put into it.
    is_on: bool,
    /// Those that are kept, in no order.
    shards: Vec<Shard>,
}

impl Table {
    /// The table's stream. One that was switched off is read to its end, unless another has taken its place.
    async fn stream(&self) -> Result<Stream, PortError> {
        let remembered = self.feed.remembered().stream.clone();
        if let Some(name) = remembered
            && let Some(stream) = self.feed.describe(name).await?
            && stream.is_on
        {
            return Ok(stream);
        }
        let answer = self.client.describe_table().table_name(&*self.name).send().await;
        let answer = answer.map_err(|e| port_error("DescribeTable", &e))?;
        let latest = answer.table.and_then(|table| table.latest_stream_arn);
        let name = latest.ok_or_else(|| self.without_stream())?;
        self.feed.remembered().stream = Some(name.clone());
        self.feed.describe(name).await?.ok_or_else(|| self.without_stream())
    }

    fn without_stream(&self) -> PortError {
        let what_to_do = how_to_switch_stream_on(&self.name);
        PortError::Unavailable(format!("the table {} has no stream: {what_to_do}", self.name))
    }
}

impl Feed {
    /// `None` where the stream is no longer kept.
    async fn describe(&self, name: String) -> Result<Option<Stream>, PortError> {
        let mut stream = Stream { name, is_on: false, shards: Vec::new() };
        let mut after = None;
        loop {
            let asked =
                self.client.describe_stream().stream_arn(&stream.name).set_exclusive_start_shard_id(after);
            let described = match asked.send().await {
                Ok(answer) => answer.stream_description,
                Err(error) => match error.as_service_error() {
                    Some(DescribeStreamError::ResourceNotFoundException(_)) => return Ok(None),
                    _ => return Err(port_error("DescribeStream", &error)),
                },
            };
            let Some(described) = described else { return Ok(None) };
            stream.is_on =
                !matches!(described.stream_status, Some(StreamStatus::Disabled | StreamStatus::Disabling));
            stream.shards.extend(described.shards.unwrap_or_default());
            after = described.last_evaluated_shard_id;
            if after.is_none() {
                return Ok(Some(stream));
            }
        }
    }
}

/// One page, as it is read.
struct Reading<'f> {
    feed: &'f Feed,
    stream: String,
    limit: usize,
    places: Places,
    lost: bool,
    changes: Vec<Change>,
    reads: usize,
}

impl Reading<'_> {
    /// Reads on until the page is full, or each shard has answered that it has nothing for now.
    async fn read(&mut self, shards: &[Shard]) -> Result<(), PortError> {
        let mut unread: Vec<&Shard> = shards.iter().collect();
        if !unread.is_empty() {
            let mut remembered = self.feed.remembered();
            unread.rotate_left(remembered.turn % shards.len());
            remembered.turn = remembered.turn.wrapping_add(1);
        }
        // A shard that ends makes its children readable, which may stand before it.
        while let Some(next) = unread.iter().position(|shard| self.places.may_read(shard)) {
            let shard = unread.swap_remove(next);
            self.read_shard(shard).await?;
            if self.is_full() {
                break;
            }
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.changes.len() >= self.limit || self.reads >= READS_MAX
    }

    async fn read_shard(&mut self, shard: &Shard) -> Result<(), PortError> {
        let id = shard.shard_id().unwrap_or_default();
        let is_open =
            shard.sequence_number_range().is_none_or(|range| range.ending_sequence_number().is_none());
        while !self.is_full() {
            let place = self.places.of(id);
            if place == Place::End {
                return Ok(());
            }
            let Some(iterator) = self.iterator(id, &place).await? else { continue };
            self.reads += 1;
            let records_max = (self.limit - self.changes.len()).min(RECORDS_MAX);
            let asked = self
                .feed
                .client
                .get_records()
                .shard_iterator(iterator)
                .limit(i32::try_from(records_max).unwrap_or(i32::MAX));
            let answer = match asked.send().await {
                Ok(answer) => answer,
                Err(error) => {
                    self.feed.remembered().iterators.remove(id);
                    match error.as_service_error() {
                        Some(GetRecordsError::ExpiredIteratorException(_)) => continue,
                        Some(GetRecordsError::TrimmedDataAccessException(_)) => {
                            self.lose(id);
                            continue;
                        }
                        _ => return Err(port_error("GetRecords", &error)),
                    }
                }
            };
            let records = answer.records.unwrap_or_default();
            let was_empty = records.is_empty();
            let mut place = place;
            for record in records {
                let Some(record) = record.dynamodb else { continue };
                if let Some(sequence_number) = record.sequence_number() {
                    place = Place::After(sequence_number.to_owned());
                }
                self.changes.extend(record::change(record)?);
            }
            match answer.next_shard_iterator {
                Some(next) => {
                    self.feed.remembered().iterators.insert(id.to_owned(), (place.clone(), next));
                    self.places.set(id, place);
                    if was_empty && is_open {
                        return Ok(());
                    }
                }
                None => {
                    self.feed.remembered().iterators.remove(id);
                    self.places.set(id, Place::End);
                }
            }
        }
        Ok(())
    }

    /// Where to read on; `None` where what came after this place is no longer kept.
    async fn iterator(&mut self, id: &str, place: &Place) -> Result<Option<String>, PortError> {
        if let Some((of, iterator)) = self.feed.remembered().iterators.get(id)
            && of == place
        {
            return Ok(Some(iterator.clone()));
        }
        let asked = self.feed.client.get_shard_iterator().stream_arn(&self.stream).shard_id(id);
        let asked = match place {
            Place::After(sequence_number) => asked
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .sequence_number(sequence_number),
            Place::Start | Place::End => asked.shard_iterator_type(ShardIteratorType::TrimHorizon),
        };
        match asked.send().await {
            Ok(answer) => answer.shard_iterator.map(Some).ok_or_else(|| {
                PortError::Unavailable("GetShardIterator: answered without an iterator".to_owned())
            }),
            Err(error) => match error.as_service_error() {
                Some(GetShardIteratorError::TrimmedDataAccessException(_)) => {
                    self.reads += 1;
                    self.lose(id);
                    Ok(None)
                }
                _ => Err(port_error("GetShardIterator", &error)),
            },
        }
    }

    /// Goes on with the oldest change of a shard that is kept.
    fn lose(&mut self, id: &str) {
        self.lost = true;
        self.places.set(id, Place::Start);
    }
}
