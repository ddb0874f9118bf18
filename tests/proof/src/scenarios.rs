//! What is explored: who works at once, on what.

use std::sync::Arc;

use moorage_oci::Algorithm;
use moorage_operations::Settings;
use moorage_ports::facts::Untagged;
use moorage_ports::{Key, Reviewed};

use crate::cast::{
    close_upload, collect, collect_content, collect_grant, collect_manifest, delete, delete_blob, delete_tag,
    head, head_and_push, head_manifest_and_push, mount, move_tag, policy, purge, push, push_tags, restore,
    upload, upload_not_refused, work,
};
use crate::content::{Things, here, tag, things};
use crate::explore::{BEGIN, Space};
use crate::gate::{Actor, Gate};
use crate::invariants::Wrongs;
use crate::rest::LeftOver;
use crate::role::{Does, Hands, Outcome, Role, Time};
use crate::world::{Rules, World};

/// A scenario, and what it is for.
pub struct Scenario {
    pub name: &'static str,
    /// Too large for every day.
    pub large: bool,
    settings: Settings,
    /// What was done before, one after the other; some stopped after so many steps.
    before: Vec<(Role, Option<usize>)>,
    /// Time between what was before and what is explored.
    later_ms: u64,
    roles: Vec<Role>,
    reviews_are_read: bool,
    left_over: LeftOver,
    in_the_end: Option<fn(&World, &[&Outcome]) -> Wrongs>,
}

/// Numbers of those who worked before.
const BEFORE: u64 = 100;

impl Scenario {
    fn new(name: &'static str, before: Vec<Role>, roles: Vec<Role>) -> Self {
        let grace_0 = Settings { grace_ms: 0, recycle_ms: 0, ..Settings::default() };
        Self {
            name,
            large: false,
            settings: grace_0,
            before: before.into_iter().map(|role| (role, None)).collect(),
            later_ms: 0,
            roles,
            reviews_are_read: false,
            left_over: LeftOver::ByTheOvertaken,
            in_the_end: None,
        }
    }

    /// The state in which it begins, and who goes on from there.
    #[must_use]
    pub fn space(&self) -> Space {
        let settings = Arc::new(self.settings.clone());
        let rules = Rules { times: settings.times(), reviews_are_read: self.reviews_are_read };
        let mut start = World::new(BEGIN);
        for (number, (role, stops)) in self.before.iter().enumerate() {
            run(&mut start, &rules, &settings, BEFORE + number as u64, role, *stops);
        }
        start.now = start.now.plus_ms(self.later_ms);
        Space {
            start,
            rules,
            settings,
            roles: self.roles.clone(),
            left_over: self.left_over,
            in_the_end: self.in_the_end,
        }
    }
}

/// Runs one role alone, up to its end or to where it stops for ever.
fn run(
    world: &mut World,
    rules: &Rules,
    settings: &Arc<Settings>,
    number: u64,
    role: &Role,
    stops: Option<usize>,
) {
    let Does::Operation(operation) = &role.does else { panic!("time passes between, not before") };
    let gate = Gate::new();
    let time = Time::at(world.now);
    let mut actor = Actor::start(&gate, operation(Hands::new(&gate, number, settings, &time)));
    let mut steps = 0;
    while let Some(call) = actor.asked() {
        if stops.is_some_and(|stops| steps >= stops) {
            return;
        }
        actor.answer(world.apply(&call, rules).map(|seen| seen.answer()));
        steps += 1;
    }
    let outcome = actor.outcome();
    assert!(
        outcome.is_some_and(|outcome| outcome.as_deref() == Ok(crate::cast::DONE)),
        "{} before a scenario: {outcome:?}",
        role.name
    );
}

/// What nothing holds goes at once.
fn recycles() -> Role {
    policy(here(), Untagged::Recycle { after_ms: 0 })
}

/// What was never held, or lost its tags, stays.
fn keeps() -> Role {
    policy(here(), Untagged::Keep)
}

impl Scenario {
    /// Nobody is overtaken: then nothing may be left in the end, not even what `audit` removes.
    fn strict(mut self) -> Self {
        self.left_over = LeftOver::Nothing;
        self
    }

    fn large(mut self) -> Self {
        self.large = true;
        self
    }

    /// Another role before, that stopped after so many steps.
    fn dead(mut self, role: Role, steps: usize) -> Self {
        self.before.push((role, Some(steps)));
        self
    }

    fn later(mut self, ms: u64) -> Self {
        self.later_ms = ms;
        self
    }

    fn grace(mut self, grace_ms: u64) -> Self {
        self.settings.grace_ms = grace_ms;
        self
    }

    fn reviews_are_read(mut self) -> Self {
        self.reviews_are_read = true;
        self
    }

    fn in_the_end(mut self, check: fn(&World, &[&Outcome]) -> Wrongs) -> Self {
        self.in_the_end = Some(check);
        self
    }
}

const HOUR_MS: u64 = 60 * 60 * 1000;
const GRACE_MS: u64 = 1000;

/// The first role pushed `m` as `t`, and was told so: where `m` is there in the end, it has its tag.
fn a_push_that_was_answered_has_its_tag(world: &World, outcomes: &[&Outcome]) -> Wrongs {
    let m = things().m.digest();
    let record = world.item(&Key::manifest(&here(), &m));
    let is_there = record.and_then(|item| item.fact.node()).is_some_and(|node| node.state.is_readable());
    let was_pushed = outcomes[0].as_deref() == Ok(crate::cast::DONE);
    let has_tag = world.item(&Key::tag(&here(), &tag("t"))).is_some();
    if was_pushed && is_there && !has_tag {
        return vec!["m was pushed again as t, is there, and has no tag".to_owned()];
    }
    Wrongs::new()
}

/// A token of one upload, as it comes back from a client: the same in each run.
fn token() -> String {
    let settings = Arc::new(Settings { grace_ms: 0, recycle_ms: 0, ..Settings::default() });
    let hands = Hands::new(&Gate::new(), BEFORE + 50, &settings, &Time::at(BEGIN));
    let push = hands.push();
    push.seal_upload(&here(), push.open_upload(Algorithm::Sha256))
}

/// All scenarios.
#[must_use]
pub fn all() -> Vec<Scenario> {
    let mut all = pushes();
    all.extend(uploads());
    all.extend(deletes());
    all.extend(bins());
    all.extend(families());
    all.extend(promises());
    all
}

fn pushes() -> Vec<Scenario> {
    let Things { b, m, n, .. } = &things();
    vec![
        Scenario::new(
            "two pushers",
            vec![recycles(), upload(b)],
            vec![push(m, None), push(m, None), collect_grant(b), collect_manifest(m)],
        ),
        Scenario::new(
            "two pushers of a manifest whose layer stays",
            vec![recycles(), upload(b), push(n, Some("n"))],
            vec![push(m, Some("t")), push(m, Some("t")), collect_grant(b), collect_manifest(m)],
        )
        .strict(),
        Scenario::new(
            "a pusher and three collectors",
            vec![recycles(), upload(b)],
            vec![push(m, None), collect_grant(b), collect_grant(b), collect_content(b)],
        ),
        Scenario::new(
            "overlapping manifests",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![delete(m), push(n, Some("n")), collect_manifest(m), collect_grant(b), collect_content(b)],
        ),
        Scenario::new(
            "a tag moves away and back",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![move_tag(&[n, m], "t"), collect_manifest(m), collect_manifest(n)],
        ),
        Scenario::new(
            "a tag moves away and back, two collectors",
            vec![recycles(), upload(b), push(n, Some("n")), push(m, Some("t"))],
            vec![move_tag(&[n, m], "t"), collect_manifest(m), collect_manifest(m)],
        ),
        Scenario::new(
            "a tag moves away and back, three collectors",
            vec![recycles(), upload(b), push(n, Some("n")), push(m, Some("t"))],
            vec![move_tag(&[n, m], "t"), collect_manifest(m), collect_manifest(m), collect_grant(b)],
        )
        .large(),
        Scenario::new(
            "a tag is deleted while it moves",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![push(n, Some("t")), delete_tag("t"), collect_manifest(m), collect_manifest(n)],
        ),
        Scenario::new(
            "a tag moves where untagged manifests are kept",
            vec![keeps(), upload(b), push(m, Some("t"))],
            vec![push(n, Some("t")), delete(m), collect_manifest(m), collect_manifest(n)],
        ),
        Scenario::new(
            "a pusher died",
            vec![recycles(), upload(b)],
            vec![push(m, None), collect_manifest(m), Role::clock(HOUR_MS)],
        )
        .dead(push(m, None), 3),
        Scenario::new(
            "a pusher died, and a collector of the grant",
            vec![recycles(), upload(b)],
            vec![push(m, None), collect_manifest(m), collect_grant(b), Role::clock(HOUR_MS)],
        )
        .dead(push(m, None), 3)
        .large(),
        Scenario::new(
            "three pushers",
            vec![recycles(), upload(b)],
            vec![push(m, None), push(m, None), push(m, None), collect_grant(b), collect_manifest(m)],
        )
        .large(),
    ]
}

fn uploads() -> Vec<Scenario> {
    let Things { b, m, n, .. } = &things();
    vec![
        Scenario::new(
            "two uploads",
            vec![],
            vec![upload(b), upload(b), collect_grant(b), collect_content(b)],
        ),
        Scenario::new(
            "an upload of what is about to go",
            vec![upload(b)],
            vec![upload(b), collect_grant(b), collect_content(b), collect_content(b)],
        ),
        Scenario::new(
            "an upload whose own content stays",
            vec![upload(b)],
            vec![upload_not_refused(b), collect_grant(b), collect_content(b)],
        ),
        Scenario::new(
            "an upload and two collectors of the content",
            vec![upload(b)],
            vec![upload(b), upload(b), collect_grant(b), collect_content(b), collect_content(b)],
        )
        .large(),
        Scenario::new(
            "a PUT that is sent twice",
            vec![],
            vec![
                close_upload(b, token()),
                close_upload(b, token()),
                upload(b),
                collect_grant(b),
                collect_content(b),
            ],
        ),
        Scenario::new(
            "an upload after another's grant",
            vec![upload(b)],
            vec![upload(b), collect_grant(b), collect_grant(b), collect_content(b)],
        ),
        Scenario::new(
            "a mount while its source is deleted",
            vec![upload(b)],
            vec![mount(b), delete_blob(b), collect_content(b), collect_content(b)],
        ),
        Scenario::new(
            "two mounts and an upload",
            vec![upload(b)],
            vec![mount(b), upload(b), delete_blob(b), collect_content(b)],
        ),
        Scenario::new(
            "a mount of a content that is made again",
            vec![upload(b)],
            vec![mount(b), delete_blob(b), collect_content(b), upload(b)],
        ),
        Scenario::new(
            "a slow collector of a grant that is made again",
            vec![recycles(), upload(b)],
            vec![
                collect_grant(b),
                Role::sequence(&[collect_grant(b), upload(b), collect_grant(b)]),
                push(m, None),
            ],
        )
        .dead(collect_grant(b), 3),
        Scenario::new(
            "an upload while its layer's manifest is deleted",
            vec![recycles(), upload(b), push(n, Some("n"))],
            vec![upload(b), push(m, None), delete(n), collect_manifest(n), collect_grant(b)],
        ),
    ]
}

fn deletes() -> Vec<Scenario> {
    let Things { b, m, .. } = &things();
    let tags: Vec<String> = (0..32).map(|at| format!("a{at:02}")).collect();
    vec![
        Scenario::new(
            "delete and push",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![push(m, Some("t")), delete(m), collect_manifest(m), collect_grant(b)],
        )
        .in_the_end(a_push_that_was_answered_has_its_tag),
        Scenario::new(
            "two deletes and a push",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![push(m, Some("t")), delete(m), delete(m)],
        )
        .in_the_end(a_push_that_was_answered_has_its_tag),
        Scenario::new(
            "two deletes, a push and a collector",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![push(m, Some("t")), delete(m), delete(m), collect_manifest(m)],
        )
        .in_the_end(a_push_that_was_answered_has_its_tag)
        .large(),
        Scenario::new(
            "a blob is deleted while a manifest of it is pushed",
            vec![recycles(), upload(b)],
            vec![push(m, None), delete_blob(b), collect_grant(b), collect_content(b)],
        ),
        Scenario::new(
            "a blob is deleted twice while a manifest of it is pushed",
            vec![recycles(), upload(b)],
            vec![push(m, None), delete_blob(b), delete_blob(b), upload(b)],
        ),
        Scenario::new(
            "a delete that died with tags left, and a push",
            vec![recycles(), upload(b), push_tags(m, tags), push(m, Some("t"))],
            vec![push(m, Some("t")), collect_manifest(m), collect_grant(b)],
        )
        .dead(delete(m), 4)
        .in_the_end(a_push_that_was_answered_has_its_tag),
    ]
}

fn bins() -> Vec<Scenario> {
    let Things { b, m, i, .. } = &things();
    let in_the_bin = || vec![recycles(), upload(b), push(m, Some("t")), delete(m)];
    let both_in_the_bin =
        || vec![recycles(), upload(b), push(m, None), push(i, Some("t")), delete(i), delete(m)];
    vec![
        Scenario::new(
            "restore, expiry and purge",
            in_the_bin(),
            vec![restore(m), collect_manifest(m), purge(m), collect_grant(b)],
        ),
        Scenario::new(
            "restore and push",
            in_the_bin(),
            vec![restore(m), push(m, None), collect_manifest(m), collect_grant(b)],
        ),
        Scenario::new(
            "restore of a manifest whose blob was deleted",
            vec![recycles(), upload(b), push(m, Some("t")), delete(m), delete_blob(b)],
            vec![restore(m), collect_manifest(m), collect_grant(b), push(m, None)],
        ),
        Scenario::new(
            "a blob is deleted while its manifest is restored",
            in_the_bin(),
            vec![restore(m), delete_blob(b), collect_manifest(m), collect_grant(b)],
        ),
        Scenario::new(
            "an index and its child are restored",
            both_in_the_bin(),
            vec![restore(i), collect_manifest(i), collect_manifest(m)],
        ),
        Scenario::new(
            "an index is restored while its child is",
            both_in_the_bin(),
            vec![restore(i), restore(m), collect_manifest(i), collect_manifest(m)],
        )
        .large(),
        Scenario::new(
            "an index is pushed while its child is in the bin",
            both_in_the_bin(),
            vec![push(i, None), push(m, None), collect_manifest(m)],
        ),
        Scenario::new(
            "an index is pushed while its child is in the bin, two collectors",
            both_in_the_bin(),
            vec![push(i, None), push(m, None), collect_manifest(i), collect_manifest(m)],
        )
        .large(),
        Scenario::new(
            "an index is restored, and purged with its child",
            both_in_the_bin(),
            vec![restore(i), purge(i), purge(m), collect_manifest(m)],
        ),
        Scenario::new(
            "a restorer died",
            in_the_bin(),
            vec![push(m, None), collect_manifest(m), Role::clock(HOUR_MS)],
        )
        .dead(restore(m), 3),
        Scenario::new(
            "a restorer died, and a collector of the grant",
            in_the_bin(),
            vec![push(m, None), collect_manifest(m), collect_grant(b), Role::clock(HOUR_MS)],
        )
        .dead(restore(m), 3)
        .large(),
    ]
}

fn families() -> Vec<Scenario> {
    let Things { b, c, m, r, i, o, .. } = &things();
    vec![
        Scenario::new(
            "an index is pushed while its child goes",
            vec![recycles(), upload(b), push(m, None)],
            vec![push(i, Some("i")), collect_manifest(m), collect_manifest(m), collect_grant(b)],
        ),
        Scenario::new(
            "an index is deleted, its child pushed",
            vec![recycles(), upload(b), push(m, None), push(i, Some("i"))],
            vec![delete(i), push(m, None), collect_manifest(i), collect_manifest(m)],
        ),
        Scenario::new(
            "an index is deleted with its child",
            vec![recycles(), upload(b), push(m, None), push(i, Some("i"))],
            vec![delete(i), delete(m), push(i, None), collect_manifest(i)],
        ),
        Scenario::new(
            "a nested index",
            vec![recycles(), upload(b), push(m, None), push(i, Some("i"))],
            vec![
                push(o, Some("o")),
                delete_tag("i"),
                collect_manifest(i),
                collect_manifest(m),
                collect_grant(b),
            ],
        ),
        Scenario::new(
            "a nested index goes",
            vec![recycles(), upload(b), push(m, None), push(i, None), push(o, Some("o"))],
            vec![delete_tag("o"), collect_manifest(o), collect_manifest(i), push(i, None)],
        ),
        Scenario::new(
            "a referrer before its subject",
            vec![recycles(), upload(b), upload(c)],
            vec![push(r, None), push(m, Some("t")), collect_manifest(r), collect_grant(c)],
        ),
        Scenario::new(
            "a referrer while its subject is deleted",
            vec![recycles(), upload(b), upload(c), push(m, Some("t"))],
            vec![push(r, None), delete(m), collect_manifest(m), collect_manifest(r)],
        ),
        Scenario::new(
            "a referrer that is deleted and pushed again",
            vec![recycles(), upload(b), upload(c), push(m, Some("t")), push(r, None)],
            vec![push(r, None), delete(r), collect_manifest(r), collect_manifest(r)],
        ),
        Scenario::new(
            "a subject and its referrer, kept untagged",
            vec![keeps(), upload(b), upload(c), push(m, Some("t")), push(r, None)],
            vec![delete(m), push(m, None), collect_manifest(r)],
        ),
        Scenario::new(
            "a subject and its referrer, kept untagged, two collectors",
            vec![keeps(), upload(b), upload(c), push(m, Some("t")), push(r, None)],
            vec![delete(m), push(m, None), collect_manifest(m), collect_manifest(r)],
        )
        .large(),
    ]
}

fn promises() -> Vec<Scenario> {
    let Things { b, m, i, .. } = &things();
    vec![
        Scenario::new(
            "HEAD of a blob, then a push",
            vec![recycles(), upload(b)],
            vec![head_and_push(b, m, GRACE_MS), collect_grant(b), collect_content(b), Role::clock(GRACE_MS)],
        )
        .grace(GRACE_MS)
        .later(2 * GRACE_MS),
        Scenario::new(
            "HEAD of a blob, then a push, three collectors",
            vec![recycles(), upload(b)],
            vec![
                head_and_push(b, m, GRACE_MS),
                collect_grant(b),
                collect_grant(b),
                collect_content(b),
                Role::clock(GRACE_MS),
            ],
        )
        .grace(GRACE_MS)
        .later(2 * GRACE_MS)
        .large(),
        Scenario::new(
            "HEAD of a manifest, then a push",
            vec![recycles(), upload(b), push(m, None)],
            vec![
                head_manifest_and_push(m, i, GRACE_MS),
                collect("m, twice", Reviewed::Manifest(here(), m.digest()), 2),
                Role::clock(GRACE_MS),
            ],
        )
        .grace(GRACE_MS)
        .later(2 * GRACE_MS),
        Scenario::new(
            "HEAD of a manifest, then a push, two collectors",
            vec![recycles(), upload(b), push(m, None)],
            vec![
                head_manifest_and_push(m, i, GRACE_MS),
                collect("m, twice", Reviewed::Manifest(here(), m.digest()), 2),
                collect_manifest(m),
                Role::clock(GRACE_MS),
            ],
        )
        .grace(GRACE_MS)
        .later(2 * GRACE_MS)
        .large(),
        Scenario::new(
            "reviews are asked for while they are done",
            vec![recycles(), upload(b), push(m, Some("t"))],
            vec![work(), delete_tag("t")],
        )
        // The review that the push asked for in case it died is asked for again, for the same time.
        .later(HOUR_MS)
        .reviews_are_read(),
        Scenario::new(
            "HEAD of a blob while its review is done",
            vec![upload(b)],
            vec![work(), head(b), collect_content(b)],
        )
        .grace(GRACE_MS)
        .later(2 * GRACE_MS)
        .reviews_are_read(),
        Scenario::new(
            "a review is asked for again while it is done",
            vec![upload(b), mount(b)],
            vec![work(), delete_blob(b), mount(b)],
        )
        .reviews_are_read(),
    ]
}
