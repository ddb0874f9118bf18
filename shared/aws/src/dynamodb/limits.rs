//! What DynamoDB can take in one call, checked before any call is made.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use moorage_ports::{Key, PortError};

use super::item::Attributes;
use crate::error::misuse;

/// Bytes of a list or a map beside its elements, and of each element beside its value.
const CONTAINER_BYTES: usize = 3;
const ELEMENT_BYTES: usize = 1;

/// The size of an item: names and values, by the rules that AWS publishes (DynamoDB developer guide, "Item
/// sizes and formats"). A number counts as its upper bound.
pub(super) fn item_bytes(attributes: &Attributes) -> usize {
    attributes.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_bytes(number),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        AttributeValue::L(list) => {
            CONTAINER_BYTES + list.iter().map(|value| ELEMENT_BYTES + value_bytes(value)).sum::<usize>()
        }
        AttributeValue::M(map) => {
            let entry = |(name, value): (&String, _)| ELEMENT_BYTES + name.len() + value_bytes(value);
            CONTAINER_BYTES + map.iter().map(entry).sum::<usize>()
        }
        AttributeValue::Ss(set) => set.iter().map(String::len).sum(),
        AttributeValue::Ns(set) => set.iter().map(|number| number_bytes(number)).sum(),
        AttributeValue::Bs(set) => set.iter().map(|bytes| bytes.as_ref().len()).sum(),
        _ => 0,
    }
}

/// One byte for two digits, and one more; another where it is negative or its digits begin at an odd place.
fn number_bytes(number: &str) -> usize {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    digits.div_ceil(2) + 1 + usize::from(number.starts_with('-'))
}

/// # Errors
/// `Misuse` where there are more than `items_max`.
pub(super) fn check_count(items: usize, items_max: usize) -> Result<(), PortError> {
    if items > items_max {
        return Err(misuse(format!("{items} items, where {items_max} are the most")));
    }
    Ok(())
}

/// # Errors
/// `Misuse` where a key comes twice.
pub(super) fn check_distinct<'k>(keys: impl Iterator<Item = &'k Key>) -> Result<(), PortError> {
    let mut seen = BTreeSet::new();
    for key in keys {
        if !seen.insert(key) {
            return Err(misuse(format!("{key:?} twice")));
        }
    }
    Ok(())
}
