//! The rows of the table: what is measured, and what is aimed at.

use crate::work::{List, Method, Read, Thing};

pub struct Row {
    /// For `--rows` and JSON.
    pub id: &'static str,
    pub title: &'static str,
    pub unit: Unit,
    pub what: What,
    pub aim: Aim,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    PerSecond,
    Milliseconds,
    Mebibytes,
}

/// How full the registry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    Empty,
    Whole,
}

#[derive(Clone, Copy, Debug)]
pub enum What {
    /// From the start of the process to its first answer.
    FirstAnswer(Filled),
    /// Resident once it has nothing to do after its start.
    Idle(Filled),
    /// Most resident at once since the start, after all rows of a round.
    Peak,
    Read(Read),
    List(List),
    Push {
        layer_bytes: usize,
        clients: usize,
    },
}

/// What our figure should be.
#[derive(Clone, Copy, Debug)]
pub enum Aim {
    None,
    /// So many times the best peer's.
    BestPeer(f64),
    /// So many times that of the best peer that syncs before it answers.
    BestSyncing(f64),
    /// Such a part of the file server's.
    FileServer(f64),
    /// So many times the best peer's, and such a part of our own row of that id.
    BestPeerAndRow(f64, &'static str, f64),
    AtMost(f64),
}

/// Connections for reads.
pub const READERS: usize = 16;
/// Things in the small set.
const SMALL_SET: Option<u32> = Some(100);

const fn read(method: Method, thing: Thing, only: Option<u32>) -> What {
    What::Read(Read { method, thing, only })
}

const fn row(id: &'static str, title: &'static str, what: What, aim: Aim) -> Row {
    Row { id, title, unit: Unit::PerSecond, what, aim }
}

const fn state(id: &'static str, title: &'static str, unit: Unit, what: What, aim: Aim) -> Row {
    Row { id, title, unit, what, aim }
}

use Method::{Get, Head};
use Thing::{LargeBlob, ManifestByDigest, ManifestByTag, SmallBlob};
use Unit::{Mebibytes, Milliseconds};

pub const ROWS: &[Row] = &[
    state(
        "start-empty",
        "first answer after start, empty",
        Milliseconds,
        What::FirstAnswer(Filled::Empty),
        Aim::AtMost(20.0),
    ),
    state(
        "start-filled",
        "first answer after start, filled",
        Milliseconds,
        What::FirstAnswer(Filled::Whole),
        Aim::AtMost(20.0),
    ),
    state("idle-empty", "memory, idle, empty", Mebibytes, What::Idle(Filled::Empty), Aim::AtMost(32.0)),
    state("idle-filled", "memory, idle, filled", Mebibytes, What::Idle(Filled::Whole), Aim::AtMost(32.0)),
    row("manifest-tag-get", "manifest by tag, GET", read(Get, ManifestByTag, None), Aim::BestPeer(3.0)),
    row(
        "manifest-tag-get-small",
        "manifest by tag, GET, small set",
        read(Get, ManifestByTag, SMALL_SET),
        Aim::BestPeer(3.0),
    ),
    row("manifest-tag-head", "manifest by tag, HEAD", read(Head, ManifestByTag, None), Aim::BestPeer(3.0)),
    row(
        "manifest-tag-head-small",
        "manifest by tag, HEAD, small set",
        read(Head, ManifestByTag, SMALL_SET),
        Aim::BestPeer(3.0),
    ),
    row("manifest-digest-get", "manifest by digest, GET", read(Get, ManifestByDigest, None), Aim::None),
    row(
        "manifest-digest-head",
        "manifest by digest, HEAD",
        read(Head, ManifestByDigest, None),
        Aim::BestPeer(3.0),
    ),
    row("blob-head", "blob, HEAD", read(Head, SmallBlob, None), Aim::BestPeer(3.0)),
    row("blob-head-small", "blob, HEAD, small set", read(Head, SmallBlob, SMALL_SET), Aim::BestPeer(3.0)),
    row("blob-4k-get", "blob of 4 KiB, GET", read(Get, SmallBlob, None), Aim::BestPeer(1.5)),
    row(
        "blob-4k-get-small",
        "blob of 4 KiB, GET, small set",
        read(Get, SmallBlob, SMALL_SET),
        Aim::BestPeer(1.5),
    ),
    row("blob-1m-get", "blob of 1 MiB, GET", read(Get, LargeBlob, None), Aim::FileServer(0.85)),
    row("tags-500", "list of 500 tags", What::List(List::Tags), Aim::BestPeer(5.0)),
    row("tags-page-100-of-500", "100 tags of 500", What::List(List::PageOfFew(100)), Aim::BestPeer(5.0)),
    row(
        "tags-page-100-of-many",
        "100 tags of many",
        What::List(List::PageOfMany(100)),
        Aim::BestPeerAndRow(5.0, "tags-page-100-of-500", 0.9),
    ),
    row(
        "tags-page-1000-of-many",
        "1,000 tags of many",
        What::List(List::PageOfMany(1000)),
        Aim::BestPeer(5.0),
    ),
    row("referrers-20", "20 referrers", What::List(List::Referrers), Aim::BestPeer(5.0)),
    row(
        "push-4k-1",
        "push 4 KiB, 1 client",
        What::Push { layer_bytes: 4 << 10, clients: 1 },
        Aim::BestSyncing(2.0),
    ),
    row(
        "push-4k-8",
        "push 4 KiB, 8 clients",
        What::Push { layer_bytes: 4 << 10, clients: 8 },
        Aim::BestPeer(1.0),
    ),
    row(
        "push-1m-8",
        "push 1 MiB, 8 clients",
        What::Push { layer_bytes: 1 << 20, clients: 8 },
        Aim::BestPeer(1.0),
    ),
    state("peak", "memory, peak of the run", Mebibytes, What::Peak, Aim::None),
];

#[cfg(test)]
mod tests {
    use super::{Aim, ROWS};

    #[test]
    fn rows_are_named_once_and_compared_with_rows_that_are_there() {
        for (at, row) in ROWS.iter().enumerate() {
            assert!(ROWS[..at].iter().all(|other| other.id != row.id), "{}", row.id);
            if let Aim::BestPeerAndRow(_, id, _) = row.aim {
                assert!(ROWS.iter().any(|other| other.id == id), "{id}");
            }
        }
    }
}
