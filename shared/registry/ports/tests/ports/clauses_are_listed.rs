//! No clause is forgotten: the lists that the macros make tests of have every clause that is written.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use moorage_ports::contract::{blobs, pair, table};

use crate::memory_keeps_the_contract::{InMemory, PairInMemory};

/// The clauses that the files of a suite have, as `file::clause`.
fn written(suite: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/contract").join(suite);
    let mut clauses = BTreeSet::new();
    for file in fs::read_dir(&folder).expect("each suite has a folder") {
        let path = file.expect("the folder can be read").path();
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("the file can be read");
        let signatures = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        clauses
            .extend(signatures.filter_map(|rest| rest.split_once('<')).map(|(c, _)| format!("{name}::{c}")));
    }
    clauses
}

fn assert_complete<C>(suite: &str, listed: &[(&str, C)]) {
    let names: BTreeSet<String> = listed.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names.len(), listed.len(), "no clause is listed twice");
    assert!(!names.is_empty());
    assert_eq!(names, written(suite), "the list of {suite}, and its files");
}

#[test]
fn of_the_table() {
    assert_complete("table", &table::clauses::<InMemory>());
}

#[test]
fn of_the_blob_store() {
    assert_complete("blobs", &blobs::clauses::<InMemory>());
}

#[test]
fn of_the_pair() {
    assert_complete("pair", &pair::clauses::<PairInMemory>());
}
