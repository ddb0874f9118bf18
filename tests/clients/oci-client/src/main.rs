//! The Rust client (`oci-client`, as wkg and spin use it) against a registry: `moorage-test-oci-client HOST:PORT BYTES`.
//!
//! It pushes an artifact and one that refers to it, pulls the first one back and compares the bytes, and
//! lists tags and referrers. The client sends a blob in chunks of 4 MiB; the layer has so many bytes.

use std::{env, error::Error, fs::File, io::Read};

use oci_client::{
    Client, Reference,
    client::{ClientConfig, ClientProtocol, Config, ImageLayer},
    manifest::{OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest},
    secrets::RegistryAuth::Anonymous,
};

const ARTIFACT_TYPE: &str = "application/vnd.example.sample";
const LAYER_TYPE: &str = "application/vnd.example.sample.layer";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    const USAGE: &str = "usage: moorage-test-oci-client HOST:PORT BYTES";
    let registry = env::args().nth(1).ok_or(USAGE)?;
    let layer_bytes = env::args().nth(2).ok_or(USAGE)?.parse()?;
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "a TLS provider is installed already")?;
    let client = Client::new(ClientConfig { protocol: ClientProtocol::Http, ..Default::default() });

    let layer = ImageLayer::new(fresh_bytes(layer_bytes)?, LAYER_TYPE.into(), None);
    let config = Config::new(b"{}".to_vec(), "application/vnd.oci.empty.v1+json".into(), None);
    let tag: Reference = format!("{registry}/oci-client/sample:v1").parse()?;
    let manifest = artifact(&layer, &config, None);
    client.push(&tag, std::slice::from_ref(&layer), config.clone(), &Anonymous, Some(manifest)).await?;

    let pulled = client.pull(&tag, &Anonymous, vec![LAYER_TYPE]).await?;
    assert_eq!(pulled.config.data, config.data, "the configuration");
    // Not `assert_eq`, which would print the bytes.
    assert!(matches!(&pulled.layers[..], [only] if only.data == layer.data), "the layer");
    println!("pulled what was pushed: a layer of {} bytes", layer.data.len());

    let digest = pulled.digest.ok_or("the manifest came without a digest")?;
    let subject = tag.clone_with_digest(digest.clone());
    let (pulled_bytes, pulled_digest) =
        client.pull_manifest_raw(&subject, &Anonymous, &[OCI_IMAGE_MEDIA_TYPE]).await?;
    assert_eq!(pulled_digest, digest, "the manifest's digest, by tag and by digest");

    let statement = ImageLayer::new(b"a statement about the sample".to_vec(), LAYER_TYPE.into(), None);
    let size = i64::try_from(pulled_bytes.len())?;
    let subject_descriptor =
        OciDescriptor { media_type: OCI_IMAGE_MEDIA_TYPE.into(), digest, size, ..Default::default() };
    let referrer = artifact(&statement, &config, Some(subject_descriptor));
    let referrer_tag: Reference = format!("{registry}/oci-client/sample:statement").parse()?;
    client.push(&referrer_tag, &[statement], config, &Anonymous, Some(referrer)).await?;

    let tags = client.list_tags(&tag, &Anonymous, None, None).await?.tags;
    assert_eq!(tags, ["statement", "v1"], "the tags");
    let referrers = client.pull_referrers(&subject, Some(ARTIFACT_TYPE)).await?.manifests;
    let digests: Vec<_> = referrers.iter().map(|descriptor| &descriptor.digest).collect();
    assert_eq!(digests, [&client.fetch_manifest_digest(&referrer_tag, &Anonymous).await?], "the referrers");
    println!("listed tags and referrers");
    Ok(())
}

/// Bytes that no registry has seen before, so that the push uploads them.
fn fresh_bytes(count: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open("/dev/urandom")?.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn artifact(layer: &ImageLayer, config: &Config, subject: Option<OciDescriptor>) -> OciImageManifest {
    let mut manifest = OciImageManifest::build(std::slice::from_ref(layer), config, None);
    manifest.artifact_type = Some(ARTIFACT_TYPE.into());
    manifest.subject = subject;
    manifest
}
