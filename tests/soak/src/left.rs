//! What a store still has: files of an embedded registry, or the objects of a bucket and the items of a table.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use moorage_kills::content::Blob;
use moorage_kills::folder::files;

use crate::dynamodb::DynamoDb;

/// Where to look.
pub struct Store {
    /// The folder below which the bytes of blobs are.
    pub objects: PathBuf,
    pub table: Option<Table>,
}

/// A table of DynamoDB Local, which checks no signature.
pub struct Table {
    pub address: SocketAddr,
    pub name: String,
}

/// What is left.
pub struct Left {
    pub objects: usize,
    pub bytes: u64,
    /// Items of the table, by the first word of their keys.
    pub items: BTreeMap<String, usize>,
    /// Objects of uploads that were cut off by a kill between the object and its record: the audit finds them.
    pub cut_off: usize,
    /// What should not be there any more.
    pub unexplained: Vec<String>,
}

/// Items that stay: repositories and their policies, which nobody deletes; the registry's own; what is in the trash,
/// and remembered; reviews of these; uploads whose token is good.
const STAYS: [&str; 5] = ["catalog", "moorage", "trash", "review", "upload"];

impl Store {
    /// `cut_off` are blobs whose uploads were not answered, each as often as that was so.
    pub fn left(&self, cut_off: Vec<Blob>) -> Result<Left> {
        match &self.table {
            Some(table) => self.left_in_table(table, cut_off),
            None => self.left_in_folder(cut_off),
        }
    }

    /// Files have numbers there: the size must be that of an upload that was cut off, or of a half of it, since
    /// clients send two chunks.
    fn left_in_folder(&self, mut cut_off: Vec<Blob>) -> Result<Left> {
        let there: Vec<_> = files(&self.objects)?.into_iter().filter(|(_, bytes)| *bytes > 0).collect();
        let (before, mut unexplained) = (cut_off.len(), Vec::new());
        for (path, bytes) in &there {
            let is_of = |blob: &Blob| {
                let all = blob.content.bytes as u64;
                [all, all / 2, all - all / 2].contains(bytes)
            };
            if !take(&mut cut_off, is_of) {
                let name = path.strip_prefix(&self.objects).unwrap_or(path).display();
                unexplained.push(format!("file {name} of {bytes} bytes"));
            }
        }
        Ok(Left {
            objects: there.len(),
            bytes: there.iter().map(|(_, bytes)| bytes).sum(),
            items: BTreeMap::new(),
            cut_off: before - cut_off.len(),
            unexplained,
        })
    }

    fn left_in_table(&self, table: &Table, mut cut_off: Vec<Blob>) -> Result<Left> {
        let before = cut_off.len();
        let mut items = BTreeMap::new();
        let (mut trash, mut unexplained, mut uploads) = (BTreeSet::new(), Vec::new(), 0);
        for (partition, sort) in DynamoDb::new(table.address, &table.name).keys()? {
            let word = partition.split('#').next().unwrap_or_default().to_owned();
            if let Some(object) = partition.strip_prefix("trash#") {
                trash.insert(object.to_owned());
            }
            uploads += usize::from(word == "upload");
            let stays = STAYS.contains(&&*word)
                || (word == "repo" && (sort == "policy" || sort.starts_with("tag-history#")));
            if !stays {
                unexplained.push(format!("{partition} / {sort}"));
            }
            *items.entry(word).or_default() += 1;
        }
        // MinIO keeps an object as a folder of that name.
        let in_file = |path: &Path| {
            let name = path.strip_prefix(&self.objects).ok()?;
            let folder = if name.ends_with("xl.meta") { name.parent()? } else { return None };
            Some(folder.to_string_lossy().into_owned())
        };
        let (mut objects, mut bytes) = (0, 0);
        for (path, size) in files(&self.objects)? {
            bytes += size;
            let Some(object) = in_file(&path) else { continue };
            objects += 1;
            // Tails of uploads that are open still are named by their records.
            let is_of_upload = object.starts_with("uploads/") || object.starts_with("tails/");
            let is_open = is_of_upload && uploads > 0;
            let is_of = |blob: &Blob| object.starts_with(&*blob.digest) || is_of_upload;
            let is_named = trash.contains(&object) || is_open;
            if !is_named && !take(&mut cut_off, is_of) {
                unexplained.push(format!("object {object}"));
            }
        }
        Ok(Left { objects, bytes, items, cut_off: before - cut_off.len(), unexplained })
    }
}

/// Takes one of them away; `false` where there is none.
fn take(cut_off: &mut Vec<Blob>, is_it: impl Fn(&Blob) -> bool) -> bool {
    let found = cut_off.iter().position(is_it);
    found.map(|at| cut_off.swap_remove(at)).is_some()
}
