//! `collect`: each change of the table asks for its reviews and is told the bus, where there is one; reviews that are due
//! are done, after changes and by the schedule, which also hands over the events that the bus did not take before.

use std::time::Duration;

use aws_lambda_events::event::dynamodb::EventRecord;
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use lambda_runtime::Error;
use moorage_aws::EventBridge;
use moorage_collector::{Collector, Worked};
use moorage_ports::{Change, PortError, Timestamp, calls};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::log::REQUEST;
use crate::outlet::Counted;

/// Where `collect` tells what happens.
pub(crate) type Bus = Counted<EventBridge>;

/// What calls the function: the stream with records, or EventBridge with the kind of its event.
#[derive(Deserialize)]
struct Call {
    #[serde(rename = "Records", default)]
    records: Option<Vec<Box<RawValue>>>,
    #[serde(rename = "detail-type", default)]
    detail_type: Option<String>,
}

/// Where a record stands in its stream, and what it says.
#[derive(Deserialize)]
struct Place {
    dynamodb: Sequence,
}

#[derive(Deserialize)]
struct Sequence {
    #[serde(rename = "SequenceNumber")]
    number: String,
}

/// Time kept to answer in, and for the review that is being done when the time is over.
const TIME_TO_END: Duration = Duration::from_secs(30);

/// Time for reviews after changes: so long, that is, the next changes of the shard wait at most.
const TIME_AFTER_CHANGES: Duration = Duration::from_secs(10);

/// The part of its time that the schedule gives to events that wait: one in so many. A bus that was down for long must
/// not keep reviews from being done.
const TIME_FOR_EVENTS: u32 = 3;

/// Heeds the changes in one event, or by the schedule hands over what waits for `bus`; then does what is due until `left`
/// is nearly over. Any of it may be told again.
///
/// # Errors
/// An event that nobody here understands; those of the storage where reviews cannot be asked for: Lambda then tells
/// it all again. A review that cannot be done stays due, and fails nothing.
pub(crate) async fn collect(
    collector: &Collector,
    bus: Option<&Bus>,
    event: &RawValue,
    left: Duration,
) -> Result<DynamoDbEventResponse, Error> {
    let Told { changes, is_scheduled, response } = read(event)?;
    let clock = collector.steps().context.clock.clone();
    let began = clock.monotonic();
    let time = left.saturating_sub(TIME_TO_END);
    let time = if is_scheduled { time } else { time.min(TIME_AFTER_CHANGES) };
    let (done, counted) = calls::scope(Box::pin(async {
        collector.heed(&changes).await?;
        if let Some(bus) = bus.filter(|_| is_scheduled) {
            deliver(collector, bus, time / TIME_FOR_EVENTS).await;
        }
        let time = time.saturating_sub(clock.monotonic() - began);
        Ok::<_, Error>(collector.work(Some(time)).await)
    }))
    .await;
    let worked = match done? {
        Ok(worked) => worked,
        Err(error) => {
            tracing::warn!(%error, "it could not be asked what is due");
            Worked { failed: 1, ..Worked::default() }
        }
    };
    let told = bus.map(Bus::take).unwrap_or_default();
    let backend = &counted.backend;
    tracing::info!(
        target: REQUEST,
        operation = "collect",
        changes = changes.len(),
        unreadable = response.batch_item_failures.len(),
        reviews_done = worked.done,
        reviews_failed = worked.failed,
        out_of_time = worked.out_of_time,
        events_handed = told.handed,
        events_left = told.left,
        so_far = %collector.tally(),
        duration_us = u64::try_from((clock.monotonic() - began).as_micros()).unwrap_or(u64::MAX),
        backend_calls = %counted.calls,
        table_calls = counted.calls.table(),
        blob_calls = counted.calls.blobs(),
        backend_requests = %backend,
        retries = backend.retries,
        read_units = backend.read_units,
        write_units = backend.write_units,
        list_price_nano_usd = backend.nano_usd,
        "request"
    );
    Ok(response)
}

/// Hands over events that wait, for about this time at most. What can't be done now is for the next schedule.
async fn deliver(collector: &Collector, bus: &Bus, time: Duration) {
    let clock = &collector.steps().context.clock;
    let end = clock.monotonic() + time;
    loop {
        match collector.deliver(bus).await {
            Ok(done) if done.more && done.handed > 0 && clock.monotonic() < end => {}
            Ok(_) => break,
            Err(error) => {
                tracing::warn!(%error, "events that wait could not be handed over");
                break;
            }
        }
    }
}

/// What one event says.
#[derive(Default)]
struct Told {
    changes: Vec<Change>,
    /// It is time to look for what is due.
    is_scheduled: bool,
    /// Which records could not be read.
    response: DynamoDbEventResponse,
}

/// Reads one event; says which records could not be read.
///
/// Lambda sends all records again from the first that failed, and gives up those that keep failing after the times
/// that the template says, into its queue of failures: with a record that was named, also those behind it in its
/// batch. So a batch that begins with one fails whole, which makes Lambda split it, until that record is alone
/// (Lambda Developer Guide, "Configuring partial batch response with DynamoDB and Lambda", "Bisecting a batch").
///
/// # Errors
/// An event of another kind; more than one record, of which the first could not be read.
fn read(event: &RawValue) -> Result<Told, Error> {
    let mut told = Told::default();
    let call = serde_json::from_str::<Call>(event.get()).map(|call| (call.records, call.detail_type));
    match call {
        Ok((Some(records), _)) => {
            let mut first_failed = false;
            for (index, record) in records.iter().enumerate() {
                match change(record) {
                    Ok(change) => told.changes.extend(change),
                    Err(error) => {
                        let number = sequence_number(record)?;
                        tracing::error!(sequence_number = number, %error, "a change could not be read");
                        first_failed |= index == 0;
                        let mut failure = DynamoDbBatchItemFailure::default();
                        failure.item_identifier = Some(number);
                        told.response.batch_item_failures.push(failure);
                    }
                }
            }
            if first_failed && records.len() > 1 {
                return Err(
                    "the first change of the batch could not be read: the batch is to be split".into()
                );
            }
        }
        Ok((None, Some(_))) => told.is_scheduled = true,
        Ok((None, None)) | Err(_) => {
            return Err("this is neither an event of the table's stream nor of the schedule".into());
        }
    }
    Ok(told)
}

/// `None` where the feed leaves the item out.
fn change(record: &RawValue) -> Result<Option<Change>, PortError> {
    let record: EventRecord =
        serde_json::from_str(record.get()).map_err(|error| PortError::Corrupt(error.to_string()))?;
    let changed = record.change;
    // A record without it is read as one of 1970.
    let at = u64::try_from(changed.approximate_creation_date_time.timestamp_millis()).ok();
    let at = at.filter(|at| *at > 0).map(Timestamp);
    moorage_aws::change_of_event(changed.keys, changed.old_image, changed.new_image, at)
}

/// # Errors
/// Without it, nothing can be said of the record alone.
fn sequence_number(record: &RawValue) -> Result<String, Error> {
    let place: Place = serde_json::from_str(record.get())
        .map_err(|error| format!("a record of the stream has no sequence number: {error}"))?;
    Ok(place.dynamodb.number)
}

#[cfg(test)]
#[path = "collect_tests.rs"]
mod tests;
