//! What one client knows of one repository, and what must be there because of that. No one else deletes there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use moorage_kills::content::Digest;
use moorage_kills::documents::Document;

pub struct Known {
    pub name: String,
    /// Whether the registry takes away manifests there that nothing holds.
    pub recycles: bool,
    pub tags: BTreeMap<String, Digest>,
    pub manifests: BTreeMap<Digest, Manifest>,
    /// Until when each blob was promised to stay.
    pub blobs: BTreeMap<Digest, Instant>,
}

pub struct Manifest {
    pub document: Arc<Document>,
    pub state: State,
    /// Until when it stays although nothing holds it.
    pub promised: Instant,
    /// An index named it at some time: it leaves with that.
    pub was_child: bool,
    /// It was there when it last was asked for, and something that the client knows of has kept it ever since.
    pub sure: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// There, unless it is not `sure`.
    There,
    /// In the recycle bin since a delete that was sent at this time, with the tags it had.
    Deleted { at: Instant, tags: Vec<String>, in_doubt: bool },
    /// Not there, and not to be restored.
    Gone,
}

/// What must be there.
#[derive(Default)]
pub struct Needed {
    pub manifests: BTreeSet<Digest>,
    pub blobs: BTreeSet<Digest>,
}

impl Known {
    pub fn new(name: String) -> Self {
        Self {
            name,
            recycles: false,
            tags: BTreeMap::new(),
            manifests: BTreeMap::new(),
            blobs: BTreeMap::new(),
        }
    }

    /// What must be there at this time: what tags, promises and the policy keep, and what that needs. What else there
    /// was may go from now on, and is no longer relied on.
    pub fn needed(&mut self, now: Instant) -> Needed {
        let mut needed = Needed::default();
        let mut next: Vec<Digest> = self.tags.values().cloned().collect();
        next.extend(self.manifests.values().filter(|m| m.is_kept(self.recycles, now)).map(Manifest::digest));
        while let Some(digest) = next.pop() {
            if !needed.manifests.insert(digest.clone()) {
                continue;
            }
            let Some(manifest) = self.manifests.get(&digest) else { continue };
            needed.blobs.extend(manifest.document.blobs.iter().map(|blob| blob.digest.clone()));
            next.extend(manifest.document.manifests.iter().cloned());
            let about_it = |other: &&Manifest| {
                let subject = other.document.referrer.as_ref().map(|referrer| &referrer.subject);
                other.sure && other.state == State::There && subject == Some(&digest)
            };
            next.extend(self.manifests.values().filter(about_it).map(Manifest::digest));
        }
        for manifest in self.manifests.values_mut() {
            manifest.sure &= needed.manifests.contains(&manifest.document.digest);
        }
        let promised = self.blobs.iter().filter(|(_, until)| **until > now);
        needed.blobs.extend(promised.map(|(digest, _)| digest.clone()));
        needed
    }

    /// A manifest was acknowledged to be there, by a request sent at `since`.
    pub fn is_there(&mut self, document: &Arc<Document>, promised: Instant) {
        let known = self.know(document);
        known.state = State::There;
        known.sure = true;
        known.promised = known.promised.max(promised);
    }

    /// Before it is asked for.
    pub fn know(&mut self, document: &Arc<Document>) -> &mut Manifest {
        self.manifests.entry(document.digest.clone()).or_insert_with(|| Manifest {
            document: document.clone(),
            state: State::Gone,
            promised: Instant::now(),
            was_child: false,
            sure: false,
        })
    }

    /// An index is about to be pushed: from then on its children leave with it.
    pub fn will_hold(&mut self, document: &Document) {
        for child in &document.manifests {
            if let Some(manifest) = self.manifests.get_mut(child) {
                manifest.was_child = true;
            }
        }
    }

    pub fn promise_blob(&mut self, digest: &Digest, until: Instant) {
        let promised = self.blobs.entry(digest.clone()).or_insert(until);
        *promised = (*promised).max(until);
    }

    /// Whether any manifest that was ever pushed names a blob, or a manifest. One that is gone for its readers may be
    /// in the recycle bin still.
    pub fn may_be_needed(&self, digest: &Digest) -> bool {
        self.manifests.values().any(|manifest| manifest.document.names(digest))
    }

    /// Whether a manifest that must be there needs it.
    pub fn is_needed_by(&self, needed: &Needed, digest: &Digest) -> bool {
        needed.manifests.iter().filter_map(|m| self.manifests.get(m)).any(|m| m.document.names(digest))
    }
}

impl Manifest {
    fn digest(&self) -> Digest {
        self.document.digest.clone()
    }

    /// By its time, or by the policy.
    fn is_kept(&self, recycles: bool, now: Instant) -> bool {
        let by_policy = !recycles && !self.was_child && self.document.referrer.is_none();
        self.state == State::There && self.sure && (by_policy || self.promised > now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use moorage_kills::content::Content;
    use moorage_kills::documents::Document;

    use super::Known;

    #[test]
    fn what_a_tag_leads_to_is_needed_and_what_it_leaves_is_not() {
        let (config, layer) = (Content::new(1, 10).blob(), Content::new(2, 10).blob());
        let image = Document::image(&config, &[layer], "image");
        let index = Document::index(std::slice::from_ref(&image), "index");
        let mut known = Known::new("app".to_owned());
        let now = Instant::now();
        known.is_there(&image, now);
        known.will_hold(&index);
        known.is_there(&index, now);
        known.tags.insert("v1".to_owned(), index.digest.clone());
        let now = Instant::now();
        let needed = known.needed(now);
        assert_eq!((needed.manifests.len(), needed.blobs.len()), (2, 2));
        known.recycles = true;
        known.tags.clear();
        assert!(known.needed(now).manifests.is_empty());
        // What was not needed once may be gone, whatever the policy says later.
        known.recycles = false;
        assert!(known.needed(now).manifests.is_empty());
    }

    #[test]
    fn a_promise_ends() {
        let mut known = Known::new("app".to_owned());
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        known.promise_blob(&"sha256:a".into(), now + second);
        assert_eq!(known.needed(now).blobs.len(), 1);
        assert_eq!(known.needed(now + second).blobs.len(), 0);
    }
}
