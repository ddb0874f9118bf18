//! What the clients know: what was acknowledged, and what was asked and not answered.

mod register;
mod tally;
mod upload;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use register::{Register, Value};
pub use tally::Tally;
pub use upload::{Upload, UploadState, closing_target};

use crate::content::{Blob, Content, Digest};
use crate::documents::Document;
use register::Moment;

/// Of a repository, or a tag.
pub type Name = Arc<str>;

/// Something that a repository may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    Blob(Digest),
    Manifest(Digest),
    Tag(Name),
}

#[derive(Clone, Debug, Default)]
pub struct Repository {
    pub entries: BTreeMap<Entry, Register>,
    /// Manifests whose push was not answered. Until it is repeated, one that is not there may all the same
    /// keep what it names from being deleted.
    pub unanswered: BTreeMap<Digest, Arc<Document>>,
    /// Whether a manifest's push was asked for, and whether one was there for certain.
    pub manifest_asked: bool,
    pub manifest_seen: bool,
}

/// Several tags that one push sets, none of which had its target before.
#[derive(Clone, Debug)]
pub struct TagGroup {
    begun: Moment,
    pub repository: Name,
    pub tags: Vec<Name>,
    pub target: Digest,
}

/// A request that was sent, and what it changes if it is carried out.
#[derive(Debug)]
pub struct Asked {
    begun: Moment,
    repository: Name,
    entries: Vec<Entry>,
    how: &'static str,
}

/// What a data directory may have, as long as nothing collects what nobody needs any more.
#[derive(Clone, Debug, Default)]
pub struct BytesSent {
    pushes: HashMap<Digest, u32>,
    /// Of contents that came for the first time.
    pub first: u64,
    /// Of contents that had come before: the registry learns that only when it has them.
    pub again: u64,
    /// Of chunks and cancels whose answer did not come, and which did not count afterwards.
    pub in_doubt: u64,
}

impl BytesSent {
    pub fn add(&mut self, blob: &Blob) {
        let bytes = blob.content.bytes as u64;
        let pushes = self.pushes.entry(blob.digest.clone()).or_default();
        *pushes += 1;
        if *pushes == 1 { self.first += bytes } else { self.again += bytes }
    }

    /// How often a blob was pushed: more than once, and some of its bytes may be superfluous.
    pub fn pushes(&self, digest: &Digest) -> u32 {
        self.pushes.get(digest).copied().unwrap_or_default()
    }
}

#[derive(Clone, Debug, Default)]
pub struct Journal {
    clock: Moment,
    pub repositories: BTreeMap<Name, Repository>,
    pub contents: HashMap<Digest, Content>,
    pub documents: HashMap<Digest, Arc<Document>>,
    /// Those that are not finished, by a number.
    pub uploads: BTreeMap<u64, Upload>,
    pub groups: Vec<TagGroup>,
    pub bytes: BytesSent,
    pub tally: Tally,
}

impl Journal {
    pub fn know_blob(&mut self, blob: &Blob) {
        self.contents.insert(blob.digest.clone(), blob.content);
    }

    /// A request is about to be sent.
    pub fn begin(&mut self, repository: &Name, writes: Vec<(Entry, Value)>, how: &'static str) -> Asked {
        self.clock += 1;
        let begun = self.clock;
        self.tally.asked(how);
        let there = self.repositories.entry(repository.clone()).or_default();
        let mut entries = Vec::with_capacity(writes.len());
        for (entry, value) in writes {
            there.entries.entry(entry.clone()).or_default().begin(begun, value, how);
            entries.push(entry);
        }
        Asked { begun, repository: repository.clone(), entries, how }
    }

    /// The push of a manifest: it, and its tags.
    pub fn begin_push(
        &mut self,
        repository: &Name,
        document: &Arc<Document>,
        tags: &[Name],
        how: &'static str,
    ) -> Asked {
        self.documents.insert(document.digest.clone(), document.clone());
        let target = Some(document.digest.clone());
        let fresh =
            |tag: &&Name| self.certain(repository, &Entry::Tag((*tag).clone())) != Some(target.clone());
        let moved: Vec<Name> = tags.iter().filter(fresh).cloned().collect();
        let mut writes = vec![(Entry::Manifest(document.digest.clone()), target.clone())];
        writes.extend(tags.iter().map(|tag| (Entry::Tag(tag.clone()), target.clone())));
        let asked = self.begin(repository, writes, how);
        let there = self.repositories.entry(repository.clone()).or_default();
        there.unanswered.insert(document.digest.clone(), document.clone());
        there.manifest_asked = true;
        if moved.len() > 1 {
            let target = document.digest.clone();
            self.groups.push(TagGroup {
                begun: asked.begun,
                repository: repository.clone(),
                tags: moved,
                target,
            });
        }
        asked
    }

    pub fn acknowledge(&mut self, asked: &Asked) {
        self.clock += 1;
        self.tally.acknowledged(asked.how);
        self.groups.retain(|group| group.begun != asked.begun);
        let Some(repository) = self.repositories.get_mut(&asked.repository) else { return };
        for entry in &asked.entries {
            if let Entry::Manifest(digest) = entry {
                repository.unanswered.remove(digest);
                repository.manifest_seen = true;
            }
            if let Some(register) = repository.entries.get_mut(entry) {
                register.acknowledge(asked.begun, self.clock);
            }
        }
    }

    pub fn refuse(&mut self, asked: &Asked) {
        self.tally.refused(asked.how);
        self.groups.retain(|group| group.begun != asked.begun);
        let Some(repository) = self.repositories.get_mut(&asked.repository) else { return };
        for entry in &asked.entries {
            if let Some(register) = repository.entries.get_mut(entry) {
                register.refuse(asked.begun);
            }
        }
    }

    /// The push of a blob.
    pub fn begin_blob(&mut self, repository: &Name, blob: &Blob, how: &'static str) -> Asked {
        self.bytes.add(blob);
        self.begin(repository, vec![(Entry::Blob(blob.digest.clone()), Some(blob.digest.clone()))], how)
    }

    pub fn add_upload(&mut self, upload: Upload) -> u64 {
        self.clock += 1;
        self.uploads.insert(self.clock, upload);
        self.clock
    }

    /// The server is gone, and every client has noticed.
    pub fn server_gone(&mut self) {
        self.clock += 1;
        for register in self.repositories.values_mut().flat_map(|there| there.entries.values_mut()) {
            register.server_gone(self.clock);
        }
    }

    /// An entry was seen while nothing was under way.
    pub fn settle(&mut self, repository: &Name, entry: &Entry, seen: Value, when: &str) {
        let Some(there) = self.repositories.get_mut(repository) else { return };
        there.manifest_seen |= matches!(entry, Entry::Manifest(_)) && seen.is_some();
        if let Some(register) = there.entries.get_mut(entry) {
            register.settle(seen, when);
        }
    }

    /// The value of an entry, where only one is possible.
    pub fn certain(&self, repository: &str, entry: &Entry) -> Option<Value> {
        let register = self.repositories.get(repository).and_then(|there| there.entries.get(entry));
        register.map_or(Some(None), Register::certain)
    }

    pub fn is_there(&self, repository: &str, entry: &Entry) -> bool {
        matches!(self.certain(repository, entry), Some(Some(_)))
    }

    /// Manifests of a repository that are there for certain.
    pub fn manifests<'a>(&'a self, repository: &str) -> impl Iterator<Item = &'a Arc<Document>> {
        self.entries(repository).filter_map(|(entry, register)| match entry {
            Entry::Manifest(digest) if matches!(register.certain(), Some(Some(_))) => {
                self.documents.get(digest)
            }
            _ => None,
        })
    }

    pub fn entries<'a>(&'a self, repository: &str) -> impl Iterator<Item = (&'a Entry, &'a Register)> {
        self.repositories.get(repository).into_iter().flat_map(|there| &there.entries)
    }
}
