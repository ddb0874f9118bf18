//! The items by which a manifest holds what it needs.

use moorage_oci::{Digest, Manifest, Need, RepositoryName, Target};
use moorage_ports::{Fact, Incarnation, Item, Key};

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
                items.push(Item::once(Key::was_held(repository, &edge.digest), Fact::WasHeld));
            }
        }
    }
    items
}
