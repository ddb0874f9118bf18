//! Deleting tags, manifests and blobs. What something needs must be refused.

use std::collections::HashSet;

use crate::client::Client;
use crate::content::Digest;
use crate::http::{Body, Broken, Request};
use crate::journal::{Entry, Journal, Name, Value};

/// More tags than this are not taken away in one instant.
const TAGS_TAKEN_AT_ONCE_MAX: usize = 32;

/// Whether something needs it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needed {
    No,
    /// By a manifest whose push was not answered.
    Perhaps,
    Yes,
}

impl Client<'_> {
    pub(super) fn delete_tag(&mut self) -> Result<(), Broken> {
        let Some(Entry::Tag(tag)) = self.some_entry(|entry| matches!(entry, Entry::Tag(_))) else {
            return Ok(());
        };
        let target = format!("manifests/{tag}");
        self.delete(&target, vec![(Entry::Tag(tag), None)], "delete: tag", Needed::No)
    }

    /// Its tags go with it.
    pub(super) fn delete_manifest(&mut self) -> Result<(), Broken> {
        let Some(Entry::Manifest(digest)) = self.some_entry(|entry| matches!(entry, Entry::Manifest(_)))
        else {
            return Ok(());
        };
        let tags = tags_of(&self.world.journal(), &self.repository, &digest);
        if tags.len() > TAGS_TAKEN_AT_ONCE_MAX {
            return Ok(());
        }
        let needed = needed(&self.world.journal(), &self.repository, &digest);
        let mut writes = vec![(Entry::Manifest(digest.clone()), None)];
        writes.extend(tags.into_iter().map(|tag| (Entry::Tag(tag), None)));
        self.delete(&format!("manifests/{digest}"), writes, "delete: manifest", needed)
    }

    /// Mostly one that nothing needs: of a mount, a finished upload, a deleted manifest.
    pub(super) fn delete_blob(&mut self) -> Result<(), Broken> {
        let needed_ones: HashSet<Digest> = if self.random.chance(70) {
            let journal = self.world.journal();
            let blobs = journal.manifests(&self.repository).flat_map(|document| &document.blobs);
            blobs.map(|blob| blob.digest.clone()).collect()
        } else {
            HashSet::new()
        };
        let wanted = |entry: &Entry| matches!(entry, Entry::Blob(digest) if !needed_ones.contains(digest));
        let Some(Entry::Blob(digest)) = self.some_entry(wanted) else { return Ok(()) };
        let needed = needed(&self.world.journal(), &self.repository, &digest);
        let writes = vec![(Entry::Blob(digest.clone()), None)];
        self.delete(&format!("blobs/{digest}"), writes, "delete: blob", needed)
    }

    fn delete(
        &mut self,
        path: &str,
        writes: Vec<(Entry, Value)>,
        how: &'static str,
        needed: Needed,
    ) -> Result<(), Broken> {
        let target = format!("/v2/{}/{path}", self.repository);
        let asked = self.world.journal().begin(&self.repository, writes, how);
        let request = Request { method: "DELETE", target: &target, headers: &[], body: Body::None };
        let harmless: &[u16] = if needed == Needed::No { &[] } else { &[405] };
        let done = self.carry_out(&asked, &request, 202, harmless)?;
        if let (Some(answer), Needed::Yes) = (done, needed) {
            self.complain(&request, &answer, "something needs it: it should have been refused");
        }
        Ok(())
    }

    /// Something of the client's repository that is there for certain.
    fn some_entry(&mut self, wanted: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let journal = self.world.journal();
        let is_there = |value: Option<Value>| matches!(value, Some(Some(_)));
        let entries = journal.entries(&self.repository);
        let there = entries.filter(|(entry, register)| wanted(entry) && is_there(register.certain()));
        self.random.pick(there.map(|(entry, _)| entry)).cloned()
    }
}

fn tags_of(journal: &Journal, repository: &str, digest: &Digest) -> Vec<Name> {
    let entries = journal.entries(repository);
    let tags = entries.filter_map(|(entry, register)| match entry {
        Entry::Tag(tag) if register.certain() == Some(Some(digest.clone())) => Some(tag.clone()),
        _ => None,
    });
    tags.collect()
}

fn needed(journal: &Journal, repository: &str, digest: &str) -> Needed {
    if journal.manifests(repository).any(|document| document.names(digest)) {
        return Needed::Yes;
    }
    let unanswered = journal.repositories.get(repository).map(|there| &there.unanswered);
    let perhaps = unanswered.is_some_and(|pushes| pushes.values().any(|document| document.names(digest)));
    if perhaps { Needed::Perhaps } else { Needed::No }
}
