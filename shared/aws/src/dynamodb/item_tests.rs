//! What stands in the table, attribute by attribute. That every kind of fact comes back is a clause of the contract.

use moorage_oci::{Descriptor, Digest, RepositoryName};
use moorage_ports::facts::{GrantRecord, Node, ReferrerRecord, SessionRecord, State};
use moorage_ports::{Incarnation, Nonce, Timestamp};

use super::*;

fn repository() -> RepositoryName {
    "library/app".parse().expect("it is a name")
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

#[test]
fn a_node_lies_flat() {
    let node = Node {
        state: State::Pending,
        incarnation: Incarnation(Nonce(7)),
        keep_until: Timestamp(1_000),
        deadline: Some(Timestamp(2_000)),
        from_bin: true,
    };
    let digest = Digest::sha256(b"");
    let fact = Fact::Grant(GrantRecord { node, object: None, size: 5 });
    let item = Item::at(Key::grant(&repository(), &digest), Version(Nonce(9)), fact);
    let encoded = encode(&item).expect("it is short");
    let expected = Attributes::from([
        ("PK".to_owned(), text(&format!("blob#{digest}"))),
        ("SK".to_owned(), text("grant#library/app")),
        ("format".to_owned(), number(u64::from(FORMAT))),
        ("kind".to_owned(), text("grant")),
        ("version".to_owned(), text(&Nonce(9).to_string())),
        ("state".to_owned(), text("pending")),
        ("incarnation".to_owned(), text(&Nonce(7).to_string())),
        ("keep_until".to_owned(), number(1_000)),
        ("deadline".to_owned(), number(2_000)),
        ("from_bin".to_owned(), AttributeValue::Bool(true)),
        ("size".to_owned(), number(5)),
    ]);
    assert_eq!(encoded, expected);
    assert_eq!(decode(encoded).expect("it is ours"), item);
}

#[test]
fn a_descriptor_keeps_what_no_attribute_can() {
    let mut descriptor = Descriptor::new("a/b", Digest::sha256(b"referrer"), 7);
    descriptor.annotations.insert(String::new(), "an empty name".to_owned());
    descriptor.platform = Some(serde_json::from_str(r#"{"variant":1e300}"#).expect("it is JSON"));
    let digest = descriptor.digest.clone();
    let key = Key::referrer(&repository(), &Digest::sha256(b""), "a/b", &digest);
    let item = Item::once(key, Fact::Referrer(ReferrerRecord { digest, descriptor: Some(descriptor) }));
    let encoded = encode(&item).expect("it is short");
    assert!(matches!(encoded.get(DESCRIPTOR), Some(AttributeValue::S(_))), "{encoded:?}");
    assert_eq!(decode(encoded).expect("it is ours"), item);
}

#[test]
fn only_a_closed_session_goes_by_itself() {
    let record =
        SessionRecord { repository: repository(), expires: Timestamp(5_500), progress: Progress::Closed };
    let session = Item::at(Key::upload(Nonce(1)), Version(Nonce(2)), Fact::Session(record));
    let encoded = encode(&session).expect("it is short");
    assert_eq!(encoded.get(TTL), Some(&number(5 + 24 * 60 * 60)));
    assert_eq!(decode(encoded).expect("it is ours"), session);
    let hold = Item::once(Key::was_held(&repository(), &Digest::sha256(b"")), Fact::WasHeld);
    assert_eq!(encode(&hold).expect("it is short").get(TTL), None);
}

/// Else the field would take the place of the attribute, and the item lose its key or its kind.
#[test]
fn no_field_takes_an_attributes_place() {
    for reserved in OURS {
        let mut attributes = key(&Key::format()).expect("it is short");
        let before = attributes.clone();
        let fields = Attributes::from([(reserved.to_owned(), text("a field"))]);
        let refused = add(fields, "tag", &mut attributes);
        assert!(matches!(&refused, Err(PortError::Misuse(why)) if why.contains(reserved)), "{refused:?}");
        assert_eq!(attributes, before);
    }
    // Nor that of another field: a node's lie beside its record's.
    let mut attributes = Attributes::new();
    for (name, is_taken) in [("state", false), ("size", false), ("state", true)] {
        let field = Attributes::from([(name.to_owned(), text("a field"))]);
        assert_eq!(add(field, "grant", &mut attributes).is_err(), is_taken, "{name}");
    }
}
