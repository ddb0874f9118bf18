//! One trial for each damage: the data is copied and damaged, and a registry on it is compared with the journal.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

use super::damage::files_of;
use super::{Moment, forgotten};
use crate::check::{Scope, check};
use crate::content::{Digest, sha256};
use crate::documents::Document;
use crate::findings::{Finding, Kind};
use crate::folder::{Folder, copy, files};
use crate::journal::{Entry, Journal};
use crate::server::Server;
use crate::world::World;

/// Blobs that are surely in files of their own.
const IN_FILE_BYTES: usize = 64 << 10;

pub(super) struct Trials<'a> {
    pub(super) binary: &'a Path,
    pub(super) folder: &'a Folder,
    pub(super) before: Moment,
    pub(super) after: Moment,
}

impl Trials<'_> {
    pub(super) fn untouched(&self) -> Result<String> {
        let findings = self.compare(self.after.journal.clone(), |_| Ok(()))?;
        ensure!(findings.is_empty(), "found {}", findings[0]);
        Ok("nothing is found".to_owned())
    }

    /// Every file that has the bytes of one live blob is damaged.
    pub(super) fn damaged_blob(&self, kind: Kind, damage: impl Fn(&Path) -> Result<()>) -> Result<String> {
        let mut damaged = None;
        let findings = self.compare(self.after.journal.clone(), |data| {
            let digest = self.blob_in_file(data)?;
            for path in files_of(data, &digest)? {
                damage(&path)?;
            }
            damaged = Some(digest);
            Ok(())
        })?;
        let digest = damaged.context("nothing was damaged")?;
        let found = |finding: &&Finding| {
            finding.what.contains(&*digest) && (finding.kind == kind || finding.kind == Kind::WrongBytes)
        };
        let found = findings
            .iter()
            .find(found)
            .with_context(|| format!("{digest} is damaged, found {findings:?}"))?;
        Ok(format!("noticed: {}", found.kind))
    }

    /// Everything but the blobs' files is put back.
    pub(super) fn forgetful(&self) -> Result<String> {
        let expected = forgotten(&self.before.journal, &self.after.journal);
        let tables = self.changed_tables()?;
        let findings = self.compare(self.after.journal.clone(), |data| {
            for file in &tables {
                fs::copy(self.before.data.join(file), data.join(file))?;
            }
            Ok(())
        })?;
        let found: BTreeSet<Kind> = findings.iter().map(|finding| finding.kind).collect();
        ensure!(expected.len() >= 5, "too little happened to forget: {expected:?}");
        ensure!(expected.is_subset(&found), "expected {expected:?}, found {found:?}");
        Ok(format!("noticed: {} losses of {} kinds", findings.len(), expected.len()))
    }

    /// One file is put back, each in turn: the registry notices, or we do. Not with every file: what a journal
    /// has may just have been taken over into the tables.
    pub(super) fn forgetful_in_one(&self) -> Result<String> {
        let mut noticed = Vec::new();
        let files = self.changed_tables()?;
        for file in &files {
            let findings = self.compare(self.after.journal.clone(), |data| {
                fs::copy(self.before.data.join(file), data.join(file))?;
                Ok(())
            });
            match findings {
                Ok(findings) if findings.is_empty() => {}
                Ok(findings) => noticed.push(format!("{file}: {} losses", findings.len())),
                Err(error) => noticed.push(format!("{file}: the registry says {error}")),
            }
        }
        ensure!(!noticed.is_empty(), "nothing is found with any of {files:?}");
        Ok(format!("noticed: {}", noticed.join("; ")))
    }

    pub(super) fn other_referrer(&self) -> Result<String> {
        let mut journal = self.after.journal.clone();
        let listed = |document: &&Arc<Document>| {
            document.referrer.is_some()
                && journal
                    .repositories
                    .keys()
                    .any(|name| journal.is_there(name, &Entry::Manifest(document.digest.clone())))
        };
        let document = journal.documents.values().find(listed).context("no referrer was pushed")?.clone();
        let other = document.with_other_note("never pushed");
        journal.documents.insert(document.digest.clone(), other);
        self.expect(journal, Kind::WrongReferrers)
    }

    pub(super) fn unknown_repository(&self) -> Result<String> {
        let mut journal = self.after.journal.clone();
        let known = journal.repositories.iter().find(|(_, there)| there.manifest_seen);
        let name = known.map(|(name, _)| name.clone()).context("nothing was pushed")?;
        journal.repositories.remove(&name);
        journal.uploads.clear();
        self.expect(journal, Kind::WrongList)
    }

    fn expect(&self, journal: Journal, kind: Kind) -> Result<String> {
        let findings = self.compare(journal, |_| Ok(()))?;
        let found = findings.iter().find(|finding| finding.kind == kind);
        let found = found.with_context(|| format!("found {findings:?}"))?;
        Ok(format!("noticed: {}", found.kind))
    }

    /// Damages a copy of the data, starts the registry on it, and compares everything with a journal.
    fn compare(&self, journal: Journal, damage: impl FnOnce(&Path) -> Result<()>) -> Result<Vec<Finding>> {
        let data = self.folder.at("damaged");
        copy(&self.after.data, &data)?;
        damage(&data)?;
        let world = World::of(journal);
        let server = Server::start(self.binary, &data, &self.folder.at("damaged.log"))?;
        check(&world, server.address, Scope::All, "after the damage");
        server.kill()?;
        Ok(world.findings.all())
    }

    /// Files beside the blobs' own that the registry wrote between the two kills.
    fn changed_tables(&self) -> Result<Vec<String>> {
        let mut changed = Vec::new();
        for (path, _) in files(&self.after.data)? {
            let name = path.strip_prefix(&self.after.data)?.to_string_lossy().into_owned();
            let before = self.before.data.join(&name);
            // The lock says which process has the data: nothing that is kept.
            if name.starts_with("blobs/") || name == "lock" || !before.exists() {
                continue;
            }
            if fs::read(&path)? != fs::read(&before)? {
                changed.push(name);
            }
        }
        Ok(changed)
    }

    /// A live blob whose bytes are in a file of their own.
    fn blob_in_file(&self, data: &Path) -> Result<Digest> {
        let journal = &self.after.journal;
        let is_live = |digest: &Digest| {
            journal.repositories.keys().any(|name| journal.is_there(name, &Entry::Blob(digest.clone())))
        };
        for (path, bytes) in files(&data.join("blobs"))? {
            if (bytes as usize) < IN_FILE_BYTES {
                continue;
            }
            let digest = sha256(&fs::read(path)?);
            if is_live(&digest) && journal.bytes.pushes(&digest) == 1 {
                return Ok(digest);
            }
        }
        bail!("no live blob is in a file of its own")
    }
}
