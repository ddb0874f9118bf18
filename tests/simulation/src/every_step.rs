//! What holds of the world after every single call, whoever is under way.
//!
//! What holds once nobody is under way any more is with the stories, and is asked at the end (`invariants`).

use moorage_collector::hold_of_tag;
use moorage_ports::facts::State;
use moorage_ports::{Fact, Key};

use crate::universe::Universe;
use crate::world::World;

/// What is wrong, one sentence each.
pub type Violations = Vec<String>;

/// An invariant with its name.
pub type Invariant = (&'static str, fn(&World) -> Violations);

pub const AT_EVERY_STEP: [Invariant; 6] = [
    ("a live manifest has its children", a_live_manifest_has_its_children),
    ("a live manifest has its bytes", a_live_manifest_has_its_bytes),
    ("a live grant has the content's object", a_live_grant_has_the_contents_object),
    ("a content has its object", a_content_has_its_object),
    ("a tag holds a manifest that is there", a_tag_holds_a_manifest_that_is_there),
    ("exactly the live referrers are listed", exactly_the_live_referrers_are_listed),
];

pub fn check(world: &World) -> Violations {
    let named = |(name, invariant): &Invariant| {
        invariant(world).into_iter().map(|what| format!("{name}: {what}")).collect::<Violations>()
    };
    AT_EVERY_STEP.iter().flat_map(named).collect()
}

fn a_live_manifest_has_its_children(world: &World) -> Violations {
    let mut wrong = Violations::new();
    each_manifest(|repository, manifest| {
        let key = &world.keys.manifests[repository][manifest];
        if !world.is_readable(key) {
            return;
        }
        let of = &Universe::get().manifests[manifest];
        let blobs = of.blobs.iter().map(|blob| &world.keys.grants[repository][*blob]);
        let children = of.children.iter().map(|child| &world.keys.manifests[repository][*child]);
        let missing = blobs.chain(children).filter(|child| !world.is_readable(child));
        wrong.extend(
            missing.map(|child| format!("{key:?} needs {child:?}, which is {:?}", world.node(child))),
        );
    });
    wrong
}

fn a_live_manifest_has_its_bytes(world: &World) -> Violations {
    let mut wrong = Violations::new();
    each_manifest(|repository, manifest| {
        let key = &world.keys.manifests[repository][manifest];
        let body = world.row(&world.keys.bodies[repository][manifest]).map(|item| &item.fact);
        let bytes = &Universe::get().manifests[manifest].bytes;
        if world.is_readable(key) && !matches!(body, Some(Fact::Body(body)) if body == bytes) {
            wrong.push(format!("{key:?}"));
        }
    });
    wrong
}

/// In the recycle bin too.
fn a_live_grant_has_the_contents_object(world: &World) -> Violations {
    let mut wrong = Violations::new();
    for grants in &world.keys.grants {
        for (key, content) in grants.iter().zip(&world.keys.contents) {
            let Some(Fact::Grant(grant)) = world.row(key).map(|item| &item.fact) else { continue };
            if !matches!(grant.node.state, State::Live | State::Condemned | State::Recycled) {
                continue;
            }
            let content = world.row(content).map(|item| &item.fact);
            let Some(Fact::Content(content)) = content.filter(|fact| is_readable(fact)) else {
                wrong.push(format!("{key:?} has {content:?}"));
                continue;
            };
            if grant.object.as_ref() != Some(&content.object) {
                wrong.push(format!("{key:?} names {:?}, its content {}", grant.object, content.object));
            }
        }
    }
    wrong
}

fn a_content_has_its_object(world: &World) -> Violations {
    let mut wrong = Violations::new();
    for key in &world.keys.contents {
        let Some(fact @ Fact::Content(content)) = world.row(key).map(|item| &item.fact) else { continue };
        if is_readable(fact) && !world.has_object(&content.object) {
            wrong.push(format!("{key:?} names {}, which is not there", content.object));
        }
        if is_readable(fact) && world.row(&Key::trash(&content.object)).is_some() {
            wrong.push(format!("{key:?} names {}, which is in the trash", content.object));
        }
    }
    wrong
}

/// With a hold at the tag's version.
fn a_tag_holds_a_manifest_that_is_there(world: &World) -> Violations {
    let mut wrong = Violations::new();
    let universe = Universe::get();
    for (repository, tags) in universe.repositories.iter().zip(&world.keys.tags) {
        for (tag, key) in universe.tags.iter().zip(tags) {
            let Some(item) = world.row(key) else { continue };
            let (Fact::Tag(target), Some(version)) = (&item.fact, item.version) else { continue };
            if !world.is_readable(&Key::manifest(repository, &target.digest)) {
                wrong.push(format!("{key:?} points to {}", target.digest));
            }
            let hold = hold_of_tag(repository, &target.digest, tag, version);
            if world.row(&hold).is_none() {
                wrong.push(format!("{hold:?} is not there"));
            }
        }
    }
    wrong
}

fn exactly_the_live_referrers_are_listed(world: &World) -> Violations {
    let mut wrong = Violations::new();
    each_manifest(|repository, manifest| {
        let Some(listed) = &world.keys.referrers[repository][manifest] else { return };
        let is_live = world.is_readable(&world.keys.manifests[repository][manifest]);
        if is_live != world.row(listed).is_some() {
            wrong.push(format!("{listed:?}: live is {is_live}"));
        }
    });
    wrong
}

fn is_readable(fact: &Fact) -> bool {
    fact.node().is_some_and(|node| node.state.is_readable())
}

fn each_manifest(mut look: impl FnMut(usize, usize)) {
    let universe = Universe::get();
    for repository in 0..universe.repositories.len() {
        (0..universe.manifests.len()).for_each(|manifest| look(repository, manifest));
    }
}
