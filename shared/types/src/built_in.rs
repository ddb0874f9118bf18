//! The definitions that are shipped: every file of `samples/types`.

use crate::definition::Definition;

/// Name and text of each file, sorted by name. A test compares the list with the folder.
macro_rules! files {
    ($($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../../../samples/types/", $name, ".json"))),)*]
    };
}

pub(crate) const FILES: &[(&str, &str)] = files![
    "buildkit-attestation",
    "cnab",
    "cnab-config",
    "conftest",
    "cosign-signature",
    "cyclonedx-sbom",
    "dev-container",
    "docker-image",
    "docker-model",
    "falco-asset",
    "falco-plugin",
    "falco-rulesfile",
    "files",
    "flux",
    "helm-chart",
    "helm-plugin",
    "homebrew-bottle",
    "homebrew-bottles",
    "image-index",
    "in-toto-attestation",
    "kyverno-policies",
    "modelpack",
    "notation-signature",
    "oci-image",
    "opa-bundle",
    "opentofu-module",
    "opentofu-provider",
    "opentofu-provider-target",
    "sigstore-bundle",
    "singularity",
    "singularity-oci-sif",
    "spdx-sbom",
    "wasm",
    "zarf",
];

/// Read without the checks of [`read`](crate::read), which would cost each cold start; a test does them.
pub(crate) fn definitions() -> impl Iterator<Item = Definition> {
    FILES.iter().map(|(name, json)| {
        serde_json::from_str(json)
            .unwrap_or_else(|error| panic!("samples/types/{name}.json, which a test has read: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::samples;
    use crate::{Definitions, read};

    #[test]
    fn every_file_of_the_folder_is_shipped() {
        let files =
            std::fs::read_dir(samples()).expect("the samples").map(|file| file.expect("a file").path());
        let mut names: Vec<_> = files
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .filter(|name| name != "artifact-type.schema")
            .collect();
        names.sort();
        assert_eq!(FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
    }

    #[test]
    fn every_file_is_right() {
        for (name, json) in FILES {
            let read = read(json.as_bytes())
                .unwrap_or_else(|faults| panic!("samples/types/{name}.json: {faults:#?}"));
            let shipped: Definition = serde_json::from_str(json).expect("JSON");
            assert!(read.logo.is_some() && shipped.logo.is_some(), "{name} has a logo");
            assert_eq!(Definition { logo: None, ..read }, Definition { logo: None, ..shipped }, "{name}");
        }
    }

    #[test]
    fn no_type_is_shipped_twice() {
        let definitions: Vec<_> = definitions().collect();
        assert_eq!(Definitions::built_in().iter().count(), definitions.len());
        let mut names: Vec<_> = definitions
            .iter()
            .flat_map(|definition| std::iter::once(&definition.artifact_type).chain(&definition.also))
            .collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
