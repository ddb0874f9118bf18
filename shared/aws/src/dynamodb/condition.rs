//! Conditions in DynamoDB's words, and what to make of a refusal.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use moorage_ports::{Expect, Item};

use super::item::{self, PARTITION, VERSION};

/// A condition with the names and values that it uses. Empty for [`Expect::Anything`].
#[derive(Default)]
pub(super) struct Condition {
    pub(super) expression: Option<String>,
    pub(super) names: Option<HashMap<String, String>>,
    pub(super) values: Option<HashMap<String, AttributeValue>>,
}

impl From<Expect> for Condition {
    fn from(expect: Expect) -> Self {
        let names = |name: &str| Some(HashMap::from([("#it".to_owned(), name.to_owned())]));
        match expect {
            Expect::Anything => Self::default(),
            Expect::Absent => Self {
                expression: Some("attribute_not_exists(#it)".to_owned()),
                names: names(PARTITION),
                values: None,
            },
            Expect::VersionIs(version) => Self {
                expression: Some("#it = :expected".to_owned()),
                names: names(VERSION),
                values: Some(HashMap::from([(":expected".to_owned(), item::version_value(version))])),
            },
        }
    }
}

/// Whether `found` is what a put of `wanted` leaves behind: the same version, which is fresh at each write; or
/// without a version the equal item.
pub(super) fn is_effect_of_put(wanted: &Item, found: Option<&Item>) -> bool {
    found.is_some_and(|found| match wanted.version {
        Some(version) => found.version == Some(version),
        None => found == wanted,
    })
}
