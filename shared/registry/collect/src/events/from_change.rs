//! The event that a change of the table is.

use moorage_ports::facts::{ManifestRecord, Node, State, TagRecord};
use moorage_ports::{Change, Event, Fact, Happened, Item, Reviewed, Timestamp};

/// Bytes of a media type or an artifact type in an event: no registered one is as long (RFC 6838: 255). What is longer
/// is cut off, so that an event always fits an item, and what its receivers take.
const TYPE_BYTES_MAX: usize = 1024;

/// The event that a change of the table is, if it is one. `now` is its time where the change does not say its own.
///
/// Its id follows from what happened. A manifest is pushed and collected once in each life, and the id has the
/// incarnation; it can be deleted and restored several times, and the id has the version of the record too. An event
/// of a tag has the version that was put, or deleted.
#[must_use]
pub fn event(change: &Change, now: Timestamp) -> Option<Event> {
    let told = change.at.unwrap_or(now);
    let item = change.new.as_ref().or(change.old.as_ref())?;
    match &item.fact {
        Fact::Manifest(record) => of_manifest(change, item, record, told),
        Fact::Tag(tag) => of_tag(change, item, tag, told),
        _ => None,
    }
}

/// `record` is that of `item`: as it is now, or as it was last.
fn of_manifest(change: &Change, item: &Item, record: &ManifestRecord, told: Timestamp) -> Option<Event> {
    let Some(Reviewed::Manifest(repository, digest)) = item.key.reviewed() else { return None };
    let node = |item: &'_ Option<Item>| item.as_ref().and_then(|item| item.fact.node().cloned());
    // What became of an earlier life was told before.
    let was = node(&change.old).filter(|was| was.incarnation == record.node.incarnation);
    let happened = transition(was.as_ref(), node(&change.new).as_ref())?;
    let life = format!("{repository}@{digest}#{}", record.node.incarnation.0);
    let in_bin_since = record_of(change.old.as_ref()).and_then(|was| was.recycled).unwrap_or_default();
    // The feed's clock is another one, and may show whole seconds only: the record knows better.
    let (id, at) = match happened {
        Happened::Deleted => {
            let id = format!("{life}#deleted#{}", item.version?.0);
            (id, record.recycled.unwrap_or(told))
        }
        Happened::Restored => (format!("{life}#restored#{}", item.version?.0), told.max(in_bin_since)),
        Happened::Collected => (format!("{life}#collected"), told.max(in_bin_since)),
        Happened::Pushed | Happened::Tagged | Happened::Untagged => {
            (format!("{life}#pushed"), record.pushed.unwrap_or(told))
        }
    };
    Some(Event {
        id,
        happened,
        at,
        repository,
        digest,
        media_type: bounded(&record.media_type),
        size: record.size,
        artifact_type: record.artifact_type.as_deref().map(bounded),
        subject: record.subject.as_ref().map(|subject| subject.digest.clone()),
        tag: None,
    })
}

/// What happened to a manifest within one life, `None` standing for no record.
fn transition(was: Option<&Node>, is: Option<&Node>) -> Option<Happened> {
    let was_there = was.is_some_and(|was| was.state.is_readable());
    // On its way out of the bin it falls back into it.
    let was_in_bin = was.is_some_and(|was| was.state == State::Recycled || was.from_bin);
    match is.map(|is| is.state) {
        Some(State::Live | State::Condemned) => match (was_there, was_in_bin) {
            (true, _) => None,
            (false, true) => Some(Happened::Restored),
            (false, false) => Some(Happened::Pushed),
        },
        Some(State::Recycled) => was_there.then_some(Happened::Deleted),
        Some(State::Pending) => None,
        // What never was there, and is given up, is nobody's loss.
        Some(State::Deleting) | None => (was_there || was_in_bin).then_some(Happened::Collected),
    }
}

fn of_tag(change: &Change, item: &Item, tag: &TagRecord, told: Timestamp) -> Option<Event> {
    let (repository, name) = (item.key.repository()?, item.key.tag_name()?.parse().ok()?);
    let version = item.version?;
    let (happened, at, word) = match (&change.old, &change.new) {
        (Some(old), Some(new)) if old.version == new.version => return None,
        (_, Some(_)) => (Happened::Tagged, tag.since.unwrap_or(told), "tagged"),
        (_, None) => (Happened::Untagged, told.max(tag.since.unwrap_or_default()), "untagged"),
    };
    Some(Event {
        id: format!("{repository}:{name}#{}#{word}", version.0),
        happened,
        at,
        repository,
        digest: tag.digest.clone(),
        media_type: bounded(&tag.media_type),
        size: tag.size,
        artifact_type: None,
        subject: None,
        tag: Some(name),
    })
}

fn record_of(item: Option<&Item>) -> Option<&ManifestRecord> {
    match &item?.fact {
        Fact::Manifest(record) => Some(record),
        _ => None,
    }
}

fn bounded(text: &str) -> String {
    let fits = |(at, c): &(usize, char)| at + c.len_utf8() <= TYPE_BYTES_MAX;
    text.char_indices().take_while(fits).map(|(_, c)| c).collect()
}
