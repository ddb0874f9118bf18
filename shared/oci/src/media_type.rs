//! Media types that mean something to a registry. All others are taken as they come.

/// Image manifest (image-spec manifest.md).
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Image index (image-spec image-index.md); also the type of a list of referrers.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Docker's manifest, version 2 schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's manifest list.
pub const DOCKER_MANIFEST_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Artifact manifest: in release candidates of image-spec 1.1, gone before 1.1.0. It still exists.
pub const OCI_ARTIFACT_MANIFEST: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// Its ancestor in the ORAS project, of the same shape.
pub const ORAS_ARTIFACT_MANIFEST: &str = "application/vnd.cncf.oras.artifact.manifest.v1+json";
/// Docker's manifest version 2 schema 1, retired in 2016 and not taken.
pub const DOCKER_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
/// The same with a signature inside.
pub const DOCKER_SCHEMA1_SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
/// A descriptor that points to nothing: the blob `{}` (image-spec manifest.md, "Guidance for an Empty Descriptor").
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// What a blob is served as.
pub const OCTET_STREAM: &str = "application/octet-stream";

/// Beginnings of the types that are pushed and pulled as manifests, in this and in later versions.
const MANIFEST_FAMILIES: [&str; 5] = [
    "application/vnd.oci.image.manifest.",
    "application/vnd.oci.image.index.",
    "application/vnd.docker.distribution.manifest.",
    "application/vnd.oci.artifact.manifest.",
    "application/vnd.cncf.oras.artifact.manifest.",
];

/// Beginnings of the types of layers that need not be here, the same two that containerd knows
/// (image-spec layer.md, "Non-Distributable Layers"; Docker's "foreign" layers).
const FOREIGN_LAYER_FAMILIES: [&str; 2] =
    ["application/vnd.oci.image.layer.nondistributable.", "application/vnd.docker.image.rootfs.foreign."];

/// Longest of either half of a media type, in characters (RFC 6838, section 4.2).
const HALF_LENGTH_MAX: usize = 127;

/// Whether content of this type lives under `/manifests/`. Later versions of a known type count
/// (`application/vnd.oci.image.manifest.v2+json`): they will be manifests too.
pub fn is_manifest(media_type: &str) -> bool {
    MANIFEST_FAMILIES.iter().any(|family| media_type.starts_with(family))
}

/// Whether a layer of this type may be missing here: its owner serves it, under the descriptor's `urls`.
/// `urls` alone say nothing of the kind (image-spec layer.md).
pub fn is_foreign_layer(media_type: &str) -> bool {
    FOREIGN_LAYER_FAMILIES.iter().any(|family| media_type.starts_with(family))
}

/// A `Content-Type` without its parameters, which a registry SHOULD ignore (distribution-spec, "Pushing
/// manifests"): `application/json; charset=utf-8` is `application/json`.
pub fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim_ascii()
}

/// Whether this is a media type by RFC 6838, section 4.2: `type/subtype`, no parameters, no blanks. What
/// passes can stand in a header.
pub fn is_well_formed(media_type: &str) -> bool {
    let is_name = |half: &str| {
        half.len() <= HALF_LENGTH_MAX
            && half.starts_with(|c: char| c.is_ascii_alphanumeric())
            && half.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    media_type.split_once('/').is_some_and(|(top, sub)| is_name(top) && is_name(sub))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_known_by_their_family() {
        for manifest in [
            OCI_MANIFEST,
            OCI_INDEX,
            DOCKER_MANIFEST,
            DOCKER_MANIFEST_LIST,
            OCI_ARTIFACT_MANIFEST,
            ORAS_ARTIFACT_MANIFEST,
            DOCKER_SCHEMA1_SIGNED,
            "application/vnd.oci.image.index.v2+json",
        ] {
            assert!(is_manifest(manifest) && is_well_formed(manifest), "{manifest}");
        }
        for blob in [
            OCI_EMPTY,
            OCTET_STREAM,
            "",
            "application/vnd.oci.image.config.v1+json",
            "application/vnd.oci.image.layer.v1.tar+gzip",
            "application/vnd.buildkit.cacheconfig.v0",
        ] {
            assert!(!is_manifest(blob), "{blob}");
        }
    }

    #[test]
    fn foreign_layers_are_known_by_their_family() {
        for foreign in [
            "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        ] {
            assert!(is_foreign_layer(foreign), "{foreign}");
        }
        assert!(!is_foreign_layer("application/vnd.oci.image.layer.v1.tar+gzip"));
        assert!(!is_foreign_layer("application/vnd.docker.image.rootfs.diff.tar.gzip"));
    }

    #[test]
    fn parameters_are_no_part_of_the_type() {
        assert_eq!(essence("application/json; charset=utf-8"), "application/json");
        assert_eq!(essence(" application/json "), "application/json");
        assert_eq!(essence("; charset=utf-8"), "");
    }

    #[test]
    fn a_media_type_is_two_names() {
        for good in ["a/b", "application/wasm", "application/x.y-z_1+json", OCI_MANIFEST] {
            assert!(is_well_formed(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a/",
            "/b",
            "a/b/c",
            "a/b;c=d",
            "a/b c",
            "a/+b",
            "a/é",
            "a/b\n",
            &format!("a/{}", "b".repeat(128)),
        ] {
            assert!(!is_well_formed(bad), "{bad:?}");
        }
    }
}
