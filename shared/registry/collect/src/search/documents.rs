//! What a search reads of documents beyond what [`Manifest`](moorage_oci::Manifest) keeps: the platforms of an index's
//! entries, and an image's config. What is not as it should be is as if it were not there.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;

/// Bytes of the name of an operating system, an architecture or a variant.
const PLATFORM_PART_BYTES_MAX: usize = 64;

/// What entries of an index say that are for no platform, such as attestations.
const NO_PLATFORM: &str = "unknown/unknown";

/// What an image's config says.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct ImageConfig {
    /// `<os>/<architecture>`, and `/<variant>` where there is one.
    pub(super) platform: Option<String>,
    pub(super) labels: BTreeMap<String, String>,
}

impl ImageConfig {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let Ok(fields) = serde_json::from_slice::<ConfigFields<'_>>(bytes) else { return Self::default() };
        let container: Container<'_> = shaped(fields.config).unwrap_or_default();
        let labels: BTreeMap<Cow<'_, str>, &RawValue> = shaped(container.labels).unwrap_or_default();
        let labels =
            labels.into_iter().filter_map(|(name, value)| Some((name.into_owned(), shaped(Some(value))?)));
        Self { platform: platform(fields.os, fields.architecture, fields.variant), labels: labels.collect() }
    }
}

/// The platforms of an index's entries, in their order and each once.
pub(super) fn platforms_of_entries(bytes: &[u8]) -> Vec<String> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let entries = serde_json::from_slice::<Index<'_>>(bytes).ok().and_then(|index| shaped(index.manifests));
    let entries: Vec<&RawValue> = entries.unwrap_or_default();
    let mut known = BTreeSet::new();
    let of_entry = |entry: &RawValue| {
        let entry: Entry<'_> = shaped(Some(entry))?;
        let said: Platform<'_> = shaped(entry.platform)?;
        platform(said.os, said.architecture, said.variant)
    };
    entries.into_iter().filter_map(of_entry).filter(|platform| known.insert(platform.clone())).collect()
}

#[derive(Deserialize)]
struct ConfigFields<'a> {
    #[serde(borrow)]
    os: Option<&'a RawValue>,
    architecture: Option<&'a RawValue>,
    variant: Option<&'a RawValue>,
    config: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Container<'a> {
    #[serde(borrow, rename = "Labels")]
    labels: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Index<'a> {
    #[serde(borrow)]
    manifests: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    platform: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Platform<'a> {
    #[serde(borrow)]
    os: Option<&'a RawValue>,
    architecture: Option<&'a RawValue>,
    variant: Option<&'a RawValue>,
}

/// A value of this shape, if it is one.
fn shaped<'a, T: Deserialize<'a>>(value: Option<&'a RawValue>) -> Option<T> {
    value.and_then(|value| serde_json::from_str(value.get()).ok())
}

/// As text; `None` where one of the first two is missing or cannot be part of it.
fn platform(
    os: Option<&RawValue>,
    architecture: Option<&RawValue>,
    variant: Option<&RawValue>,
) -> Option<String> {
    let part = |value| shaped::<String>(value).filter(|part| is_platform_part(part));
    let platform = format!("{}/{}", part(os)?, part(architecture)?);
    let platform = match part(variant) {
        Some(variant) => format!("{platform}/{variant}"),
        None => platform,
    };
    Some(platform).filter(|platform| platform != NO_PLATFORM)
}

fn is_platform_part(part: &str) -> bool {
    (1..=PLATFORM_PART_BYTES_MAX).contains(&part.len())
        && !part.contains(|c: char| c == '/' || c.is_control())
}
