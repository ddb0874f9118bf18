//! What is left when everybody is done, or dead, and only collectors work on: they are driven by reviews alone, taken
//! as late as can be, while time moves on from one that is due to the next. Everything unreachable has to go.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use moorage_operations::Settings;
use moorage_ports::facts::State;
use moorage_ports::{Fact, Holder, Item, Key, ObjectKey, PortError, Reviewed};

use crate::gate::Actor;
use crate::invariants::{Wrongs, wrongs};
use crate::role::{Hands, Time, gate};
use crate::world::{Rules, World};

/// Rounds of work until everything is at rest.
const ROUNDS_MAX: usize = 400;

/// The number of the collector that works on alone.
const LAST_COLLECTOR: u64 = 1000;

/// What may be left when collectors are done: what `audit` is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LeftOver {
    Nothing,
    /// A pusher whose pending record was given up by another while he put his holds: they are nobody's, and so may
    /// be the bytes and the entry in the list that he put with them.
    ByTheOvertaken,
    /// Also an object whose record was never made.
    ByTheDead,
}

/// Lets collectors work until nothing is due any more, and answers what is wrong on the way or left in the end.
#[must_use]
pub fn leaks(world: &World, rules: &Rules, settings: &Arc<Settings>, left_over: LeftOver) -> Wrongs {
    let mut world = world.clone();
    let rules = Rules { reviews_are_read: true, ..*rules };
    let wrong = come_to_rest(&mut world, &rules, settings);
    if !wrong.is_empty() {
        return wrong;
    }
    left(&world, left_over)
}

/// Does every review at its time.
pub fn come_to_rest(world: &mut World, rules: &Rules, settings: &Arc<Settings>) -> Wrongs {
    let gate = gate();
    let time = Time::at(world.now);
    let collector = Arc::new(Hands::new(&gate, LAST_COLLECTOR, settings, &time).collector());
    for _ in 0..ROUNDS_MAX {
        if rules.feed_is_followed {
            let follower = Arc::clone(&collector);
            let follows = async move { follower.follow().await.map(|_| 0) };
            let wrong = run(world, rules, Actor::start(&gate, follows));
            if !wrong.is_empty() {
                return wrong;
            }
        }
        let Some(due) = world.next_due() else { return Wrongs::new() };
        world.now = world.now.max(due);
        time.set(world.now);
        let worker = Arc::clone(&collector);
        let works = async move { worker.work(None).await.map(|worked| worked.failed) };
        let wrong = run(world, rules, Actor::start(&gate, works));
        if !wrong.is_empty() {
            return wrong;
        }
    }
    vec![format!("reviews without end: {:?}", reviews(world))]
}

/// Lets a collector work alone; it answers how many reviews failed.
fn run<N>(world: &mut World, rules: &Rules, mut actor: Actor<Result<N, PortError>>) -> Wrongs
where
    N: Default + PartialEq + Debug,
{
    while let Some(call) = actor.asked() {
        actor.answer(world.apply(&call, rules).and_then(|seen| seen.answer()));
        let wrong = wrongs(world, rules);
        if !wrong.is_empty() {
            return wrong;
        }
    }
    match actor.outcome() {
        Some(Ok(failed)) if *failed == N::default() => Wrongs::new(),
        other => vec![format!("the collector failed: {other:?}")],
    }
}

fn reviews(world: &World) -> Vec<&Key> {
    world.items().filter(|item| item.fact == Fact::Review).map(|item| &item.key).collect()
}

/// What nothing reaches, and is still there.
fn left(world: &World, left_over: LeftOver) -> Wrongs {
    let mut wrong = Wrongs::new();
    let mut named: BTreeSet<&ObjectKey> = BTreeSet::new();
    for item in world.items() {
        match &item.fact {
            Fact::Content(content) => _ = named.insert(&content.object),
            Fact::Manifest(manifest) => named.extend(&manifest.object),
            Fact::Review | Fact::Trash(_) => wrong.push(format!("{:?} is left", item.key)),
            Fact::Session(_) => wrong.push(format!("{:?} is left", item.key)),
            Fact::Hold if left_over == LeftOver::Nothing && !is_real(world, &item.key) => {
                wrong.push(format!("{:?} is a hold that nobody has", item.key));
            }
            Fact::RemoteIn { .. } if left_over == LeftOver::Nothing && !is_named(world, &item.key) => {
                wrong.push(format!("{:?} is of an index that is gone", item.key));
            }
            Fact::Body(_) | Fact::Listed if left_over != LeftOver::Nothing => {}
            Fact::Body(_) | Fact::Referrer(_) | Fact::WasTagged => {
                wrong.extend(orphan(world, item));
            }
            Fact::Listed => {
                let manifest = item.key.listed_digest().zip(repository_of(&item.key));
                let there = manifest.is_some_and(|(d, r)| world.item(&Key::manifest(&r, &d)).is_some());
                if !there {
                    wrong.push(format!("{:?} lists what is not there", item.key));
                }
            }
            Fact::Recycled => wrong.push(format!("{:?} is in the bin for ever", item.key)),
            _ => {}
        }
        if let Some(node) = item.fact.node() {
            if node.state != State::Live {
                wrong.push(format!("{:?} is {:?} for ever", item.key, node.state));
            } else if !is_held(world, item) {
                wrong.push(format!("{:?} is live, and nothing holds it", item.key));
            }
        }
    }
    if left_over != LeftOver::ByTheDead {
        let nobodys = world.store.objects().filter(|object| !named.contains(&object.key));
        wrong.extend(nobodys.map(|object| format!("the object {} is nobody's", object.key)));
        let unmade = world.store.unmade();
        wrong.extend(unmade.map(|unmade| format!("parts of the object {} are left", unmade.key)));
    }
    wrong
}

fn repository_of(key: &Key) -> Option<moorage_oci::RepositoryName> {
    key.partition().strip_prefix("repo#")?.parse().ok()
}

/// Something under a manifest that is not there. A referrer's entry may stand under a subject that is not there:
/// then the referrer is.
fn orphan(world: &World, item: &Item) -> Option<String> {
    let (repository, digest) = item.key.manifest_named()?;
    let owner = item.key.referrer_digest().unwrap_or(digest);
    let is_there = world.item(&Key::manifest(&repository, &owner)).is_some();
    (!is_there).then(|| format!("{:?} is left of what is gone", item.key))
}

/// Whether a live node is held by what is there: by the items, not by the collector's own code.
fn is_held(world: &World, node: &Item) -> bool {
    let Some(of) = node.key.reviewed() else { return false };
    let under = |hold: &&Item| hold.fact == Fact::Hold && hold.key.held().as_ref() == Some(&of);
    if world.items().filter(under).any(|hold| is_real(world, &hold.key)) {
        return true;
    }
    // A referrer stays with its subject.
    let Fact::Manifest(record) = &node.fact else { return false };
    let Some(((repository, _), subject)) = node.key.manifest_named().zip(record.subject.as_ref()) else {
        return false;
    };
    world.item(&Key::manifest(&repository, &subject.digest)).is_some()
}

/// Whether the index is there that names something as remote.
fn is_named(world: &World, remote: &Key) -> bool {
    let index = remote.naming_index().zip(remote.manifest_named());
    index.is_some_and(|(index, (repository, _))| world.item(&Key::manifest(&repository, &index)).is_some())
}

/// Whether a hold's holder is there, in that life, and needs what it holds.
fn is_real(world: &World, hold: &Key) -> bool {
    let lives = |holder: &Key, incarnation| {
        let node = world.item(holder).and_then(|item| item.fact.node());
        node.is_some_and(|node| node.incarnation == incarnation)
    };
    match (hold.holder(), hold.held()) {
        (Some(Holder::Tag(tag, version)), Some(Reviewed::Manifest(repository, digest))) => {
            world.item(&Key::tag(&repository, &tag)).is_some_and(|item| {
                item.version == Some(version) && matches!(&item.fact, Fact::Tag(tag) if tag.digest == digest)
            })
        }
        (Some(Holder::Index(index, life)), Some(Reviewed::Manifest(repository, _))) => {
            lives(&Key::manifest(&repository, &index), life)
        }
        (Some(Holder::Kept(life)), Some(of)) => lives(&of.key(), life),
        (Some(Holder::Manifest(repository, manifest, life)), _) => {
            lives(&Key::manifest(&repository, &manifest), life)
        }
        (Some(Holder::Grant(repository, life)), Some(Reviewed::Content(digest))) => {
            lives(&Key::grant(&repository, &digest), life)
        }
        _ => false,
    }
}
