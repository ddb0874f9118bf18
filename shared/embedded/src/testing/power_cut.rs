//! What is left of what was done, when the power goes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::recorder::Operation;

/// What becomes of what was done and not synced. What was synced stays, always.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unsynced {
    /// None of it is there.
    Lost,
    /// All of it is there.
    Kept,
    /// Of each operation, by chance: nothing, all, or (of a write) some sectors.
    Torn { seed: u64 },
}

/// Bytes that a disk writes as one.
const SECTOR_BYTES: usize = 512;

/// Directories and files that are left.
#[derive(Debug, Default)]
pub struct Remains {
    dirs: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Remains {
    pub(super) fn of(operations: &[Operation], unsynced: Unsynced) -> Self {
        let synced = synced(operations);
        let mut chance = Chance(if let Unsynced::Torn { seed } = unsynced { seed } else { 0 });
        let mut contents: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        let mut names: BTreeMap<PathBuf, usize> = BTreeMap::new();
        let mut dirs = Vec::new();
        for (id, operation) in operations.iter().enumerate() {
            let stays = synced[id]
                || match unsynced {
                    Unsynced::Lost => false,
                    Unsynced::Kept => true,
                    Unsynced::Torn { .. } => chance.one_of(2),
                };
            match operation {
                Operation::CreateFile(path) => {
                    contents.insert(id, Vec::new());
                    if stays {
                        names.insert(path.clone(), id);
                    }
                }
                Operation::CreateDir(path) if stays => dirs.push(path.clone()),
                Operation::Rename { file, from, to } if stays => {
                    names.remove(from);
                    names.insert(to.clone(), *file);
                }
                Operation::Remove(path) if stays => {
                    names.remove(path);
                }
                Operation::SetLen { file, bytes } if stays => {
                    contents.entry(*file).or_default().resize(*bytes as usize, 0);
                }
                Operation::Write { file, offset, bytes } => {
                    let content = contents.entry(*file).or_default();
                    for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                        let torn = !synced[id] && matches!(unsynced, Unsynced::Torn { .. });
                        if stays && (!torn || chance.one_of(2)) {
                            write(content, *offset as usize + index * SECTOR_BYTES, sector);
                        }
                    }
                }
                _ => {}
            }
        }
        // What lies in a directory that is not there is not there either.
        let is_there = |path: &Path| {
            path.ancestors().skip(1).all(|dir| dir.as_os_str().is_empty() || dirs.iter().any(|d| d == dir))
        };
        let files = names
            .into_iter()
            .filter(|(path, _)| is_there(path))
            .map(|(path, id)| (path, contents.remove(&id).unwrap_or_default()))
            .collect();
        let dirs = dirs.iter().filter(|dir| is_there(dir)).cloned().collect();
        Self { dirs, files }
    }

    /// Makes all of it in an empty directory.
    ///
    /// # Errors
    /// It cannot be written there.
    pub fn write_to(&self, root: &Path) -> std::io::Result<()> {
        for dir in &self.dirs {
            std::fs::create_dir_all(root.join(dir))?;
        }
        for (path, content) in &self.files {
            std::fs::write(root.join(path), content)?;
        }
        Ok(())
    }
}

/// Which operations some sync made durable.
fn synced(operations: &[Operation]) -> Vec<bool> {
    let mut synced = vec![false; operations.len()];
    for (at, sync) in operations.iter().enumerate() {
        for (operation, synced) in operations[..at].iter().zip(&mut synced) {
            *synced |= match (sync, operation) {
                (Operation::SyncFile { file }, Operation::Write { file: written, .. })
                | (Operation::SyncFile { file }, Operation::SetLen { file: written, .. }) => file == written,
                (
                    Operation::SyncDir(dir),
                    Operation::CreateDir(path)
                    | Operation::CreateFile(path)
                    | Operation::Rename { to: path, .. }
                    | Operation::Remove(path),
                ) => path.parent() == Some(dir),
                _ => false,
            };
        }
    }
    synced
}

fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

/// Chance that can be repeated (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn one_of(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }
}
