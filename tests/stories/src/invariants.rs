//! What holds of every world once nobody is changing it, whatever was asked before and by how many at once.
//!
//! Each is a function from all that is stored to what is wrong with it.

use std::collections::BTreeSet;

use bytes::Bytes;
use moorage_collector::hold_of_tag;
use moorage_collector::search::search_entries;
use moorage_oci::{Digest, Need, Target};
use moorage_ports::facts::{GrantRecord, Node, Progress, State};
use moorage_ports::{Fact, Holder, Item, Key, ObjectKey, Reviewed};

use crate::snapshot::Snapshot;

/// What is wrong, one sentence each.
pub type Violations = Vec<String>;

/// An invariant with its name.
pub type Invariant = (&'static str, fn(&Snapshot) -> Violations);

/// Those that hold whatever went wrong.
pub const ALWAYS: [Invariant; 9] = [
    ("nothing is left half-way", nothing_is_left_half_way),
    ("a live manifest has its bytes", a_live_manifest_has_its_bytes),
    ("a live manifest holds its children", a_live_manifest_holds_its_children),
    ("a live manifest is listed", a_live_manifest_is_listed),
    ("a live referrer is listed under its subject", a_live_referrer_is_listed_under_its_subject),
    ("a tag holds its target", a_tag_holds_its_target),
    ("a live grant has its content", a_live_grant_has_its_content),
    ("a content has its object", a_content_has_its_object),
    ("what is searched is right", what_is_searched_is_right),
];

/// Where missing children are refused.
pub const WHERE_NOTHING_IS_MISSING: Invariant =
    ("a live manifest has its children", a_live_manifest_has_its_children);

/// Where no call of the storage failed: between the making of an object and its record, a failure leaves an
/// object that nobody names, for `audit` to find.
pub const WHERE_NOTHING_FAILED: Invariant = ("every object is somebody's", every_object_is_somebodys);

/// Where nobody is overtaken: a pusher whom a deleter overtakes between two of its steps leaves a hold that
/// nobody has. It blocks nothing, and `audit` removes it (`facts/protocol.md`, known and accepted).
pub const WHERE_NOBODY_IS_OVERTAKEN: Invariant = ("a hold is real", a_hold_is_real);

/// Where a collector that writes what is searched has read every change, and lost none.
pub const WHERE_ALL_CHANGES_WERE_READ: Invariant = ("what is there is searched", what_is_there_is_searched);

/// The same, and where no collector is overtaken: one that sleeps until the life is over of what it writes for, and dies
/// when it has, leaves what leads to nothing. It is never shown, and `audit` removes it.
pub const WHERE_NO_COLLECTOR_IS_OVERTAKEN: Invariant =
    ("what is searched is there", what_is_searched_is_there);

/// Every violation of these, with the name of the invariant.
pub fn check<'i>(snapshot: &Snapshot, invariants: impl IntoIterator<Item = &'i Invariant>) -> Violations {
    let violations = |(name, invariant): &Invariant| {
        invariant(snapshot).into_iter().map(|what| format!("{name}: {what}")).collect::<Violations>()
    };
    invariants.into_iter().flat_map(violations).collect()
}

/// Every child that a live manifest needs is live.
fn a_live_manifest_has_its_children(snapshot: &Snapshot) -> Violations {
    let mut wrong = Violations::new();
    for manifest in snapshot.live_manifests() {
        let Some(parsed) = snapshot.parsed(&manifest) else { continue };
        for edge in parsed.edges().iter().filter(|edge| edge.need == Need::Required) {
            let key = match edge.target {
                Target::Blob => Key::grant(&manifest.repository, &edge.digest),
                Target::Manifest => Key::manifest(&manifest.repository, &edge.digest),
            };
            if !is_readable(snapshot.rows.get(&key)) {
                wrong.push(format!("{} needs {key:?}", manifest.digest));
            }
        }
    }
    wrong
}

/// No node is pending or condemned: whoever made it so has gone on, and the request was answered.
fn nothing_is_left_half_way(snapshot: &Snapshot) -> Violations {
    let half_way = |item: &&Item| {
        item.fact.node().is_some_and(|node| matches!(node.state, State::Pending | State::Condemned))
    };
    snapshot.rows.values().filter(half_way).map(|item| format!("{:?}", item.key)).collect()
}

/// Of its digest, and of the size that its record says; in the recycle bin too.
fn a_live_manifest_has_its_bytes(snapshot: &Snapshot) -> Violations {
    let mut wrong = Violations::new();
    for manifest in snapshot.manifests().filter(|manifest| manifest.record.node.state != State::Deleting) {
        let has_them = snapshot.bytes_of(&manifest).is_some_and(|bytes| {
            Digest::of(manifest.digest.algorithm(), bytes) == manifest.digest
                && bytes.len() as u64 == manifest.record.size
        });
        if !has_them {
            wrong.push(format!("{} of {}", manifest.digest, manifest.repository));
        }
    }
    wrong
}

/// Under each child, there or not, lies a hold of the manifest's incarnation; under each remote entry a note
/// of the index. In the recycle bin too.
fn a_live_manifest_holds_its_children(snapshot: &Snapshot) -> Violations {
    let mut wrong = Violations::new();
    for manifest in snapshot.manifests().filter(|manifest| manifest.record.node.state != State::Deleting) {
        let Some(parsed) = snapshot.parsed(&manifest) else { continue };
        let (repository, holder, incarnation) =
            (&manifest.repository, &manifest.digest, manifest.record.node.incarnation);
        for edge in parsed.edges() {
            let child = &edge.digest;
            let mut holds = Vec::new();
            match (edge.need, edge.target) {
                (Need::Remote, _) => holds.push(Key::remote_in(repository, child, holder, incarnation)),
                (_, Target::Blob) => {
                    holds.push(Key::held_by_manifest(repository, child, holder, incarnation));
                }
                (_, Target::Manifest) => {
                    holds.push(Key::held_by_index(repository, child, holder, incarnation));
                    holds.push(Key::was_held(repository, child));
                }
            }
            wrong.extend(holds.iter().filter(|hold| !snapshot.has(hold)).map(|hold| format!("{hold:?}")));
        }
    }
    wrong
}

/// In its repository's list, and the repository in the catalog.
fn a_live_manifest_is_listed(snapshot: &Snapshot) -> Violations {
    let mut wrong = Violations::new();
    for manifest in snapshot.live_manifests() {
        let policy = Key::policy(&manifest.repository);
        let wanted = [
            Key::listed(&manifest.repository, &manifest.digest),
            Key::catalog(&manifest.repository),
            policy.clone(),
        ];
        wrong.extend(wanted.iter().filter(|key| !snapshot.has(key)).map(|key| format!("{key:?}")));
        if let Some(Item { fact: Fact::Policy(policy), .. }) = snapshot.rows.get(&policy)
            && !policy.in_catalog
        {
            wrong.push(format!("{} says that it is not in the catalog", manifest.repository));
        }
    }
    wrong
}

/// And what is listed under a subject is live and says that it is about it.
fn a_live_referrer_is_listed_under_its_subject(snapshot: &Snapshot) -> Violations {
    let mut wrong = Violations::new();
    let mut wanted = Vec::new();
    for manifest in snapshot.live_manifests() {
        if let Some(subject) = &manifest.record.subject {
            let artifact_type = &subject.artifact_type;
            let key = Key::referrer(&manifest.repository, &subject.digest, artifact_type, &manifest.digest);
            if !snapshot.has(&key) {
                wrong.push(format!("{key:?} is not there"));
            }
            wanted.push(key);
        }
    }
    let listed = snapshot.rows.values().filter(|item| matches!(item.fact, Fact::Referrer(_)));
    wrong.extend(
        listed.filter(|item| !wanted.contains(&item.key)).map(|item| format!("{:?} is stale", item.key)),
    );
    wrong
}

/// A tag's target is live, and held with the version of the tag; and kept once the tag is gone, if that is the
/// policy.
fn a_tag_holds_its_target(snapshot: &Snapshot) -> Violations {
    let mut wrong = Violations::new();
    for item in snapshot.rows.values() {
        let Fact::Tag(target) = &item.fact else { continue };
        let repository = item.key.partition().strip_prefix("repo#").and_then(|name| name.parse().ok());
        let tag = item.key.tag_name().and_then(|name| name.parse().ok());
        let (Some(repository), Some(tag), Some(version)) = (repository, tag, item.version) else {
            wrong.push(format!("{:?} is no tag", item.key));
            continue;
        };
        let record = snapshot.manifest_at(&Key::manifest(&repository, &target.digest));
        let Some(record) = record.filter(|record| record.node.state.is_readable()) else {
            wrong.push(format!("{:?} points to nothing", item.key));
            continue;
        };
        if (&record.media_type, record.size) != (&target.media_type, target.size) {
            wrong.push(format!("{:?} says something else than its target", item.key));
        }
        let mut holds = vec![hold_of_tag(&repository, &target.digest, &tag, version)];
        let policy = snapshot.rows.get(&Key::policy(&repository)).map(|item| &item.fact);
        if !matches!(policy, Some(Fact::Policy(policy)) if !policy.untagged.is_keep()) {
            holds.push(Key::held_by_policy(&repository, &target.digest, record.node.incarnation));
        }
        wrong.extend(holds.iter().filter(|hold| !snapshot.has(hold)).map(|hold| format!("{hold:?}")));
    }
    wrong
}

/// Whoever is said to hold something is there, in the life that holds it.
fn a_hold_is_real(snapshot: &Snapshot) -> Violations {
    let holds = snapshot.rows.values().filter(|item| matches!(item.fact, Fact::Hold | Fact::RemoteIn { .. }));
    holds.filter(|hold| !is_real(snapshot, &hold.key)).map(|hold| format!("{:?}", hold.key)).collect()
}

fn is_real(snapshot: &Snapshot, hold: &Key) -> bool {
    let lives = |holder: &Key, incarnation: &str| {
        let node = snapshot.rows.get(holder).and_then(|item| item.fact.node());
        node.is_some_and(|node| node.incarnation.0.to_string() == incarnation)
    };
    let Some(of) = hold.held() else {
        let index = hold.manifest_named().zip(hold.naming_index());
        return index.is_some_and(|((repository, _), index)| {
            let incarnation = hold.sort().rsplit('#').next().unwrap_or_default();
            lives(&Key::manifest(&repository, &index), incarnation)
        });
    };
    match (hold.holder(), &of) {
        (Some(Holder::Tag(tag, _)), Reviewed::Manifest(repository, held)) => {
            let points_here = |item: &Item| {
                item.version.is_some_and(|version| hold_of_tag(repository, held, &tag, version) == *hold)
                    && matches!(&item.fact, Fact::Tag(target) if target.digest == *held)
            };
            snapshot.rows.get(&Key::tag(repository, &tag)).is_some_and(points_here)
        }
        (Some(Holder::Index(index, incarnation)), Reviewed::Manifest(repository, _)) => {
            lives(&Key::manifest(repository, &index), &incarnation.0.to_string())
        }
        (Some(Holder::Kept(incarnation)), _) => lives(&of.key(), &incarnation.0.to_string()),
        (Some(Holder::Manifest(repository, manifest, incarnation)), _) => {
            lives(&Key::manifest(&repository, &manifest), &incarnation.0.to_string())
        }
        (Some(Holder::Grant(repository, incarnation)), Reviewed::Content(digest)) => {
            lives(&Key::grant(&repository, digest), &incarnation.0.to_string())
        }
        _ => false,
    }
}

/// A live content, which it holds, and which names the same object; in the recycle bin too.
fn a_live_grant_has_its_content(snapshot: &Snapshot) -> Violations {
    let mut wrong = Violations::new();
    for item in snapshot.rows.values() {
        let Fact::Grant(GrantRecord { node, object: Some(object), size }) = &item.fact else { continue };
        let Some((repository, digest)) = item.key.granted().filter(|_| node.state != State::Deleting) else {
            continue;
        };
        match snapshot.rows.get(&Key::content(&digest)).map(|item| &item.fact) {
            Some(Fact::Content(content)) if content.node.state.is_readable() => {
                if (&content.object, content.size) != (object, *size) {
                    wrong.push(format!("{:?} names another object than the content", item.key));
                }
            }
            _ => wrong.push(format!("{:?} has no content", item.key)),
        }
        let hold = Key::held_by_grant(&repository, &digest, node.incarnation);
        if !snapshot.has(&hold) {
            wrong.push(format!("{hold:?}"));
        }
    }
    wrong
}

/// As long as it says, of the blob's digest, and not in the trash.
fn a_content_has_its_object(snapshot: &Snapshot) -> Violations {
    let mut wrong = Violations::new();
    for item in snapshot.rows.values() {
        let Fact::Content(content) = &item.fact else { continue };
        if content.node.state == State::Deleting {
            continue;
        }
        let digest =
            item.key.partition().strip_prefix("blob#").and_then(|digest| digest.parse::<Digest>().ok());
        let is_of_digest = |bytes: &Bytes| {
            let is = |digest: &Digest| Digest::of(digest.algorithm(), bytes) == *digest;
            bytes.len() as u64 == content.size && digest.as_ref().is_some_and(is)
        };
        if !snapshot.objects.get(&content.object).is_some_and(is_of_digest) {
            wrong.push(format!("{:?} names {}, which is not that", item.key, content.object));
        }
        if snapshot.has(&Key::trash(&content.object)) {
            wrong.push(format!("{} is in the trash", content.object));
        }
    }
    wrong
}

/// Of a content, of a manifest, of an upload; or in the trash.
fn every_object_is_somebodys(snapshot: &Snapshot) -> Violations {
    let named: Vec<&ObjectKey> = snapshot
        .rows
        .values()
        .flat_map(|item| match &item.fact {
            Fact::Content(content) => vec![&content.object],
            Fact::Manifest(manifest) => manifest.object.iter().collect(),
            Fact::Session(session) => match &session.progress {
                Progress::Open(upload) | Progress::Closing { upload, .. } => {
                    let tail = upload.tail.iter().map(|tail| &tail.object);
                    tail.chain([&upload.object]).collect()
                }
                Progress::Closed => Vec::new(),
            },
            _ => Vec::new(),
        })
        .collect();
    let is_somebodys = |key: &ObjectKey| named.contains(&key) || snapshot.has(&Key::trash(key));
    snapshot.objects.keys().filter(|key| !is_somebodys(key)).map(ToString::to_string).collect()
}

/// It says what the record of that life says. One of a life that is over may be there yet.
fn what_is_searched_is_right(snapshot: &Snapshot) -> Violations {
    let mut wrong = Violations::new();
    for (repository, digest, searched) in snapshot.searched() {
        let record = snapshot.manifest_at(&Key::manifest(&repository, &digest));
        let Some(record) = record.filter(|record| record.node.incarnation == searched.incarnation) else {
            continue;
        };
        let said = (&searched.media_type, searched.size, &searched.artifact_type, searched.pushed);
        // What an older version wrote does not say when it was.
        let pushed = record.pushed.unwrap_or(searched.pushed);
        if said != (&record.media_type, record.size, &record.artifact_type, pushed) {
            wrong.push(format!("{digest} of {repository}: {searched:?}"));
        }
    }
    wrong
}

/// What readers see has its search item, of its life, with every entry.
fn what_is_there_is_searched(snapshot: &Snapshot) -> Violations {
    let mut wrong = Violations::new();
    for manifest in snapshot.live_manifests() {
        let said = snapshot.rows.get(&Key::searched(&manifest.repository, &manifest.digest));
        match said.map(|item| &item.fact) {
            Some(Fact::Searched(said)) if said.incarnation == manifest.record.node.incarnation => {
                let entries = search_entries(&manifest.repository, &manifest.digest, said);
                wrong.extend(entries.iter().filter(|key| !snapshot.has(key)).map(|key| format!("{key:?}")));
            }
            _ => wrong.push(format!("{} of {}", manifest.digest, manifest.repository)),
        }
    }
    wrong
}

/// In the life that is searched; in the recycle bin too. And each entry is one of its item's, which takes it along.
fn what_is_searched_is_there(snapshot: &Snapshot) -> Violations {
    let mut wrong = Violations::new();
    let mut listed = BTreeSet::new();
    for (repository, digest, said) in snapshot.searched() {
        let record = snapshot.manifest_at(&Key::manifest(&repository, &digest)).map(|record| &record.node);
        let lives = |node: &&Node| node.incarnation == said.incarnation && node.state != State::Deleting;
        if record.filter(lives).is_none() {
            wrong.push(format!("{digest} of {repository}"));
        }
        listed.extend(search_entries(&repository, &digest, said));
    }
    let entries = snapshot.rows.values().filter(|item| item.fact == Fact::SearchEntry);
    wrong.extend(entries.filter(|item| !listed.contains(&item.key)).map(|item| format!("{:?}", item.key)));
    wrong
}

fn is_readable(item: Option<&Item>) -> bool {
    item.and_then(|item| item.fact.node()).is_some_and(|node| node.state.is_readable())
}
