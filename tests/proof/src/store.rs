//! The objects of a world, and those that are still in the making.

use std::sync::Arc;

use bytes::Bytes;
use moorage_oci::Digest;
use moorage_ports::{ObjectKey, Part, PartsId, PortError, Put};
use xxhash_rust::xxh3::xxh3_128;

use crate::world::mixed;

/// One object.
#[derive(Debug)]
pub struct Stored {
    pub key: ObjectKey,
    pub bytes: Bytes,
    hash: u128,
}

/// An object that comes in parts.
#[derive(Debug)]
pub struct Unmade {
    pub key: ObjectKey,
    id: PartsId,
    parts: Vec<(Part, Bytes)>,
    hash: u128,
}

impl Unmade {
    fn new(key: ObjectKey, id: PartsId, parts: Vec<(Part, Bytes)>) -> Arc<Self> {
        let hash = xxh3_128(format!("{key} {id:?} {parts:?}").as_bytes());
        Arc::new(Self { key, id, parts, hash })
    }
}

/// Entries are shared between the worlds that have them; the hash of all is the sum of theirs.
#[derive(Clone, Debug, Default)]
pub struct Store {
    objects: Vec<Arc<Stored>>,
    unmade: Vec<Arc<Unmade>>,
    /// Names what is opened.
    opened: u64,
    sum: u128,
}

impl Store {
    #[must_use]
    pub fn hash(&self) -> u128 {
        mixed(&[self.sum, u128::from(self.opened), self.objects.len() as u128])
    }

    pub fn objects(&self) -> impl Iterator<Item = &Stored> {
        self.objects.iter().map(|object| &**object)
    }

    pub fn unmade(&self) -> impl Iterator<Item = &Unmade> {
        self.unmade.iter().map(|unmade| &**unmade)
    }

    #[must_use]
    pub fn get(&self, key: &ObjectKey) -> Option<&Arc<Stored>> {
        let at = self.objects.binary_search_by(|object| object.key.cmp(key)).ok()?;
        Some(&self.objects[at])
    }

    pub fn put(&mut self, key: &ObjectKey, digest: &Digest, bytes: &Bytes) -> Put {
        if Digest::of(digest.algorithm(), bytes) != *digest {
            return Put::DigestMismatch;
        }
        self.make(key, bytes)
    }

    fn make(&mut self, key: &ObjectKey, bytes: &Bytes) -> Put {
        match self.objects.binary_search_by(|object| object.key.cmp(key)) {
            Ok(_) => Put::AlreadyThere,
            Err(at) => {
                let hash = xxh3_128(key.as_str().as_bytes());
                self.sum = self.sum.wrapping_add(hash);
                let stored = Stored { key: key.clone(), bytes: bytes.clone(), hash };
                self.objects.insert(at, Arc::new(stored));
                Put::Stored { size: bytes.len() as u64 }
            }
        }
    }

    pub fn delete(&mut self, key: &ObjectKey) {
        if let Ok(at) = self.objects.binary_search_by(|object| object.key.cmp(key)) {
            self.sum = self.sum.wrapping_sub(self.objects.remove(at).hash);
        }
    }

    pub fn open_parts(&mut self, key: &ObjectKey) -> PartsId {
        self.opened += 1;
        let id = PartsId(self.opened.to_string());
        self.add(Unmade::new(key.clone(), id.clone(), Vec::new()));
        id
    }

    /// All bytes as one part.
    ///
    /// # Errors
    /// `Body` where the object was completed or given up.
    pub fn put_part(
        &mut self,
        key: &ObjectKey,
        id: &PartsId,
        number: u32,
        bytes: &Bytes,
    ) -> Result<Part, PortError> {
        let at = self.unmade_at(key, id).ok_or_else(given_up)?;
        let old = self.take(at);
        let tag = format!("{} of {number}", old.parts.len());
        let part = Part { number, size: bytes.len() as u64, tag };
        let mut parts = old.parts.clone();
        parts.push((part.clone(), bytes.clone()));
        self.add(Unmade::new(key.clone(), id.clone(), parts));
        Ok(part)
    }

    /// # Errors
    /// `Body` where a part is not there any more.
    pub fn complete(&mut self, key: &ObjectKey, id: &PartsId, parts: &[Part]) -> Result<Put, PortError> {
        if self.get(key).is_some() {
            return Ok(Put::AlreadyThere);
        }
        let at = self.unmade_at(key, id).ok_or_else(given_up)?;
        let bytes_of = |part: &Part| self.unmade[at].parts.iter().find(|(p, _)| p == part).map(|(_, b)| b);
        let bytes: Vec<&[u8]> = parts
            .iter()
            .map(|part| bytes_of(part).map(|b| &**b))
            .collect::<Option<_>>()
            .ok_or_else(given_up)?;
        let bytes = Bytes::from(bytes.concat());
        self.take(at);
        Ok(self.make(key, &bytes))
    }

    pub fn abort(&mut self, key: &ObjectKey, id: &PartsId) {
        if let Some(at) = self.unmade_at(key, id) {
            self.take(at);
        }
    }

    fn unmade_at(&self, key: &ObjectKey, id: &PartsId) -> Option<usize> {
        self.unmade.iter().position(|unmade| unmade.key == *key && unmade.id == *id)
    }

    fn add(&mut self, unmade: Arc<Unmade>) {
        self.sum = self.sum.wrapping_add(unmade.hash);
        self.unmade.push(unmade);
    }

    fn take(&mut self, at: usize) -> Arc<Unmade> {
        let unmade = self.unmade.remove(at);
        self.sum = self.sum.wrapping_sub(unmade.hash);
        unmade
    }
}

fn given_up() -> PortError {
    PortError::Body("the object in the making was completed or given up".to_owned())
}
