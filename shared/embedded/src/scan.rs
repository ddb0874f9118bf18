//! Walking over all of the table: the rows of the facts, in their order.

use std::ops::Bound;

use async_trait::async_trait;
use moorage_ports::{Cursor, PortError, ScanTable, Scanned};

use crate::Embedded;
use crate::database::Space;
use crate::encoding;
use crate::error::read_failed;
use crate::table::PAGE_BYTES_MAX;

/// A place is the key of the last row.
#[async_trait]
impl ScanTable for Embedded {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Scanned, PortError> {
        if limit == 0 {
            return Err(PortError::Misuse("a scan for no items".to_owned()));
        }
        let from = match after {
            Some(place) if !place.0.contains('\0') => {
                return Err(PortError::Misuse(format!("{place:?} is no place in a table")));
            }
            Some(place) => Bound::Excluded(place.0.as_bytes()),
            None => Bound::Unbounded,
        };
        let snapshot = self.snapshot()?;
        let rows = snapshot.range(Space::Facts, from, Bound::Unbounded).map_err(read_failed)?;
        let mut scanned = Scanned { items: Vec::new(), next: None };
        let mut bytes = 0;
        for row in rows {
            let (key, value) = row.map_err(read_failed)?;
            if scanned.items.len() == limit || bytes > PAGE_BYTES_MAX {
                let last = scanned.items.last();
                scanned.next =
                    last.map(|last| Cursor(format!("{}\0{}", last.key.partition(), last.key.sort())));
                break;
            }
            bytes += key.value().len() + value.value().len();
            scanned.items.push(encoding::decode_item(encoding::decode_key(key.value())?, value.value())?);
        }
        Ok(scanned)
    }
}
