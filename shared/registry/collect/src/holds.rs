//! The items by which a manifest holds what it needs, and by which a tag holds a manifest.

use moorage_oci::{Digest, Edge, Manifest, Need, RepositoryName, Tag, Target};
use moorage_ports::{Fact, Incarnation, Item, Key, Nonce, Version};

use crate::mutants::{Mutant, without};

/// The items by which a manifest holds its children, and by which it names what is remote.
#[must_use]
pub fn holds(
    repository: &RepositoryName,
    digest: &Digest,
    incarnation: Incarnation,
    manifest: &Manifest,
) -> Vec<Item> {
    let mut items = Vec::new();
    for edge in manifest.edges() {
        match (edge.need, edge.target) {
            (Need::Remote, _) => {
                let key = Key::remote_in(repository, &edge.digest, digest, incarnation);
                items.push(Item::once(key, Fact::RemoteIn { urls: edge.urls.clone() }));
            }
            (Need::Required | Need::Optional, Target::Blob) => {
                let key = Key::held_by_manifest(repository, &edge.digest, digest, incarnation);
                items.push(Item::once(key, Fact::Hold));
            }
            (Need::Required | Need::Optional, Target::Manifest) => {
                let key = Key::held_by_index(repository, &edge.digest, digest, incarnation);
                items.push(Item::once(key, Fact::Hold));
            }
        }
    }
    items
}

/// The notes that an index leaves under its child manifests, that they had a holder: they leave with their last one.
///
/// Written when the index becomes live, not before: from the moment when a child was seen live under its hold until
/// then, that life of the child can't end, so the note is not of an earlier one, with whose record it would go.
#[must_use]
pub fn notes_of_children(repository: &RepositoryName, manifest: &Manifest) -> Vec<Item> {
    let is_held = |edge: &&Edge| edge.target == Target::Manifest && edge.need != Need::Remote;
    let note = |edge: &Edge| Item::once(Key::was_held(repository, &edge.digest), Fact::WasHeld);
    manifest.edges().iter().filter(is_held).map(note).collect()
}

/// The key of the hold by which a tag, at this version, holds the manifest that it points to.
#[must_use]
pub fn hold_of_tag(repository: &RepositoryName, digest: &Digest, tag: &Tag, version: Version) -> Key {
    let version = if without(Mutant::TagHoldKeyedByVersion) { Version(Nonce(0)) } else { version };
    Key::held_by_tag(repository, digest, tag, version)
}
