//! Artifacts made from the examples of `samples/types/examples`: real ones, and ones that break a rule.

use std::path::{Path, PathBuf};

use moorage_oci::{Digest, Manifest};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::finding::{Rule, Within};

/// An artifact with everything that must be pushed before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Built {
    /// Of the manifest or index.
    pub bytes: Vec<u8>,
    pub media_type: String,
    pub digest: Digest,
    /// What its descriptors name with `content`, each once, in their order.
    pub blobs: Vec<(Digest, Vec<u8>)>,
    /// What its entries name with `artifact`, in their order.
    pub children: Vec<Built>,
    pub subject: Option<Box<Built>>,
}

impl Built {
    /// The content of its config, if that is among the blobs.
    #[must_use]
    pub fn config(&self) -> Option<&[u8]> {
        let document: Value = serde_json::from_slice(&self.bytes).ok()?;
        let digest = document.pointer("/config/digest")?.as_str()?;
        self.blobs.iter().find(|(blob, _)| blob.as_str() == digest).map(|(_, content)| content.as_slice())
    }

    /// As a registry reads it.
    ///
    /// # Panics
    /// Where the example is no manifest, which is a mistake in it.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        Manifest::parse(&self.bytes, Some(&self.media_type))
            .unwrap_or_else(|error| panic!("an example: {error}"))
    }
}

/// The examples of one definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples {
    pub passes: Vec<Passing>,
    pub breaks: Vec<Breaking>,
}

/// An artifact that is as its type demands.
#[derive(Clone, Debug, PartialEq)]
pub struct Passing {
    pub name: String,
    /// Where it comes from.
    pub source: Option<String>,
    pub artifact: Built,
}

/// An artifact that is not.
#[derive(Clone, Debug, PartialEq)]
pub struct Breaking {
    pub name: String,
    pub artifact: Built,
    /// All that is wrong with it.
    pub findings: Vec<Expected>,
}

/// What of a finding an example says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub within: Within,
    pub pointer: String,
    pub rule: Rule,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    passes: Vec<WrittenPassing>,
    breaks: Vec<WrittenBreaking>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPassing {
    name: String,
    source: Option<String>,
    artifact: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBreaking {
    name: String,
    of: String,
    change: Value,
    findings: Vec<Expected>,
}

/// The folder of the definitions, in the source tree.
#[must_use]
pub fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/types")
}

/// The examples of the definition in `samples/types/<name>.json`.
///
/// # Panics
/// Where there are none, or they are not as they should be: a mistake in the samples.
#[must_use]
pub fn examples(name: &str) -> Examples {
    let path = samples().join("examples").join(name).with_extension("json");
    let json = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    read_examples(&json).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
}

/// Examples, read from a text of the shape of the files in `samples/types/examples`.
///
/// # Errors
/// What is wrong with the text.
pub fn read_examples(json: &str) -> Result<Examples, String> {
    let file: File = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let passes = file.passes.iter().map(|passing| {
        let artifact =
            build(&passing.artifact).map_err(|problem| format!("`{}`: {problem}", passing.name))?;
        Ok(Passing { name: passing.name.clone(), source: passing.source.clone(), artifact })
    });
    let breaks = file.breaks.iter().map(|breaking| {
        let WrittenBreaking { name, of, change, findings } = breaking;
        let whole = file.passes.iter().find(|passing| passing.name == *of);
        let whole = whole.ok_or_else(|| format!("`{name}`: there is no `{of}` that passes"))?;
        if findings.is_empty() {
            return Err(format!("`{name}`: a broken artifact has findings"));
        }
        let mut artifact = whole.artifact.clone();
        merge(&mut artifact, change);
        let artifact = build(&artifact).map_err(|problem| format!("`{name}`: {problem}"))?;
        Ok(Breaking { name: name.clone(), artifact, findings: findings.clone() })
    });
    Ok(Examples {
        passes: passes.collect::<Result<_, String>>()?,
        breaks: breaks.collect::<Result<_, String>>()?,
    })
}

/// Builds `{"manifest": …, "subject": …}`, see `samples/types/README.md`.
///
/// # Errors
/// What is wrong with it.
pub fn build(artifact: &Value) -> Result<Built, String> {
    let known = |fields: &Map<String, Value>| fields.keys().all(|key| key == "manifest" || key == "subject");
    if !artifact.as_object().is_some_and(known) {
        return Err("an artifact is an object of `manifest` and, where it has one, `subject`".to_owned());
    }
    let mut manifest = artifact.get("manifest").cloned().ok_or("an artifact has a `manifest`")?;
    let mut blobs = Vec::new();
    let mut children = Vec::new();
    fill_blob(&mut manifest["config"], &mut blobs)?;
    if manifest["config"].is_null() && artifact.pointer("/manifest/config").is_none() {
        remove(&mut manifest, "config");
    }
    for field in ["layers", "blobs"] {
        for descriptor in members(&mut manifest, field) {
            fill_blob(descriptor, &mut blobs)?;
        }
    }
    for entry in members(&mut manifest, "manifests") {
        fill_blob(entry, &mut blobs)?;
        if let Some(child) = remove(entry, "artifact") {
            let child = build(&child)?;
            describe(entry, &child);
            children.push(child);
        }
    }
    let subject = artifact.get("subject").map(build).transpose()?.map(Box::new);
    if let Some(subject) = &subject {
        if !manifest["subject"].is_object() {
            manifest["subject"] = Value::Object(Map::new());
        }
        describe(&mut manifest["subject"], subject);
    }
    let bytes = manifest.to_string().into_bytes();
    let media_type = match manifest["mediaType"].as_str() {
        Some(media_type) => media_type.to_owned(),
        None => Manifest::parse(&bytes, None).map_err(|error| error.to_string())?.media_type().to_owned(),
    };
    let digest = Digest::sha256(&bytes);
    Ok(Built { bytes, media_type, digest, blobs, children, subject })
}

fn members<'a>(manifest: &'a mut Value, field: &str) -> impl Iterator<Item = &'a mut Value> {
    manifest.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten()
}

fn remove(object: &mut Value, field: &str) -> Option<Value> {
    object.as_object_mut()?.remove(field)
}

/// Puts digest and size in the place of `content`.
fn fill_blob(descriptor: &mut Value, blobs: &mut Vec<(Digest, Vec<u8>)>) -> Result<(), String> {
    let Some(content) = remove(descriptor, "content") else { return Ok(()) };
    if descriptor.get("digest").is_some() {
        return Err("a descriptor has `content`, or `digest` and `size`".to_owned());
    }
    let content = content.as_str().map_or_else(|| content.to_string(), str::to_owned).into_bytes();
    let digest = Digest::sha256(&content);
    descriptor["digest"] = Value::from(digest.as_str());
    descriptor["size"] = Value::from(content.len());
    if !blobs.iter().any(|(blob, _)| *blob == digest) {
        blobs.push((digest, content));
    }
    Ok(())
}

fn describe(descriptor: &mut Value, artifact: &Built) {
    descriptor["mediaType"] = Value::from(artifact.media_type.as_str());
    descriptor["digest"] = Value::from(artifact.digest.as_str());
    descriptor["size"] = Value::from(artifact.bytes.len());
}

/// A JSON merge patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (key, change) in patch {
        if change.is_null() {
            remove(target, key);
        } else {
            merge(&mut target[key.as_str()], change);
        }
    }
}

#[cfg(test)]
#[path = "testing_tests.rs"]
mod tests;
