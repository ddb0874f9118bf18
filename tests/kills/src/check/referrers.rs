//! Referrers: the listing of a subject names every one that is there, as it was pushed.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde_json::Value;

use super::{Subject, for_each, pages};
use crate::content::Digest;
use crate::documents::{Document, INDEX};
use crate::findings::Kind;
use crate::http::{Broken, Connection};
use crate::journal::{Entry, Name};
use crate::world::World;

pub(super) fn check(world: &World, address: SocketAddr, subjects: &[Subject]) -> usize {
    let listings: BTreeSet<(Name, Digest)> = {
        let journal = world.journal();
        let subject_of = |subject: &Subject| {
            let Entry::Manifest(digest) = &subject.entry else { return None };
            let referrer = journal.documents.get(digest)?.referrer.as_ref()?;
            Some((subject.repository.clone(), referrer.subject.clone()))
        };
        subjects.iter().filter_map(subject_of).collect()
    };
    let listings: Vec<(Name, Digest)> = listings.into_iter().collect();
    for_each(world, address, &listings, |connection, (repository, subject)| {
        check_one(world, connection, repository, subject)
    });
    listings.len()
}

fn check_one(
    world: &World,
    connection: &mut Connection,
    repository: &Name,
    subject: &Digest,
) -> Result<(), Broken> {
    let target = format!("/v2/{repository}/referrers/{subject}");
    let listed = match pages(connection, &target)? {
        Ok(pages) if pages.iter().all(|page| page["mediaType"] == INDEX) => pages,
        Ok(_) => {
            world.findings.add(Kind::WrongReferrers, target, "it is not an index");
            return Ok(());
        }
        Err(why) => {
            world.findings.add(Kind::WrongReferrers, target, why);
            return Ok(());
        }
    };
    let listed: BTreeSet<String> =
        listed.iter().filter_map(|page| page["manifests"].as_array()).flatten().map(line_of_listed).collect();
    let journal = world.journal();
    let about_it = |document: &&std::sync::Arc<Document>| {
        document.referrer.as_ref().is_some_and(|referrer| referrer.subject == *subject)
    };
    let expected: BTreeSet<String> =
        journal.manifests(repository).filter(about_it).map(|document| line_of(document)).collect();
    let missing: Vec<_> = expected.difference(&listed).take(3).collect();
    let more: Vec<_> = listed.difference(&expected).take(3).collect();
    if !missing.is_empty() || !more.is_empty() {
        let why = format!("{} of {}; missing {missing:?}, too many {more:?}", listed.len(), expected.len());
        world.findings.add(Kind::WrongReferrers, target, why);
    }
    Ok(())
}

fn line_of(document: &Document) -> String {
    let (artifact_type, note) =
        document.referrer.as_ref().map_or(("", ""), |referrer| (&referrer.artifact_type, &referrer.note));
    format!("{} {} {} {artifact_type} {note}", document.digest, document.bytes.len(), document.media_type)
}

fn line_of_listed(descriptor: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let Value::Object(fields) = descriptor else { return String::new() };
    let field = |name: &str| fields.get(name).map(text).unwrap_or_default();
    let size = fields.get("size").and_then(Value::as_u64).unwrap_or_default();
    let note = text(&descriptor["annotations"]["test.note"]);
    format!("{} {size} {} {} {note}", field("digest"), field("mediaType"), field("artifactType"))
}
