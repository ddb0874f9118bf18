//! One clause's own corner of a store: names that no other clause, and no other run, uses.

use std::collections::BTreeMap;

use bytes::Bytes;
use moorage_oci::{Descriptor, Digest, RepositoryName, Tag};

use crate::context::Context;
use crate::facts::{
    ContentRecord, Fact, GrantRecord, Item, ManifestRecord, Node, ReferrerRecord, State, TagRecord,
};
use crate::keys::{Key, SortRange};
use crate::object_keys::ObjectKey;
use crate::testing_context::SeededRandom;
use crate::value::{Incarnation, Nonce, Timestamp, Version};

/// The artifact type of [`Corner::long_referrer`].
pub(crate) const LONG_REFERRER_TYPE: &str = "application/vnd.example.long";

/// Fresh names of a clause, and samples of what goes under them.
#[derive(Clone)]
pub(crate) struct Corner {
    pub(crate) repository: RepositoryName,
    /// Of a manifest or a blob.
    pub(crate) digest: Digest,
}

impl Corner {
    pub(crate) fn new() -> Self {
        let name = nonce();
        Self { repository: repository(&format!("contract/{name}")), digest: digest_of(name) }
    }

    /// Another digest, the same for the same number.
    pub(crate) fn other_digest(&self, number: usize) -> Digest {
        Digest::sha256(format!("{} {number}", self.digest).as_bytes())
    }

    pub(crate) fn tag_key(&self, tag: &str) -> Key {
        Key::tag(&self.repository, &self::tag(tag))
    }

    /// A record with a version, as small as they come; `size` tells it from its earlier selves.
    pub(crate) fn tag(&self, tag: &str, size: u64) -> Item {
        let record =
            TagRecord { digest: self.digest.clone(), media_type: "a/b".to_owned(), size, since: None };
        Item::at(self.tag_key(tag), version(), Fact::Tag(record))
    }

    pub(crate) fn tags(&self) -> SortRange {
        SortRange::tags(&self.repository, None)
    }

    /// A fact without a version, in the same partition as the tags.
    pub(crate) fn listed(&self, number: usize) -> Item {
        Item::once(Key::listed(&self.repository, &self.other_digest(number)), Fact::Listed)
    }

    /// A fact without a version.
    pub(crate) fn hold(&self, number: usize) -> Item {
        let incarnation = Incarnation(Nonce(number as u128));
        Item::once(Key::held_by_policy(&self.repository, &self.digest, incarnation), Fact::Hold)
    }

    pub(crate) fn manifest(&self, state: State) -> Item {
        let record = ManifestRecord {
            artifact_type: None,
            pushed: None,
            node: node(state),
            media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
            size: 1234,
            object: None,
            subject: None,
            recycled: None,
            unheld: None,
        };
        Item::at(Key::manifest(&self.repository, &self.digest), version(), Fact::Manifest(record))
    }

    /// A manifest's bytes.
    pub(crate) fn body(&self, bytes: Bytes) -> Item {
        Item::once(Key::body(&self.repository, &self.digest), Fact::Body(bytes))
    }

    pub(crate) fn grant(&self, state: State) -> Item {
        let record = GrantRecord { node: node(state), object: Some(self.object()), size: 5 };
        Item::at(Key::grant(&self.repository, &self.digest), version(), Fact::Grant(record))
    }

    pub(crate) fn content(&self, state: State) -> Item {
        let record = ContentRecord { node: node(state), object: self.object(), size: 5 };
        Item::at(Key::content(&self.digest), version(), Fact::Content(record))
    }

    /// A referrer of the corner's digest; the number tells it from others of its type.
    pub(crate) fn referrer(&self, artifact_type: &str, number: usize) -> Item {
        let mut descriptor = Descriptor::new("a/b", self.other_digest(number), 7);
        descriptor.artifact_type = Some(artifact_type.to_owned());
        self.referrer_with(artifact_type, descriptor)
    }

    /// The same with so many bytes of annotations.
    pub(crate) fn long_referrer(&self, number: usize, bytes: usize) -> Item {
        let mut descriptor = Descriptor::new("a/b", self.other_digest(number), 7);
        descriptor.annotations = BTreeMap::from([("long".to_owned(), "x".repeat(bytes))]);
        self.referrer_with(LONG_REFERRER_TYPE, descriptor)
    }

    fn referrer_with(&self, artifact_type: &str, descriptor: Descriptor) -> Item {
        let digest = descriptor.digest.clone();
        let key = Key::referrer(&self.repository, &self.digest, artifact_type, &digest);
        Item::once(key, Fact::Referrer(ReferrerRecord { digest, descriptor: Some(descriptor) }))
    }

    /// The key of an object, always the same one; [`fresh_object`] gives others.
    pub(crate) fn object(&self) -> ObjectKey {
        ObjectKey::blob(&self.digest, &self.repository, Nonce(0))
    }
}

fn node(state: State) -> Node {
    Node {
        state,
        incarnation: Incarnation(nonce()),
        keep_until: Timestamp(1_000),
        deadline: (state == State::Pending).then_some(Timestamp(2_000)),
        from_bin: false,
    }
}

pub(crate) fn nonce() -> Nonce {
    Context::system().random.nonce()
}

pub(crate) fn version() -> Version {
    Version(nonce())
}

pub(crate) fn digest_of(nonce: Nonce) -> Digest {
    Digest::sha256(nonce.to_string().as_bytes())
}

pub(crate) fn repository(name: &str) -> RepositoryName {
    name.parse().expect("a clause writes names that are names")
}

pub(crate) fn tag(tag: &str) -> Tag {
    tag.parse().expect("a clause writes tags that are tags")
}

/// The key of an object that was never made.
pub(crate) fn fresh_object() -> ObjectKey {
    ObjectKey::upload(nonce())
}

/// Bytes that no other object has.
pub(crate) fn noise(length: usize) -> Bytes {
    let random = SeededRandom::new(nonce().0 as u64);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&random.draw().to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}
