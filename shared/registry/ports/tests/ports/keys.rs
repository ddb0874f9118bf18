//! The keys: what their docs show is what is built, the longest ones fit, and they are read back.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use moorage_oci::{Algorithm, Digest, NAME_LENGTH_MAX, RepositoryName, TAG_LENGTH_MAX, Tag};
use moorage_ports::facts::TagHappening;
use moorage_ports::limits::{OBJECT_KEY_BYTES_MAX, PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX};
use moorage_ports::{
    Event, Happened, Holder, Incarnation, Key, Nonce, ObjectKey, Reviewed, SearchPlace, SearchScope,
    SearchTerm, SortRange, TagMoment, Timestamp, TypesOf, Version,
};

/// The time in the docs' examples.
const TIME: Timestamp = Timestamp(1_764_158_400_000);

/// What keys are built of.
struct Parts {
    repository: RepositoryName,
    tag: Tag,
    digest: Digest,
    other: Digest,
    artifact_type: String,
    nonce: Nonce,
}

impl Parts {
    /// Those of the docs' examples.
    fn of_examples() -> Self {
        Self {
            repository: "library/app".parse().expect("it is a name"),
            tag: "v1".parse().expect("it is a tag"),
            digest: Digest::sha256(b"test"),
            other: format!("sha256:abcd{}", "0".repeat(60)).parse().expect("it is a digest"),
            artifact_type: "application/spdx+json".to_owned(),
            nonce: Nonce(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        }
    }

    /// The longest that each may be.
    fn longest() -> Self {
        Self {
            repository: "n".repeat(NAME_LENGTH_MAX).parse().expect("it is a name"),
            tag: "t".repeat(TAG_LENGTH_MAX).parse().expect("it is a tag"),
            digest: Digest::of(Algorithm::Sha512, b"test"),
            other: Digest::of(Algorithm::Sha512, b"other"),
            artifact_type: "\u{1f980}".repeat(63) + "abc",
            nonce: Nonce(u128::MAX),
        }
    }

    /// One key from each way to build one, by its name.
    fn keys(&self) -> BTreeMap<&'static str, Key> {
        let Self { repository, tag, digest, other, artifact_type, nonce } = self;
        let incarnation = Incarnation(*nonce);
        BTreeMap::from([
            ("format", Key::format()),
            ("upload_secret", Key::upload_secret()),
            ("catalog", Key::catalog(repository)),
            ("policy", Key::policy(repository)),
            ("tag", Key::tag(repository, tag)),
            ("registry_policy", Key::registry_policy()),
            ("type_definition", Key::type_definition(TypesOf::Registry, artifact_type)),
            ("type_version", Key::type_version(TypesOf::Registry, artifact_type, "1.0.0")),
            ("tag_history", Key::tag_history(repository, tag, &self.moment())),
            ("search_entry", Key::search_entry(self.shard(), &self.term(), &self.place())),
            ("searched", Key::searched(repository, digest)),
            ("event", Key::event(&self.event(nonce.to_string()))),
            ("listed", Key::listed(repository, digest)),
            ("manifest", Key::manifest(repository, digest)),
            ("body", Key::body(repository, digest)),
            ("held_by_tag", Key::held_by_tag(repository, digest, tag, Version(*nonce))),
            ("held_by_index", Key::held_by_index(repository, digest, other, incarnation)),
            ("held_by_policy", Key::held_by_policy(repository, digest, incarnation)),
            ("was_held", Key::was_held(repository, digest)),
            ("remote_in", Key::remote_in(repository, digest, other, incarnation)),
            ("was_tagged", Key::was_tagged(repository, digest, TIME, tag)),
            ("referrer", Key::referrer(repository, digest, artifact_type, other)),
            ("recycled", Key::recycled(repository, TIME, digest)),
            ("review", Key::review(TIME, &Reviewed::Grant(repository.clone(), digest.clone()))),
            ("feed_place", Key::feed_place()),
            ("content", Key::content(digest)),
            ("grant", Key::grant(repository, digest)),
            ("held_by_manifest", Key::held_by_manifest(repository, digest, other, incarnation)),
            ("held_by_grant", Key::held_by_grant(repository, digest, incarnation)),
            ("upload", Key::upload(*nonce)),
            ("trash", Key::trash(&ObjectKey::upload(*nonce))),
        ])
    }

    fn moment(&self) -> TagMoment {
        TagMoment { pointed_at: TIME, version: Version(self.nonce), happened: TagHappening::Pointed }
    }

    fn term(&self) -> SearchTerm {
        SearchTerm::artifact_type(&self.artifact_type)
    }

    fn shard(&self) -> SearchScope<'_> {
        SearchScope::shard_of(&self.repository, &self.digest)
    }

    fn place(&self) -> SearchPlace {
        let (repository, digest) = (self.repository.clone(), self.digest.clone());
        SearchPlace { pushed: TIME, repository, digest }
    }

    fn event(&self, id: String) -> Event {
        Event {
            id,
            happened: Happened::Pushed,
            at: TIME,
            repository: self.repository.clone(),
            digest: self.digest.clone(),
            media_type: String::new(),
            size: 1,
            artifact_type: None,
            subject: None,
            tag: None,
        }
    }

    fn object_keys(&self) -> BTreeMap<&'static str, ObjectKey> {
        let Self { repository, digest, nonce, .. } = self;
        BTreeMap::from([
            ("blob", ObjectKey::blob(digest, repository, *nonce)),
            ("upload", ObjectKey::upload(*nonce)),
            ("manifest", ObjectKey::manifest(digest, repository, Incarnation(*nonce))),
        ])
    }
}

/// The constructors of a source file, each with the example that its doc shows, if any.
fn documented(source: &str) -> BTreeMap<&str, Option<String>> {
    let mut documented = BTreeMap::new();
    let mut doc = String::new();
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            doc.push_str(text);
        } else if let Some((name, _)) = line.strip_prefix("pub fn ").and_then(|rest| rest.split_once('(')) {
            // What stands in the last pair of backticks.
            let example = doc.rsplit('`').nth(1).map(str::to_owned);
            documented.insert(name, example);
            doc.clear();
        } else if !line.starts_with("#[") {
            doc.clear();
        }
    }
    documented
}

/// What of the sources is about keys: ranges come after it.
fn source_of_keys() -> &'static str {
    static SOURCE: LazyLock<String> = LazyLock::new(|| {
        let keys = include_str!("../../src/keys.rs").split("pub struct SortRange").next();
        let history = include_str!("../../src/keys/tag_history.rs").split("impl SortRange").next();
        let types = include_str!("../../src/keys/types.rs").split("impl SortRange").next();
        // Before its keys, it has what they are made of.
        let search =
            include_str!("../../src/keys/search.rs").split("\nimpl ").find(|it| it.starts_with("Key "));
        let event = include_str!("../../src/keys/event.rs").split("impl SortRange").next();
        [keys, history, types, search, event].map(Option::unwrap_or_default).concat()
    });
    &SOURCE
}

#[test]
fn each_key_is_built_as_its_doc_shows() {
    let parts = Parts::of_examples();
    let docs = documented(source_of_keys());
    for (name, key) in parts.keys() {
        let example =
            docs[name].as_deref().unwrap_or_else(|| panic!("the doc of Key::{name} has an example"));
        let nonce = match name {
            "held_by_tag" | "tag_history" => "<version of the tag>",
            "upload" | "event" => "<id>",
            "trash" => "0123…",
            _ => "<incarnation>",
        };
        let shown = format!("{key:?}")
            .replace(parts.digest.as_str(), "sha256:9f86…")
            .replace(parts.other.as_str(), "sha256:abcd…")
            .replace(&parts.nonce.to_string(), nonce);
        assert_eq!(shown, example, "Key::{name}");
    }
}

#[test]
fn each_object_key_is_built_as_its_doc_shows() {
    let parts = Parts::of_examples();
    let docs = documented(include_str!("../../src/object_keys.rs"));
    for (name, key) in parts.object_keys() {
        let shown = key.as_str().replace(parts.digest.as_str(), "sha256:9f86…");
        assert_eq!(Some(&shown), docs[name].as_ref(), "ObjectKey::{name}");
    }
}

/// So that these tests are of all keys: each function whose doc shows a key is among them.
#[test]
fn no_key_is_left_out() {
    let keys = Parts::of_examples().keys();
    let docs = documented(source_of_keys());
    let shows_a_key = |example: &Option<String>| example.as_ref().is_some_and(|e| e.contains(" / "));
    let shown: Vec<&str> = docs.iter().filter(|(_, e)| shows_a_key(e)).map(|(name, _)| *name).collect();
    assert_eq!(keys.keys().copied().collect::<Vec<_>>(), shown);

    // And each that makes one has such a doc, but for the two that take keys as they come.
    let makes = |function: &str| {
        let (signature, _) = function.split_once(" {").unwrap_or_default();
        signature.ends_with("-> Self") || signature.ends_with("-> Option<Self>")
    };
    let constructors =
        source_of_keys().split("    pub fn ").skip(1).filter(|function| makes(function)).count();
    assert_eq!(constructors, keys.len() + 2);
}

#[test]
fn the_longest_keys_fit_the_narrowest_backend() {
    let longest = Parts::longest();
    let mut keys = longest.keys();
    for (name, object) in longest.object_keys() {
        assert!(
            object.as_str().len() <= OBJECT_KEY_BYTES_MAX,
            "ObjectKey::{name} has {}",
            object.as_str().len()
        );
        keys.insert("trash of the longest", Key::trash(&object));
    }
    let (place, long) = (longest.place(), "x".repeat(1000));
    for term in [SearchTerm::annotation(&long, &long), SearchTerm::annotation("n", &"\u{1f980}".repeat(63))] {
        let key = Key::search_entry(SearchScope::Repository(&longest.repository), &term, &place);
        keys.insert(if term.as_str().contains("sha256") { "entry, hashed" } else { "entry" }, key);
    }
    // Of what happened to a manifest, as long as any.
    let id = format!("{}@{}#{}#restored#{TIME:?}", longest.repository, longest.digest, longest.nonce);
    keys.insert("event of the longest", Key::event(&longest.event(id)));
    for (name, key) in keys {
        assert!(
            key.partition().len() <= PARTITION_KEY_BYTES_MAX,
            "Key::{name} has {}",
            key.partition().len()
        );
        assert!(key.sort().len() <= SORT_KEY_BYTES_MAX, "Key::{name} has {}", key.sort().len());
        assert!(!key.partition().is_empty() && !key.sort().is_empty());
    }
}

/// Different facts never share a key, whatever the repository, the tag and the type are called.
#[test]
fn no_two_keys_are_the_same() {
    let mut keys = Vec::new();
    for name in ["tag", "index", "kept", "self", "content", "a", "a/b", "policy", "sha256", "0"] {
        for tag in ["tag", "self", "v1"] {
            for nonce in [0, 1] {
                let parts = Parts {
                    repository: name.parse().expect("it is a name"),
                    tag: tag.parse().expect("it is a tag"),
                    artifact_type: format!("{tag}/{nonce}"),
                    nonce: Nonce(nonce),
                    ..Parts::of_examples()
                };
                keys.extend(parts.keys().into_values());
            }
        }
    }
    // What does not depend on a part comes once for each value of that part.
    let (all, distinct) = (keys.len(), keys.into_iter().collect::<std::collections::BTreeSet<_>>().len());
    assert_eq!(all, 31 * 10 * 3 * 2);
    let registry = 4; // format, upload_secret, feed_place, registry_policy
    let by_digest = 1; // content
    // catalog, policy, listed, manifest, body, was_held, recycled, review, grant, searched
    let by_repository = 10 * 10;
    let by_tag = 10 * 3 * 2; // tag, was_tagged
    let by_nonce = 10 * 2 * 5; // held_by_index, held_by_policy, remote_in, held_by_manifest, held_by_grant
    let by_tag_and_nonce = 10 * 3 * 2 * 4; // held_by_tag, referrer, tag_history, search_entry
    let by_nonce_alone = 2 * 3; // upload, trash, event
    let by_type = 3 * 2 * 2; // type_definition, type_version
    assert_eq!(
        distinct,
        registry
            + by_digest
            + by_repository
            + by_tag
            + by_nonce
            + by_tag_and_nonce
            + by_nonce_alone
            + by_type
    );
}

#[test]
fn a_type_that_is_no_part_of_a_key_is_hashed() {
    let Parts { repository, digest, other, .. } = Parts::of_examples();
    let sort =
        |artifact_type: &str| Key::referrer(&repository, &digest, artifact_type, &other).sort().to_owned();
    for hashed in ["a#b", "#", &"x".repeat(256), &"\u{e9}".repeat(128)] {
        assert_eq!(sort(hashed), format!("referrer#{}#{other}", Digest::sha256(hashed.as_bytes())));
    }
    for plain in ["", "a/b", &"x".repeat(255), &"\u{e9}".repeat(127)] {
        assert_eq!(sort(plain), format!("referrer#{plain}#{other}"));
    }
}

/// Of the review among the examples; follows from what is reviewed, and never changes.
const SHARD: u8 = 0;

/// A range has the keys it is for, and no other of the same parts.
#[test]
fn ranges_take_in_what_they_are_for() {
    let parts = Parts::of_examples();
    let Parts { repository, tag, digest, artifact_type, .. } = &parts;
    let ranges: [(SortRange, &[&str]); 21] = [
        (SortRange::manifest_and_body(repository, digest), &["body", "manifest"]),
        (
            SortRange::holds_of_manifest(repository, digest),
            &["held_by_index", "held_by_policy", "held_by_tag"],
        ),
        (SortRange::holds_of_grant(repository, digest), &["held_by_manifest"]),
        (SortRange::holds_of_content(digest), &["held_by_grant"]),
        (SortRange::grants(digest), &["grant"]),
        (SortRange::referrers(repository, digest, None), &["referrer"]),
        (SortRange::referrers(repository, digest, Some(artifact_type)), &["referrer"]),
        (SortRange::remote_in(repository, digest), &["remote_in"]),
        (SortRange::tags(repository, None), &["tag"]),
        (SortRange::types(TypesOf::Registry), &["type_definition"]),
        (SortRange::type_versions(TypesOf::Registry, artifact_type), &["type_version"]),
        (SortRange::tag_history(repository, tag, None), &["tag_history"]),
        (SortRange::tag_histories(repository), &["tag_history"]),
        (SortRange::listed(repository), &["listed"]),
        (SortRange::recycled(repository), &["recycled"]),
        (SortRange::was_tagged(repository, digest, None), &["was_tagged"]),
        (SortRange::was_tagged(repository, digest, Some(TIME)), &["was_tagged"]),
        (SortRange::reviews(SHARD), &["review"]),
        (SortRange::catalog(None), &["catalog"]),
        (SortRange::search(parts.shard(), &parts.term(), None), &["search_entry"]),
        (SortRange::events(), &["event"]),
    ];
    for (range, expected) in ranges {
        let within =
            |key: &Key| key.partition() == range.partition() && key.sort().starts_with(range.prefix());
        let names: Vec<_> = parts.keys().into_iter().filter(|(_, key)| within(key)).map(|(n, _)| n).collect();
        assert_eq!(names, expected, "{range:?}");
        assert_eq!(range.after(), None);
    }
    let no_other_repository = SortRange::holds_of_grant(&"library".parse().expect("it is a name"), digest);
    let held = Key::held_by_manifest(repository, digest, digest, Incarnation(Nonce(1)));
    assert!(!held.sort().starts_with(no_other_repository.prefix()));
}

#[test]
fn a_range_goes_on_after_what_it_is_told() {
    let Parts { repository, tag, digest, .. } = Parts::of_examples();
    let key = Key::tag(&repository, &tag);
    let after_name = SortRange::tags(&repository, Some("v1"));
    assert_eq!(after_name, SortRange::tags(&repository, None).after_key(&key));
    assert_eq!(after_name.after(), Some(key.sort()));
    assert_eq!(SortRange::catalog(Some("a")).after(), Some("a"));
    let listed = Key::listed(&repository, &digest);
    assert_eq!(SortRange::tags(&repository, None).after_key(&listed).after(), Some(listed.sort()));
}

#[test]
fn keys_say_what_they_are_of() {
    for name in ["app", "library/app", "a/b/c/d", "tag", "index"] {
        let parts = Parts { repository: name.parse().expect("it is a name"), ..Parts::of_examples() };
        let Parts { repository, digest, other, nonce, .. } = &parts;
        let keys = parts.keys();
        assert_eq!(keys["tag"].tag_name(), Some("v1"));
        assert_eq!(keys["catalog"].catalog_name(), Some(name));
        assert_eq!(keys["grant"].granted(), Some((repository.clone(), digest.clone())));
        assert_eq!(keys["remote_in"].naming_index(), Some(other.clone()));
        let (life, grant) = (Incarnation(*nonce), Reviewed::Grant(repository.clone(), digest.clone()));
        let manifest = Reviewed::Manifest(repository.clone(), digest.clone());
        let holds = [
            ("held_by_tag", Holder::Tag(parts.tag.clone(), Version(*nonce)), &manifest),
            ("held_by_index", Holder::Index(other.clone(), life), &manifest),
            ("held_by_policy", Holder::Kept(life), &manifest),
            ("held_by_manifest", Holder::Manifest(repository.clone(), other.clone(), life), &grant),
            ("held_by_grant", Holder::Grant(repository.clone(), life), &Reviewed::Content(digest.clone())),
        ];
        for (name, holder, held) in &holds {
            assert_eq!(
                (keys[name].holder().as_ref(), keys[name].held().as_ref()),
                (Some(holder), Some(*held))
            );
        }
        assert_eq!(keys["policy"].policy_of(), Some(repository.clone()));
        assert_eq!(keys["listed"].listed_digest(), Some(digest.clone()));
        assert_eq!(keys["referrer"].referrer_digest(), Some(other.clone()));
        assert_eq!(keys["recycled"].recycled_parts(), Some((TIME, digest.clone())));
        assert_eq!(keys["tag_history"].tag_history_parts(), Some((parts.tag.clone(), parts.moment())));
        assert_eq!(keys["tag_history"].repository(), Some(repository.clone()));
        assert_eq!(keys["was_tagged"].former_tag(), Some(parts.tag.clone()));
        assert_eq!(keys["review"].due(), Some((TIME, grant.clone())));
        assert_eq!(keys["search_entry"].search_place(), Some(parts.place()));
        assert_eq!(keys["searched"].searched_manifest(), Some((repository.clone(), digest.clone())));
        for of_manifest in
            ["manifest", "body", "held_by_tag", "held_by_index", "was_held", "referrer", "remote_in"]
        {
            assert_eq!(keys[of_manifest].manifest_named(), Some((repository.clone(), digest.clone())));
        }
        for (of_another, key) in &keys {
            assert!(key.tag_name().is_none() || *of_another == "tag", "{of_another}");
            assert!(key.catalog_name().is_none() || *of_another == "catalog", "{of_another}");
            assert!(key.granted().is_none() || *of_another == "grant", "{of_another}");
            assert!(key.naming_index().is_none() || *of_another == "remote_in", "{of_another}");
            let is_hold = holds.iter().any(|(name, ..)| name == of_another);
            assert_eq!((key.holder().is_some(), key.held().is_some()), (is_hold, is_hold), "{of_another}");
            assert!(key.policy_of().is_none() || *of_another == "policy", "{of_another}");
            assert!(key.listed_digest().is_none() || *of_another == "listed", "{of_another}");
            assert!(key.referrer_digest().is_none() || *of_another == "referrer", "{of_another}");
            assert!(key.recycled_parts().is_none() || *of_another == "recycled", "{of_another}");
            assert!(key.tag_history_parts().is_none() || *of_another == "tag_history", "{of_another}");
            assert!(key.former_tag().is_none() || *of_another == "was_tagged", "{of_another}");
            assert!(key.due().is_none() || *of_another == "review", "{of_another}");
            assert!(key.search_place().is_none() || *of_another == "search_entry", "{of_another}");
            assert!(key.searched_manifest().is_none() || *of_another == "searched", "{of_another}");
            let untold = ["body", "review", "feed_place", "search_entry", "searched", "event"];
            let is_untold = untold.contains(of_another);
            assert_eq!(key.is_untold(), is_untold, "{of_another}");
        }
    }
}

#[test]
fn a_referrer_is_found_again_by_its_sort_part() {
    let Parts { repository, digest, other, artifact_type, .. } = Parts::of_examples();
    let key = Key::referrer(&repository, &digest, &artifact_type, &other);
    assert_eq!(Key::referrer_at(&repository, &digest, key.sort()), Some(key));
    for no_referrer in ["", "0#self", "held#kept#1", "referrer"] {
        assert_eq!(Key::referrer_at(&repository, &digest, no_referrer), None);
    }
}

/// What a review looks at is read back from its key, and from the key of the record that it looks at.
#[test]
fn what_is_reviewed_is_read_back() {
    let Parts { repository, digest, nonce, .. } = Parts::longest();
    let all = [
        Reviewed::Manifest(repository.clone(), digest.clone()),
        Reviewed::Grant(repository.clone(), digest.clone()),
        Reviewed::Content(digest.clone()),
        Reviewed::Upload(nonce),
        Reviewed::Object(ObjectKey::manifest(&digest, &repository, Incarnation(nonce))),
        Reviewed::Repository(repository),
    ];
    for of in all {
        let key = Key::review(TIME, &of);
        assert!(key.sort().len() <= SORT_KEY_BYTES_MAX, "{key:?} has {}", key.sort().len());
        assert_eq!(key.due(), Some((TIME, of.clone())));
        let is_record = !matches!(of, Reviewed::Repository(_));
        assert_eq!(of.key().reviewed().as_ref(), Some(&of).filter(|_| is_record), "{of}");
    }
}

/// The soonest comes first, also at the ends of time.
#[test]
fn reviews_are_in_the_order_of_their_time() {
    let of = Reviewed::Content(Digest::sha256(b"test"));
    let times = [0, 9, 10, 1_764_158_400_000, 99_999_999_999_999];
    let keys = times.map(|time| Key::review(Timestamp(time), &of));
    assert!(keys.is_sorted());
    assert_eq!(Key::review(Timestamp(u64::MAX), &of), keys[4]);
}

/// The newest first, also at the ends of time; of one version the deletion first.
#[test]
fn a_history_is_in_the_order_of_its_time() {
    let Parts { repository, tag, .. } = Parts::of_examples();
    let key = |time, version, happened| {
        let version = Version(Nonce(version));
        Key::tag_history(&repository, &tag, &TagMoment { pointed_at: Timestamp(time), version, happened })
    };
    let (pointed, deleted) = (TagHappening::Pointed, TagHappening::Deleted);
    let keys = [
        key(99_999_999_999_999, 1, deleted),
        key(1_764_158_400_001, 9, deleted),
        key(1_764_158_400_001, 9, pointed),
        key(1_764_158_400_000, 10, pointed),
        key(10, 3, pointed),
        key(9, 4, deleted),
        key(0, 5, pointed),
    ];
    assert!(keys.is_sorted(), "{keys:?}");
    assert_eq!(key(u64::MAX, 1, deleted), keys[0]);

    let range = SortRange::tag_history_before(&repository, &tag, Timestamp(1_764_158_400_001));
    let later: Vec<_> = keys.iter().filter(|key| Some(key.sort()) > range.after()).collect();
    assert_eq!(later, keys[3..].iter().collect::<Vec<_>>());
    let (_, moment) = keys[3].tag_history_parts().expect("a line");
    let range = SortRange::tag_history(&repository, &tag, Some(&moment));
    assert_eq!(range.after(), Some(keys[3].sort()));
}

#[test]
fn a_place_in_a_history_is_read_as_it_was_written() {
    let moment = Parts::of_examples().moment();
    assert_eq!(moment.to_string().parse(), Ok(moment));
    let (nonce, text) = ("0".repeat(32), moment.to_string());
    let short = format!("1#{nonce}#pointed");
    let signed = format!("+0000000000001#{nonce}#pointed");
    let made = format!("00000000000001#{nonce}#made");
    for no_place in ["", "##", "x", &short, &signed, &made, &format!("{text}#"), &text[1..]] {
        assert!(no_place.parse::<TagMoment>().is_err(), "{no_place}");
    }
}

/// The newest first, also at the ends of time, in a repository and in each shard.
#[test]
fn what_is_searched_is_in_the_order_of_its_time() {
    let Parts { repository, digest, other, .. } = Parts::of_examples();
    let term = SearchTerm::all();
    for scope in [SearchScope::Repository(&repository), SearchScope::Shard(7)] {
        let place = |time, digest: &Digest| SearchPlace {
            pushed: Timestamp(time),
            repository: repository.clone(),
            digest: digest.clone(),
        };
        let key = |time, digest| Key::search_entry(scope, &term, &place(time, digest));
        let keys = [
            key(99_999_999_999_999, &digest),
            key(1_764_158_400_001, &digest),
            key(1_764_158_400_001, &other),
            key(1_764_158_400_000, &digest),
            key(10, &digest),
            key(9, &digest),
            key(0, &digest),
        ];
        assert!(keys.is_sorted(), "{keys:?}");
        assert_eq!(key(u64::MAX, &digest), keys[0]);

        let range = SortRange::search_before(scope, &term, Timestamp(1_764_158_400_001));
        let later: Vec<_> = keys.iter().filter(|key| Some(key.sort()) > range.after()).collect();
        assert_eq!(later, keys[3..].iter().collect::<Vec<_>>());
        let range = SortRange::search(scope, &term, Some(&place(10, &digest)));
        assert_eq!((range.partition(), range.after()), (keys[4].partition(), Some(keys[4].sort())));
        assert!(range.prefix().is_empty());
    }
    // What a name may begin with is less than what stands after the time of a range.
    for name in ["z", "9", "a/b"] {
        let repository: RepositoryName = name.parse().expect("it is a name");
        assert!(repository.as_str() < "~");
    }
}

#[test]
fn a_place_in_a_search_is_read_as_it_was_written() {
    for parts in [Parts::of_examples(), Parts::longest()] {
        let place = parts.place();
        let text = place.to_string();
        assert_eq!(text.parse(), Ok(place));
        let (_, rest) = text.split_once('#').expect("a time");
        for no_place in [
            String::new(),
            "##".to_owned(),
            format!("1#{rest}"),
            format!("+0000000000001#{rest}"),
            format!("{text}#"),
            text[1..].to_owned(),
            text.replace("sha", "Sha"),
            text.to_uppercase(),
        ] {
            assert!(no_place.parse::<SearchPlace>().is_err(), "{no_place}");
        }
    }
}

/// Terms of another kind, or of another value, are never in one partition; and what can't be part of one is hashed.
#[test]
fn terms_are_told_apart() {
    let long = "x".repeat(256);
    let terms = [
        SearchTerm::all(),
        SearchTerm::artifact_type("all"),
        SearchTerm::artifact_type("a/b"),
        SearchTerm::artifact_type("a#b"),
        SearchTerm::platform("a/b"),
        SearchTerm::annotation("a/b", ""),
        SearchTerm::annotation("", ""),
        SearchTerm::annotation("a", "\0"),
        SearchTerm::artifact_type(&long),
        SearchTerm::artifact_type("a\nb"),
    ];
    let distinct: std::collections::BTreeSet<_> = terms.iter().collect();
    assert_eq!(distinct.len(), terms.len());
    assert_eq!(
        SearchTerm::artifact_type(&long).as_str(),
        format!("type#{}", Digest::sha256(long.as_bytes()))
    );
    assert!(terms.iter().all(|term| !term.as_str().contains(char::is_control)));
}

/// A manifest is always in the same shard, and many are spread over all.
#[test]
fn manifests_are_spread_over_the_shards() {
    let Parts { repository, .. } = Parts::of_examples();
    let mut shards = [0; SearchScope::SHARDS as usize];
    for number in 0..1000 {
        let digest = Digest::sha256(format!("{number}").as_bytes());
        let SearchScope::Shard(shard) = SearchScope::shard_of(&repository, &digest) else {
            panic!("a shard")
        };
        shards[usize::from(shard)] += 1;
    }
    assert!(shards.iter().all(|count| (90..=160).contains(count)), "{shards:?}");
}
