//! Steps in words, for those who have to understand a way that leads to harm.

use moorage_ports::facts::State;
use moorage_ports::{Action, Expect, Fact, Item, Key, Transacted, Written};

use crate::content;
use crate::gate::{Answer, Call};

/// A call and what came of it.
#[must_use]
pub fn step(call: &Call, answer: Option<&Answer>) -> String {
    let asked = match call {
        Call::Get(key) => format!("reads {key:?}"),
        Call::BatchGet(keys) => format!("reads {keys:?}"),
        Call::Query(query) => format!("reads {} / {}*", query.range.partition(), query.range.prefix()),
        Call::QueryKeys(query) => {
            format!("reads the keys {} / {}*", query.range.partition(), query.range.prefix())
        }
        Call::KeepUntil { item, .. } => format!("keeps {:?}", item.key),
        Call::Put { item, expect, .. } => write(&Action::Put(item.clone(), *expect)),
        Call::Delete { key, expect, .. } => write(&Action::Delete(key.clone(), *expect)),
        Call::BatchWrite(action) => write(action),
        Call::Transact(actions) => {
            let all: Vec<String> = actions.iter().map(write).collect();
            format!("in one instant: {}", all.join("; "))
        }
        Call::GetObject { key, .. } => format!("reads the object {key}"),
        Call::SizeOfObject(key) => format!("asks for the size of {key}"),
        Call::PutObject { key, .. } => format!("stores the object {key}"),
        Call::DeleteObject(key) => format!("deletes the object {key}"),
        other => format!("{other:?}"),
    };
    let came = match answer {
        Some(Answer::Item(found)) => format!(" -> {}", item(found.as_ref())),
        Some(Answer::Items(found)) => {
            let all: Vec<String> = found.iter().map(|found| item(found.as_ref())).collect();
            format!(" -> {}", all.join(", "))
        }
        Some(Answer::Keys(page)) => format!(" -> {:?}", page.items),
        Some(Answer::Page(page)) => {
            format!(" -> {:?}", page.items.iter().map(|item| &item.key).collect::<Vec<_>>())
        }
        Some(Answer::Written(Written::Refused(found))) => {
            format!(" -> refused: {}", item(found.as_deref()))
        }
        Some(Answer::Transacted(Transacted::Refused(_))) => " -> refused".to_owned(),
        Some(Answer::Size(size)) => format!(" -> {size:?}"),
        Some(Answer::Stored(put)) => format!(" -> {put:?}"),
        _ => String::new(),
    };
    content::named(&format!("{asked}{came}"))
}

fn write(action: &Action) -> String {
    let expected = match action.expect() {
        Expect::Anything => String::new(),
        Expect::Absent => " if absent".to_owned(),
        Expect::VersionIs(version) => format!(" at {}", short(version.0.0)),
    };
    match action {
        Action::Put(put, _) => format!("puts {:?} = {}{expected}", put.key, item(Some(put))),
        Action::Delete(key, _) => format!("deletes {key:?}{expected}"),
        Action::Check(key, _) => format!("checks {key:?}{expected}"),
    }
}

fn item(item: Option<&Item>) -> String {
    let Some(item) = item else { return "nothing".to_owned() };
    let version = item.version.map(|version| format!(" @{}", short(version.0.0))).unwrap_or_default();
    match (&item.fact, item.fact.node()) {
        (_, Some(node)) => {
            let mut said = format!("{} of life {}{version}", state(node.state), short(node.incarnation.0.0));
            if node.from_bin {
                said.push_str(" from the bin");
            }
            if let Fact::Content(content) = &item.fact {
                said.push_str(&format!(", its bytes {}", content.object));
            }
            said
        }
        (Fact::Tag(tag), _) => format!("-> {}{version}", tag.digest),
        (Fact::Body(_), _) => "bytes".to_owned(),
        (Fact::Review | Fact::Hold | Fact::Listed | Fact::WasHeld, _) => format!("there{version}"),
        (fact, _) => format!("{fact:?}{version}"),
    }
}

fn state(state: State) -> String {
    format!("{state:?}").to_lowercase()
}

/// Nonces are an actor's number and a count.
fn short(nonce: u128) -> String {
    format!("{}.{}", nonce >> 64, nonce & u128::from(u64::MAX))
}

/// What is wrong, with names for digests.
#[must_use]
pub fn wrong(text: &str) -> String {
    content::named(text)
}

/// The partition of a key in names.
#[must_use]
pub fn key(key: &Key) -> String {
    content::named(&format!("{key:?}"))
}
