//! A record of the stream as a change of the table.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types::{AttributeValue as Streamed, StreamRecord};
use moorage_ports::{Change, PortError, Timestamp};

use crate::dynamodb::item::{self, Attributes};
use crate::error::corrupt;

/// The change that a record tells of; `None` for what the feed leaves out, and where nothing changed.
pub(super) fn change(record: StreamRecord) -> Result<Option<Change>, PortError> {
    let attributes = |of: Option<HashMap<String, Streamed>>| attributes(of.unwrap_or_default());
    let at = record.approximate_creation_date_time.and_then(|at| at.to_millis().ok());
    let at = at.and_then(|at| u64::try_from(at).ok()).map(Timestamp);
    of_images(&attributes(record.keys)?, attributes(record.old_image)?, attributes(record.new_image)?, at)
}

/// The change that a record tells of which Lambda handed to a function; `None` for what the feed leaves out, and where
/// nothing changed. An image that the record does not have is empty. `at` is when the record was made, by DynamoDB's
/// clock, to the second.
///
/// # Errors
/// `Corrupt` where this version cannot read it.
pub fn change_of_event(
    keys: serde_dynamo::Item,
    old: serde_dynamo::Item,
    new: serde_dynamo::Item,
    at: Option<Timestamp>,
) -> Result<Option<Change>, PortError> {
    of_images(&keys.into(), old.into(), new.into(), at)
}

fn of_images(
    keys: &Attributes,
    old: Attributes,
    new: Attributes,
    at: Option<Timestamp>,
) -> Result<Option<Change>, PortError> {
    let key = item::decode_key(keys)?;
    if key.is_untold() {
        return Ok(None);
    }
    let image = |image: Attributes| (!image.is_empty()).then(|| item::decode(image)).transpose();
    let (old, new) = (image(old)?, image(new)?);
    // The delete of what was not there: DynamoDB has no record of it, DynamoDB Local has one. That the stream has new
    // and old images is seen to where a process starts ([`crate::setup`]).
    Ok((old.is_some() || new.is_some()).then_some(Change { key, old, new, at }))
}

fn attributes(streamed: HashMap<String, Streamed>) -> Result<Attributes, PortError> {
    streamed.into_iter().map(|(name, value)| Ok((name, attribute(value)?))).collect()
}

/// The streams' own type of values is the table's by another name.
fn attribute(value: Streamed) -> Result<AttributeValue, PortError> {
    Ok(match value {
        Streamed::S(text) => AttributeValue::S(text),
        Streamed::N(number) => AttributeValue::N(number),
        Streamed::B(bytes) => AttributeValue::B(bytes),
        Streamed::Bool(value) => AttributeValue::Bool(value),
        Streamed::Null(value) => AttributeValue::Null(value),
        Streamed::L(list) => AttributeValue::L(list.into_iter().map(attribute).collect::<Result<_, _>>()?),
        Streamed::M(map) => AttributeValue::M(attributes(map)?),
        Streamed::Ss(set) => AttributeValue::Ss(set),
        Streamed::Ns(set) => AttributeValue::Ns(set),
        Streamed::Bs(set) => AttributeValue::Bs(set),
        other => return Err(corrupt(format!("the stream has a value of an unknown form: {other:?}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delete_of_what_was_not_there_is_no_change() {
        let key = |value: &str| AttributeValue::S(value.to_owned());
        let keys = HashMap::from([("PK".to_owned(), key("repo#app")), ("SK".to_owned(), key("tag#v1"))]);
        let change = of_images(&keys, Attributes::new(), Attributes::new(), None).expect("it can be read");
        assert_eq!(change, None);
    }
}
