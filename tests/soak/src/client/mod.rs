//! A client that works all the time in all the ways clients do, and knows what it was told.
//!
//! It has repositories of its own, in which it knows what must be there. In `shared/app` all clients push the same few
//! manifests and move tags of their own about, so that manifests lose their last tag and are pushed again while they
//! are collected. In `wild/app` everyone does everything to the same few things: there only the wholeness of what
//! can be read is compared.

mod bin;
mod blobs;
mod deletes;
mod pulls;
mod pushes;
mod wild;

use std::sync::Arc;
use std::time::Instant;

use moorage_kills::content::{Blob, Content};
use moorage_kills::documents::Document;
use moorage_kills::http::{Body, Request};
use moorage_kills::random::Random;

use crate::asker::{Asker, Silence};
use crate::findings::Kind;
use crate::known::Known;
use crate::world::World;

pub use wild::WILD;

/// Repositories of one client: the second recycles what nothing holds, the third changes its mind.
const REPOSITORIES: usize = 3;

/// Where everyone pushes the same, and deletes nothing but tags.
pub const SHARED: &str = "shared/app";

/// Contents that every client pushes, so that they meet.
const COMMON_CONTENTS: u64 = 10;

/// Bytes of layers, by how likely they are: all fit one request of a function.
const SIZES: [usize; 8] = [10, 300, 300, 4 << 10, 4 << 10, 40 << 10, 100 << 10, 900 << 10];

pub const RECYCLE: &str = r#"{"untagged":{"action":"recycle","after":"1s"}}"#;
const KEEP: &str = r#"{"untagged":{"action":"keep"}}"#;

pub struct Client<'w> {
    world: &'w World,
    number: usize,
    asker: Asker<'w>,
    /// Its own repositories, then what it knows of the shared one.
    known: Vec<Known>,
    /// What everybody pushes.
    common: Vec<Arc<Document>>,
}

impl<'w> Client<'w> {
    pub fn new(world: &'w World, number: usize, seed: u64) -> Self {
        let mut known: Vec<Known> =
            (0..REPOSITORIES).map(|at| Known::new(format!("c{number}/r{at}"))).collect();
        known.push(Known::new(SHARED.to_owned()));
        let asker = Asker::new(world, Random::of(seed, &[number as u64]));
        Self { world, number, asker, known, common: common() }
    }

    /// Works until it is told to stop.
    pub fn run(&mut self) -> Result<(), Silence> {
        self.set_policy(1, true)?;
        self.set_policy(REPOSITORIES, true)?;
        while !self.world.is_stopping() {
            self.step()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Silence> {
        let at = self.asker.random.below(REPOSITORIES);
        self.known[at].needed(Instant::now());
        match self.asker.random.below(100) {
            0..16 => self.push_image(at),
            16..21 => self.push_index(at),
            21..26 => self.push_referrer(at),
            26..32 => self.move_tag(at),
            32..36 => self.push_again(at),
            36..40 => self.mount(at),
            40..45 => self.delete_tag(at),
            45..50 => self.delete_manifest(at),
            50..54 => self.delete_blob(at),
            54..60 => self.restore(at),
            60..62 => self.purge(at),
            62..63 => {
                let recycles = self.asker.random.chance(50);
                self.set_policy(2, recycles)
            }
            63..75 => self.pull(at),
            75..89 => self.share(),
            _ => self.go_wild(),
        }
    }

    /// Compares everything that must be there.
    pub fn check_all(&mut self) -> Result<(), Silence> {
        for at in 0..self.known.len() {
            self.pull_all(at)?;
        }
        Ok(())
    }

    fn set_policy(&mut self, at: usize, recycles: bool) -> Result<(), Silence> {
        let target = format!("/v2/{}/_moorage/policy", self.known[at].name);
        let body = Body::Whole(if recycles { RECYCLE } else { KEEP }.as_bytes());
        let headers = [("Content-Type", "application/json")];
        if recycles {
            self.known[at].recycles = true;
        }
        let answered =
            self.asker.ask("policy", &Request { method: "PUT", target: &target, headers: &headers, body })?;
        if answered.status() >= 300 {
            self.complain(Kind::ServerError, "a policy", &format!("{}", answered.status()));
        }
        self.known[at].recycles = recycles;
        Ok(())
    }

    /// Pushes one of the manifests that everybody pushes under a tag of its own, or takes that tag away, or pulls it.
    fn share(&mut self) -> Result<(), Silence> {
        let at = REPOSITORIES;
        match self.asker.random.below(10) {
            0..6 => {
                let document = self.common[self.asker.random.below(self.common.len())].clone();
                let tag = format!("c{}-{}", self.number, self.asker.random.below(2));
                self.push_with_needs(at, &document, Some(tag)).map(drop)
            }
            6..8 => self.delete_tag(at),
            _ => self.pull(at),
        }
    }

    pub fn world(&self) -> &'w World {
        self.world
    }

    pub fn asker(&mut self) -> &mut Asker<'w> {
        &mut self.asker
    }

    /// What it ever pushed to its own repositories.
    pub fn all_manifests(&self) -> Vec<(String, Vec<String>)> {
        let digests = |known: &Known| known.manifests.keys().map(ToString::to_string).collect();
        self.known[..REPOSITORIES].iter().map(|known| (known.name.clone(), digests(known))).collect()
    }

    fn some_layer(&mut self) -> Blob {
        let size = SIZES[self.asker.random.below(SIZES.len())];
        let seed = if self.asker.random.chance(50) {
            1 + self.asker.random.next() % COMMON_CONTENTS
        } else {
            self.asker.random.next()
        };
        Content::new(seed, size).blob()
    }

    fn note(&mut self) -> String {
        format!("client {}, {:016x}", self.number, self.asker.random.next())
    }

    fn complain(&self, kind: Kind, what: &str, why: &str) {
        self.world.findings.add(kind, format!("client {}: {what}", self.number), why);
    }
}

/// The same for every client: images that share blobs, and indexes over some of them.
pub fn common() -> Vec<Arc<Document>> {
    let blob = |seed: u64| Content::new(100 + seed % 6, 200 << (seed % 6)).blob();
    let image = |number: u64| {
        Document::image(&blob(number), &[blob(number + 1), blob(number + 3)], &format!("common {number}"))
    };
    let images: Vec<_> = (0..5).map(image).collect();
    let index = Document::index(&images[..2], "common index");
    let outer = Document::index(&[index.clone(), images[2].clone()], "common index of an index");
    images.into_iter().chain([index, outer]).collect()
}
