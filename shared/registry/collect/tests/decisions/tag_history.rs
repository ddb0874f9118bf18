//! What a change adds to the history of a tag.

use moorage_collector::tag_history;
use moorage_ports::facts::{TagEvent, TagHappening, TagRecord};
use moorage_ports::{Change, Fact, Item, Key, Nonce, TagMoment, Timestamp, Version};

use super::*;

const NOW: Timestamp = Timestamp(9000);

/// `v1`, pointing to `name` since some time, at a version.
fn tag(name: &str, since: Option<u64>, version: u128) -> Item {
    let since = since.map(Timestamp);
    let record = TagRecord { digest: digest(name), media_type: "a/b".to_owned(), size: 7, since };
    let key = Key::tag(&repository(), &"v1".parse().expect("a tag"));
    Item::at(key, Version(Nonce(version)), Fact::Tag(record))
}

fn line(old: Option<Item>, new: Option<Item>, at: Option<u64>) -> Option<Item> {
    let key = old.as_ref().or(new.as_ref()).expect("one of the two").key.clone();
    tag_history(&Change { key, old, new, at: at.map(Timestamp) }, NOW)
}

/// What happened with `name` at some time; as the key has it, since `pointed_at`, at a version.
fn expected(happened: TagHappening, name: &str, at: u64, pointed_at: u64, version: u128) -> Option<Item> {
    let moment = TagMoment { pointed_at: Timestamp(pointed_at), version: Version(Nonce(version)), happened };
    let key = Key::tag_history(&repository(), &"v1".parse().expect("a tag"), &moment);
    let event =
        TagEvent { happened, at: Timestamp(at), digest: digest(name), media_type: "a/b".to_owned(), size: 7 };
    Some(Item::once(key, Fact::TagHistory(event)))
}

/// The feed's time says nothing that the tag does not know better.
#[test]
fn a_tag_that_is_made_or_moved() {
    let pointed = expected(TagHappening::Pointed, "b", 2000, 2000, 2);
    assert_eq!(line(None, Some(tag("b", Some(2000), 2)), Some(5000)), pointed);
    assert_eq!(line(Some(tag("a", Some(1000), 1)), Some(tag("b", Some(2000), 2)), None), pointed);
}

/// When the feed says, and not before it was made; else when it is read of.
#[test]
fn a_tag_that_is_deleted() {
    let deleted = |since, at| line(Some(tag("a", since, 1)), None, at);
    let expected = |at, pointed_at| expected(TagHappening::Deleted, "a", at, pointed_at, 1);
    assert_eq!(deleted(Some(1500), Some(3000)), expected(3000, 1500));
    assert_eq!(deleted(Some(1500), Some(1000)), expected(1500, 1500));
    assert_eq!(deleted(Some(1500), None), expected(9000, 1500));
}

/// Nobody knows since when it pointed there; what follows is newer.
#[test]
fn a_tag_of_an_older_version() {
    assert_eq!(line(None, Some(tag("a", None, 1)), Some(3000)), None);
    let deleted = line(Some(tag("a", None, 1)), None, Some(3000));
    assert_eq!(deleted, expected(TagHappening::Deleted, "a", 3000, 0, 1));
}

#[test]
fn what_is_no_tag() {
    let manifest = manifest("a", State::Live, 1);
    assert_eq!(line(None, Some(manifest.clone()), None), None);
    assert_eq!(line(Some(manifest), None, None), None);
    let line_of_it = expected(TagHappening::Pointed, "a", 1, 1, 1);
    assert_eq!(line(None, line_of_it.clone(), None), None);
    assert_eq!(line(line_of_it, None, None), None);
}
