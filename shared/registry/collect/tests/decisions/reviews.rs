//! What a change asks to look at, and when.

use moorage_collector::{Review, Times, reviews};
use moorage_ports::facts::{Policy, Progress, SessionRecord, TrashRecord, Untagged};
use moorage_ports::{Change, Fact, Item, Key, Nonce, ObjectKey, Reviewed, Timestamp, Version};

use super::*;

const NOW: Timestamp = Timestamp(1000);
const TIMES: Times = Times { grace_ms: 100, recycle_ms: 500, trash_ms: 10, tombstone_ms: 20 };

fn asked(old: Option<Item>, new: Option<Item>) -> Vec<Review> {
    let key = old.as_ref().or(new.as_ref()).expect("one of the two").key.clone();
    reviews(&Change { key, old, new, at: None }, NOW, &TIMES)
}

fn when(old: Option<Item>, new: Option<Item>) -> Option<u64> {
    let asked = asked(old, new);
    assert!(asked.len() < 2, "{asked:?}");
    asked.first().map(|review| review.due.0)
}

/// In each state that a node enters, whichever it leaves; not while it stays in one.
#[test]
fn a_node_that_changes_its_state() {
    let due = |state| match state {
        State::Pending => 3000,
        State::Live => 2000,
        State::Condemned => 1100,
        State::Recycled | State::Deleting => 1000,
    };
    for new in STATES {
        assert_eq!(when(None, Some(manifest("a", new, 1))), Some(due(new)), "made {new:?}");
        for old in STATES {
            let expected = (old != new).then(|| due(new));
            let changed = when(Some(manifest("a", old, 1)), Some(manifest("a", new, 1)));
            assert_eq!(changed, expected, "{old:?} to {new:?}");
            let taken_over = when(Some(manifest("a", old, 1)), Some(manifest("a", new, 2)));
            assert_eq!(taken_over, Some(due(new)), "{old:?} to {new:?} of another life");
        }
        assert_eq!(when(Some(manifest("a", new, 1)), None), None, "gone from {new:?}");
    }
}

/// What was held is looked at after the grace.
#[test]
fn a_hold_that_goes() {
    let (app, here, holder) = (repository(), digest("here"), digest("holder"));
    let tag = "v1".parse().expect("a tag");
    let holds = [
        (
            Key::held_by_tag(&app, &here, &tag, Version(Nonce(1))),
            Reviewed::Manifest(app.clone(), here.clone()),
        ),
        (
            Key::held_by_index(&app, &here, &holder, incarnation(1)),
            Reviewed::Manifest(app.clone(), here.clone()),
        ),
        (Key::held_by_policy(&app, &here, incarnation(1)), Reviewed::Manifest(app.clone(), here.clone())),
        (
            Key::held_by_manifest(&app, &here, &holder, incarnation(1)),
            Reviewed::Grant(app.clone(), here.clone()),
        ),
        (Key::held_by_grant(&app, &here, incarnation(1)), Reviewed::Content(here.clone())),
    ];
    for (key, of) in holds {
        let hold = Item::once(key, Fact::Hold);
        assert_eq!(asked(Some(hold.clone()), None), [Review { due: Timestamp(1100), of }]);
        assert_eq!(asked(None, Some(hold)), [], "a hold that comes asks for nothing");
    }
    let was_held = Item::once(Key::was_held(&app, &here), Fact::WasHeld);
    assert_eq!(asked(Some(was_held), None), []);
}

#[test]
fn an_object_in_the_trash() {
    let object = ObjectKey::upload(Nonce(1));
    let item = |deleted| {
        let record = TrashRecord { since: NOW, parts_id: None, deleted };
        Item::once(Key::trash(&object), Fact::Trash(record))
    };
    let of = Reviewed::Object(object.clone());
    assert_eq!(asked(None, Some(item(false))), [Review { due: Timestamp(1010), of: of.clone() }]);
    assert_eq!(asked(Some(item(false)), Some(item(true))), [Review { due: Timestamp(1030), of }]);
    assert_eq!(asked(Some(item(true)), None), []);
}

/// When its token is out of date, and a request that came with it has had the grace.
#[test]
fn an_upload() {
    let item = |version| {
        let session =
            SessionRecord { repository: repository(), expires: Timestamp(5000), progress: Progress::Closed };
        Item::at(Key::upload(Nonce(1)), Version(Nonce(version)), Fact::Session(session))
    };
    assert_eq!(asked(None, Some(item(1))), [Review { due: Timestamp(5100), of: Reviewed::Upload(Nonce(1)) }]);
    assert_eq!(asked(Some(item(1)), Some(item(2))), [], "it is asked for already");
}

/// Only when it begins to recycle: all manifests of the repository.
#[test]
fn a_policy() {
    let item = |untagged| {
        let policy = Policy { untagged, ..Policy::default() };
        Item::at(Key::policy(&repository()), Version(Nonce(1)), Fact::Policy(policy))
    };
    let (keep, recycle) = (item(Untagged::Keep), item(Untagged::Recycle { after_ms: 1 }));
    let all = [Review { due: NOW, of: Reviewed::Repository(repository()) }];
    assert_eq!(asked(Some(keep.clone()), Some(recycle.clone())), all);
    assert_eq!(asked(None, Some(recycle.clone())), all);
    assert_eq!(asked(Some(recycle.clone()), Some(recycle.clone())), []);
    assert_eq!(asked(Some(recycle), Some(keep.clone())), []);
    assert_eq!(asked(None, Some(keep)), []);
}
