//! Lists: tags whole and in pages, referrers.

use std::fmt::Write as _;

use serde::Deserialize;

use super::wrong;
use crate::content::random::Random;
use crate::content::{self, Digest, ListBlobs, MANY_TAGS, REFERRED, REFERRERS, SHORT_LIST_TAGS, World};
use crate::http::{Reply, Request, Verdict, Workload};

#[derive(Clone, Copy, Debug)]
pub enum List {
    /// All tags of a repository that has few, asked for by number: without one, some registries send fewer.
    Tags,
    /// A page of so many tags of a repository that has few, from a random place.
    PageOfFew(u32),
    /// The same of the repository that has many.
    PageOfMany(u32),
    Referrers,
}

/// One answer in so many is parsed.
const LOOKED_AT: u32 = 32;

pub struct Listing {
    list: List,
    size: content::Size,
    subjects: Vec<Digest>,
    random: Random,
    lanes: Vec<Expected>,
}

/// What a lane's answer should hold.
#[derive(Clone, Copy, Default)]
struct Expected {
    /// The first tag, by number.
    from: u32,
    entries: u32,
}

impl Listing {
    pub fn new(world: &World, list: List, lanes: usize, random: Random) -> Self {
        let blobs = ListBlobs::new(REFERRED);
        Self {
            list,
            size: world.size,
            subjects: (0..world.size.subjects).map(|at| Digest::of(&blobs.subject(at))).collect(),
            random,
            lanes: vec![Expected::default(); lanes],
        }
    }

    /// How many repositories or subjects the list can be drawn from.
    fn among(&self) -> u32 {
        match self.list {
            List::Tags | List::PageOfFew(_) => self.size.short_lists,
            List::PageOfMany(n) => u32::from(self.size.many_tags > n),
            List::Referrers => self.size.subjects,
        }
    }

    fn write_page(&mut self, repository: &str, n: u32, tags: u32, target: &mut String) -> Expected {
        let from = 1 + self.random.below((tags - n).max(1));
        let last = content::list_tag(from - 1);
        let _ = write!(target, "/v2/{repository}/tags/list?n={n}&last={last}");
        Expected { from, entries: n.min(tags - from) }
    }

    /// Whether the body is the list that was asked for.
    fn is_right(&self, expected: Expected, body: &[u8]) -> bool {
        if matches!(self.list, List::Referrers) {
            let index: Result<Index, _> = serde_json::from_slice(body);
            return index.is_ok_and(|index| index.manifests.len() == expected.entries as usize);
        }
        let page: Result<Page, _> = serde_json::from_slice(body);
        page.is_ok_and(|page| {
            let numbers = expected.from..expected.from + expected.entries;
            page.tags.into_iter().eq(numbers.map(content::list_tag))
        })
    }
}

#[derive(Deserialize)]
struct Page {
    tags: Vec<String>,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<serde::de::IgnoredAny>,
}

impl Workload for Listing {
    fn next(&mut self, lane: usize, request: &mut Request) -> bool {
        let among = self.among();
        if among == 0 {
            return false;
        }
        let at = self.random.below(among);
        let target = request.start("GET", "");
        self.lanes[lane] = match self.list {
            List::Tags => {
                let _ = write!(target, "/v2/{}/tags/list?n={SHORT_LIST_TAGS}", content::short_list(at));
                Expected { from: 0, entries: SHORT_LIST_TAGS }
            }
            List::PageOfFew(n) => self.write_page(&content::short_list(at), n, SHORT_LIST_TAGS, target),
            List::PageOfMany(n) => self.write_page(MANY_TAGS, n, self.size.many_tags, target),
            List::Referrers => {
                let _ = write!(target, "/v2/{REFERRED}/referrers/{}", self.subjects[at as usize]);
                Expected { from: 0, entries: REFERRERS }
            }
        };
        request.keep = self.random.below(LOOKED_AT) == 0;
        true
    }

    fn answer(&mut self, lane: usize, reply: &Reply) -> Verdict {
        let expected = self.lanes[lane];
        let is_right = reply.status == 200
            && reply.body_length > 0
            && (reply.body.is_empty() || self.is_right(expected, &reply.body));
        if is_right {
            return Verdict::Done;
        }
        wrong(reply, &format!("{:?}", self.list), &format!("200 with {} entries", expected.entries))
    }
}
