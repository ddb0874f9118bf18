//! What an operation sees of its call's answer, before that is copied out of the world: few answers are new.

use std::sync::Arc;

use moorage_ports::{Changes, Cursor, ObjectKey, Page, Part, PartsId, PortError, Put, Transacted, Written};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::gate::Answer;
use crate::store::Stored;
use crate::world::{Entry, Told};

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
    PartsId(PartsId),
    Part(Part),
    Changes(Vec<Arc<Told>>, Cursor),
    Failed(Failed),
    Done,
}

/// How a call fails here.
#[derive(Clone, Debug)]
pub enum Failed {
    Body(String),
    Corrupt(String),
}

impl Failed {
    #[must_use]
    pub fn error(&self) -> PortError {
        match self {
            Self::Body(words) => PortError::Body(words.clone()),
            Self::Corrupt(words) => PortError::Corrupt(words.clone()),
        }
    }
}

impl Seen {
    #[must_use]
    pub fn part(put: Result<Part, PortError>) -> Self {
        match put {
            Ok(part) => Self::Part(part),
            Err(error) => Self::Failed(Failed::Body(error.to_string())),
        }
    }

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
            Self::PartsId(id) => hash.update(format!("{id:?}").as_bytes()),
            Self::Part(part) => hash.update(format!("{part:?}").as_bytes()),
            Self::Changes(told, next) => {
                told.iter().for_each(|told| hash.update(&told.hash.to_le_bytes()));
                hash.update(next.0.as_bytes());
                hash.update(&[10]);
            }
            Self::Failed(failed) => hash.update(format!("{failed:?}").as_bytes()),
            Self::Done => hash.update(&[9]),
        }
        hash.digest128()
    }

    /// The answer, as one that can be given again.
    ///
    /// # Errors
    /// How the call failed.
    pub fn remembered(&self) -> Result<Answer, Failed> {
        match self {
            Self::Failed(failed) => Err(failed.clone()),
            _ => self.answer().map_err(|error| Failed::Corrupt(error.to_string())),
        }
    }

    /// # Errors
    /// How the call failed.
    pub fn answer(&self) -> Result<Answer, PortError> {
        let item = |entry: &Option<Arc<Entry>>| entry.as_ref().map(|entry| entry.item.clone());
        Ok(match self {
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
            Self::PartsId(id) => Answer::PartsId(id.clone()),
            Self::Part(part) => Answer::Parts(vec![part.clone()]),
            Self::Changes(told, next) => Answer::Changes(Changes {
                changes: told.iter().map(|told| told.change.clone()).collect(),
                next: next.clone(),
                lost: false,
            }),
            Self::Failed(failed) => return Err(failed.error()),
            Self::Done => Answer::Done,
        })
    }
}
