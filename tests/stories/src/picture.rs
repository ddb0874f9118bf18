//! The picture of a world: a line for each row of the table, in key order, and for each object of the store.
//!
//! What every registry has (format, upload secret) is left out, and what no story turns on: the versions of
//! nodes, and times. So is what decides nothing: the histories of tags, search items and events have stories of their own.

use std::fmt::{self, Write};

use expect_test::Expect;
use moorage_ports::facts::{
    ContentRecord, GrantRecord, ManifestRecord, Node, OpenUpload, Progress, ReferrerRecord, State, Subject,
    TrashRecord,
};
use moorage_ports::{Fact, Item};

use crate::names::Names;
use crate::snapshot::Snapshot;

/// A picture of a world.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture(String);

impl Picture {
    /// Compares it.
    #[expect(clippy::needless_pass_by_value, reason = "it is written in place")]
    pub fn is(&self, expected: Expect) {
        expected.assert_eq(&self.0);
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Snapshot {
    /// Sizes of blobs are shown in pieces of so many bytes, if any.
    pub(crate) fn picture(&self, names: &Names, piece: Option<u64>) -> Picture {
        let mut text = String::new();
        for item in self.rows.values() {
            if is_of_the_house(&item.fact) {
                continue;
            }
            let said = said(item, piece);
            let between = if said.is_empty() { "" } else { ": " };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{:?}{between}{said}", item.key);
        }
        for (key, bytes) in &self.objects {
            let _ = writeln!(text, "object {key}: {}", sized(bytes.len() as u64, piece));
        }
        Picture(names.show(&text))
    }
}

/// What every registry has, and what a collector notes, or has still to do.
fn is_of_the_house(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Format { .. }
            | Fact::UploadSecret { .. }
            | Fact::FeedPlace { .. }
            | Fact::TagHistory(_)
            | Fact::SearchEntry
            | Fact::Searched(_)
            | Fact::Event(_)
            | Fact::Review
    )
}

/// What an item says beside its key.
fn said(item: &Item, piece: Option<u64>) -> String {
    match &item.fact {
        Fact::Format { .. }
        | Fact::UploadSecret { .. }
        | Fact::FeedPlace { .. }
        | Fact::TagHistory(_)
        | Fact::SearchEntry
        | Fact::Searched(_)
        | Fact::Event(_)
        | Fact::Catalog
        | Fact::Listed
        | Fact::Recycled
        | Fact::Review
        | Fact::Hold => String::new(),
        Fact::WasHeld | Fact::WasTagged => String::new(),
        Fact::Policy(policy) => {
            if policy.in_catalog { "in the catalog" } else { "not in the catalog" }.into()
        }
        Fact::RegistryPolicy(policy) => serde_json::to_string(&policy.types).expect("a policy is JSON"),
        Fact::Type(record) => format!("{}, version {}", record.artifact_type, record.definition_version),
        Fact::Tag(target) => {
            let version = item.version.map(|version| format!(" at {}", version.0)).unwrap_or_default();
            format!("{}{version}, {}, {} bytes", target.digest, target.media_type, target.size)
        }
        Fact::Manifest(ManifestRecord { node, media_type, size, object, subject, .. }) => {
            let object = object.as_ref().map(|object| format!(", {object}")).unwrap_or_default();
            let subject = subject.as_ref().map(about).unwrap_or_default();
            format!("{}, {media_type}, {size} bytes{object}{subject}", life(node))
        }
        Fact::Body(bytes) => format!("{} bytes", bytes.len()),
        Fact::RemoteIn { urls } => urls.join(" "),
        Fact::Referrer(ReferrerRecord { digest, descriptor }) => match descriptor {
            Some(descriptor) => serde_json::to_string(descriptor).expect("a descriptor is JSON"),
            None => format!("{digest}, too long to list"),
        },
        Fact::Content(ContentRecord { node, object, size }) => {
            format!("{}, {}, {object}", life(node), sized(*size, piece))
        }
        Fact::Grant(GrantRecord { node, object, size }) => match object {
            Some(object) => format!("{}, {}, {object}", life(node), sized(*size, piece)),
            None => life(node),
        },
        Fact::Session(session) => match &session.progress {
            Progress::Open(upload) => format!("open, {}", so_far(upload, piece)),
            Progress::Closing { upload, digest } => format!("closed as {digest}, {}", so_far(upload, piece)),
            Progress::Closed => "closed".into(),
        },
        Fact::Trash(TrashRecord { deleted: true, .. }) => "deleted".into(),
        Fact::Trash(TrashRecord { parts_id, .. }) => {
            if parts_id.is_some() {
                "with parts".into()
            } else {
                String::new()
            }
        }
    }
}

/// The state of a node and its incarnation.
fn life(node: &Node) -> String {
    let state = match node.state {
        State::Pending => "pending",
        State::Live => "live",
        State::Condemned => "condemned",
        State::Recycled => "recycled",
        State::Deleting => "deleting",
    };
    let from_bin = if node.from_bin { " from the bin" } else { "" };
    format!("{state} {}{from_bin}", node.incarnation.0)
}

fn so_far(OpenUpload { object, parts, tail, received, .. }: &OpenUpload, piece: Option<u64>) -> String {
    let tail = tail
        .as_ref()
        .map_or(String::new(), |tail| format!(", {} in {}", sized(tail.size, piece), tail.object));
    format!("{} in {} chunks, {object}{tail}", sized(*received, piece), parts.len())
}

fn sized(bytes: u64, piece: Option<u64>) -> String {
    match piece {
        None => format!("{bytes} bytes"),
        Some(piece) => format!("{} pieces", bytes as f64 / piece as f64),
    }
}

fn about(subject: &Subject) -> String {
    let not = if subject.was_there { "" } else { "not " };
    format!(", about {} as `{}`, which was {not}there", subject.digest, subject.artifact_type)
}
