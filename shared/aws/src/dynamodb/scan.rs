//! Walking over all of the table: `Scan`, strongly consistent, one page a call.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use moorage_ports::{Cursor, Key, PortError, ScanTable, Scanned};

use super::{Table, item, note_reads};
use crate::error::{misuse, port_error};

/// Between the two parts of a key in a place: neither can have it, being text of a client's URL or our own.
const BETWEEN: char = '\0';

/// A place is the key after which DynamoDB goes on.
#[async_trait]
impl ScanTable for Table {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Scanned, PortError> {
        if limit == 0 {
            return Err(misuse("a scan for no items"));
        }
        let start = after.map(|place| {
            let (partition, sort) =
                place.0.split_once(BETWEEN).ok_or_else(|| misuse("no place in a table"))?;
            item::key(&Key::from_stored(partition, sort))
        });
        let answer = self
            .client
            .scan()
            .table_name(&*self.name)
            .set_exclusive_start_key(start.transpose()?)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|e| port_error("Scan", &e))?;
        note_reads(&answer.consumed_capacity);
        let items = answer.items.into_iter().flatten().map(item::decode).collect::<Result<_, _>>()?;
        let last = answer.last_evaluated_key.filter(|key| !key.is_empty());
        let next = last.map(|last| {
            let key = item::decode_key(&last)?;
            Ok::<_, PortError>(Cursor(format!("{}{BETWEEN}{}", key.partition(), key.sort())))
        });
        Ok(Scanned { items, next: next.transpose()? })
    }
}
