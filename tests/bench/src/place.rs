//! Where a target's files are while it is measured.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A folder that is removed at the end, unless it was given.
pub struct Folder {
    path: PathBuf,
    is_temporary: bool,
}

impl Folder {
    /// The given folder, or a temporary one.
    pub fn new(given: Option<PathBuf>) -> Result<Self> {
        let is_temporary = given.is_none();
        let path = given
            .unwrap_or_else(|| std::env::temp_dir().join(format!("moorage-bench-{}", std::process::id())));
        std::fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        let path = std::fs::canonicalize(&path)?;
        Ok(Self { path, is_temporary })
    }

    pub fn of(&self, target: &str) -> Place {
        Place(self.path.join(target))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_temporary {
            // What is left behind is in a folder for temporary things.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// A target's part of the folder.
pub struct Place(PathBuf);

impl Place {
    /// Makes the folder.
    pub fn make(&self) -> Result<()> {
        std::fs::create_dir_all(&self.0).with_context(|| self.0.display().to_string())
    }

    /// Configuration and logs.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The filled data.
    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// What the data holds.
    pub fn stored(&self) -> PathBuf {
        self.0.join("stored.json")
    }

    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// An empty folder for data.
    pub fn fresh(&self) -> Result<PathBuf> {
        let path = self.0.join("empty");
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(path)
    }
}
