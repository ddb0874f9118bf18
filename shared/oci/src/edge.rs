//! What one document points to, and how much it depends on it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::Digest;

/// One thing that a manifest names, once, however often it names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub digest: Digest,
    /// Length in bytes, as the document says.
    pub size: u64,
    pub target: Target,
    pub need: Need,
    /// Where else it may be had, as the document says.
    pub urls: Vec<String>,
}

/// Under which of the two kinds of address the content lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// `/v2/<name>/blobs/<digest>`
    Blob,
    /// `/v2/<name>/manifests/<digest>`
    Manifest,
}

/// How much a document depends on what it names; the greater, the more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Need {
    /// It lives elsewhere: not held, never required, never followed.
    Remote,
    /// Held if it is here, not required (foreign layers).
    Optional,
    /// Held, and a push without it may be refused.
    Required,
}

/// Gathers edges in the order they come, each target and digest once. Where a document names one thing
/// twice, the greater need counts, with the size and URLs that came with it.
#[derive(Default)]
pub(crate) struct Edges {
    list: Vec<Edge>,
    known: BTreeMap<(Target, Digest), usize>,
}

impl Edges {
    pub(crate) fn add(&mut self, edge: Edge) {
        match self.known.entry((edge.target, edge.digest.clone())) {
            Entry::Vacant(place) => {
                place.insert(self.list.len());
                self.list.push(edge);
            }
            Entry::Occupied(place) => {
                let earlier = &mut self.list[*place.get()];
                if edge.need > earlier.need {
                    *earlier = edge;
                }
            }
        }
    }

    pub(crate) fn into_list(self) -> Vec<Edge> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(content: &str, target: Target, need: Need, size: u64) -> Edge {
        Edge { digest: Digest::sha256(content.as_bytes()), size, target, need, urls: Vec::new() }
    }

    #[test]
    fn the_greater_need_counts_and_keeps_the_first_place() {
        let mut edges = Edges::default();
        edges.add(edge("a", Target::Manifest, Need::Remote, 1));
        edges.add(edge("b", Target::Manifest, Need::Required, 2));
        edges.add(edge("a", Target::Blob, Need::Optional, 3));
        edges.add(edge("a", Target::Manifest, Need::Required, 4));
        edges.add(edge("b", Target::Manifest, Need::Remote, 5));
        let expected = [
            edge("a", Target::Manifest, Need::Required, 4),
            edge("b", Target::Manifest, Need::Required, 2),
            edge("a", Target::Blob, Need::Optional, 3),
        ];
        assert_eq!(edges.into_list(), expected);
    }
}
