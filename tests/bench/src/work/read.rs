//! Pulling: manifests and blobs, drawn at random.

use std::fmt::Write as _;

use super::wrong;
use crate::content::random::Random;
use crate::content::{Digest, LARGE_BLOB_BYTES, SMALL_BLOB_BYTES, World};
use crate::http::{ACCEPT, Reply, Request, Verdict, Workload};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    ManifestByTag,
    ManifestByDigest,
    SmallBlob,
    LargeBlob,
}

/// What is read, and of how much.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    pub method: Method,
    pub thing: Thing,
    /// Only the first so many are drawn from; `None`: all there are.
    pub only: Option<u32>,
}

/// One answer in so many is looked at byte by byte.
const LOOKED_AT: u32 = 32;

pub struct Reading<'a> {
    world: &'a World,
    read: Read,
    /// How many things there are to draw from.
    among: u32,
    random: Random,
    lanes: Vec<Drawn>,
    repositories: Vec<String>,
    /// Whether answers should carry `Docker-Content-Digest`.
    names_digests: bool,
}

/// What a lane asked for.
#[derive(Clone, Copy)]
struct Drawn {
    digest: Digest,
    size: usize,
}

impl<'a> Reading<'a> {
    pub fn new(world: &'a World, read: Read, lanes: usize, random: Random, names_digests: bool) -> Self {
        let size = world.size;
        let there = match read.thing {
            Thing::ManifestByTag | Thing::ManifestByDigest => size.manifests,
            Thing::SmallBlob => size.repositories * world.layers_in_use(),
            Thing::LargeBlob => size.large_blobs,
        };
        Self {
            world,
            read,
            among: read.only.map_or(there, |only| only.min(there)),
            random,
            lanes: vec![Drawn { digest: Digest::of(b""), size: 0 }; lanes],
            repositories: (0..size.repositories).map(|at| world.repository(at)).collect(),
            names_digests,
        }
    }

    /// Writes the target of thing `at`.
    fn write_target(&self, at: u32, target: &mut String) -> Drawn {
        let world = self.world;
        let repositories = world.size.repositories;
        let name = |at: u32| self.repositories[at as usize].as_str();
        // Writing to a String cannot fail.
        match self.read.thing {
            Thing::ManifestByTag | Thing::ManifestByDigest => {
                let named = world.manifest_named(at);
                let _ = write!(target, "/v2/{}/manifests/", name(world.manifest_repository(at)));
                let _ = match self.read.thing {
                    Thing::ManifestByTag => write!(target, "{}", world.manifest_tag(at)),
                    _ => write!(target, "{}", named.digest),
                };
                Drawn { digest: named.digest, size: named.size }
            }
            Thing::SmallBlob => {
                let repository = at % repositories;
                let digest = world.layer_digest(repository, at / repositories);
                let _ = write!(target, "/v2/{}/blobs/{digest}", name(repository));
                Drawn { digest, size: SMALL_BLOB_BYTES }
            }
            Thing::LargeBlob => {
                let digest = world.large_blob_digest(at);
                let _ = write!(target, "/v2/{}/blobs/{digest}", world.large_blob_repository(at));
                Drawn { digest, size: LARGE_BLOB_BYTES }
            }
        }
    }
}

impl Workload for Reading<'_> {
    fn next(&mut self, lane: usize, request: &mut Request) -> bool {
        if self.among == 0 {
            return false;
        }
        let at = self.random.below(self.among);
        let method = match self.read.method {
            Method::Get => "GET",
            Method::Head => "HEAD",
        };
        self.lanes[lane] = self.write_target(at, request.start(method, ACCEPT));
        request.keep = self.random.below(LOOKED_AT) == 0;
        true
    }

    fn answer(&mut self, lane: usize, reply: &Reply) -> Verdict {
        let drawn = self.lanes[lane];
        let came = match self.read.method {
            Method::Get => Some(reply.body_length),
            Method::Head => reply.length,
        };
        let is_right = reply.status == 200
            && came == Some(drawn.size as u64)
            && (!self.names_digests || drawn.digest.is(&reply.digest))
            && (reply.body.is_empty() || drawn.digest == Digest::of(&reply.body));
        if is_right {
            return Verdict::Done;
        }
        let expected = format!("200 with {} bytes of {}", drawn.size, drawn.digest);
        wrong(reply, &format!("{:?}", self.read), &expected)
    }
}
