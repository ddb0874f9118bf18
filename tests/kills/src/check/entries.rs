//! Blobs, manifests and tags: each is read, and its bytes are compared.

use std::net::SocketAddr;

use super::{Subject, for_each};
use crate::content::Digest;
use crate::findings::Kind;
use crate::http::{Answer, Broken, Connection};
use crate::journal::{Entry, Name, Register, Value};
use crate::world::World;

pub(super) fn check(world: &World, address: SocketAddr, subjects: &[Subject], when: &str) -> usize {
    for_each(world, address, subjects, |connection, subject| check_one(world, connection, subject, when));
    check_children(world, subjects);
    subjects.len()
}

fn check_one(
    world: &World,
    connection: &mut Connection,
    subject: &Subject,
    when: &str,
) -> Result<(), Broken> {
    let path = subject.path();
    let answer = connection.get(&path)?;
    let seen = match answer.status {
        200 => Some(Digest::from(answer.header("Docker-Content-Digest"))),
        404 => None,
        status => {
            let body = String::from_utf8_lossy(&answer.body);
            let kind = match possible_of(world, subject) {
                possible if possible.iter().any(Option::is_none) => Kind::ServerError,
                possible => kind_of(&subject.entry, &possible),
            };
            world.findings.add(kind, path, format!("GET says {status} {body}"));
            return Ok(());
        }
    };
    if let Some(digest) = &seen
        && let Err(why) = same_bytes(world, subject, digest, &answer)
    {
        world.findings.add(Kind::WrongBytes, &path, why);
    }
    let mut journal = world.journal();
    let register =
        journal.repositories.get(&subject.repository).and_then(|there| there.entries.get(&subject.entry));
    let Some(register) = register else { return Ok(()) };
    let possible = register.possible();
    if !possible.contains(&seen) {
        let kind = kind_of(&subject.entry, &possible);
        let seen = seen.as_deref().unwrap_or("404");
        world.findings.add(kind, path, format!("GET says {seen}; the journal: {}", register.history()));
    }
    journal.settle(&subject.repository, &subject.entry, seen, when);
    Ok(())
}

fn possible_of(world: &World, subject: &Subject) -> Vec<Value> {
    let journal = world.journal();
    let there = journal.repositories.get(&subject.repository);
    there.and_then(|there| there.entries.get(&subject.entry)).map(Register::possible).unwrap_or_default()
}

fn kind_of(entry: &Entry, possible: &[Value]) -> Kind {
    let must_be_gone = !possible.is_empty() && possible.iter().all(Option::is_none);
    match entry {
        _ if must_be_gone => Kind::UndoneDelete,
        Entry::Blob(_) => Kind::LostBlob,
        Entry::Manifest(_) => Kind::LostManifest,
        Entry::Tag(_) => Kind::WrongTag,
    }
}

/// Whether the answer has the bytes that were pushed under this digest.
fn same_bytes(world: &World, subject: &Subject, digest: &Digest, answer: &Answer) -> Result<(), String> {
    let expected = match &subject.entry {
        Entry::Blob(asked) | Entry::Manifest(asked) if asked != digest => {
            return Err(format!("asked for {asked}, Docker-Content-Digest is {digest}"));
        }
        Entry::Blob(_) => world.journal().contents.get(digest).map(|content| content.bytes()),
        Entry::Manifest(_) | Entry::Tag(_) => {
            world.journal().documents.get(digest).map(|document| document.bytes.clone())
        }
    };
    let expected = expected.ok_or_else(|| format!("nobody pushed {digest}"))?;
    let came = &answer.body;
    if !answer.whole {
        return Err(format!("the answer broke off after {} of {} bytes", came.len(), expected.len()));
    }
    if *came != expected {
        let first = came.iter().zip(&expected).position(|(one, other)| one != other);
        let (came, expected) = (came.len(), expected.len());
        return Err(format!("{came} bytes came of {expected}; the first that differs: {first:?}"));
    }
    Ok(())
}

/// A manifest that is there has all that it names.
fn check_children(world: &World, subjects: &[Subject]) {
    let journal = world.journal();
    for subject in subjects {
        let Entry::Manifest(digest) = &subject.entry else { continue };
        if !journal.is_there(&subject.repository, &subject.entry) {
            continue;
        }
        let Some(document) = journal.documents.get(digest) else { continue };
        let blobs = document.blobs.iter().map(|blob| Entry::Blob(blob.digest.clone()));
        let manifests = document.manifests.iter().map(|child| Entry::Manifest(child.clone()));
        for child in blobs.chain(manifests) {
            if journal.certain(&subject.repository, &child) == Some(None) {
                world.findings.add(
                    Kind::HalfDone,
                    subject.path(),
                    format!("it is there, and {child:?} is not"),
                );
            }
        }
    }
}

/// The tags of one push are there together, or none is.
pub(super) fn check_groups(world: &World) {
    let mut journal = world.journal();
    for group in std::mem::take(&mut journal.groups) {
        let target = Some(Some(group.target.clone()));
        let at_target =
            |tag: &&Name| journal.certain(&group.repository, &Entry::Tag((*tag).clone())) == target;
        let moved = group.tags.iter().filter(at_target).count();
        if moved != 0 && moved != group.tags.len() {
            let what = format!("{} tags of {}", group.repository, group.target);
            world.findings.add(Kind::HalfDone, what, format!("{moved} of {} were set", group.tags.len()));
        }
    }
}
