//! Reading back what a push row pushed: an acknowledged push that cannot be pulled is an error.

use std::fmt::Write as _;

use super::{Pushed, wrong};
use crate::content::Digest;
use crate::http::{ACCEPT, Reply, Request, Verdict, Workload};

/// Pulls each push's manifest by tag and its layer, on one lane.
pub struct ReadBack {
    left: Vec<Pushed>,
    at_layer: bool,
}

impl ReadBack {
    pub fn new(pushed: Vec<Pushed>) -> Self {
        Self { left: pushed, at_layer: false }
    }
}

impl Workload for ReadBack {
    fn next(&mut self, _lane: usize, request: &mut Request) -> bool {
        let Some(pushed) = self.left.last() else {
            return false;
        };
        let target = request.start("GET", ACCEPT);
        let _ = match self.at_layer {
            false => write!(target, "/v2/{}/manifests/{}", pushed.repository, pushed.tag),
            true => write!(target, "/v2/{}/blobs/{}", pushed.repository, pushed.layer),
        };
        request.keep = true;
        true
    }

    fn answer(&mut self, _lane: usize, reply: &Reply) -> Verdict {
        let Some(pushed) = self.left.last() else {
            return Verdict::Wrong("an answer to nothing".into());
        };
        let expected = if self.at_layer { pushed.layer } else { pushed.manifest };
        let verdict = match reply.status == 200 && Digest::of(&reply.body) == expected {
            true => Verdict::Done,
            false => {
                wrong(reply, &format!("reading back {}:{}", pushed.repository, pushed.tag), "what was pushed")
            }
        };
        if self.at_layer {
            self.left.pop();
        }
        self.at_layer = !self.at_layer;
        verdict
    }

    fn gave_up(&mut self, _lane: usize) {
        self.left.pop();
        self.at_layer = false;
    }
}
