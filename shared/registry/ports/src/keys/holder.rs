//! Who holds a node, as the key of the hold says.

use moorage_oci::{Digest, RepositoryName, Tag};

use super::{HELD, HELD_CONTENT, Key};
use crate::value::{Incarnation, Version};

/// The holder that the key of a hold names, in the life in which it put the hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Holder {
    /// A tag, at the version that points here.
    Tag(Tag, Version),
    Index(Digest, Incarnation),
    /// The repository's policy; the incarnation is the held manifest's own.
    Kept(Incarnation),
    /// A manifest of the repository whose grant is held.
    Manifest(RepositoryName, Digest, Incarnation),
    /// A repository's grant holds the content.
    Grant(RepositoryName, Incarnation),
}

impl Key {
    /// The holder, where this is the key of a hold.
    #[must_use]
    pub fn holder(&self) -> Option<Holder> {
        if let Some(grant) = self.sort.strip_prefix(HELD_CONTENT) {
            let (repository, incarnation) = grant.rsplit_once('#')?;
            return Some(Holder::Grant(repository.parse().ok()?, Incarnation(incarnation.parse().ok()?)));
        }
        let (holder, life) = self.sort.strip_prefix(HELD)?.rsplit_once('#')?;
        let life = life.parse().ok()?;
        if self.manifest_named().is_none() {
            let (repository, manifest) = holder.rsplit_once('#')?;
            return Some(Holder::Manifest(
                repository.parse().ok()?,
                manifest.parse().ok()?,
                Incarnation(life),
            ));
        }
        Some(match holder.split_once('#') {
            Some(("tag", tag)) => Holder::Tag(tag.parse().ok()?, Version(life)),
            Some(("index", index)) => Holder::Index(index.parse().ok()?, Incarnation(life)),
            None if holder == "kept" => Holder::Kept(Incarnation(life)),
            _ => return None,
        })
    }
}
