//! What is said of a manifest to whoever searches, and what it can be found by: pure functions of its record, its bytes
//! and its config, however odd those are.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use moorage_oci::{Digest, Kind, Manifest};
use moorage_ports::facts::{ManifestRecord, SearchedRecord};
use moorage_ports::{SearchTerm, Timestamp};

use super::documents::{ImageConfig, platforms_of_entries};
use crate::times::Times;

/// Platforms that are said of one manifest; each is one more that it can be found by. The indexes of official images
/// have up to ten.
pub const PLATFORMS_MAX: usize = 16;

/// Annotations that a manifest can be found by, the first ones in the order of their names: more than tools give. Each
/// costs two items.
pub const LEADING_ANNOTATIONS_MAX: usize = 16;

/// Bytes of all annotations and labels that are said of one manifest, their names included.
pub const PAIRS_BYTES_MAX: usize = 8 * 1024;

/// Bytes of one of them, and of an artifact type.
pub const PAIR_BYTES_MAX: usize = 1024;

/// Bytes of the longest config of an image that is read.
pub const CONFIG_BYTES_MAX: u64 = 256 * 1024;

/// The media types of configs that are an image's.
const IMAGE_CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// What there is of an image's config.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Config {
    /// The manifest has none, or it is not to be had.
    NotThere,
    /// It is there, and was not read: it is longer than [`CONFIG_BYTES_MAX`], or could not be.
    Unread,
    Bytes(Bytes),
}

/// The config of an image, which says its platform and its labels.
#[must_use]
pub fn image_config(manifest: &Manifest) -> Option<&Digest> {
    let is_images = manifest.config_media_type().is_some_and(|of| IMAGE_CONFIGS.contains(&of));
    // A config is the first of the edges.
    manifest.edges().first().map(|edge| &edge.digest).filter(|_| is_images && manifest.has_config())
}

/// Since when a manifest is there. Where an older version wrote the record, about when: what was not asked for since is
/// kept for twice the grace.
#[must_use]
pub fn pushed(record: &ManifestRecord, now: Timestamp, times: &Times) -> Timestamp {
    let about = || Timestamp(record.node.keep_until.0.saturating_sub(times.grace_ms.saturating_mul(2)));
    record.pushed.unwrap_or_else(|| about().min(now))
}

/// Describes a manifest. Without a `document` (the manifest and its bytes) or config, by what is known all the same.
#[must_use]
pub fn describe(
    record: &ManifestRecord,
    pushed: Timestamp,
    document: Option<(&Manifest, &[u8])>,
    config: &Config,
) -> SearchedRecord {
    let config_said = match config {
        Config::Bytes(bytes) => ImageConfig::read(bytes),
        Config::NotThere | Config::Unread => ImageConfig::default(),
    };
    let mut left_out = document.is_none() || *config == Config::Unread;

    let artifact_type = record.artifact_type.clone().filter(|of| of.len() <= PAIR_BYTES_MAX);
    left_out |= artifact_type != record.artifact_type;

    let mut platforms: Vec<String> = match document {
        Some((manifest, bytes)) if manifest.kind() == Kind::Index => platforms_of_entries(bytes),
        _ => config_said.platform.into_iter().collect(),
    };
    left_out |= platforms.len() > PLATFORMS_MAX;
    platforms.truncate(PLATFORMS_MAX);

    let mut room = PAIRS_BYTES_MAX;
    let mut kept = |pairs: &BTreeMap<String, String>| {
        let (kept, all) = what_fits(pairs, &mut room);
        left_out |= !all;
        kept
    };
    let annotations = document.map(|(manifest, _)| kept(manifest.annotations())).unwrap_or_default();
    let labels = kept(&config_said.labels);

    let terms = terms(artifact_type.as_deref(), &platforms, &annotations);
    SearchedRecord {
        incarnation: record.node.incarnation,
        pushed,
        media_type: record.media_type.clone(),
        size: record.size,
        artifact_type,
        platforms,
        annotations,
        labels,
        left_out,
        terms,
    }
}

/// Those that are short enough, in the order of their names, for as long as there is room; and whether that is all.
fn what_fits(pairs: &BTreeMap<String, String>, room: &mut usize) -> (BTreeMap<String, String>, bool) {
    let mut kept = BTreeMap::new();
    for (name, value) in pairs {
        let bytes = name.len() + value.len();
        if !name.is_empty() && bytes <= PAIR_BYTES_MAX.min(*room) {
            *room -= bytes;
            kept.insert(name.clone(), value.clone());
        }
    }
    let all = kept.len() == pairs.len();
    (kept, all)
}

/// Everything that a manifest can be found by, each once.
fn terms(
    artifact_type: Option<&str>,
    platforms: &[String],
    annotations: &BTreeMap<String, String>,
) -> Vec<SearchTerm> {
    // Without the variant, which tells them apart only.
    let base = |platform: &String| platform.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
    let platforms = platforms.iter().map(base).map(|platform| SearchTerm::platform(&platform));
    let leading = annotations.iter().filter(|(name, value)| SearchTerm::annotation_leads(name, value));
    let annotations = leading.map(|(name, value)| SearchTerm::annotation(name, value));
    let all = [SearchTerm::all()].into_iter();
    let all = all.chain(artifact_type.map(SearchTerm::artifact_type)).chain(platforms);
    let mut known = BTreeSet::new();
    all.chain(annotations.take(LEADING_ANNOTATIONS_MAX)).filter(|term| known.insert(term.clone())).collect()
}
