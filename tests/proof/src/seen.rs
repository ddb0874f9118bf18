//! What an operation sees of its call's answer, before that is copied out of the world: few answers are new.

use std::sync::Arc;

use moorage_ports::{ObjectKey, Page, Put, Transacted, Written};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::gate::Answer;
use crate::world::{Entry, Stored};

pub enum Seen {
    Item(Option<Arc<Entry>>),
    Items(Vec<Option<Arc<Entry>>>),
    Page(Vec<Arc<Entry>>, bool),
    Keys(Vec<Arc<Entry>>, bool),
    Written,
    NotWritten(Option<Arc<Entry>>),
    Transacted,
    NotTransacted(Vec<(usize, Option<Arc<Entry>>)>),
    Object(Option<Arc<Stored>>),
    Size(Option<u64>),
    Stored(Put),
    Objects(Vec<ObjectKey>),
    Done,
}

impl Seen {
    /// The same for what an operation can't tell apart.
    #[must_use]
    pub fn hash(&self) -> u128 {
        let mut hash = Xxh3::new();
        let mut see = |entry: Option<&Arc<Entry>>| hash.update(&entry.map_or(0, |e| e.hash).to_le_bytes());
        match self {
            Self::Item(item) => see(item.as_ref()),
            Self::Items(items) => items.iter().for_each(|item| see(item.as_ref())),
            Self::Page(items, more) => {
                items.iter().for_each(|item| see(Some(item)));
                hash.update(&[1, u8::from(*more)]);
            }
            // Only keys are seen: what the items say makes no difference.
            Self::Keys(items, more) => {
                for item in items {
                    let key = &item.item.key;
                    hash.update(key.partition().as_bytes());
                    hash.update(&[0]);
                    hash.update(key.sort().as_bytes());
                    hash.update(&[0]);
                }
                hash.update(&[2, u8::from(*more)]);
            }
            Self::Written => hash.update(&[3]),
            Self::NotWritten(found) => {
                see(found.as_ref());
                hash.update(&[4]);
            }
            Self::Transacted => hash.update(&[5]),
            Self::NotTransacted(refused) => {
                for (at, found) in refused {
                    hash.update(&found.as_ref().map_or(0, |e| e.hash).to_le_bytes());
                    hash.update(&at.to_le_bytes());
                }
                hash.update(&[6]);
            }
            Self::Object(object) => hash.update(&[7, u8::from(object.is_some())]),
            Self::Size(size) => hash.update(&[8, u8::from(size.is_some())]),
            Self::Stored(put) => hash.update(&xxh3_128(format!("{put:?}").as_bytes()).to_le_bytes()),
            Self::Objects(keys) => hash.update(format!("{keys:?}").as_bytes()),
            Self::Done => hash.update(&[9]),
        }
        hash.digest128()
    }

    #[must_use]
    pub fn answer(&self) -> Answer {
        let item = |entry: &Option<Arc<Entry>>| entry.as_ref().map(|entry| entry.item.clone());
        match self {
            Self::Item(found) => Answer::Item(item(found)),
            Self::Items(found) => Answer::Items(found.iter().map(item).collect()),
            Self::Page(found, more) => {
                Answer::Page(Page { items: found.iter().map(|e| e.item.clone()).collect(), more: *more })
            }
            Self::Keys(found, more) => {
                Answer::Keys(Page { items: found.iter().map(|e| e.item.key.clone()).collect(), more: *more })
            }
            Self::Written => Answer::Written(Written::Done),
            Self::NotWritten(found) => Answer::Written(Written::Refused(item(found).map(Box::new))),
            Self::Transacted => Answer::Transacted(Transacted::Done),
            Self::NotTransacted(refused) => {
                let refused = refused.iter().map(|(at, found)| (*at, item(found))).collect();
                Answer::Transacted(Transacted::Refused(refused))
            }
            Self::Object(found) => {
                Answer::Object(found.as_ref().map(|o| (o.bytes.clone(), o.bytes.len() as u64)))
            }
            Self::Size(size) => Answer::Size(*size),
            Self::Stored(put) => Answer::Stored(put.clone()),
            Self::Objects(keys) => Answer::Objects(keys.clone()),
            Self::Done => Answer::Done,
        }
    }
}
