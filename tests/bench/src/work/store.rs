//! Storing the working set through the API: many lanes, each taking the next job.

use std::time::Instant;

use super::{upload, wrong};
use crate::content::Digest;
use crate::http::{Origin, Reply, Request, Verdict, Workload};

/// One thing to store.
pub enum Job {
    Blob { repository: String, bytes: Vec<u8> },
    Manifest { repository: String, reference: String, bytes: Vec<u8> },
}

/// Stores jobs 0 to `count`, in order, until `deadline`. Once the lanes are through, the first
/// [`taken`](Self::taken) jobs are stored.
pub struct Storing<'a> {
    origin: Origin,
    count: u32,
    job: &'a dyn Fn(u32) -> Job,
    deadline: Instant,
    taken: u32,
    lanes: Vec<Lane>,
}

#[derive(Default)]
struct Lane {
    job: Option<Job>,
    /// Where the blob of an opened upload goes.
    closing: Option<String>,
}

impl<'a> Storing<'a> {
    pub fn new(
        origin: Origin,
        lanes: usize,
        count: u32,
        job: &'a dyn Fn(u32) -> Job,
        deadline: Instant,
    ) -> Self {
        Self { origin, count, job, deadline, taken: 0, lanes: (0..lanes).map(|_| Lane::default()).collect() }
    }

    pub fn taken(&self) -> u32 {
        self.taken
    }
}

impl Workload for Storing<'_> {
    fn next(&mut self, at: usize, request: &mut Request) -> bool {
        let lane = &mut self.lanes[at];
        if lane.job.is_none() {
            if self.taken == self.count || Instant::now() >= self.deadline {
                return false;
            }
            lane.job = Some((self.job)(self.taken));
            self.taken += 1;
        }
        match (&lane.job, &lane.closing) {
            (Some(Job::Blob { repository, .. }), None) => upload::open(request, repository),
            (Some(Job::Blob { bytes, .. }), Some(target)) => {
                upload::close(request, target);
                request.own.extend_from_slice(bytes);
            }
            (Some(Job::Manifest { repository, reference, bytes }), _) => {
                upload::manifest(request, repository, reference);
                request.own.extend_from_slice(bytes);
            }
            (None, _) => return false,
        }
        true
    }

    fn answer(&mut self, at: usize, reply: &Reply) -> Verdict {
        let lane = &mut self.lanes[at];
        let Some(job) = lane.job.take() else {
            return Verdict::Wrong("an answer to nothing".into());
        };
        match (&job, lane.closing.take()) {
            (Job::Blob { repository, bytes }, None) => {
                if reply.status != 202 {
                    return wrong(reply, "opening an upload", "202");
                }
                match upload::closing_target(self.origin, repository, &reply.location, Digest::of(bytes)) {
                    Ok(target) => lane.closing = Some(target),
                    Err(why) => return Verdict::Wrong(why),
                }
                lane.job = Some(job);
                Verdict::Continue
            }
            (Job::Blob { .. }, Some(_)) if reply.status == 201 => Verdict::Done,
            (Job::Blob { .. }, Some(_)) => wrong(reply, "closing an upload", "201"),
            (Job::Manifest { .. }, _) if reply.status == 201 => Verdict::Done,
            (Job::Manifest { repository, reference, .. }, _) => {
                wrong(reply, &format!("pushing {repository}:{reference}"), "201")
            }
        }
    }

    fn gave_up(&mut self, at: usize) {
        self.lanes[at] = Lane::default();
    }
}
