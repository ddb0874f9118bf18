//! Pushing as a build does: a config, one fresh layer, a manifest by tag. Five requests, one push.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::{upload, wrong};
use crate::content::documents::{self, Named};
use crate::content::random::{Random, keyed};
use crate::content::{Digest, World};
use crate::http::{Origin, Reply, Request, Verdict, Workload};

pub struct Pushing {
    origin: Origin,
    repositories: Vec<String>,
    /// The beginning of every layer, the same bytes, already hashed: only the end of a layer is its own, so
    /// that the driver hashes little.
    beginning: Arc<[u8]>,
    begun: Sha256,
    /// Makes content unlike that of any other row, round or run.
    nonce: String,
    random: Random,
    count: u64,
    lanes: Vec<Push>,
    /// The latest pushes that were acknowledged.
    pushed: VecDeque<Pushed>,
}

/// A push that was acknowledged.
pub struct Pushed {
    pub repository: String,
    pub tag: String,
    pub manifest: Digest,
    pub layer: Digest,
}

/// What a lane is pushing.
#[derive(Default)]
struct Push {
    step: Step,
    repository: usize,
    tag: String,
    config: Vec<u8>,
    layer_end: String,
    layer: Option<Named>,
    manifest: Vec<u8>,
    /// The target of the closing PUT of an opened upload.
    closing: String,
}

#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
enum Step {
    /// Nothing begun.
    #[default]
    Fresh,
    OpenConfig,
    CloseConfig,
    OpenLayer,
    CloseLayer,
    Manifest,
}

/// Bytes at the end of a layer that are its own.
const END_BYTES: usize = 64;
/// Pushes that are read back.
const REMEMBERED: usize = 32;

impl Pushing {
    pub fn new(
        origin: Origin,
        world: &World,
        layer_bytes: usize,
        lanes: usize,
        nonce: String,
        random: Random,
    ) -> Self {
        let mut beginning = vec![0; layer_bytes - END_BYTES];
        keyed(layer_bytes as u64, &[]).fill(&mut beginning);
        Self {
            origin,
            repositories: (0..world.size.repositories).map(|at| world.repository(at)).collect(),
            begun: Sha256::new_with_prefix(&beginning),
            beginning: beginning.into(),
            nonce,
            random,
            count: 0,
            lanes: (0..lanes).map(|_| Push::default()).collect(),
            pushed: VecDeque::new(),
        }
    }

    /// The latest acknowledged pushes.
    pub fn pushed(self) -> Vec<Pushed> {
        self.pushed.into()
    }

    fn begin(&mut self, at: usize) {
        self.count += 1;
        let (nonce, count) = (&self.nonce, self.count);
        let push = &mut self.lanes[at];
        push.repository = self.random.below(u32::try_from(self.repositories.len()).unwrap_or(1)) as usize;
        push.tag.clear();
        let _ = write!(push.tag, "pushed-{nonce}-{count}");
        push.config = documents::config(&push.tag);
        push.layer_end.clear();
        let _ = write!(push.layer_end, "{:>END_BYTES$}", push.tag);
        let layer = Named {
            digest: Digest::after(&self.begun, push.layer_end.as_bytes()),
            size: self.beginning.len() + push.layer_end.len(),
        };
        push.layer = Some(layer);
        push.manifest = documents::manifest(Named::of(&push.config), layer, &push.tag);
        push.step = Step::OpenConfig;
    }
}

impl Workload for Pushing {
    fn next(&mut self, at: usize, request: &mut Request) -> bool {
        if self.repositories.is_empty() {
            return false;
        }
        if self.lanes[at].step == Step::Fresh {
            self.begin(at);
        }
        let push = &self.lanes[at];
        let repository = &self.repositories[push.repository];
        match push.step {
            Step::Fresh => return false,
            Step::OpenConfig | Step::OpenLayer => upload::open(request, repository),
            Step::CloseConfig => {
                upload::close(request, &push.closing);
                request.own.extend_from_slice(&push.config);
            }
            Step::CloseLayer => {
                upload::close(request, &push.closing);
                request.shared = Some(self.beginning.clone());
                request.own.extend_from_slice(push.layer_end.as_bytes());
            }
            Step::Manifest => {
                upload::manifest(request, repository, &push.tag);
                request.own.extend_from_slice(&push.manifest);
            }
        }
        true
    }

    fn answer(&mut self, at: usize, reply: &Reply) -> Verdict {
        let push = &mut self.lanes[at];
        let step = std::mem::take(&mut push.step);
        let repository = &self.repositories[push.repository];
        let expected = match step {
            Step::OpenConfig | Step::OpenLayer => 202,
            _ => 201,
        };
        let Some(layer) = push.layer else {
            return Verdict::Wrong("an answer to nothing".into());
        };
        if reply.status != expected {
            return wrong(reply, &format!("{step:?} in {repository}"), &expected.to_string());
        }
        let opened = match step {
            Step::OpenConfig => Some((Digest::of(&push.config), Step::CloseConfig)),
            Step::OpenLayer => Some((layer.digest, Step::CloseLayer)),
            _ => None,
        };
        if let Some((digest, next)) = opened {
            match upload::closing_target(self.origin, repository, &reply.location, digest) {
                Ok(target) => push.closing = target,
                Err(why) => return Verdict::Wrong(why),
            }
            push.step = next;
            return Verdict::Continue;
        }
        if step != Step::Manifest {
            push.step = if step == Step::CloseConfig { Step::OpenLayer } else { Step::Manifest };
            return Verdict::Continue;
        }
        let manifest = Digest::of(&push.manifest);
        if !manifest.is(&reply.digest) {
            return wrong(reply, &format!("pushing {repository}:{}", push.tag), &manifest.to_string());
        }
        if self.pushed.len() == REMEMBERED {
            self.pushed.pop_front();
        }
        self.pushed.push_back(Pushed {
            repository: repository.clone(),
            tag: push.tag.clone(),
            manifest,
            layer: layer.digest,
        });
        Verdict::Done
    }

    fn gave_up(&mut self, at: usize) {
        self.lanes[at] = Push::default();
    }
}
