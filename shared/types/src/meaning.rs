//! What a definition must mean, beyond its shape, which the published schema says.

use std::collections::BTreeSet;

use crate::bounds;
use crate::definition::{DefinedKind, Definition};

/// In all fields together: what a document costs to be checked goes with it.
const PATTERNS_MAX: usize = 128;

/// Of either half of a media type, in characters (RFC 6838, section 4.2).
const HALF_LENGTH_MAX: usize = 127;

/// What may stand in braces in `get`.
const PLACEHOLDERS: [&str; 4] = ["registry", "repository", "tag", "digest"];

/// Calls `add` with the pointer and the problem of each fault.
pub(crate) fn check(definition: &Definition, add: &mut dyn FnMut(&str, String)) {
    check_names(definition, add);
    check_rules(definition, add);
    check_recognitions(definition, add);
    if let Some(schema) = definition.config.as_ref().and_then(|config| config.schema.as_ref()) {
        for unbounded in bounds::check(schema.written()).err().into_iter().flatten() {
            add(&format!("/config/schema{}", unbounded.pointer), unbounded.problem);
        }
    }
    if let Some(get) = &definition.get {
        check_placeholders(get, add);
    }
    let patterns = count_patterns(definition);
    if patterns > PATTERNS_MAX {
        add(
            "",
            format!(
                "has {patterns} patterns in all: at most {PATTERNS_MAX} are taken, so join some with `*`"
            ),
        );
    }
}

fn check_names(definition: &Definition, add: &mut dyn FnMut(&str, String)) {
    let also = definition.also.iter().enumerate().map(|(index, also)| (format!("/also/{index}"), also));
    for (pointer, name) in std::iter::once(("/type".to_owned(), &definition.artifact_type)).chain(also) {
        // Its characters are the published schema's business.
        if name.split('/').any(|half| half.len() > HALF_LENGTH_MAX) {
            add(&pointer, format!("is no media type: each half has at most {HALF_LENGTH_MAX} characters"));
        }
    }
    for (index, also) in definition.also.iter().enumerate() {
        if *also == definition.artifact_type {
            add(&format!("/also/{index}"), "is the type itself: name others only".to_owned());
        }
    }
}

fn check_rules(definition: &Definition, add: &mut dyn FnMut(&str, String)) {
    if definition.kind == DefinedKind::Index && definition.layers.is_some() {
        add("/layers", "is for a manifest, and an index has none: say what `entries` it has".to_owned());
    }
    if definition.kind == DefinedKind::Manifest && definition.entries.is_some() {
        add("/entries", "is for an index, and a manifest has none: say what `layers` it has".to_owned());
    }
    let mut counts = |field: &str, index: usize, min: u32, max: Option<u32>| {
        if max.is_some_and(|max| max < min) {
            add(&format!("/{field}/of/{index}/max"), format!("is less than `min`, {min}"));
        }
    };
    for (index, rule) in definition.layers.iter().flat_map(|layers| &layers.of).enumerate() {
        counts("layers", index, rule.min, rule.max);
    }
    for (index, rule) in definition.entries.iter().flat_map(|entries| &entries.of).enumerate() {
        counts("entries", index, rule.min, rule.max);
    }
    let mut roles = BTreeSet::new();
    for (index, rule) in definition.entries.iter().flat_map(|entries| &entries.of).enumerate() {
        if !roles.insert(&rule.role) {
            add(
                &format!("/entries/of/{index}/role"),
                format!("is `{}`, which another has: messages could not tell them apart", rule.role),
            );
        }
    }
}

fn check_recognitions(definition: &Definition, add: &mut dyn FnMut(&str, String)) {
    for (index, recognition) in definition.recognized_by.iter().enumerate() {
        let at = format!("/recognizedBy/{index}");
        if recognition.conditions() == 0 {
            add(&at, "says nothing to recognise by: give `layerTypes` or `annotations`".to_owned());
        }
        if definition.kind == DefinedKind::Index && !recognition.layer_types.is_empty() {
            add(&format!("{at}/layerTypes"), "never holds: an index has no layers".to_owned());
        }
        for (which, weak) in recognition.instead_of.iter().enumerate() {
            if *weak == definition.artifact_type {
                add(
                    &format!("{at}/insteadOf/{which}"),
                    "is the type itself: name those that say less".to_owned(),
                );
            }
        }
    }
}

fn check_placeholders(get: &str, add: &mut dyn FnMut(&str, String)) {
    for part in get.split('{').skip(1) {
        let name = part.split('}').next().unwrap_or_default();
        if !part.contains('}') || !PLACEHOLDERS.contains(&name) {
            let known: Vec<_> = PLACEHOLDERS.iter().map(|name| format!("{{{name}}}")).collect();
            add("/get", format!("has `{{{name}}}` in it: there are {}", known.join(", ")));
        }
    }
}

fn count_patterns(definition: &Definition) -> usize {
    let config = definition.config.iter().map(|rule| rule.media_types.len());
    let layers = definition.layers.iter().flat_map(|layers| &layers.of).map(|rule| rule.media_types.len());
    let entries = definition.entries.iter().flat_map(|entries| &entries.of);
    let entries =
        entries.map(|rule| rule.media_types.len() + rule.artifact_types.len() + rule.annotations.len());
    let recognitions = definition.recognized_by.iter();
    let recognitions =
        recognitions.map(|recognition| recognition.layer_types.len() + recognition.annotations.len());
    config.chain(layers).chain(entries).chain(recognitions).sum()
}
