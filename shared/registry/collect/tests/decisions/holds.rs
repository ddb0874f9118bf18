//! Whether a hold is real.

use moorage_collector::real::{Held, is_held_by_subject, is_real};
use moorage_ports::facts::{ManifestRecord, Subject, TagRecord};
use moorage_ports::{Fact, Holder, Item, Key, Nonce, Version};

use super::*;

fn held(digest: &Digest, state: State) -> Held<'_> {
    Held { digest, state: Some(state), incarnation: Some(incarnation(1)), policy_keeps: true }
}

/// An index, a manifest or a grant holds for as long as this life of it is not on its way out.
#[test]
fn of_a_node() {
    let (child, index) = (digest("child"), digest("index"));
    let holders = [
        Holder::Index(index.clone(), incarnation(7)),
        Holder::Manifest(repository(), index, incarnation(7)),
        Holder::Grant(repository(), incarnation(7)),
    ];
    for holder in holders {
        for state in STATES {
            let this_life = manifest("index", state, 7);
            let real = is_real(&holder, held(&child, State::Live), Some(&this_life));
            assert_eq!(real, state != State::Deleting, "{holder:?} {state:?}");
            let another_life = manifest("index", state, 8);
            assert!(
                !is_real(&holder, held(&child, State::Live), Some(&another_life)),
                "{holder:?} {state:?}"
            );
        }
        assert!(!is_real(&holder, held(&child, State::Live), None), "{holder:?}");
    }
}

/// At exactly the version that points here; none holds what is in the bin.
#[test]
fn of_a_tag() {
    let (here, elsewhere) = (digest("here"), digest("elsewhere"));
    let tag = |target: &Digest, version: u128| {
        let record = TagRecord { digest: target.clone(), media_type: String::new(), size: 1, since: None };
        let key = Key::tag(&repository(), &"v1".parse().expect("a tag"));
        Item::at(key, Version(Nonce(version)), Fact::Tag(record))
    };
    let holder = Holder::Tag("v1".parse().expect("a tag"), Version(Nonce(7)));
    let is = |state, record: Option<&Item>| is_real(&holder, held(&here, state), record);
    assert!(is(State::Live, Some(&tag(&here, 7))));
    assert!(is(State::Condemned, Some(&tag(&here, 7))));
    assert!(!is(State::Recycled, Some(&tag(&here, 7))));
    assert!(!is(State::Live, Some(&tag(&here, 8))), "it moved away and came back");
    assert!(!is(State::Live, Some(&tag(&elsewhere, 7))));
    assert!(!is(State::Live, None));
}

#[test]
fn of_the_policy() {
    let here = digest("here");
    let kept = |life| Holder::Kept(incarnation(life));
    assert!(is_real(&kept(1), held(&here, State::Live), None));
    assert!(!is_real(&kept(2), held(&here, State::Live), None), "of an earlier life");
    assert!(!is_real(&kept(1), held(&here, State::Recycled), None));
    let no_more = Held { policy_keeps: false, ..held(&here, State::Live) };
    assert!(!is_real(&kept(1), no_more, None));
    let absent = Held { state: None, incarnation: None, ..held(&here, State::Live) };
    assert!(!is_real(&kept(1), absent, None));
}

/// While its record is there and not on its way out; a referrer in the bin is held by nothing but an index.
#[test]
fn of_a_subject() {
    for state in STATES {
        let Fact::Manifest(record) = manifest("referrer", State::Live, 1).fact else { panic!("a manifest") };
        let subject = Subject { digest: digest("subject"), artifact_type: String::new(), was_there: true };
        let mut referrer = ManifestRecord { subject: Some(subject), ..record };
        let there = manifest("subject", state, 5);
        assert_eq!(is_held_by_subject(&referrer, Some(&there)), state != State::Deleting, "{state:?}");
        referrer.node.state = State::Recycled;
        assert!(!is_held_by_subject(&referrer, Some(&there)), "{state:?}");
        assert!(!is_held_by_subject(&referrer, None));
    }
}
