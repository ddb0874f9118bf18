//! What a manifest needs: whether it is there, and whether the manifest holds it. Both were so when the manifest became
//! live, and stay so for as long as it is.

use std::collections::BTreeSet;

use moorage_oci::{Digest, Edge, Manifest, Need, RepositoryName, Target};
use moorage_ports::facts::{ManifestRecord, Node, State};
use moorage_ports::limits::BATCH_GET_ITEMS_MAX;
use moorage_ports::{Action, Expect, Item, Key, PortError, Reviewed};

use super::checks::unchanged;
use super::{Audit, Finding, Remedy, Wrong};
use crate::holds::holds;
use crate::steps::version_of;

/// Each hold is read together with what it is under.
const HOLDS_AT_ONCE: usize = BATCH_GET_ITEMS_MAX / 2;

/// Whether what a manifest needs has to be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Children {
    /// No manifest is taken without all of it.
    AllThere,
    /// Manifests are taken whose children are missing (`--missing allow`), so what is missing may never have been
    /// there.
    MayBeMissing,
}

impl Audit {
    pub(super) async fn children(
        &self,
        item: &Item,
        repository: &RepositoryName,
        digest: &Digest,
        record: &ManifestRecord,
        manifest: &Manifest,
    ) -> Result<Vec<Finding>, PortError> {
        let needed: BTreeSet<Key> =
            manifest.edges().iter().filter_map(|edge| self.needed(repository, edge)).collect();
        let mut found = Vec::new();
        for some in holds(repository, digest, record.node.incarnation, manifest).chunks(HOLDS_AT_ONCE) {
            let child_key = |hold: &Item| hold.key.held().map(|child: Reviewed| child.key());
            let mut keys: Vec<Key> = some.iter().map(|hold| hold.key.clone()).collect();
            keys.extend(some.iter().filter_map(child_key));
            keys.sort();
            keys.dedup();
            let items = self.steps.table.batch_get(&keys).await?;
            let read = |key: &Key| keys.binary_search(key).ok().and_then(|at| items[at].as_ref());
            for hold in some {
                let child_key = child_key(hold);
                let child = child_key.as_ref().and_then(read);
                let is_needed = child_key.as_ref().is_some_and(|key| needed.contains(key));
                if is_needed && !is_there(child, record.node.state) {
                    let wrong = Wrong::ChildMissing {
                        manifest: item.key.clone(),
                        child: child_key.unwrap_or_else(|| hold.key.clone()),
                    };
                    found.push(Finding { wrong, remedy: Remedy::None });
                } else if read(&hold.key).is_none() {
                    let mut remedy = vec![
                        Action::Put(hold.clone(), Expect::Anything),
                        unchanged(item.key.clone(), Some(item)),
                    ];
                    remedy.extend(child_key.map(|key| self.as_seen_for_good(key, child)).transpose()?);
                    let wrong = Wrong::MissingHold(hold.key.clone());
                    found.push(Finding { wrong, remedy: Remedy::Write(remedy) });
                }
            }
        }
        Ok(found)
    }

    fn needed(&self, repository: &RepositoryName, edge: &Edge) -> Option<Key> {
        if self.children == Children::MayBeMissing || edge.need != Need::Required {
            return None;
        }
        Some(match edge.target {
            Target::Blob => Key::grant(repository, &edge.digest),
            Target::Manifest => Key::manifest(repository, &edge.digest),
        })
    }

    /// In the instant in which the hold is put back, its child is as it was seen; and whoever has looked for holds
    /// before, and would let it go now, finds it changed.
    fn as_seen_for_good(&self, key: Key, child: Option<&Item>) -> Result<Action, PortError> {
        let Some(child) = child else { return Ok(Action::Check(key, Expect::Absent)) };
        let version = version_of(child)?;
        let mut renewed = Item { version: Some(self.steps.next_version(child)), ..child.clone() };
        match renewed.fact.node_mut() {
            Some(Node { state: state @ State::Condemned, .. }) => *state = State::Live,
            Some(Node { state: State::Recycled, .. }) => {}
            Some(Node { state: State::Pending | State::Live | State::Deleting, .. }) | None => {
                return Ok(Action::Check(key, Expect::VersionIs(version)));
            }
        }
        Ok(Action::Put(renewed, Expect::VersionIs(version)))
    }
}

/// Whether a child is there for a manifest in this state: in the bin a manifest needs no more than what a restore can
/// bring back with it.
fn is_there(child: Option<&Item>, holder: State) -> bool {
    let Some(node) = child.and_then(|child| child.fact.node()) else { return false };
    match node.state {
        State::Live | State::Condemned => true,
        State::Recycled => holder == State::Recycled,
        State::Pending => holder == State::Recycled && node.from_bin,
        State::Deleting => false,
    }
}
