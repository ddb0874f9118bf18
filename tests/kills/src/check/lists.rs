//! Lists of tags and the catalog: they name what is there, and nothing else.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::{Subject, for_each, pages};
use crate::findings::Kind;
use crate::http::{Broken, Connection};
use crate::journal::{Entry, Name};
use crate::world::World;

pub(super) fn check(world: &World, address: SocketAddr, subjects: &[Subject]) -> usize {
    let repositories: BTreeSet<&Name> = subjects.iter().map(|subject| &subject.repository).collect();
    let repositories: Vec<&Name> = repositories.into_iter().collect();
    for_each(world, address, &repositories, |connection, repository| {
        check_tags(world, connection, repository)
    });
    for_each(world, address, &[()], |connection, ()| check_catalog(world, connection));
    repositories.len() + 1
}

fn check_tags(world: &World, connection: &mut Connection, repository: &Name) -> Result<(), Broken> {
    let (is_known, may_be_known) = {
        let journal = world.journal();
        let there = journal.repositories.get(repository);
        there.map_or((false, false), |there| (there.manifest_seen, there.manifest_asked))
    };
    let target = format!("/v2/{repository}/tags/list?n=100");
    let listed = match pages(connection, &target)? {
        Ok(pages) => names(&pages, "tags"),
        Err(_) if !is_known => return Ok(()),
        Err(why) => {
            world.findings.add(Kind::WrongList, target, why);
            return Ok(());
        }
    };
    let journal = world.journal();
    let tags = journal.entries(repository).filter_map(|(entry, register)| match entry {
        Entry::Tag(tag) => Some((tag, register.certain())),
        _ => None,
    });
    let mut expected = Vec::new();
    for (tag, value) in tags {
        match value {
            Some(Some(_)) => expected.push(tag.to_string()),
            Some(None) => {}
            // It could not be read, which is a finding of its own.
            None => return Ok(()),
        }
    }
    compare(world, &target, &listed, &expected, &[]);
    if !may_be_known && !listed.is_empty() {
        world.findings.add(Kind::WrongList, target, "tags, although no manifest was ever pushed");
    }
    Ok(())
}

fn check_catalog(world: &World, connection: &mut Connection) -> Result<(), Broken> {
    let target = "/v2/_catalog?n=100";
    let listed = match pages(connection, target)? {
        Ok(pages) => names(&pages, "repositories"),
        Err(why) => {
            world.findings.add(Kind::WrongList, target, why);
            return Ok(());
        }
    };
    let journal = world.journal();
    let names = |wanted: fn(&crate::journal::Repository) -> bool| -> Vec<String> {
        let there = journal.repositories.iter().filter(|(_, there)| wanted(there));
        there.map(|(name, _)| name.to_string()).collect()
    };
    let expected = names(|there| there.manifest_seen);
    let perhaps = names(|there| there.manifest_asked && !there.manifest_seen);
    compare(world, target, &listed, &expected, &perhaps);
    Ok(())
}

/// Both in byte order; `perhaps` may be listed too.
fn compare(world: &World, what: &str, listed: &[String], expected: &[String], perhaps: &[String]) {
    if !listed.is_sorted() {
        world.findings.add(Kind::WrongList, what, "it is not sorted");
    }
    let listed_names: BTreeSet<&String> = listed.iter().collect();
    let expected_names: BTreeSet<&String> = expected.iter().collect();
    let missing: Vec<_> = expected_names.difference(&listed_names).take(5).collect();
    let more: Vec<_> =
        listed_names.difference(&expected_names).filter(|name| !perhaps.contains(name)).take(5).collect();
    if !missing.is_empty() || !more.is_empty() || listed.len() != listed_names.len() {
        let (listed, expected) = (listed.len(), expected.len());
        let why = format!("{listed} listed of {expected}; missing {missing:?}, too many {more:?}");
        world.findings.add(Kind::WrongList, what, why);
    }
}

fn names(pages: &[serde_json::Value], field: &str) -> Vec<String> {
    let names = pages.iter().filter_map(|page| page[field].as_array()).flatten();
    names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}
