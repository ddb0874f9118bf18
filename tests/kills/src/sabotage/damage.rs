//! What is done to files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::content::{Digest, sha256};
use crate::folder::files;

/// The files that have exactly the bytes of a blob.
pub(super) fn files_of(data: &Path, digest: &Digest) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for (path, _) in files(&data.join("blobs"))? {
        if sha256(&fs::read(&path)?) == *digest {
            found.push(path);
        }
    }
    Ok(found)
}

pub(super) fn change_byte(path: &Path) -> Result<()> {
    let mut bytes = fs::read(path)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    Ok(fs::write(path, bytes)?)
}

pub(super) fn cut(path: &Path) -> Result<()> {
    let bytes = fs::metadata(path)?.len();
    Ok(fs::OpenOptions::new().write(true).open(path)?.set_len(bytes / 2)?)
}

pub(super) fn remove(path: &Path) -> Result<()> {
    Ok(fs::remove_file(path)?)
}
