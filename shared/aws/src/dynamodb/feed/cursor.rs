//! A cursor: how far each shard of a stream was read.

use std::collections::BTreeMap;

use aws_sdk_dynamodbstreams::types::Shard;
use moorage_ports::{Cursor, PortError, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{corrupt, misuse};

/// A stream keeps a change for so long.
const KEPT_MS: u64 = 24 * 60 * 60 * 1000;

/// How far one shard was read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Place {
    /// From the oldest change that is kept.
    Start,
    /// After the change of this sequence number.
    After(String),
    /// Read, and closed: its children are next.
    End,
}

/// The places of all shards; as text it is JSON.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Places {
    stream: String,
    /// When the shards were listed.
    listed: Timestamp,
    shards: BTreeMap<String, Place>,
}

impl Places {
    /// The places in a cursor; none in the one that is the beginning.
    pub(super) fn from_cursor(cursor: &Cursor) -> Result<Option<Self>, PortError> {
        if *cursor == Cursor::default() {
            return Ok(None);
        }
        serde_json::from_str(&cursor.0)
            .map(Some)
            .map_err(|e| corrupt(format!("a cursor of another feed, or of none: {e}")))
    }

    pub(super) fn into_cursor(self) -> Result<Cursor, PortError> {
        serde_json::to_string(&self).map(Cursor).map_err(|e| misuse(format!("a cursor: {e}")))
    }

    /// These places on the shards that are there now; and whether changes after them are no longer kept: of
    /// another stream, of a shard that was not read to its end before it went, or, after too long a time, of any
    /// whose first changes were not read: nothing in the stream tells that a shard had earlier ones.
    pub(super) fn on(earlier: Option<Self>, stream: &str, listed: Timestamp, now: &[Shard]) -> (Self, bool) {
        let ids = || now.iter().filter_map(Shard::shard_id).map(str::to_owned);
        let Some(earlier) = earlier else {
            let shards = ids().map(|id| (id, Place::Start)).collect();
            return (Self { stream: stream.to_owned(), listed, shards }, false);
        };
        let is_late = listed.since_ms(earlier.listed) > KEPT_MS;
        let mut old = if earlier.stream == stream { earlier.shards } else { BTreeMap::new() };
        let shards = ids()
            .map(|id| {
                let place = old.remove(&id).unwrap_or(Place::Start);
                (id, place)
            })
            .collect();
        let lost = is_late || earlier.stream != stream || old.values().any(|place| *place != Place::End);
        (Self { stream: stream.to_owned(), listed, shards }, lost)
    }

    pub(super) fn of(&self, id: &str) -> Place {
        self.shards.get(id).cloned().unwrap_or(Place::Start)
    }

    pub(super) fn set(&mut self, id: &str, place: Place) {
        self.shards.insert(id.to_owned(), place);
    }

    /// Whether every shard was read to its end, and is closed.
    pub(super) fn are_at_the_end(&self) -> bool {
        self.shards.values().all(|place| *place == Place::End)
    }

    /// Whether a shard has anything to read, and what comes before it was read.
    pub(super) fn may_read(&self, shard: &Shard) -> bool {
        let is_read = |id: &str| self.shards.get(id).is_none_or(|place| *place == Place::End);
        let id = shard.shard_id().unwrap_or_default();
        self.of(id) != Place::End && shard.parent_shard_id().is_none_or(is_read)
    }
}
