//! A repository where everyone does everything to the same few things. Nobody knows what is there; but what is there
//! is whole.

use std::sync::Arc;

use moorage_kills::content::sha256;
use moorage_kills::documents::Document;
use moorage_kills::http::{Body, Request};

use super::Client;
use crate::asker::Silence;
use crate::findings::Kind;

pub const WILD: &str = "wild/app";

/// How often something must be missing under a manifest that is there before and after: in between, it may have been
/// deleted and pushed again once, but the bytes of what is deleted do not go so soon.
const TIMES_MISSING: usize = 4;

const TAGS: usize = 4;

impl Client<'_> {
    pub(super) fn go_wild(&mut self) -> Result<(), Silence> {
        let document = self.common[self.asker.random.below(self.common.len())].clone();
        let tag = format!("w{}", self.asker.random.below(TAGS));
        let path = |what: &str, name: &str| format!("/v2/{WILD}/{what}/{name}");
        match self.asker.random.below(20) {
            0..7 => self.push_wild(&document, Some(&tag)),
            7..9 => self.push_wild(&document, None),
            9..11 => self.wild("wild: delete manifest", "DELETE", &path("manifests", &document.digest)),
            11 => self.wild("wild: delete tag", "DELETE", &path("manifests", &tag)),
            12 => {
                let Some(blob) = document.blobs.first() else { return Ok(()) };
                self.wild("wild: delete blob", "DELETE", &path("blobs", &blob.digest))
            }
            13..15 => self.wild("wild: restore", "POST", &path("_moorage/recycle-bin", &document.digest)),
            15 => self.wild("wild: purge", "DELETE", &path("_moorage/recycle-bin", &document.digest)),
            _ => self.is_whole(&document),
        }
    }

    fn wild(&mut self, how: &'static str, method: &'static str, target: &str) -> Result<(), Silence> {
        self.asker.simple(how, method, target).map(drop)
    }

    fn push_wild(&mut self, document: &Arc<Document>, tag: Option<&str>) -> Result<(), Silence> {
        for blob in &document.blobs {
            let path = format!("/v2/{WILD}/blobs/{}", blob.digest);
            if self.asker.simple("HEAD blob", "HEAD", &path)?.status() != 200 {
                self.push_blob(WILD, blob)?;
            }
        }
        let target = format!("/v2/{WILD}/manifests/{}", tag.unwrap_or(&document.digest));
        let headers = [("Content-Type", document.media_type)];
        let body = Body::Whole(&document.bytes);
        self.asker
            .ask("wild: push manifest", &Request { method: "PUT", target: &target, headers: &headers, body })
            .map(drop)
    }

    /// A manifest that is there has all that it needs.
    pub fn is_whole(&mut self, document: &Arc<Document>) -> Result<(), Silence> {
        let path = format!("/v2/{WILD}/manifests/{}", document.digest);
        let blobs = document.blobs.iter().map(|blob| ("blobs", &blob.digest));
        let children = document.manifests.iter().map(|child| ("manifests", child));
        'needs: for (what, digest) in blobs.chain(children) {
            let target = format!("/v2/{WILD}/{what}/{digest}");
            for _ in 0..TIMES_MISSING {
                if self.asker.simple("wild: pull", "GET", &path)?.status() != 200 {
                    return Ok(());
                }
                let answered = self.asker.simple("wild: pull", "GET", &target)?;
                self.world.count(&self.world.compared);
                if answered.status() == 200 {
                    if sha256(&answered.answer.body) != *digest {
                        self.complain(Kind::WrongBytes, &target, "another digest");
                    }
                    continue 'needs;
                }
            }
            if self.asker.simple("wild: pull", "GET", &path)?.status() == 200 {
                let why = format!("{path} is there, and this is not");
                self.complain(Kind::Incomplete, &target, &why);
            }
        }
        Ok(())
    }
}
