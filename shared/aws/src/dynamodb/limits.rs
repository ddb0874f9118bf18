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

/// One byte for two digits, and one more; another where it is negative, and where it has a fraction, whose digits
/// are paired by themselves.
fn number_bytes(number: &str) -> usize {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    digits.div_ceil(2) + 1 + usize::from(number.starts_with('-')) + usize::from(number.contains('.'))
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

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;

    use super::*;

    fn n(number: &str) -> AttributeValue {
        AttributeValue::N(number.to_owned())
    }

    fn s(text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }

    /// DynamoDB developer guide, "Item sizes and formats".
    #[test]
    fn values_have_their_published_sizes() {
        let map = |value| AttributeValue::M([("ab".to_owned(), value)].into());
        for (value, bytes) in [
            (s(""), 0),
            (s("abc"), 3),
            (s("\u{e9}\u{1f980}"), 6),
            (AttributeValue::B(Blob::new([0; 5])), 5),
            (AttributeValue::Bool(false), 1),
            (AttributeValue::Null(true), 1),
            (n("7"), 2),
            (n("42"), 2),
            (n("-42"), 3),
            (n("1767225600001"), 8),
            (n("12.5"), 4),
            (AttributeValue::L(vec![]), 3),
            (AttributeValue::L(vec![s("a"), n("1")]), 3 + (1 + 1) + (1 + 2)),
            (AttributeValue::M([].into()), 3),
            (map(s("c")), 3 + (1 + 2 + 1)),
            (map(AttributeValue::L(vec![s("c")])), 3 + (1 + 2 + 3 + (1 + 1))),
            (AttributeValue::Ss(vec!["a".to_owned(), "bc".to_owned()]), 3),
            (AttributeValue::Ns(vec!["1".to_owned(), "234".to_owned()]), 2 + 3),
            (AttributeValue::Bs(vec![Blob::new([0; 2])]), 2),
        ] {
            assert_eq!(value_bytes(&value), bytes, "{value:?}");
        }
    }

    #[test]
    fn an_item_counts_its_names() {
        let item =
            Attributes::from([("PK".to_owned(), s("abc")), ("flag".to_owned(), AttributeValue::Bool(true))]);
        assert_eq!(item_bytes(&item), (2 + 3) + (4 + 1));
    }
}
