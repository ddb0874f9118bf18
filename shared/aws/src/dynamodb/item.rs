//! Items as DynamoDB keeps them, readable in its console: each field of a fact is an attribute of its own.
//!
//! | attribute | what |
//! |---|---|
//! | `PK`, `SK` | the key |
//! | `format` | [`FORMAT`] when it was written |
//! | `kind` | the kind of the fact: `tag`, `manifest`, `was-held`, … |
//! | `version` | 32 hexadecimal digits, where the fact has one |
//! | `body` | a manifest's bytes |
//! | `ttl` | seconds since the epoch after which the table may drop the item: closed upload sessions only |
//! | others | the fields of the fact; of a node also `state`, `incarnation`, `keep_until`, `deadline`, `from_bin` |
//!
//! A referrer's `descriptor` is text (JSON): what a client put into it may have forms that DynamoDB's maps and
//! numbers cannot (an empty name, an exponent of 300).

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use moorage_ports::facts::{FORMAT, Progress};
use moorage_ports::limits::{ITEM_BYTES_MAX, PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX};
use moorage_ports::{Fact, Item, Key, PortError, Version};
use serde::Serialize;

use super::limits;
use crate::error::{corrupt, misuse};

pub(super) type Attributes = HashMap<String, AttributeValue>;

pub(crate) const PARTITION: &str = "PK";
pub(crate) const SORT: &str = "SK";
pub(super) const VERSION: &str = "version";
pub(super) const STATE: &str = "state";
pub(super) const KEEP_UNTIL: &str = "keep_until";
pub(crate) const TTL: &str = "ttl";
const FORMAT_NUMBER: &str = "format";
const KIND: &str = "kind";
const BODY: &str = "body";
/// The field of a record that is a node's; its own fields are attributes beside the others.
const NODE: &str = "node";
/// Text, see above.
const DESCRIPTOR: &str = "descriptor";

/// Attributes that are not fields of a fact.
const OURS: [&str; 7] = [PARTITION, SORT, VERSION, TTL, FORMAT_NUMBER, KIND, BODY];
/// What [`NODE`] has.
const OF_A_NODE: [&str; 5] = [STATE, "incarnation", KEEP_UNTIL, "deadline", "from_bin"];
/// Kinds that are nodes.
const NODES: [&str; 3] = ["manifest", "content", "grant"];
/// [`Fact::Body`]'s kind.
const BODY_KIND: &str = "body";

/// A closed session is of no use after its token is out of date; its item may go a day later.
const SECONDS_AFTER_TOKEN: u64 = 24 * 60 * 60;

/// The item's attributes.
///
/// # Errors
/// `Misuse` where the item or its key is too long.
pub(super) fn encode(item: &Item) -> Result<Attributes, PortError> {
    let mut attributes = key(&item.key)?;
    attributes.insert(FORMAT_NUMBER.to_owned(), AttributeValue::N(FORMAT.to_string()));
    if let Some(version) = item.version {
        attributes.insert(VERSION.to_owned(), version_value(version));
    }
    let kind = match &item.fact {
        Fact::Body(bytes) => {
            attributes.insert(BODY.to_owned(), AttributeValue::B(Blob::new(bytes.to_vec())));
            BODY_KIND.to_owned()
        }
        fact => encode_fields(fact, &mut attributes)?,
    };
    attributes.insert(KIND.to_owned(), AttributeValue::S(kind));
    if let Fact::Session(session) = &item.fact
        && matches!(session.progress, Progress::Closed)
    {
        let seconds = session.expires.0 / 1000 + SECONDS_AFTER_TOKEN;
        attributes.insert(TTL.to_owned(), AttributeValue::N(seconds.to_string()));
    }
    let bytes = limits::item_bytes(&attributes);
    if bytes > ITEM_BYTES_MAX {
        return Err(misuse(format!("an item of {bytes} bytes, where {ITEM_BYTES_MAX} are the most")));
    }
    Ok(attributes)
}

/// Adds the fields of a fact, and answers its kind.
fn encode_fields(fact: &Fact, attributes: &mut Attributes) -> Result<String, PortError> {
    let mut fields = match value(fact)? {
        AttributeValue::S(kind) => return Ok(kind),
        AttributeValue::M(of_kind) => of_kind,
        other => return Err(misuse(format!("a fact of an unknown form: {other:?}"))),
    };
    let kind = fields.keys().next().cloned().unwrap_or_default();
    let Some(AttributeValue::M(mut fields)) = fields.remove(&kind) else {
        return Err(misuse(format!("a fact of an unknown form: {kind}")));
    };
    let node = match fields.remove(NODE) {
        Some(AttributeValue::M(node)) => node,
        Some(other) => return Err(misuse(format!("a {kind} whose node is {other:?}"))),
        None => HashMap::new(),
    };
    if let Fact::Referrer(referrer) = fact
        && let Some(descriptor) = &referrer.descriptor
    {
        let text = serde_json::to_string(descriptor)
            .map_err(|e| misuse(format!("a descriptor that cannot be written: {e}")))?;
        fields.insert(DESCRIPTOR.to_owned(), AttributeValue::S(text));
    }
    add(node, &kind, attributes)?;
    add(fields, &kind, attributes)?;
    Ok(kind)
}

/// Adds fields whose names no other attribute has.
fn add(fields: Attributes, kind: &str, attributes: &mut Attributes) -> Result<(), PortError> {
    for (name, value) in fields {
        if OURS.contains(&&*name) || attributes.contains_key(&name) {
            return Err(misuse(format!("a {kind} with a field {name}, which is another attribute's name")));
        }
        attributes.insert(name, value);
    }
    Ok(())
}

/// A value as DynamoDB keeps it.
pub(super) fn value(value: &impl Serialize) -> Result<AttributeValue, PortError> {
    serde_dynamo::to_attribute_value(value).map_err(|e| misuse(format!("a fact that cannot be written: {e}")))
}

pub(super) fn version_value(version: Version) -> AttributeValue {
    AttributeValue::S(version.0.to_string())
}

/// The key's attributes.
///
/// # Errors
/// `Misuse` where it is too long.
pub(super) fn key(key: &Key) -> Result<Attributes, PortError> {
    check_partition(key.partition())?;
    if key.sort().len() > SORT_KEY_BYTES_MAX || key.sort().is_empty() {
        return Err(misuse(format!(
            "a sort key of {} bytes, where 1 to {SORT_KEY_BYTES_MAX} can be",
            key.sort().len()
        )));
    }
    Ok(HashMap::from([
        (PARTITION.to_owned(), AttributeValue::S(key.partition().to_owned())),
        (SORT.to_owned(), AttributeValue::S(key.sort().to_owned())),
    ]))
}

pub(super) fn check_partition(partition: &str) -> Result<(), PortError> {
    if partition.len() > PARTITION_KEY_BYTES_MAX || partition.is_empty() {
        return Err(misuse(format!(
            "a partition key of {} bytes, where 1 to {PARTITION_KEY_BYTES_MAX} can be",
            partition.len()
        )));
    }
    Ok(())
}

/// The item that these attributes are.
///
/// # Errors
/// `Corrupt` where they are of a newer format, or of none that this version knows.
pub(super) fn decode(mut attributes: Attributes) -> Result<Item, PortError> {
    let key = decode_key(&attributes)?;
    let malformed = |what: &dyn std::fmt::Display| corrupt(format!("{key:?}: {what}"));
    check_format(&attributes, &key)?;
    let version = match attributes.get(VERSION) {
        None => None,
        Some(AttributeValue::S(text)) => Some(Version(text.parse().map_err(|e| malformed(&e))?)),
        Some(_) => return Err(malformed(&"its version is no text")),
    };
    let Some(AttributeValue::S(kind)) = attributes.remove(KIND) else {
        return Err(malformed(&"it has no kind"));
    };
    let fact = if kind == BODY_KIND {
        match attributes.remove(BODY) {
            Some(AttributeValue::B(bytes)) => Fact::Body(Bytes::from(bytes.into_inner())),
            _ => return Err(malformed(&"a body without its bytes")),
        }
    } else {
        decode_fields(kind, attributes).map_err(|e| malformed(&e))?
    };
    Ok(Item { key, version, fact })
}

fn check_format(attributes: &Attributes, key: &Key) -> Result<(), PortError> {
    let Some(AttributeValue::N(number)) = attributes.get(FORMAT_NUMBER) else {
        return Err(corrupt(format!("{key:?}: the item does not say its format")));
    };
    match number.parse::<u32>() {
        Ok(number) if number <= FORMAT => Ok(()),
        _ => Err(corrupt(format!(
            "{key:?}: written by a newer Moorage (format {number}, this one reads up to {FORMAT}): use that one"
        ))),
    }
}

fn decode_fields(kind: String, mut fields: Attributes) -> Result<Fact, serde_dynamo::Error> {
    fields.retain(|name, _| !OURS.contains(&&**name));
    if fields.is_empty() {
        // A fact that its key says all of.
        return serde_dynamo::from_attribute_value(AttributeValue::S(kind));
    }
    if NODES.contains(&&*kind) {
        let of_node = |name: &str| Some((name.to_owned(), fields.remove(name)?));
        let node: Attributes = OF_A_NODE.into_iter().filter_map(of_node).collect();
        fields.insert(NODE.to_owned(), AttributeValue::M(node));
    }
    let descriptor = match fields.get(DESCRIPTOR) {
        Some(AttributeValue::S(text)) => {
            let read =
                serde_json::from_str(text).map_err(<serde_dynamo::Error as serde::de::Error>::custom)?;
            fields.remove(DESCRIPTOR);
            Some(read)
        }
        _ => None,
    };
    let fact = AttributeValue::M(HashMap::from([(kind, AttributeValue::M(fields))]));
    let mut fact = serde_dynamo::from_attribute_value(fact)?;
    if let Fact::Referrer(referrer) = &mut fact {
        referrer.descriptor = descriptor;
    }
    Ok(fact)
}

/// The key in these attributes.
pub(super) fn decode_key(attributes: &Attributes) -> Result<Key, PortError> {
    match (attributes.get(PARTITION), attributes.get(SORT)) {
        (Some(AttributeValue::S(partition)), Some(AttributeValue::S(sort))) => {
            Ok(Key::from_stored(partition, sort))
        }
        _ => Err(corrupt("an item of the table has no key")),
    }
}

#[cfg(test)]
#[path = "item_tests.rs"]
mod tests;
