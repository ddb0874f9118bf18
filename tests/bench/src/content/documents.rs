//! The JSON documents of images, as a build would write them.

use super::Digest;

/// A blob as a manifest names it.
#[derive(Clone, Copy)]
pub struct Named {
    pub digest: Digest,
    pub size: usize,
}

impl Named {
    pub fn of(bytes: &[u8]) -> Self {
        Self { digest: Digest::of(bytes), size: bytes.len() }
    }
}

/// An image's config, different for each `mark`.
pub fn config(mark: &str) -> Vec<u8> {
    let layer = Digest::of(mark.as_bytes());
    format!(
        r#"{{"created":"2026-11-24T00:00:00Z","architecture":"amd64","os":"linux","config":{{"Entrypoint":["/app/{mark}"],"WorkingDir":"/app"}},"rootfs":{{"type":"layers","diff_ids":["{layer}"]}},"history":[]}}"#
    )
    .into_bytes()
}

/// An image's manifest, different for each `mark`.
pub fn manifest(config: Named, layer: Named, mark: &str) -> Vec<u8> {
    let (config_digest, config_size) = (config.digest, config.size);
    let (layer_digest, layer_size) = (layer.digest, layer.size);
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config_digest}","size":{config_size}}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{layer_digest}","size":{layer_size}}}],"annotations":{{"org.opencontainers.image.version":"{mark}"}}}}"#
    )
    .into_bytes()
}

/// A bill of materials about `subject`, as an artifact with the empty config.
pub fn referrer(subject: Named, empty: Named, layer: Named, mark: &str) -> Vec<u8> {
    let (empty_digest, empty_size) = (empty.digest, empty.size);
    let (layer_digest, layer_size) = (layer.digest, layer.size);
    let (subject_digest, subject_size) = (subject.digest, subject.size);
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/spdx+json","config":{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"{empty_digest}","size":{empty_size}}},"layers":[{{"mediaType":"application/spdx+json","digest":"{layer_digest}","size":{layer_size}}}],"subject":{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{subject_digest}","size":{subject_size}}},"annotations":{{"org.opencontainers.image.created":"2026-11-24T00:00:00Z","org.example.sbom.format":"{mark}"}}}}"#
    )
    .into_bytes()
}
