//! What search items say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::keys::SearchTerm;
use crate::value::{Incarnation, Timestamp};

/// What is said of a manifest to whoever searches. Decides nothing: a manifest is found only while its record says
/// that it is there in this life.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SearchedRecord {
    /// The manifest's.
    pub incarnation: Incarnation,
    pub pushed: Timestamp,
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub artifact_type: Option<String>,
    /// `<os>/<architecture>`, and `/<variant>` where there is one; of an index those of its entries, in their order.
    pub platforms: Vec<String>,
    /// No name is empty, here and below: not every storage takes one.
    pub annotations: BTreeMap<String, String>,
    /// Of an image's config.
    pub labels: BTreeMap<String, String>,
    /// Something is left out here that the manifest or its config says: there is too much of it, or it is too long.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub left_out: bool,
    /// Everything that it can be found by, each once: the entries that go with it.
    pub terms: Vec<SearchTerm>,
}
