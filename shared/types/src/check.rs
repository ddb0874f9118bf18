//! What is wrong with a document by the definition of its type. Each rule is a few lines here; [`Rule`] lists them.

use std::collections::BTreeMap;

use moorage_oci::{Kind, Manifest, REMOTE_ANNOTATION, media_type};

use crate::definition::{
    ConfigRule, DefinedKind, Definition, EntriesRule, EntryRule, LayersRule, Location, Presence,
};
use crate::document::{Document, List, Listed};
use crate::finding::{Finding, Rule, Within};
use crate::pattern::{fits, fits_any};
use crate::words::{NOTHING, counted, either, excerpt, excerpt_or_nothing};

/// A document may break a rule in a million places; so many are told.
pub(crate) const FINDINGS_MAX: usize = 50;

/// Everything that is wrong with the document itself, at most 50 findings, in the order of kind, config, layers, entries
/// and subject. The config's content is looked at by [`check_config`](crate::check_config).
#[must_use]
pub fn check_manifest(definition: &Definition, manifest: &Manifest, document: &Document) -> Vec<Finding> {
    let mut findings = Findings::default();
    if !kind_fits(definition.kind, manifest.kind()) {
        // Every other rule would only say the same again.
        findings.add(
            "/mediaType",
            Rule::Kind,
            excerpt(manifest.media_type()),
            match definition.kind {
                DefinedKind::Manifest => "an image manifest: artifacts of this type are no index",
                DefinedKind::Index => "an image index: artifacts of this type are one",
            },
        );
        return findings.list;
    }
    if let Some(rule) = &definition.config {
        check_descriptor_of_config(rule, manifest, &mut findings);
    }
    if let Some(rule) = &definition.layers {
        check_layers(rule, &document.layers, &mut findings);
    }
    if let Some(rule) = &definition.entries {
        check_entries(rule, &document.entries, &mut findings);
    }
    match (definition.subject, manifest.subject()) {
        (Presence::Required, None) => {
            let expected = "a `subject`: artifacts of this type are about another one";
            findings.add("/subject", Rule::SubjectRequired, NOTHING, expected);
        }
        (Presence::Absent, Some(subject)) => {
            let found = subject.digest.to_string();
            findings.add("/subject", Rule::SubjectNotAllowed, found, "no `subject`: leave it out");
        }
        _ => {}
    }
    findings.list
}

#[derive(Default)]
struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    fn add(
        &mut self,
        pointer: impl Into<String>,
        rule: Rule,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        if !self.are_full() {
            let (pointer, found, expected) = (pointer.into(), found.into(), expected.into());
            self.list.push(Finding { within: Within::Manifest, pointer, rule, found, expected });
        }
    }

    fn are_full(&self) -> bool {
        self.list.len() >= FINDINGS_MAX
    }
}

/// A document of a kind that is unknown here may be either.
pub(crate) fn kind_fits(defined: DefinedKind, kind: Kind) -> bool {
    match kind {
        Kind::Image | Kind::Artifact => defined == DefinedKind::Manifest,
        Kind::Index => defined == DefinedKind::Index,
        Kind::Unknown => true,
    }
}

fn check_descriptor_of_config(rule: &ConfigRule, manifest: &Manifest, findings: &mut Findings) {
    match (rule.presence, manifest.has_config()) {
        (Presence::Absent, true) => {
            let found = excerpt_or_nothing(manifest.config_media_type());
            let expected = "no config with content: send the empty descriptor, or leave the digest out";
            findings.add("/config", Rule::ConfigNotAllowed, found, expected);
            return;
        }
        (Presence::Required, false) => {
            findings.add(
                "/config",
                Rule::ConfigRequired,
                NOTHING,
                match rule.media_types.as_slice() {
                    [] => "a config with content".to_owned(),
                    types => format!("a config with content, of type {}", either(&quoted(types))),
                },
            );
        }
        _ => {}
    }
    // The type of the empty descriptor is only another way to have no config; any other is a claim, with content or not.
    let claimed =
        manifest.config_media_type().filter(|found| manifest.has_config() || *found != media_type::OCI_EMPTY);
    let untyped = claimed.is_none() && manifest.has_config();
    let fits = claimed.is_none_or(|found| fits_any(&rule.media_types, found)) && !untyped;
    if !rule.media_types.is_empty() && !fits {
        let found = excerpt_or_nothing(claimed);
        findings.add("/config/mediaType", Rule::ConfigType, found, either(&quoted(&rule.media_types)));
    }
}

fn check_layers(rule: &LayersRule, layers: &List, findings: &mut Findings) {
    let mut counts = Counts::new(rule.of.len());
    // Few types are listed many times; the patterns are gone through once for each.
    let mut known: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    for layer in &layers.members {
        let media_type = layer.media_type.as_deref().unwrap_or_default();
        let fits = *known
            .entry(media_type)
            .or_insert_with(|| rule.of.iter().position(|one| fits_any(&one.media_types, media_type)));
        match fits {
            Some(which) => counts.count(which, layer.index, rule.of[which].max),
            None if rule.others => {}
            None => {
                let types: Vec<_> = rule.of.iter().flat_map(|one| quoted(&one.media_types)).collect();
                let expected = match types.as_slice() {
                    [] => "no layer: artifacts of this type have none".to_owned(),
                    types => either(types),
                };
                let found = excerpt_or_nothing(layer.media_type.as_deref());
                findings.add(layers.pointer(layer), Rule::LayerType, found, expected);
            }
        }
        if findings.are_full() {
            return;
        }
    }
    for (one, counted_up) in rule.of.iter().zip(&counts.of) {
        let named = |count: u32| {
            format!("{} of type {}", amount(count, "layer", "layers"), either(&quoted(&one.media_types)))
        };
        if let Some(index) = counted_up.first_too_many {
            let pointer = format!("/{}/{index}", layers.field);
            let found = counted(counted_up.count, "such layer", "such layers");
            let expected = format!("at most {}", named(one.max.unwrap_or(u32::MAX)));
            findings.add(pointer, Rule::LayersTooMany, found, expected);
        }
        if counted_up.count < one.min as usize {
            let found = counted(counted_up.count, "such layer", "such layers");
            let pointer = format!("/{}", layers.field);
            findings.add(pointer, Rule::LayersTooFew, found, format!("at least {}", named(one.min)));
        }
    }
}

fn check_entries(rule: &EntriesRule, entries: &List, findings: &mut Findings) {
    let mut counts = Counts::new(rule.of.len());
    let mut latest = 0;
    let mut in_order = true;
    for entry in &entries.members {
        let Some(which) = rule.of.iter().position(|one| fits_role(one, entry)) else {
            if !rule.others {
                let roles: Vec<_> = rule.of.iter().map(described).collect();
                let expected = match roles.as_slice() {
                    [] => "no entry: artifacts of this type have none".to_owned(),
                    roles => either(roles),
                };
                findings.add(entries.pointer(entry), Rule::EntryType, told(entry), expected);
            }
            if findings.are_full() {
                return;
            }
            continue;
        };
        let one = &rule.of[which];
        counts.count(which, entry.index, one.max);
        check_platform(one, entries, entry, findings);
        check_location(one, entries, entry, findings);
        if rule.ordered && in_order && which < latest {
            in_order = false;
            let expected = format!("all {} before any {}", role(one), role(&rule.of[latest]));
            findings.add(entries.pointer(entry), Rule::EntryOrder, role(one), expected);
        }
        latest = latest.max(which);
        if findings.are_full() {
            return;
        }
    }
    for (one, counted_up) in rule.of.iter().zip(&counts.of) {
        let found = counted(counted_up.count, "such entry", "such entries");
        let named = |count: u32| format!("{}: {}", amount(count, "entry", "entries"), described(one));
        if let Some(index) = counted_up.first_too_many {
            let expected = format!("at most {}", named(one.max.unwrap_or(u32::MAX)));
            findings.add(format!("/{}/{index}", entries.field), Rule::EntriesTooMany, found, expected);
        } else if counted_up.count < one.min as usize {
            let expected = format!("at least {}", named(one.min));
            findings.add(format!("/{}", entries.field), Rule::EntriesTooFew, found, expected);
        }
    }
}

fn check_platform(rule: &EntryRule, entries: &List, entry: &Listed, findings: &mut Findings) {
    let pointer = || format!("{}/platform", entries.pointer(entry));
    match (rule.platform, entry.has_platform) {
        (Presence::Required, false) => {
            let expected = format!("a `platform`: {} says for which machines it is", role(rule));
            findings.add(pointer(), Rule::EntryPlatform, NOTHING, expected);
        }
        (Presence::Absent, true) => {
            let expected = format!("no `platform`: {} is for all machines", role(rule));
            findings.add(pointer(), Rule::EntryPlatform, "a platform", expected);
        }
        _ => {}
    }
}

fn check_location(rule: &EntryRule, entries: &List, entry: &Listed, findings: &mut Findings) {
    match (rule.location, entry.remote) {
        (Location::Local, true) => {
            let expected = format!("{} in this repository, not flagged as remote", role(rule));
            findings.add(entries.pointer(entry), Rule::EntryLocation, "a remote entry", expected);
        }
        (Location::Remote, false) => {
            let expected = format!(
                "{} flagged as remote: `\"remote\": true`, or the annotation `{REMOTE_ANNOTATION}: \"true\"`",
                role(rule)
            );
            findings.add(entries.pointer(entry), Rule::EntryLocation, "a local entry", expected);
        }
        _ => {}
    }
}

fn fits_role(rule: &EntryRule, entry: &Listed) -> bool {
    let fits_one = |patterns: &[String], found: Option<&str>| {
        patterns.is_empty() || fits_any(patterns, found.unwrap_or_default())
    };
    fits_one(&rule.media_types, entry.media_type.as_deref())
        && fits_one(&rule.artifact_types, entry.artifact_type.as_deref())
        && have(&entry.annotations, &rule.annotations)
}

/// Whether each of the wanted annotations is there and fits its pattern.
pub(crate) fn have(annotations: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(key, pattern)| annotations.get(key).is_some_and(|value| fits(pattern, value)))
}

/// How many layers or entries each of the rules got.
struct Counts {
    of: Vec<Count>,
}

#[derive(Clone, Default)]
struct Count {
    count: usize,
    /// The first that is one too many.
    first_too_many: Option<usize>,
}

impl Counts {
    fn new(rules: usize) -> Self {
        Self { of: vec![Count::default(); rules] }
    }

    fn count(&mut self, rule: usize, index: usize, max: Option<u32>) {
        let count = &mut self.of[rule];
        count.count += 1;
        if max.is_some_and(|max| count.count > max as usize) {
            count.first_too_many.get_or_insert(index);
        }
    }
}

fn amount(count: u32, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn quoted(patterns: &[String]) -> Vec<String> {
    patterns.iter().map(|pattern| format!("`{pattern}`")).collect()
}

fn role(rule: &EntryRule) -> String {
    format!("`{}`", rule.role)
}

/// A role with how to be one.
fn described(rule: &EntryRule) -> String {
    let mut marks = Vec::new();
    if !rule.media_types.is_empty() {
        marks.push(format!("of type {}", either(&quoted(&rule.media_types))));
    }
    if !rule.artifact_types.is_empty() {
        marks.push(format!("of artifact type {}", either(&quoted(&rule.artifact_types))));
    }
    marks.extend(rule.annotations.iter().map(|(key, value)| format!("annotated `{key}: {value}`")));
    if marks.is_empty() { role(rule) } else { format!("{} ({})", role(rule), marks.join(", ")) }
}

/// An entry as a finding shows it.
fn told(entry: &Listed) -> String {
    match (entry.media_type.as_deref(), entry.artifact_type.as_deref()) {
        (media_type, None) => excerpt_or_nothing(media_type),
        (media_type, Some(artifact_type)) => {
            format!("{}, {}", excerpt_or_nothing(media_type), excerpt(artifact_type))
        }
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
