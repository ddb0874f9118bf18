//! The records: shaped like the reference table's (manifests, bodies, holds, blobs, grants, tags), each
//! computed from its number alone, so that no process keeps a list of keys that would blur its memory.

/// Ten records make a group: one pushed manifest with its body, its holds, and two blobs.
const RECORDS_PER_GROUP: u64 = 10;
const BODY_BYTES: usize = 1536;
/// A small blob kept with the records.
pub const INLINE_BLOB_BYTES: usize = 4096;
/// The one partition that is walked in pages; it holds a tenth of all records.
const BIG_REPOSITORY: &str = "team/platform/services/library/base-images/big";
const REPOSITORIES: u64 = 1000;

pub type Record = (Vec<u8>, Vec<u8>);

/// SplitMix64: a bijection, so distinct numbers give distinct digests.
pub fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A small generator for choosing what to read; its sequence is fixed by its seed.
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0) % bound
    }
}

fn hex(seed: u64, length: usize) -> String {
    let mut text = String::with_capacity(length + 16);
    let mut word = mix(seed);
    while text.len() < length {
        text.push_str(&format!("{word:016x}"));
        word = mix(word);
    }
    text.truncate(length);
    text
}

fn digest(seed: u64) -> String {
    format!("sha256:{}", hex(seed, 64))
}

/// Names of 10 to 110 bytes, nested as they are in practice.
fn repository(seed: u64) -> String {
    let number = mix(seed) % REPOSITORIES;
    let path = hex(number + 77, 1 + (mix(number) % 100) as usize);
    format!("org{:03}/{}", number, path)
}

fn key(partition: &str, sort: &str) -> Vec<u8> {
    [partition.as_bytes(), b"\0", sort.as_bytes()].concat()
}

/// 150 to 400 bytes of JSON.
fn fields(seed: u64) -> Vec<u8> {
    let padding = 20 + (mix(seed ^ 5) % 230) as usize;
    format!(
        r#"{{"format":1,"version":"{}","incarnation":"{}","state":"live","size":{},"keepUntil":"2026-11-24T17:00:00Z","note":"{}"}}"#,
        hex(seed, 16),
        hex(seed ^ 1, 16),
        mix(seed) % 1_000_000,
        hex(seed ^ 2, padding)
    )
    .into_bytes()
}

fn blob_partition(group: u64, which: u64) -> String {
    format!("blob#{}", digest(group * 4 + which))
}

fn manifest_partition(group: u64) -> String {
    format!("manifest#{}#{}", repository(group), digest(group * 4))
}

/// The record of this number.
pub fn record(number: u64) -> Record {
    let group = number / RECORDS_PER_GROUP;
    let repo = repository(group);
    let manifest = digest(group * 4);
    let incarnation = hex(group ^ 3, 16);
    let blob_hold = || format!("held#{repo}#{manifest}#{incarnation}");
    let key = match number % RECORDS_PER_GROUP {
        0 => key(&format!("repo#{BIG_REPOSITORY}"), &tag_sort(group)),
        1 => key(&manifest_partition(group), "0#self"),
        2 => key(&manifest_partition(group), "0#body"),
        3 => key(&manifest_partition(group), &format!("held#tag#v{group}#{incarnation}")),
        4 => key(&blob_partition(group, 1), "content"),
        5 => key(&blob_partition(group, 1), &format!("grant#{repo}")),
        6 => key(&blob_partition(group, 1), &blob_hold()),
        7 => key(&blob_partition(group, 1), &format!("held-content#{repo}#{incarnation}")),
        8 => key(&blob_partition(group, 2), "content"),
        _ => key(&blob_partition(group, 2), &blob_hold()),
    };
    let value = match number % RECORDS_PER_GROUP {
        2 => hex(number, BODY_BYTES).into_bytes(),
        _ => fields(number),
    };
    (key, value)
}

fn tag_sort(group: u64) -> String {
    format!("tag#v{group:07}")
}

/// How many items the big partition has.
pub fn big_partition_len(records: u64) -> u64 {
    records / RECORDS_PER_GROUP
}

/// The key of the big partition's item of this number.
pub fn big_partition_key(item: u64) -> Vec<u8> {
    record(item * RECORDS_PER_GROUP).0
}

/// The first key of some manifest's partition; the record, its body and its hold lie side by side.
pub fn manifest_key(records: u64, chance: &mut Chance) -> Vec<u8> {
    record(chance.below(records / RECORDS_PER_GROUP) * RECORDS_PER_GROUP + 1).0
}

/// What a put demands of the record that is there.
pub enum Condition {
    Absent,
    Present,
}

pub struct ConditionalPut {
    pub condition: Condition,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
}

/// What one request writes: a new manifest record, a blob's record changed, a hold under that blob; where
/// asked, a small blob's bytes beside them. Keys are spread as digests are: no two puts share a page.
pub fn request(records: u64, serial: u64, with_blob: bool) -> Vec<ConditionalPut> {
    let fresh = mix(serial) | 1 << 63;
    let group = mix(serial ^ 9) % (records / RECORDS_PER_GROUP);
    let partition = blob_partition(group, 1);
    let repo = repository(serial);
    let mut puts = vec![
        ConditionalPut {
            condition: Condition::Absent,
            key: key(&format!("manifest#{repo}#{}", digest(fresh)), "0#self"),
            value: fields(fresh),
        },
        ConditionalPut {
            condition: Condition::Present,
            key: key(&partition, "content"),
            value: fields(fresh ^ 1),
        },
        ConditionalPut {
            condition: Condition::Absent,
            key: key(&partition, &format!("held#{repo}#{}#{}", digest(fresh), hex(fresh, 16))),
            value: fields(fresh ^ 2),
        },
    ];
    if with_blob {
        puts.push(ConditionalPut {
            condition: Condition::Absent,
            key: key(&format!("bytes#{}", digest(fresh ^ 3)), "0#bytes"),
            value: hex(fresh, INLINE_BLOB_BYTES).into_bytes(),
        });
    }
    puts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_the_sizes_the_readme_names() {
        for number in 0..50_000 {
            let (key, value) = record(number);
            assert!((60..=300).contains(&key.len()), "key of {} bytes", key.len());
            let wanted = if number % 10 == 2 { 1536..=1536 } else { 150..=400 };
            assert!(wanted.contains(&value.len()), "value of {} bytes", value.len());
        }
    }
}
