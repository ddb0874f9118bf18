//! The event that a change is.

use moorage_collector::event;
use moorage_ports::facts::{Subject, TagRecord};
use moorage_ports::{Change, Event, Happened};

use super::*;

/// When the change is read; the feed says that it was made at 5000.
const NOW: Timestamp = Timestamp(9000);
const PUSHED: u64 = 1000;
const RECYCLED: u64 = 2000;

/// A manifest's record in each state, and whether it is on its way out of the bin.
const RECORDS: [Option<(State, bool)>; 7] = [
    None,
    Some((State::Pending, false)),
    Some((State::Pending, true)),
    Some((State::Live, false)),
    Some((State::Condemned, false)),
    Some((State::Recycled, false)),
    Some((State::Deleting, false)),
];

fn record(state: State, from_bin: bool, life: u128, version: u128) -> Item {
    let mut item = manifest("a", state, life);
    item.version = Some(Version(Nonce(version)));
    let Fact::Manifest(record) = &mut item.fact else { unreachable!("it is a manifest") };
    record.node.from_bin = from_bin;
    record.pushed = (from_bin || state != State::Pending).then_some(Timestamp(PUSHED));
    let in_bin = from_bin || matches!(state, State::Recycled | State::Deleting);
    record.recycled = in_bin.then_some(Timestamp(RECYCLED));
    item
}

fn told(old: Option<Item>, new: Option<Item>, at: Option<u64>) -> Option<Event> {
    let key = old.as_ref().or(new.as_ref()).expect("one of the two").key.clone();
    event(&Change { key, old, new, at: at.map(Timestamp) }, NOW)
}

/// What happened, from each record to each: of one life, and of another that follows it.
fn table(next_life: u128) -> String {
    let mut lines = String::new();
    for old in RECORDS {
        let name = |record: Option<(State, bool)>| match record {
            None => "absent".to_owned(),
            Some((state, true)) => format!("{state:?} from bin"),
            Some((state, false)) => format!("{state:?}"),
        };
        lines += &format!("{}:", name(old));
        for new in RECORDS.into_iter().filter(|new| old.is_some() || new.is_some()) {
            let old = old.map(|(state, from_bin)| record(state, from_bin, 1, 1));
            let of_new = new.map(|(state, from_bin)| record(state, from_bin, next_life, 2));
            if let Some(event) = told(old, of_new, Some(5000)) {
                lines += &format!(" {} -> {:?};", name(new), event.happened);
            }
        }
        lines += "\n";
    }
    lines
}

#[test]
fn every_change_of_a_manifest_in_one_life() {
    let expected = "\
absent: Live -> Pushed; Condemned -> Pushed;
Pending: Live -> Pushed; Condemned -> Pushed;
Pending from bin: absent -> Collected; Live -> Restored; Condemned -> Restored; Deleting -> Collected;
Live: absent -> Collected; Recycled -> Deleted; Deleting -> Collected;
Condemned: absent -> Collected; Recycled -> Deleted; Deleting -> Collected;
Recycled: absent -> Collected; Live -> Restored; Condemned -> Restored; Deleting -> Collected;
Deleting: Live -> Pushed; Condemned -> Pushed;
";
    assert_eq!(table(1), expected);
}

/// What became of the life before is another change, which was told.
#[test]
fn a_manifest_that_is_there_in_another_life_was_pushed() {
    for line in table(2).lines() {
        let (old, events) = line.split_once(':').expect("a line");
        let gone =
            if matches!(old, "absent" | "Pending" | "Deleting") { "" } else { " absent -> Collected;" };
        assert_eq!(events, format!("{gone} Live -> Pushed; Condemned -> Pushed;"), "{old}");
    }
}

/// Once in a life, or with the version that made it so; at the time that the record has, else that of the feed, else now.
#[test]
fn ids_and_times() {
    let name = format!("app@{}", digest("a"));
    let nonce = |number: u128| format!("{number:032x}");
    let (live, pending) = (|| record(State::Live, false, 7, 8), || record(State::Pending, true, 7, 8));
    let recycled = |version| record(State::Recycled, false, 7, version);
    let deleting = record(State::Deleting, false, 7, 9);
    let life = format!("{name}#{}", nonce(7));
    let cases = [
        (told(Some(record(State::Pending, false, 7, 1)), Some(live()), Some(5000)), "#pushed", PUSHED),
        (told(Some(live()), Some(recycled(9)), Some(5000)), "#deleted#09", RECYCLED),
        (told(Some(pending()), Some(live()), Some(5000)), "#restored#08", 5000),
        (told(Some(pending()), Some(live()), Some(1)), "#restored#08", RECYCLED),
        (told(Some(pending()), Some(live()), None), "#restored#08", NOW.0),
        (told(Some(recycled(8)), Some(deleting), Some(5000)), "#collected", 5000),
        (told(Some(recycled(8)), None, None), "#collected", NOW.0),
    ];
    for (event, ending, at) in cases {
        let event = event.expect("an event");
        let (word, version) = ending[1..].split_once('#').unwrap_or((&ending[1..], ""));
        let version = if version.is_empty() { String::new() } else { format!("#{version:0>32}") };
        assert_eq!((event.id, event.at.0), (format!("{life}#{word}{version}"), at));
    }
}

/// Deleted twice within a millisecond, it was deleted twice.
#[test]
fn no_two_things_have_one_id() {
    let deleted = |version| {
        let recycled = record(State::Recycled, false, 1, version);
        told(Some(record(State::Condemned, false, 1, 1)), Some(recycled), None).expect("an event").id
    };
    assert_ne!(deleted(2), deleted(3));
}

#[test]
fn what_an_event_says_of_a_manifest() {
    let mut live = record(State::Live, false, 1, 2);
    let Fact::Manifest(record) = &mut live.fact else { unreachable!("it is a manifest") };
    record.size = 7;
    record.artifact_type = Some("\u{e9}".repeat(1000));
    record.subject = Some(Subject { digest: digest("b"), artifact_type: String::new(), was_there: false });
    let event = told(None, Some(live), None).expect("an event");
    assert_eq!((event.repository, event.digest), (repository(), digest("a")));
    assert_eq!((event.subject, event.size, event.tag), (Some(digest("b")), 7, None));
    // Two bytes each, and never half of one.
    assert_eq!(event.artifact_type, Some("\u{e9}".repeat(512)));
}

/// `v1`, pointing to `name` since some time, at a version.
fn tag(name: &str, since: Option<u64>, version: u128) -> Item {
    let since = since.map(Timestamp);
    let record = TagRecord { digest: digest(name), media_type: "a/b".to_owned(), size: 7, since };
    let key = Key::tag(&repository(), &"v1".parse().expect("a tag"));
    Item::at(key, Version(Nonce(version)), Fact::Tag(record))
}

#[test]
fn every_change_of_a_tag() {
    use Happened::{Tagged, Untagged};
    let (a, b) = (|| Some(tag("a", Some(1500), 1)), || Some(tag("b", Some(2500), 2)));
    let old = || Some(tag("a", None, 1));
    let cases = [
        ("made", told(None, a(), Some(5000)), Tagged, "a", 1, 1500),
        ("moved", told(a(), b(), Some(5000)), Tagged, "b", 2, 2500),
        ("made by an older version", told(None, old(), Some(5000)), Tagged, "a", 1, 5000),
        ("made by an older version, told without a time", told(None, old(), None), Tagged, "a", 1, 9000),
        ("deleted", told(a(), None, Some(5000)), Untagged, "a", 1, 5000),
        ("deleted, by a clock that is behind", told(a(), None, Some(1000)), Untagged, "a", 1, 1500),
        ("deleted, told without a time", told(a(), None, None), Untagged, "a", 1, 9000),
    ];
    for (case, event, happened, name, version, at) in cases {
        let event = event.expect(case);
        let word = if happened == Tagged { "tagged" } else { "untagged" };
        assert_eq!(event.id, format!("app:v1#{version:032x}#{word}"), "{case}");
        assert_eq!((event.happened, event.digest, event.at.0), (happened, digest(name), at), "{case}");
        assert_eq!((event.tag.as_ref().map(ToString::to_string).as_deref(), event.size), (Some("v1"), 7));
    }
    // A write that changed nothing.
    assert_eq!(told(a(), a(), None), None);
}

#[test]
fn what_is_no_event() {
    let listed = Item::once(Key::listed(&repository(), &digest("a")), Fact::Listed);
    assert_eq!(told(None, Some(listed.clone()), None), None);
    assert_eq!(told(Some(listed), None, None), None);
    let event = told(None, Some(record(State::Live, false, 1, 1)), None).expect("an event");
    assert_eq!(told(None, Some(Item::once(Key::event(&event), Fact::Event(event))), None), None);
}
