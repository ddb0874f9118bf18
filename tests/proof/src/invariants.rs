//! What holds in every state that can be reached, whoever stopped for ever at whatever step before it: an operation
//! that is never stepped again is one whose process died.
//!
//! Each is a function from all that is stored to what is wrong with it.

use moorage_collector::TAGS_IN_RECYCLE_MAX;
use moorage_oci::{Digest, Manifest, Need, RepositoryName, Target};
use moorage_ports::facts::{ManifestRecord, State};
use moorage_ports::{Fact, Item, Key};

use crate::world::{Rules, World};

/// What is wrong, one sentence each.
pub type Wrongs = Vec<String>;

/// An invariant with its name.
pub type Invariant = (&'static str, fn(&World) -> Wrongs);

pub const INVARIANTS: [Invariant; 7] = [
    ("no live manifest with a required child that is not there", live_manifests_have_their_children),
    ("a restored manifest is complete", the_bin_keeps_what_it_holds),
    ("no live manifest without its bytes", live_manifests_have_their_bytes),
    ("no live grant without its content's object", live_grants_name_their_contents_object),
    ("no content without its object", contents_have_their_objects),
    ("no tag on a manifest that is not there", tags_point_to_what_is_there),
    ("every live referrer is listed", live_referrers_are_listed),
];

/// All that is wrong with a world, each with the name of its invariant.
#[must_use]
pub fn wrongs(world: &World, rules: &Rules) -> Wrongs {
    let wrong = |(name, invariant): &Invariant| {
        invariant(world).into_iter().map(|what| format!("{name}: {what}")).collect::<Wrongs>()
    };
    let first = if rules.missing_allowed { OF_CHILDREN } else { 0 };
    INVARIANTS[first..].iter().flat_map(wrong).collect()
}

/// The first so many ask for children: where a manifest may be pushed before them, they need not be there.
const OF_CHILDREN: usize = 2;

/// A manifest's record, and what the record's bytes say.
pub(crate) struct Found<'w> {
    pub(crate) repository: RepositoryName,
    pub(crate) digest: Digest,
    pub(crate) record: &'w ManifestRecord,
    pub(crate) manifest: Option<Manifest>,
}

pub(crate) fn manifests(world: &World) -> impl Iterator<Item = Found<'_>> {
    world.items().filter_map(|item| {
        let Fact::Manifest(record) = &item.fact else { return None };
        let (repository, digest) = item.key.manifest_named()?;
        let body = match &record.object {
            Some(object) => world.object(object).cloned(),
            None => match world.item(&Key::body(&repository, &digest)) {
                Some(Item { fact: Fact::Body(body), .. }) => Some(body.clone()),
                _ => None,
            },
        };
        let manifest = body.and_then(|body| Manifest::parse(&body, Some(&record.media_type)).ok());
        Some(Found { repository, digest, record, manifest })
    })
}

pub(crate) fn state_at(world: &World, key: &Key) -> Option<State> {
    world.item(key).and_then(|item| item.fact.node()).map(|node| node.state)
}

/// The records of what a manifest needs to be here.
pub(crate) fn needed(repository: &RepositoryName, manifest: &Manifest) -> Vec<Key> {
    let required = manifest.edges().iter().filter(|edge| edge.need == Need::Required);
    required
        .map(|edge| match edge.target {
            Target::Blob => Key::grant(repository, &edge.digest),
            Target::Manifest => Key::manifest(repository, &edge.digest),
        })
        .collect()
}

fn live_manifests_have_their_children(world: &World) -> Wrongs {
    let mut wrong = Wrongs::new();
    for found in manifests(world).filter(|found| found.record.node.state.is_readable()) {
        let Some(manifest) = &found.manifest else { continue };
        for child in needed(&found.repository, manifest) {
            let state = state_at(world, &child);
            if !state.is_some_and(State::is_readable) {
                wrong.push(format!("{} needs {child:?}, which is {state:?}", found.digest));
            }
        }
    }
    wrong
}

fn live_manifests_have_their_bytes(world: &World) -> Wrongs {
    let live = manifests(world).filter(|found| found.record.node.state.is_readable());
    live.filter(|found| found.manifest.is_none()).map(|found| found.digest.to_string()).collect()
}

fn live_grants_name_their_contents_object(world: &World) -> Wrongs {
    let mut wrong = Wrongs::new();
    for item in world.items() {
        let Fact::Grant(grant) = &item.fact else { continue };
        let Some((_, digest)) = item.key.granted().filter(|_| grant.node.state.is_readable()) else {
            continue;
        };
        let Some(object) = &grant.object else {
            wrong.push(format!("{:?} names no object", item.key));
            continue;
        };
        if world.object(object).is_none() {
            wrong.push(format!("{:?} names {object}, which is gone", item.key));
        }
        match world.item(&Key::content(&digest)).map(|item| &item.fact) {
            Some(Fact::Content(content)) if content.node.state.is_readable() => {
                if content.object != *object {
                    wrong.push(format!("{:?} names {object}, its content {}", item.key, content.object));
                }
            }
            other => wrong.push(format!("{:?} is live, its content is {other:?}", item.key)),
        }
    }
    wrong
}

fn contents_have_their_objects(world: &World) -> Wrongs {
    let mut wrong = Wrongs::new();
    for item in world.items() {
        let Fact::Content(content) = &item.fact else { continue };
        if content.node.state == State::Deleting {
            continue;
        }
        if world.object(&content.object).is_none() {
            wrong.push(format!("{:?} names {}, which is gone", item.key, content.object));
        }
        if world.item(&Key::trash(&content.object)).is_some() {
            wrong.push(format!("{:?} names {}, which is in the trash", item.key, content.object));
        }
    }
    wrong
}

fn tags_point_to_what_is_there(world: &World) -> Wrongs {
    let mut wrong = Wrongs::new();
    for item in world.items() {
        let Fact::Tag(tag) = &item.fact else { continue };
        let repository = item.key.partition().strip_prefix("repo#").and_then(|name| name.parse().ok());
        let Some(repository) = repository else { continue };
        let state = state_at(world, &Key::manifest(&repository, &tag.digest));
        // A manifest with more tags than one transaction takes away loses them one transaction after the other.
        let former = |item: &&Item| item.fact == Fact::WasTagged && of_manifest(item, &tag.digest);
        let is_losing_tags = world.items().filter(former).count() >= TAGS_IN_RECYCLE_MAX;
        if !is_losing_tags && !state.is_some_and(State::is_readable) {
            wrong.push(format!("{:?} points to {}, which is {state:?}", item.key, tag.digest));
        }
    }
    wrong
}

fn of_manifest(item: &Item, digest: &Digest) -> bool {
    item.key.manifest_named().is_some_and(|(_, named)| named == *digest)
}

fn live_referrers_are_listed(world: &World) -> Wrongs {
    let mut wrong = Wrongs::new();
    for found in manifests(world) {
        let Some(subject) = &found.record.subject else { continue };
        let key = Key::referrer(&found.repository, &subject.digest, &subject.artifact_type, &found.digest);
        let is_listed = world.item(&key).is_some();
        if is_listed != found.record.node.state.is_readable() {
            wrong.push(format!("{} is {:?}, listed: {is_listed}", found.digest, found.record.node.state));
        }
    }
    wrong
}

/// What is in the bin can be brought out of it: a child is there, or in the bin itself, or on its way out.
fn the_bin_keeps_what_it_holds(world: &World) -> Wrongs {
    let mut wrong = Wrongs::new();
    for found in manifests(world).filter(|found| found.record.node.state == State::Recycled) {
        let Some(manifest) = &found.manifest else {
            wrong.push(format!("{} has no bytes", found.digest));
            continue;
        };
        for child in needed(&found.repository, manifest) {
            let node = world.item(&child).and_then(|item| item.fact.node());
            let stays = node.is_some_and(|node| match node.state {
                State::Live | State::Condemned | State::Recycled => true,
                State::Pending => node.from_bin,
                State::Deleting => false,
            });
            if !stays {
                wrong.push(format!("{} needs {child:?}, which is {:?}", found.digest, node.map(|n| n.state)));
            }
        }
    }
    wrong
}
