//! The reference table on DynamoDB.
//!
//! One call of the port is one call of DynamoDB, but where that answers with less than was asked for (batches,
//! pages of bytes), or with a conflict of transactions: then it is tried again, a bounded number of times.
//!
//! Durability: DynamoDB's answer means that the write is durable, so that `BeforeNext` and `OnAnswer` are one.

mod condition;
mod feed;
mod item;
mod keep;
mod limits;
mod read;
mod scan;
mod transact;
mod tries;
mod write;

pub use feed::change_of_event;

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::ConsumedCapacity;
use moorage_ports::Context;
use moorage_ports::calls::note_backend;

pub(crate) use self::item::{PARTITION, SORT, TTL};

use crate::attempts::NoteAttempts;
use crate::{config, prices};

/// A table in DynamoDB, or in what speaks as it does. Cheap to clone.
#[derive(Clone)]
pub struct Table {
    client: aws_sdk_dynamodb::Client,
    name: Arc<str>,
    context: Context,
    feed: Arc<feed::Feed>,
}

impl Table {
    /// The table of this name. Makes no call: whether it is there is for [`crate::setup`] to say.
    ///
    /// Retries and time-outs are those of `sdk`, and where it has no time-outs our own.
    #[must_use]
    pub fn new(sdk: &SdkConfig, name: impl Into<String>, context: Context) -> Self {
        let name: Arc<str> = name.into().into();
        let streams = aws_sdk_dynamodbstreams::config::Builder::from(sdk)
            .timeout_config(config::table_timeouts(sdk))
            .interceptor(NoteAttempts)
            .build();
        let streams = aws_sdk_dynamodbstreams::Client::from_conf(streams);
        Self { client: client(sdk), name, context, feed: Arc::new(feed::Feed::new(streams)) }
    }
}

/// A client of DynamoDB whose attempts are noted.
pub(crate) fn client(sdk: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::config::Builder::from(sdk)
        .timeout_config(config::table_timeouts(sdk))
        .interceptor(NoteAttempts)
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// Notes the read units of an answer.
fn note_reads<'c>(consumed: impl IntoIterator<Item = &'c ConsumedCapacity>) {
    let units = units(consumed);
    note_backend(|backend| {
        backend.read_units += units;
        backend.nano_usd += prices::of_units(units, 0.0);
    });
}

/// Notes the write units of an answer.
fn note_writes<'c>(consumed: impl IntoIterator<Item = &'c ConsumedCapacity>) {
    let units = units(consumed);
    note_backend(|backend| {
        backend.write_units += units;
        backend.nano_usd += prices::of_units(0.0, units);
    });
}

fn units<'c>(consumed: impl IntoIterator<Item = &'c ConsumedCapacity>) -> f64 {
    consumed.into_iter().filter_map(|consumed| consumed.capacity_units).sum()
}
