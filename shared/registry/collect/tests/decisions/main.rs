//! The two decisions that everything rests on, as tables: whether a hold is real, and what a change asks to look at;
//! what a change adds to the history of a tag and to what is searched, and which event it is.

mod events;
mod holds;
mod reviews;
mod search;
mod tag_history;

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::facts::{ManifestRecord, Node, State};
use moorage_ports::{Fact, Incarnation, Item, Key, Nonce, Timestamp, Version};

/// Every state, in the order of a life.
const STATES: [State; 5] = [State::Pending, State::Live, State::Condemned, State::Recycled, State::Deleting];

fn repository() -> RepositoryName {
    "app".parse().expect("a name")
}

fn digest(of: &str) -> Digest {
    Digest::sha256(of.as_bytes())
}

fn incarnation(number: u128) -> Incarnation {
    Incarnation(Nonce(number))
}

fn node(state: State, life: u128) -> Node {
    Node {
        state,
        incarnation: incarnation(life),
        keep_until: Timestamp(2000),
        deadline: (state == State::Pending).then_some(Timestamp(3000)),
        from_bin: false,
    }
}

/// The record of the manifest `name`.
fn manifest(name: &str, state: State, life: u128) -> Item {
    let record = ManifestRecord {
        artifact_type: None,
        pushed: None,
        node: node(state, life),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        size: 1,
        object: None,
        subject: None,
        recycled: None,
        unheld: None,
    };
    Item::at(Key::manifest(&repository(), &digest(name)), Version(Nonce(1)), Fact::Manifest(record))
}
