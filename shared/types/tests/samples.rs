//! Every definition that is shipped, tried on its own examples: artifacts as the type's tools push them, and broken
//! ones with all that is wrong with each. A new type is two files in `samples/types` and not a line here.

use std::collections::BTreeSet;
use std::path::Path;

use moorage_types::testing::{Built, Expected, examples, samples};
use moorage_types::{
    ConfigRule, Definition, Definitions, Document, EntriesRule, LayersRule, Location, Presence, Resolved,
    Rule, check_config, check_manifest, clean_logo, read,
};

#[test]
fn every_definition_is_read_without_faults() {
    for (name, json) in definitions() {
        let definition = read(json.as_bytes()).unwrap_or_else(|faults| panic!("{name}: {faults:#?}"));
        let logo = parsed(&json).logo.unwrap_or_else(|| panic!("{name}: a sample has a logo"));
        assert!(logo.len() < 1024, "{name}: the logo has {} bytes", logo.len());
        assert!(logo.contains(r#"viewBox="0 0 64 64""#), "{name}: the logo is not of 64 by 64");
        let cleaned = clean_logo(&logo).unwrap_or_else(|unsafe_logo| panic!("{name}: {unsafe_logo}"));
        assert_eq!(definition.logo, Some(cleaned), "{name}: the logo is served as it is cleaned");
        assert!(definition.title.len() > 1, "{name}: the title is in one language only");
        assert!(!definition.links.is_empty(), "{name}: no links");
    }
}

#[test]
fn every_definition_is_built_in_and_every_example_has_its_definition() {
    let built_in: BTreeSet<_> =
        Definitions::built_in().iter().map(|definition| definition.artifact_type.clone()).collect();
    let shipped: BTreeSet<_> = definitions().map(|(_, json)| parsed(&json).artifact_type).collect();
    assert_eq!(built_in, shipped);

    let with_definition: BTreeSet<_> = definitions().map(|(name, _)| name).collect();
    let with_examples: BTreeSet<_> = files(&samples().join("examples")).map(|(name, _)| name).collect();
    assert_eq!(with_definition, with_examples);
}

#[test]
fn real_artifacts_pass() {
    for (name, json) in definitions() {
        let definition = parsed(&json);
        let passes = examples(&name).passes;
        assert!(!passes.is_empty(), "{name}: nothing passes");
        for passing in passes {
            let story = format!("{name}, {}", passing.name);
            assert!(passing.source.is_some(), "{story}: where does it come from?");
            let findings = found(&definition, &passing.artifact, &story);
            assert_eq!(findings, [], "{story}");
        }
    }
}

#[test]
fn broken_artifacts_are_told_why() {
    for (name, json) in definitions() {
        let definition = parsed(&json);
        for breaking in examples(&name).breaks {
            let story = format!("{name}, {}", breaking.name);
            assert_eq!(found(&definition, &breaking.artifact, &story), breaking.findings, "{story}");
        }
    }
}

#[test]
fn every_rule_that_a_definition_has_is_broken_by_an_example() {
    for (name, json) in definitions() {
        let broken: Vec<_> =
            examples(&name).breaks.into_iter().flat_map(|breaking| breaking.findings).collect();
        for rule in rules(&parsed(&json)) {
            assert!(broken.iter().any(|finding| finding.rule == rule), "{name}: nothing breaks {rule:?}");
        }
    }
}

/// What is inside an artifact is an artifact too: a manifest in an index that is shipped as an example fits its own
/// type, so that a whole example can be pushed to a registry that enforces all types.
#[test]
fn what_real_artifacts_hold_and_are_about_passes_too() {
    let known = Definitions::built_in();
    for (name, _) in definitions() {
        for passing in examples(&name).passes {
            let artifact = &passing.artifact;
            for part in artifact.children.iter().chain(artifact.subject.as_deref()) {
                let resolved = resolve(part);
                let definition = resolved.definition.unwrap_or_else(|| {
                    panic!("{name}, {}: {:?} is no type that is known", passing.name, resolved.artifact_type)
                });
                assert!(known.get(&definition.artifact_type).is_some());
                assert_eq!(check(&definition, part), [], "{name}, {}: a part of it", passing.name);
            }
        }
    }
}

#[test]
fn nobody_is_told_to_docker_pull_what_is_no_image() {
    let images: BTreeSet<_> = definitions()
        .filter(|(_, json)| parsed(json).get.is_some_and(|get| get.starts_with("docker pull ")))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(images, BTreeSet::from(["docker-image", "image-index", "oci-image"].map(String::from)));
}

/// What is wrong with an artifact that is of this definition's type by what it says and holds.
fn found(definition: &Definition, artifact: &Built, story: &str) -> Vec<Expected> {
    let resolved = resolve(artifact);
    let by = resolved.definition.as_deref().map(|definition| definition.artifact_type.as_str());
    assert_eq!(by, Some(definition.artifact_type.as_str()), "{story}: {:?}", resolved.artifact_type);
    check(definition, artifact)
}

fn resolve(artifact: &Built) -> Resolved {
    Definitions::built_in().resolve(&artifact.manifest(), &Document::read(&artifact.bytes))
}

fn check(definition: &Definition, artifact: &Built) -> Vec<Expected> {
    let manifest = artifact.manifest();
    let mut findings = check_manifest(definition, &manifest, &Document::read(&artifact.bytes));
    if moorage_types::is_config_checked(definition, &manifest) {
        let config = artifact.config().expect("the content of the config stands in the example");
        findings.extend(check_config(definition, config));
    }
    let expected = |finding: moorage_types::Finding| {
        assert!(!finding.found.is_empty() && !finding.expected.is_empty(), "{finding:?} says too little");
        Expected { within: finding.within, pointer: finding.pointer, rule: finding.rule }
    };
    findings.into_iter().map(expected).collect()
}

/// The rules that artifacts of this type can break.
fn rules(definition: &Definition) -> Vec<Rule> {
    let mut rules = vec![Rule::Kind];
    if let Some(ConfigRule { media_types, presence, schema }) = &definition.config {
        rules.extend((!media_types.is_empty()).then_some(Rule::ConfigType));
        rules.extend(schema.as_ref().map(|_| Rule::ConfigContent));
        rules.extend(match presence {
            Presence::Required => Some(Rule::ConfigRequired),
            Presence::Absent => Some(Rule::ConfigNotAllowed),
            Presence::Optional => None,
        });
    }
    if let Some(LayersRule { of, others }) = &definition.layers {
        rules.extend((!others).then_some(Rule::LayerType));
        rules.extend(of.iter().any(|rule| rule.min > 0).then_some(Rule::LayersTooFew));
        rules.extend(of.iter().any(|rule| rule.max.is_some()).then_some(Rule::LayersTooMany));
    }
    if let Some(EntriesRule { of, others, ordered }) = &definition.entries {
        rules.extend((!others).then_some(Rule::EntryType));
        rules.extend(ordered.then_some(Rule::EntryOrder));
        rules.extend(of.iter().any(|rule| rule.min > 0).then_some(Rule::EntriesTooFew));
        rules.extend(of.iter().any(|rule| rule.max.is_some()).then_some(Rule::EntriesTooMany));
        rules
            .extend(of.iter().any(|rule| rule.platform != Presence::Optional).then_some(Rule::EntryPlatform));
        rules.extend(of.iter().any(|rule| rule.location != Location::Either).then_some(Rule::EntryLocation));
    }
    rules.extend(match definition.subject {
        Presence::Required => Some(Rule::SubjectRequired),
        Presence::Absent => Some(Rule::SubjectNotAllowed),
        Presence::Optional => None,
    });
    rules
}

fn parsed(json: &str) -> Definition {
    serde_json::from_str(json).expect("`every_definition_is_read_without_faults` says what is wrong")
}

/// Name and text of each.
fn definitions() -> impl Iterator<Item = (String, String)> {
    let mut all: Vec<_> = files(&samples()).filter(|(name, _)| name != "artifact-type.schema").collect();
    all.sort();
    assert!(!all.is_empty(), "no definitions in {}", samples().display());
    all.into_iter()
}

fn files(folder: &Path) -> impl Iterator<Item = (String, String)> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("the folder can be listed").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")).map(|path| {
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&path).expect("the file can be read"))
    })
}
