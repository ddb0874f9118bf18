//! What the bytes of the reference table and of its change feed mean.
//!
//! A key is the partition, a zero byte, and the sort part, so that a partition's items lie together in the
//! order of their sort keys. A value is one byte that says what follows, the version's 16 bytes where there
//! is one, and the fact: as JSON, or for a manifest's body its bytes as they are.

use bytes::Bytes;
use moorage_ports::limits::{ITEM_BYTES_MAX, PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX};
use moorage_ports::{Change, Fact, Item, Key, Nonce, PortError, SortRange, Timestamp, Version};

use crate::error::corrupt;

const VERSIONED: u8 = 1;
const BODY: u8 = 2;
const VERSION_BYTES: usize = 16;

/// An item's key in the database.
///
/// # Errors
/// `Misuse` where the key is too long, or its partition has a zero byte.
pub(crate) fn key(key: &Key) -> Result<Vec<u8>, PortError> {
    let (partition, sort) = (key.partition(), key.sort());
    check_partition(partition)?;
    if sort.len() > SORT_KEY_BYTES_MAX {
        return Err(PortError::Misuse(format!("a sort key of {} bytes", sort.len())));
    }
    Ok(joined(partition, sort))
}

fn check_partition(partition: &str) -> Result<(), PortError> {
    if partition.len() > PARTITION_KEY_BYTES_MAX || partition.contains('\0') {
        return Err(PortError::Misuse(format!(
            "a partition key of {} bytes, or with a zero byte",
            partition.len()
        )));
    }
    Ok(())
}

fn joined(partition: &str, sort: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(partition.len() + 1 + sort.len());
    bytes.extend_from_slice(partition.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(sort.as_bytes());
    bytes
}

/// The key that these bytes are.
pub(crate) fn decode_key(bytes: &[u8]) -> Result<Key, PortError> {
    let text = std::str::from_utf8(bytes).map_err(|_| corrupt("a key"))?;
    let (partition, sort) = text.split_once('\0').ok_or_else(|| corrupt("a key"))?;
    Ok(Key::from_stored(partition, sort))
}

/// The keys of a range: those from `from` (itself excluded, if `exclusive`) to before `to`.
pub(crate) struct KeyRange {
    pub(crate) from: Vec<u8>,
    pub(crate) exclusive: bool,
    pub(crate) to: Vec<u8>,
}

/// Where a range begins and ends in the database.
pub(crate) fn key_range(range: &SortRange) -> Result<KeyRange, PortError> {
    check_partition(range.partition())?;
    let first = joined(range.partition(), range.prefix());
    let to = after_prefix(first.clone());
    Ok(match range.after() {
        Some(after) if after >= range.prefix() => {
            KeyRange { from: joined(range.partition(), after), exclusive: true, to }
        }
        _ => KeyRange { from: first, exclusive: false, to },
    })
}

/// The first key that is greater than every key with this prefix: an empty prefix has none, and text has
/// no byte 255.
pub(crate) fn after_prefix(mut prefix: Vec<u8>) -> Vec<u8> {
    if let Some(last) = prefix.last_mut() {
        *last += 1;
    }
    prefix
}

/// An item's value in the database.
///
/// # Errors
/// `Misuse` where the item is too large.
pub(crate) fn value(item: &Item, key_bytes: usize) -> Result<Vec<u8>, PortError> {
    let mut bytes = Vec::with_capacity(256);
    let body = if matches!(item.fact, Fact::Body(_)) { BODY } else { 0 };
    bytes.push(body | if item.version.is_some() { VERSIONED } else { 0 });
    if let Some(Version(nonce)) = item.version {
        bytes.extend_from_slice(&nonce.0.to_be_bytes());
    }
    match &item.fact {
        Fact::Body(body) => bytes.extend_from_slice(body),
        fact => serde_json::to_writer(&mut bytes, fact)
            .map_err(|e| PortError::Misuse(format!("a fact that cannot be written: {e}")))?,
    }
    if key_bytes + bytes.len() > ITEM_BYTES_MAX {
        return Err(PortError::Misuse(format!("an item of {} bytes", key_bytes + bytes.len())));
    }
    Ok(bytes)
}

/// Whether changes of the item under this key are left out of the feed.
pub(crate) fn is_untold(key: &[u8]) -> bool {
    decode_key(key).is_ok_and(|key| key.is_untold())
}

/// The version in a value.
pub(crate) fn version(value: &[u8]) -> Result<Option<Version>, PortError> {
    Ok(split(value)?.1)
}

/// The item that a value is, under its key.
pub(crate) fn decode_item(key: Key, value: &[u8]) -> Result<Item, PortError> {
    let (is_body, version, fact) = split(value)?;
    let fact = if is_body {
        Fact::Body(Bytes::copy_from_slice(fact))
    } else {
        serde_json::from_slice(fact).map_err(|e| PortError::Corrupt(format!("{key:?}: {e}")))?
    };
    Ok(Item { key, version, fact })
}

fn split(value: &[u8]) -> Result<(bool, Option<Version>, &[u8]), PortError> {
    let (&head, rest) = value.split_first().ok_or_else(|| corrupt("an item"))?;
    if head & !(VERSIONED | BODY) != 0 {
        return Err(corrupt("an item"));
    }
    if head & VERSIONED == 0 {
        return Ok((head & BODY != 0, None, rest));
    }
    let (version, fact) = rest.split_first_chunk::<VERSION_BYTES>().ok_or_else(|| corrupt("an item"))?;
    Ok((head & BODY != 0, Some(Version(Nonce(u128::from_be_bytes(*version)))), fact))
}

/// In the byte before a change's new value: whether there is one.
const HAS_NEW: u8 = 1;
/// In the same byte: the change says when it was made. Those of older versions do not.
const HAS_TIME: u8 = 2;

/// A change in the feed: the lengths of the key and of the old value plus one (0: there was none), in four
/// bytes each; then key, old value, one byte that says what follows, the time in eight bytes, and the new value.
pub(crate) fn change(key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>, at: Timestamp) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).expect("an item is at most 400 KB").to_be_bytes();
    let mut bytes =
        Vec::with_capacity(17 + key.len() + old.map_or(0, <[u8]>::len) + new.map_or(0, <[u8]>::len));
    bytes.extend_from_slice(&length(key.len()));
    bytes.extend_from_slice(&length(old.map_or(0, |old| old.len() + 1)));
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(old.unwrap_or_default());
    bytes.push(HAS_TIME | if new.is_some() { HAS_NEW } else { 0 });
    bytes.extend_from_slice(&at.0.to_be_bytes());
    bytes.extend_from_slice(new.unwrap_or_default());
    bytes
}

/// The change that these bytes are.
pub(crate) fn decode_change(bytes: &[u8]) -> Result<Change, PortError> {
    let malformed = || corrupt("a change");
    let (key_length, bytes) = bytes.split_first_chunk::<4>().ok_or_else(malformed)?;
    let (old_length, bytes) = bytes.split_first_chunk::<4>().ok_or_else(malformed)?;
    let key_length = u32::from_be_bytes(*key_length) as usize;
    let (key, bytes) = bytes.split_at_checked(key_length).ok_or_else(malformed)?;
    let key = decode_key(key)?;
    let (old, bytes) = match u32::from_be_bytes(*old_length) as usize {
        0 => (None, bytes),
        length => {
            let (old, bytes) = bytes.split_at_checked(length - 1).ok_or_else(malformed)?;
            (Some(decode_item(key.clone(), old)?), bytes)
        }
    };
    let (says, bytes) = bytes.split_first().ok_or_else(malformed)?;
    if says & !(HAS_NEW | HAS_TIME) != 0 {
        return Err(malformed());
    }
    let (at, bytes) = if says & HAS_TIME == 0 {
        (None, bytes)
    } else {
        let (at, bytes) = bytes.split_first_chunk::<8>().ok_or_else(malformed)?;
        (Some(Timestamp(u64::from_be_bytes(*at))), bytes)
    };
    let new = if says & HAS_NEW == 0 { None } else { Some(decode_item(key.clone(), bytes)?) };
    Ok(Change { key, old, new, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_says_when_it_was_made() {
        let item = Item::once(Key::format(), Fact::Format { number: 7 });
        let (key, value) = (key(&item.key).expect("a key"), value(&item, 0).expect("a value"));
        for (old, new) in [(None, Some(&item)), (Some(&item), Some(&item)), (Some(&item), None)] {
            let bytes = change(&key, old.map(|_| &value[..]), new.map(|_| &value[..]), Timestamp(9));
            let expected = Change {
                key: item.key.clone(),
                old: old.cloned(),
                new: new.cloned(),
                at: Some(Timestamp(9)),
            };
            assert_eq!(decode_change(&bytes).expect("a change"), expected);
        }
    }

    /// The feed may still have some when a newer version starts.
    #[test]
    fn a_change_that_an_older_version_wrote_can_be_read() {
        let item = Item::once(Key::format(), Fact::Format { number: 7 });
        let (key, value) = (key(&item.key).expect("a key"), value(&item, 0).expect("a value"));
        for new in [None, Some(&item)] {
            let mut bytes = (key.len() as u32).to_be_bytes().to_vec();
            bytes.extend((value.len() as u32 + 1).to_be_bytes());
            bytes.extend(&key);
            bytes.extend(&value);
            bytes.push(u8::from(new.is_some()));
            bytes.extend(new.map(|_| &value[..]).unwrap_or_default());
            let expected =
                Change { key: item.key.clone(), old: Some(item.clone()), new: new.cloned(), at: None };
            assert_eq!(decode_change(&bytes).expect("a change"), expected);
        }
    }
}
