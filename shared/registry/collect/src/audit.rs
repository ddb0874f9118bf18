//! The audit: walks over the whole table and the whole bucket, and says what is not as it should be. For when
//! changes of the table were lost, and for what no review can find: holds and objects that somebody left behind who
//! died.
//!
//! Each item is held against what it says of others, by strong reads that come after its own; what seems wrong is
//! looked at once more when the walk is over, so that what was only half done by somebody is not taken for wrong.
//! Whatever is repaired is so on the condition that it still is as it was seen, so an audit may run beside
//! everything else.

mod checks;
mod children;
mod finding;
mod left_over;
mod nodes;
mod objects;
mod search;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use moorage_oci::{Digest, RepositoryName};
use moorage_ports::facts::Progress;
use moorage_ports::{BlobStore, Fact, Item, Key, ObjectKey, PortError, Reviewed, ScanTable, Transacted};

use crate::steps::Steps;
use crate::waiting::FeedReader;

pub use children::Children;
pub use finding::{Finding, Remedy, Wrong};

/// Items in one page of the walk, and how many are looked at in one moment.
const ITEMS_IN_PAGE_MAX: usize = 1000;
const AT_ONCE: usize = 16;

/// Whether what is found is put right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repair {
    /// Nothing is written, and no review is asked for.
    No,
    Yes,
}

/// What became of one finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repaired {
    /// It was not asked for.
    NotAsked,
    Done,
    /// Somebody changed it meanwhile: another audit tells.
    Changed,
    /// What is lost can't be put back by an audit.
    Cannot,
}

/// What an audit saw.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Audited {
    /// Items of the table.
    pub items: u64,
    /// Objects of the store.
    pub objects: u64,
    pub found: u64,
    pub repaired: u64,
    /// Reviews of what is not there any more: nothing is wrong with that, they go when they are due.
    pub reviews_of_nothing: u64,
}

/// An audit of one registry.
pub struct Audit {
    steps: Steps,
    scan: Arc<dyn ScanTable>,
    blobs: Arc<dyn BlobStore>,
    reader: FeedReader,
    children: Children,
    is_searched: bool,
}

/// What waits to be done: nothing is wrong with what is not done yet.
struct Waiting {
    reviews: BTreeSet<Reviewed>,
    /// Manifests whose search items a change that nobody has read yet begins or ends.
    search: BTreeSet<(RepositoryName, Digest)>,
}

/// What the walk remembers. In memory: what nothing holds, and those names of objects that cannot be asked for. Beside it,
/// the bytes of as many manifests as are looked at in one moment.
#[derive(Default)]
struct Walk {
    suspects: Vec<Key>,
    named: BTreeSet<ObjectKey>,
    audited: Audited,
}

type Say<'s> = &'s mut (dyn FnMut(&Finding, Repaired) + Send);

impl Audit {
    #[must_use]
    pub fn new(
        steps: Steps,
        scan: Arc<dyn ScanTable>,
        blobs: Arc<dyn BlobStore>,
        reader: FeedReader,
        children: Children,
    ) -> Self {
        Self { steps, scan, blobs, reader, children, is_searched: false }
    }

    /// The same, but it also looks at what is searched, if `is_searched`: if the collector writes it.
    #[must_use]
    pub fn searched(self, is_searched: bool) -> Self {
        Self { is_searched, ..self }
    }

    /// Walks over everything, and tells `say` of each finding and of what became of it.
    ///
    /// # Errors
    /// Those of the storage; what was repaired until then stays so, and all of it can be repeated.
    pub async fn run(&self, repair: Repair, say: Say<'_>) -> Result<Audited, PortError> {
        let mut walk = Walk::default();
        self.walk(&mut walk).await?;
        let waiting = self.waiting().await?;
        for key in std::mem::take(&mut walk.suspects) {
            let Some(item) = self.steps.table.get(&key).await? else { continue };
            for finding in self.check(&item, Some(&waiting)).await? {
                self.tell(finding, repair, say, &mut walk.audited).await?;
            }
        }
        self.objects(&mut walk, repair, say).await?;
        Ok(walk.audited)
    }

    async fn waiting(&self) -> Result<Waiting, PortError> {
        let search = if self.is_searched {
            self.steps.waiting_for_search(self.reader).await?
        } else {
            BTreeSet::new()
        };
        let reviews = self.steps.waiting(self.reader).await?.into_iter().map(|review| review.of).collect();
        Ok(Waiting { reviews, search })
    }

    async fn walk(&self, walk: &mut Walk) -> Result<(), PortError> {
        let mut place = None;
        loop {
            let page = self.scan.scan(place.as_ref(), ITEMS_IN_PAGE_MAX).await?;
            walk.audited.items += page.items.len() as u64;
            for item in &page.items {
                walk.named.extend(names(item));
            }
            let checks = page.items.into_iter().map(|item| async move {
                let found = self.check(&item, None).await?;
                let of_nothing = self.is_review_of_nothing(&item).await?;
                Ok::<_, PortError>((item.key, !found.is_empty(), of_nothing))
            });
            let checked: Vec<_> = stream::iter(checks).buffer_unordered(AT_ONCE).try_collect().await?;
            for (key, is_suspect, of_nothing) in checked {
                walk.audited.reviews_of_nothing += u64::from(of_nothing);
                if is_suspect {
                    walk.suspects.push(key);
                }
            }
            match page.next {
                Some(next) => place = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn tell(
        &self,
        finding: Finding,
        repair: Repair,
        say: Say<'_>,
        audited: &mut Audited,
    ) -> Result<(), PortError> {
        let repaired = match (repair, &finding.remedy) {
            (Repair::No, _) => Repaired::NotAsked,
            (Repair::Yes, Remedy::None) => Repaired::Cannot,
            (Repair::Yes, Remedy::Ask(review)) => {
                self.steps.ask([review.clone()]).await?;
                Repaired::Done
            }
            (Repair::Yes, Remedy::Write(actions)) => {
                match self.steps.table.transact(actions.clone()).await? {
                    Transacted::Done => Repaired::Done,
                    Transacted::Refused(_) => Repaired::Changed,
                }
            }
            (Repair::Yes, Remedy::Search(repository, digest)) => {
                self.steps.search_anew(repository, digest).await?;
                Repaired::Done
            }
        };
        audited.found += 1;
        audited.repaired += u64::from(repaired == Repaired::Done);
        say(&finding, repaired);
        Ok(())
    }

    async fn is_review_of_nothing(&self, item: &Item) -> Result<bool, PortError> {
        match item.key.due() {
            Some((_, of)) if item.fact == Fact::Review => {
                Ok(self.steps.table.get(&of.key()).await?.is_none())
            }
            _ => Ok(false),
        }
    }
}

/// The objects that an item names, but for those whose own key says which content to ask.
fn names(item: &Item) -> Vec<ObjectKey> {
    let named: Vec<&ObjectKey> = match &item.fact {
        Fact::Content(content) => vec![&content.object],
        Fact::Manifest(manifest) => manifest.object.iter().collect(),
        Fact::Session(session) => match &session.progress {
            Progress::Open(upload) | Progress::Closing { upload, .. } => {
                upload.tail.iter().map(|tail| &tail.object).chain([&upload.object]).collect()
            }
            Progress::Closed => Vec::new(),
        },
        _ => Vec::new(),
    };
    named.into_iter().filter(|object| object.blob_parts().is_none()).cloned().collect()
}

/// How often each kind of thing was found, for a summary: `2 dead holds, 1 stale tag`.
#[derive(Default)]
pub struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    pub fn note(&mut self, finding: &Finding) {
        *self.0.entry(finding.wrong.kind()).or_default() += 1;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
        f.write_str(&parts.join(", "))
    }
}
