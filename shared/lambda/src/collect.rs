//! `collect`: the changes of the table, and the schedule.
//!
//! The collector itself is not built yet. So this reads what comes, says which records cannot be read, and logs
//! how many there were: no review is asked for, nothing is collected.

use aws_lambda_events::event::dynamodb::EventRecord;
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use lambda_runtime::Error;
use moorage_ports::{Change, PortError};
use serde::Deserialize;
use serde_json::value::RawValue;

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

/// Reads one event; answers which records could not be read.
///
/// Lambda sends all records again from the first that failed, and gives up those that keep failing after the times
/// that the template says, into its queue of failures: with a record that was named, also those behind it in its
/// batch. So a batch that begins with one fails whole, which makes Lambda split it, until that record is alone
/// (Lambda Developer Guide, "Configuring partial batch response with DynamoDB and Lambda", "Bisecting a batch").
///
/// # Errors
/// An event of another kind; more than one record, of which the first could not be read.
pub(crate) fn collect(event: &RawValue) -> Result<DynamoDbEventResponse, Error> {
    let mut response = DynamoDbEventResponse::default();
    let call = serde_json::from_str::<Call>(event.get()).map(|call| (call.records, call.detail_type));
    match call {
        Ok((Some(records), _)) => {
            let mut read = 0_u64;
            let mut first_failed = false;
            for (index, record) in records.iter().enumerate() {
                match change(record) {
                    Ok(_) => read += 1,
                    Err(error) => {
                        let number = sequence_number(record)?;
                        tracing::error!(sequence_number = number, %error, "a change could not be read");
                        first_failed |= index == 0;
                        let mut failure = DynamoDbBatchItemFailure::default();
                        failure.item_identifier = Some(number);
                        response.batch_item_failures.push(failure);
                    }
                }
            }
            let failed = response.batch_item_failures.len();
            tracing::info!(read, failed, "changes of the table were read; there is no collector yet");
            if first_failed && records.len() > 1 {
                return Err(
                    "the first change of the batch could not be read: the batch is to be split".into()
                );
            }
        }
        Ok((None, Some(detail_type))) => {
            tracing::info!(detail_type, "it is time to look for reviews; there is no collector yet");
        }
        Ok((None, None)) | Err(_) => {
            return Err("this is neither an event of the table's stream nor of the schedule".into());
        }
    }
    Ok(response)
}

/// `None` where the record is of a manifest's body, whose writes are no changes.
fn change(record: &RawValue) -> Result<Option<Change>, PortError> {
    let record: EventRecord =
        serde_json::from_str(record.get()).map_err(|error| PortError::Corrupt(error.to_string()))?;
    let changed = record.change;
    moorage_aws::change_of_event(changed.keys, changed.old_image, changed.new_image)
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
