//! The working set as files under the paths that the registry's API has, so that a file server can be asked
//! the same things: what moving these bytes costs without a registry.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::content::World;

/// Writes the manifests and blobs of `world` under `root`.
pub fn lay_out(world: &World, root: &Path, deadline: Instant) -> Result<()> {
    let size = world.size;
    write(&root.join("v2/index.html"), b"{}")?;
    let folder = |repository: u32| root.join("v2").join(world.repository(repository));
    for repository in 0..size.repositories {
        for layer in 0..size.layers {
            let name = world.layer_digest(repository, layer).to_string();
            write(&folder(repository).join("blobs").join(name), &world.layer(repository, layer))?;
        }
    }
    for at in 0..size.large_blobs {
        let folder = root.join("v2").join(world.large_blob_repository(at)).join("blobs");
        write(&folder.join(world.large_blob_digest(at).to_string()), &world.large_blob(at))?;
    }
    for at in 0..size.manifests {
        if Instant::now() > deadline {
            anyhow::bail!("too slow: {at} of {} manifests written", size.manifests);
        }
        let folder = folder(world.manifest_repository(at)).join("manifests");
        let by_digest = folder.join(world.manifest_named(at).digest.to_string());
        write(&by_digest, &world.manifest(at))?;
        let by_tag = folder.join(world.manifest_tag(at));
        fs::hard_link(&by_digest, &by_tag).with_context(|| by_tag.display().to_string())?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, bytes)).with_context(|| path.display().to_string())
}
