//! `ingest`: S3 says that objects were made; those that are blobs are recorded.

use std::sync::Arc;

use aws_lambda_events::event::s3::{S3Event, S3EventRecord};
use lambda_runtime::Error;
use moorage_operations::{Push, Recorded, RegistryError};
use moorage_ports::{Clock, ObjectKey, calls};
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;

use crate::log::REQUEST;

/// Records what one event tells of. Any of it may be told again: Lambda repeats an event that failed.
///
/// # Errors
/// Those of the storage, and an event that is not S3's.
pub(crate) async fn ingest(push: &Push, clock: &Arc<dyn Clock>, event: &RawValue) -> Result<(), Error> {
    let event: S3Event = match serde_json::from_str(event.get()) {
        Ok(event) => event,
        // What S3 sends when notifications are set up has no records.
        Err(_) if is_test(event) => return Ok(()),
        Err(error) => return Err(format!("this is no event of S3: {error}").into()),
    };
    let mut failed = None;
    for record in &event.records {
        // The others are tried all the same.
        if let Err(error) = ingest_one(push, clock, record).await {
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), |error| Err(error.to_string().into()))
}

fn is_test(event: &RawValue) -> bool {
    #[derive(serde::Deserialize)]
    struct Test {
        #[serde(rename = "Event")]
        event: String,
    }
    serde_json::from_str::<Test>(event.get()).is_ok_and(|test| test.event == "s3:TestEvent")
}

async fn ingest_one(
    push: &Push,
    clock: &Arc<dyn Clock>,
    record: &S3EventRecord,
) -> Result<(), RegistryError> {
    let object = &record.s3.object;
    let key = decoded(object.key.as_deref().unwrap_or_default());
    let key = ObjectKey::from_stored(&key);
    let size = object.size.and_then(|size| u64::try_from(size).ok());
    let (Some((digest, repository, _)), Some(size)) = (key.blob_parts(), size) else {
        // Somebody else's object. Trying again would not make it ours.
        tracing::warn!(%key, "an object that is no blob of ours was made");
        return Ok(());
    };
    let began = clock.monotonic();
    let (recorded, counted) =
        calls::scope(Box::pin(push.record_object(&repository, &digest, &key, size))).await;
    let outcome = match &recorded {
        Ok(Recorded::Done) => "recorded",
        Ok(Recorded::Before) => "recorded before",
        Ok(Recorded::InTrash) => "given up before",
        Ok(Recorded::NotThere) => "not there",
        Err(_) => "failed",
    };
    let backend = &counted.backend;
    tracing::info!(
        target: REQUEST,
        operation = "ingest",
        repository = repository.as_str(),
        reference = digest.as_str(),
        outcome,
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
    if let Err(RegistryError::Storage(cause)) = &recorded {
        tracing::error!(%key, %cause, "an object could not be recorded");
    }
    recorded.map(|_| ())
}

/// A key as it is; an event has it as a form would (S3 User Guide, "Event message structure").
fn decoded(key: &str) -> String {
    percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
#[path = "ingest_tests.rs"]
mod tests;
