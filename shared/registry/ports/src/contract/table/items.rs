//! What goes in comes out, at once.

use std::collections::BTreeMap;

use bytes::Bytes;
use moorage_oci::{Algorithm, Descriptor, Digest, Hasher};

use super::TableFixture;
use crate::blobs::Durability::{BeforeNext, OnAnswer};
use crate::blobs::{Part, PartsId};
use crate::contract::corner::{self, Corner, noise, nonce, version};
use crate::contract::expectation::{Answered, is_misuse};
use crate::events::{Event, Happened};
use crate::facts::{
    AllowedTypes, Enforcement, Fact, ImmutableTags, Item, ManifestRecord, OpenUpload, Policy, Progress,
    ReferrerRecord, RegistryPolicy, SearchedRecord, SessionRecord, State, Subject, TagEvent, TagHappening,
    Tail, TrashRecord, TypePolicy, TypeRecord, UnknownTypes, Untagged,
};
use crate::keys::{Key, Reviewed, SearchPlace, SearchScope, SearchTerm, SortRange, TagMoment, TypesOf};
use crate::limits::{INLINE_BODY_BYTES_MAX, ITEM_BYTES_MAX};
use crate::object_keys::ObjectKey;
use crate::table::{Action, Cursor, Expect, Query, ReadTable, WriteTable, Written};
use crate::value::{Incarnation, Timestamp};

pub async fn a_read_sees_each_write_answered_before<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let all = Query { range: corner.tags(), limit: 10 };
    for size in 1..20 {
        let item = corner.tag("v1", size);
        let durability = if size % 2 == 0 { OnAnswer } else { BeforeNext };
        table.put(item.clone(), Expect::Anything, durability).await.answered();
        assert_eq!(table.get(&item.key).await.answered().as_ref(), Some(&item));
        let keys = [item.key.clone()];
        assert_eq!(table.batch_get(&keys).await.answered(), [Some(item.clone())]);
        assert_eq!(table.query(&all).await.answered().items, [item]);
        assert_eq!(table.query_keys(&all).await.answered().items, keys);

        table.delete(&keys[0], Expect::Anything, durability).await.answered();
        assert_eq!(table.get(&keys[0]).await.answered(), None);
        assert_eq!(table.batch_get(&keys).await.answered(), [None]);
        assert_eq!(table.query(&all).await.answered().items, []);
        assert_eq!(table.query_keys(&all).await.answered().items, []);
    }
}

pub async fn every_kind_of_fact_comes_back_as_it_was<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    for item in every_kind_of_fact(&corner) {
        table.put(item.clone(), Expect::Anything, BeforeNext).await.answered();
        assert_eq!(table.get(&item.key).await.answered(), Some(item));
    }
}

/// Facts in all their variants, with what they may leave out left out once. The registry's own facts stand
/// under keys of the clause, so that they can't meet the real ones.
fn every_kind_of_fact(corner: &Corner) -> Vec<Item> {
    let (repository, digest, other) = (&corner.repository, &corner.digest, &corner.other_digest(1));
    let incarnation = Incarnation(nonce());
    let mut items = vec![
        Item::once(corner.tag_key("format"), Fact::Format { number: u32::MAX }),
        Item::once(corner.tag_key("secret"), Fact::UploadSecret { key: "00ff".to_owned() }),
        Item::once(Key::catalog(repository), Fact::Catalog),
        Item::at(
            Key::policy(repository),
            version(),
            Fact::Policy(Policy { in_catalog: true, ..Policy::default() }),
        ),
        corner.tag("v1", u64::MAX),
        corner.listed(1),
        corner.body(Bytes::from_static(b"{}")),
        corner.hold(1),
        Item::once(Key::was_held(repository, digest), Fact::WasHeld),
        Item::once(
            Key::remote_in(repository, digest, other, incarnation),
            Fact::RemoteIn { urls: vec!["https://example.org/\"%\u{1f980}".to_owned(), String::new()] },
        ),
        Item::once(Key::was_tagged(repository, digest, Timestamp(1), &corner::tag("v1")), Fact::WasTagged),
        Item::once(Key::referrer(repository, digest, "", other), Fact::Referrer(full_referrer(other))),
        Item::once(
            Key::referrer(repository, digest, "too/long", other),
            Fact::Referrer(ReferrerRecord { digest: other.clone(), descriptor: None }),
        ),
    ];
    for state in [State::Pending, State::Live, State::Condemned, State::Recycled, State::Deleting] {
        items.extend([
            corner.manifest(state),
            corner.grant(state),
            corner.content(state),
            full_manifest(corner, state),
        ]);
    }
    items.extend(of_the_collector(corner));
    items.extend(of_types(corner));
    items.extend(of_search(corner));
    items.extend(events(corner));
    let id = nonce();
    let closing = Progress::Closing { upload: open_upload(), digest: other.clone() };
    for progress in [Progress::Closed, Progress::Open(open_upload()), closing] {
        let session =
            SessionRecord { repository: repository.clone(), expires: Timestamp(u64::MAX), progress };
        items.push(Item::at(Key::upload(id), version(), Fact::Session(session)));
    }
    for parts_id in [None, Some(PartsId("an id/with+signs=".to_owned()))] {
        let deleted = parts_id.is_some();
        let trash = TrashRecord { since: Timestamp(0), parts_id, deleted };
        items.push(Item::once(Key::trash(&corner.object()), Fact::Trash(trash)));
    }
    items
}

fn of_the_collector(corner: &Corner) -> [Item; 5] {
    let (repository, digest) = (&corner.repository, &corner.digest);
    let recycles = Policy {
        in_catalog: false,
        untagged: Untagged::Recycle { after_ms: u64::MAX },
        immutable_tags: Some(ImmutableTags { except: vec!["nightly-*".to_owned()] }),
        types: strict(),
        definitions: Some(version()),
    };
    let review = Key::review(Timestamp(7), &Reviewed::Manifest(repository.clone(), digest.clone()));
    let place = Fact::FeedPlace { cursor: Cursor("{\"a\": 1}".to_owned()) };
    let moment = TagMoment { pointed_at: Timestamp(7), version: version(), happened: TagHappening::Deleted };
    let event = TagEvent {
        happened: moment.happened,
        at: Timestamp(8),
        digest: digest.clone(),
        media_type: "a/b".to_owned(),
        size: u64::MAX,
    };
    let history = Key::tag_history(repository, &corner::tag("v1"), &moment);
    [
        Item::once(history, Fact::TagHistory(event)),
        Item::at(Key::policy(repository), version(), Fact::Policy(recycles)),
        Item::at(review, version(), Fact::Review),
        Item::once(Key::recycled(repository, Timestamp(7), digest), Fact::Recycled),
        Item::once(corner.tag_key("place"), place),
    ]
}

fn strict() -> TypePolicy {
    TypePolicy {
        allowed: Some(AllowedTypes::Only(vec!["application/vnd.example.*".to_owned()])),
        unknown: Some(UnknownTypes::Deny),
        rules: Some(Enforcement::Enforce),
        config: Some(Enforcement::Warn),
    }
}

fn of_types(corner: &Corner) -> [Item; 4] {
    let of = TypesOf::Repository(&corner.repository);
    let artifact_type = "application/vnd.example+json";
    let record = TypeRecord {
        artifact_type: artifact_type.to_owned(),
        definition_version: "1.0.0".to_owned(),
        since: Timestamp(7),
        definition: "{\"a\": \"\u{1f980}\"}".to_owned(),
    };
    let policy =
        RegistryPolicy { types: strict(), types_off: vec!["*".to_owned()], definitions: Some(version()) };
    [
        Item::at(corner.tag_key("registry-policy"), version(), Fact::RegistryPolicy(policy)),
        Item::at(corner.tag_key("silent"), version(), Fact::RegistryPolicy(RegistryPolicy::default())),
        Item::once(Key::type_definition(of, artifact_type), Fact::Type(record.clone())),
        Item::once(Key::type_version(of, artifact_type, "1.0.0"), Fact::Type(record)),
    ]
}

fn of_search(corner: &Corner) -> [Item; 4] {
    let (repository, digest) = (&corner.repository, &corner.digest);
    let place = SearchPlace { pushed: Timestamp(7), repository: repository.clone(), digest: digest.clone() };
    let terms = vec![
        SearchTerm::all(),
        SearchTerm::annotation("\u{1f980}", "a#b=\"c\""),
        SearchTerm::artifact_type("\0"),
    ];
    let bare = SearchedRecord {
        incarnation: Incarnation(nonce()),
        pushed: place.pushed,
        media_type: "a/b".to_owned(),
        size: u64::MAX,
        artifact_type: None,
        platforms: Vec::new(),
        annotations: BTreeMap::new(),
        labels: BTreeMap::new(),
        left_out: false,
        terms: Vec::new(),
    };
    let texts = BTreeMap::from([
        ("org.example/\u{e9}".to_owned(), "line\nbreak \" \\ \u{0} \u{1f980}".to_owned()),
        (" ".to_owned(), String::new()),
    ]);
    let full = SearchedRecord {
        artifact_type: Some("c/d".to_owned()),
        platforms: vec!["linux/arm/v7".to_owned(), "linux/amd64".to_owned()],
        annotations: texts.clone(),
        labels: texts,
        left_out: true,
        terms: terms.clone(),
        ..bare.clone()
    };
    let entry =
        |scope, term: &SearchTerm| Item::once(Key::search_entry(scope, term, &place), Fact::SearchEntry);
    let said = |searched| Item::at(Key::searched(repository, digest), version(), Fact::Searched(searched));
    [
        entry(SearchScope::Repository(repository), &terms[1]),
        entry(SearchScope::shard_of(repository, digest), &terms[2]),
        said(bare),
        said(full),
    ]
}

fn events(corner: &Corner) -> [Item; 2] {
    let bare = Event {
        id: format!("{}@{}#{}#pushed", corner.repository, corner.digest, nonce()),
        happened: Happened::Pushed,
        at: Timestamp(7),
        repository: corner.repository.clone(),
        digest: corner.digest.clone(),
        media_type: "a/b".to_owned(),
        size: u64::MAX,
        artifact_type: None,
        subject: None,
        tag: None,
    };
    let full = Event {
        id: format!("{}:v1#{}#untagged", corner.repository, nonce()),
        happened: Happened::Untagged,
        artifact_type: Some("c/d \u{1f980}".to_owned()),
        subject: Some(corner.other_digest(1)),
        tag: Some(corner::tag("v1")),
        ..bare.clone()
    };
    [bare, full].map(|event| Item::once(Key::event(&event), Fact::Event(event)))
}

fn full_manifest(corner: &Corner, state: State) -> Item {
    let mut item = corner.manifest(state);
    if let Fact::Manifest(ManifestRecord {
        node,
        object,
        subject,
        recycled,
        unheld,
        artifact_type,
        pushed,
        ..
    }) = &mut item.fact
    {
        node.from_bin = true;
        node.deadline = Some(Timestamp(7));
        (*recycled, *unheld, *pushed) = (Some(Timestamp(8)), Some(Timestamp(9)), Some(Timestamp(6)));
        *object = Some(corner.object());
        *artifact_type = Some("application/vnd.example+json".to_owned());
        let artifact_type = "application/vnd.example+json".to_owned();
        *subject = Some(Subject { digest: corner.other_digest(2), artifact_type, was_there: true });
    }
    item
}

fn full_referrer(referrer: &Digest) -> ReferrerRecord {
    let mut descriptor = Descriptor::new("a/b", referrer.clone(), u64::MAX);
    descriptor.artifact_type = Some(String::new());
    descriptor.annotations = BTreeMap::from([
        (String::new(), String::new()),
        ("org.example/\u{e9}".to_owned(), "line\nbreak \" \\ \u{0} \u{1f980}".to_owned()),
    ]);
    descriptor.urls = vec!["https://example.org/?a=1&b=#c".to_owned()];
    let platform = r#"{"os": "linux", "features": [1, null, {"a": 1.5}]}"#;
    descriptor.platform = Some(serde_json::from_str(platform).expect("it is JSON"));
    descriptor.data = Some("e30=".to_owned());
    ReferrerRecord { digest: referrer.clone(), descriptor: Some(descriptor) }
}

fn open_upload() -> OpenUpload {
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(b"the bytes so far");
    let part = |number| Part { number, size: 5 << 20, tag: format!("\"{number}-tag/\"") };
    OpenUpload {
        object: ObjectKey::upload(nonce()),
        parts_id: Some(PartsId("id".to_owned())),
        parts: (1..=3).map(part).collect(),
        tail: Some(Tail { object: ObjectKey::tail(nonce()), size: 4 << 20 }),
        received: 16,
        hash: hasher.save(),
    }
}

pub async fn a_body_keeps_every_byte<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let every_byte: Bytes = (0..=u8::MAX).chain((0..=u8::MAX).rev()).collect();
    for bytes in
        [Bytes::new(), every_byte, Bytes::from_static(b"\xef\xbb\xbf{\"not\": \"ours to read\"}\r\n")]
    {
        let body = corner.body(bytes);
        table.put(body.clone(), Expect::Anything, BeforeNext).await.answered();
        assert_eq!(table.get(&body.key).await.answered(), Some(body));
    }
}

/// The longest name, digests and tag there are: each of these is a key like any other.
pub async fn the_longest_keys_are_keys<F: TableFixture>(fixture: &F) {
    let table = fixture.store();
    let unique = nonce().to_string();
    let repository = corner::repository(&format!("{unique}{}", "/a-very-long-name".repeat(13)));
    let one_part = corner::repository(&format!("{unique}{}", "n".repeat(255 - unique.len())));
    let tag = corner::tag(&"t".repeat(moorage_oci::TAG_LENGTH_MAX));
    let digests =
        ["held", "holder"].map(|d| Digest::of(Algorithm::Sha512, format!("{unique} {d}").as_bytes()));
    let [held, holder] = &digests;
    let incarnation = Incarnation(nonce());
    let longest_type = "application/".to_owned() + &"x".repeat(243);
    let longest_term = SearchTerm::annotation("n", &"x".repeat(253));
    for repository in [&repository, &one_part] {
        let object = ObjectKey::manifest(held, repository, incarnation);
        let place =
            SearchPlace { pushed: Timestamp(7), repository: repository.clone(), digest: held.clone() };
        let keys = [
            Key::catalog(repository),
            Key::tag(repository, &tag),
            Key::listed(repository, held),
            Key::manifest(repository, held),
            Key::held_by_tag(repository, held, &tag, version()),
            Key::held_by_index(repository, held, holder, incarnation),
            Key::remote_in(repository, held, holder, incarnation),
            Key::referrer(repository, held, &longest_type, holder),
            Key::grant(repository, held),
            Key::held_by_manifest(repository, held, holder, incarnation),
            Key::held_by_grant(repository, held, incarnation),
            Key::trash(&object),
            Key::searched(repository, held),
            Key::search_entry(SearchScope::Repository(repository), &longest_term, &place),
        ];
        for key in &keys {
            let item = Item::once(key.clone(), Fact::Hold);
            assert_eq!(table.put(item.clone(), Expect::Absent, BeforeNext).await.answered(), Written::Done);
            assert_eq!(table.get(key).await.answered(), Some(item));
        }
        let all = table.batch_get(&keys).await.answered();
        assert!(all.iter().all(Option::is_some), "{all:?}");
        let holds = Query { range: SortRange::holds_of_manifest(repository, held), limit: 10 };
        assert_eq!(table.query_keys(&holds).await.answered().items.len(), 2);
    }
}

pub async fn a_key_may_contain_what_an_artifact_type_contains<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let types = [
        "",
        "application/vnd.example.sbom.v1+json",
        "no slash",
        "with#hash",
        "with#hash#hash",
        "a/b; q=\"1\", '*' % \\ ?",
        "\u{e9}\u{4e16}\u{754c}\u{1f980}",
        "line\nbreak\ttab\u{7f}\u{1}",
        &"long/".repeat(100),
    ];
    for (number, artifact_type) in types.iter().enumerate() {
        let item = corner.referrer(artifact_type, number);
        assert_eq!(table.put(item.clone(), Expect::Absent, BeforeNext).await.answered(), Written::Done);
        assert_eq!(table.get(&item.key).await.answered().as_ref(), Some(&item));
        let range = SortRange::referrers(&corner.repository, &corner.digest, Some(artifact_type));
        assert_eq!(table.query(&Query { range, limit: 10 }).await.answered().items, [item]);
    }
    let range = SortRange::referrers(&corner.repository, &corner.digest, None);
    assert_eq!(table.query_keys(&Query { range, limit: 100 }).await.answered().items.len(), types.len());
}

pub async fn a_long_item_is_stored_whole<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let body = corner.body(noise(INLINE_BODY_BYTES_MAX));
    table.put(body.clone(), Expect::Absent, OnAnswer).await.answered();
    assert_eq!(table.get(&body.key).await.answered().as_ref(), Some(&body));

    let longer = corner.body(noise(ITEM_BYTES_MAX - 4096));
    let together = vec![
        Action::Put(longer.clone(), Expect::Anything),
        Action::Put(corner.manifest(State::Pending), Expect::Absent),
    ];
    table.transact(together).await.answered();
    assert_eq!(table.get(&body.key).await.answered(), Some(longer));
}

/// What one backend cannot store, no adapter may.
pub async fn a_too_long_item_is_turned_away<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let body = corner.body(Bytes::from(vec![0; ITEM_BYTES_MAX + 1]));
    let put = Action::Put(body.clone(), Expect::Anything);
    is_misuse(&table.put(body.clone(), Expect::Anything, OnAnswer).await);
    is_misuse(&table.batch_write(vec![put.clone()]).await);
    is_misuse(&table.transact(vec![put]).await);
    assert_eq!(table.get(&body.key).await.answered(), None);
}
