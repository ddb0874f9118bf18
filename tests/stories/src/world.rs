//! The world of one story: a registry, its storage, its time.

use std::io::Write as _;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use moorage_collector::{Audit, Audited, Children, Collector, FeedReader, Finding, Repair, Steps};
use moorage_http::{Access, Halves, Registry};
use moorage_operations::{Common, MissingChildren, Pull, Push, Settings, TokenSecret};
use moorage_ports::faults::{Fault, Faults, Injector};
use moorage_ports::testing_context::{ManualClock, SeededRandom, TestContext};
use moorage_ports::{BlobStore, Clock, Context, CountCalls, Fact, Item, Key, ReferenceTable, Timestamp};

use crate::Expect;
use crate::client::Client;
use crate::content::Content;
use crate::invariants;
use crate::names::Names;
use crate::picture::Picture;
use crate::place::{Place, Ports, upload_secret};
use crate::snapshot::Snapshot;

/// What a registry is started with.
#[derive(Clone)]
pub struct Setup {
    pub settings: Settings,
    pub access: Access,
    /// Where its storage is to fail.
    pub faults: Option<Arc<Injector>>,
    /// What parts must have but the last; fixed from the world's first moment.
    pub parts: Parts,
}

/// How long the parts of an object must be, but the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parts {
    /// As short as they come, where the engine can do that ([`World::where_parts_are`]).
    Short,
    /// At least ten pieces ([`World::pieces`]): pictures show sizes in pieces.
    OfTenPieces,
    /// As on S3: 5 MiB.
    OfS3,
}

/// S3's least part.
const S3_PART_BYTES_MIN: usize = 5 * 1024 * 1024;

/// A registry on a storage of its own; asks as its [`Client`] does. A story ends with
/// [`Self::end`].
pub struct World<P: Place> {
    client: Client,
    /// `None` once the story has ended.
    place: Option<P>,
    /// The place's; the registry has the same clock, and chance of its own: it draws the same values wherever it
    /// stores.
    test: TestContext,
    context: Context,
    setup: Setup,
    dead_holds: DeadHolds,
    ended: bool,
}

/// Whether holds may be there that nobody has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DeadHolds {
    Never,
    Accepted,
}

impl<P: Place> Deref for World<P> {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl<P: Place> World<P> {
    /// As `moorage serve` starts one.
    pub async fn new() -> Self {
        Self::set_up(|_| {}).await
    }

    /// The same, with something changed.
    pub async fn set_up(change: impl FnOnce(&mut Setup)) -> Self {
        let mut setup = Setup {
            settings: Settings::default(),
            access: Access::PullAndPush,
            faults: None,
            parts: Parts::Short,
        };
        change(&mut setup);
        let test = TestContext::new(0);
        let context = Context { clock: test.clock.clone(), random: Arc::new(SeededRandom::new(1)) };
        let part_bytes_min = match setup.parts {
            Parts::Short => None,
            Parts::OfTenPieces => Some(P::ten_pieces()),
            Parts::OfS3 => Some(S3_PART_BYTES_MIN),
        };
        let place = P::new(&test, part_bytes_min).await;
        let registry = start(place.ports(), &setup, &context).await;
        let client = Client { registry, names: Names::default() };
        Self { client, place: Some(place), test, context, setup, dead_holds: DeadHolds::Never, ended: false }
    }

    /// As [`Self::new`], with parts of at least ten pieces.
    pub async fn with_long_parts() -> Self {
        Self::set_up(|setup| setup.parts = Parts::OfTenPieces).await
    }

    /// Stops the registry and starts it again on the same data.
    pub async fn restart(&mut self) {
        self.restart_with(|_| {}).await;
    }

    /// The same, with something changed.
    pub async fn restart_with(&mut self, change: impl FnOnce(&mut Setup)) {
        change(&mut self.setup);
        let place = self.place.as_mut().expect("the story goes on");
        place.restart(&self.test).await;
        self.client.registry = start(place.ports(), &self.setup, &self.context).await;
    }

    /// A blob of this many pieces: a tenth of the least part each.
    pub fn pieces(&self, name: &str, count: usize) -> Content {
        let (piece, name_bytes) = (Self::piece(), name.as_bytes());
        // Each piece is another one, and no two blobs begin alike.
        let byte = |at: usize| {
            if at < name_bytes.len() { name_bytes[at] } else { (at / piece * 31 + at % 251) as u8 }
        };
        self.blob_of(name, (0..count * piece).map(byte).collect::<Vec<u8>>())
    }

    /// Bytes of a piece.
    #[must_use]
    pub fn piece() -> usize {
        P::ten_pieces() / 10
    }

    /// `short` where parts are as short as they come, `long` on an engine that insists on S3's least part: a few
    /// bytes are a tail there. For stories that do not ask for long parts themselves.
    #[must_use]
    pub fn where_parts_are(&self, short: Expect, long: Expect) -> Expect {
        if P::parts_are_short() { short } else { long }
    }

    /// Whether the story cannot be told here: on engines that others wrote, which insist on S3's least part. Says so
    /// and why, where nobody overlooks it.
    #[must_use]
    pub fn is_untold_where_parts_are_long(why: &str) -> bool {
        if P::parts_are_short() {
            return false;
        }
        let thread = std::thread::current();
        // Not `eprintln!`, which tests that pass keep to themselves.
        let said = writeln!(std::io::stderr(), "NOT TOLD: {}: {why}", thread.name().unwrap_or("a story"));
        said.expect("stderr can be written to");
        true
    }

    /// `aws` on DynamoDB and S3, or what speaks as they do; `embedded` elsewhere.
    #[must_use]
    pub fn where_it_is(&self, embedded: Expect, aws: Expect) -> Expect {
        if P::is_aws() { aws } else { embedded }
    }

    /// Whether it is stored on DynamoDB and S3, or on what speaks as they do.
    #[must_use]
    pub fn is_aws() -> bool {
        P::is_aws()
    }

    /// A collector of this world, as a process beside the registry.
    #[must_use]
    pub fn collector(&self) -> Collector {
        let Ports { table, blobs, .. } = self.ports();
        let (table, blobs) = (Arc::new(CountCalls::new(table)), Arc::new(CountCalls::new(blobs)));
        // Chance of its own: what the registry draws is the same with and without one.
        let context = Context { clock: self.test.clock.clone(), random: Arc::new(SeededRandom::new(2)) };
        let times = self.setup.settings.times();
        let steps = Steps { table, blobs: blobs.clone(), context, times };
        Collector::new(steps, blobs).searched(self.setup.settings.search)
    }

    /// An audit of this world, as a process beside the registry; and what it says of each thing that it finds.
    ///
    /// # Panics
    /// Where it cannot run.
    pub async fn audit(&self, repair: Repair) -> (Audited, Vec<String>) {
        let (steps, Ports { scan, blobs, .. }) = (self.collector().steps().clone(), self.ports());
        let children = match self.setup.settings.missing {
            MissingChildren::Refuse => Children::AllThere,
            MissingChildren::Allow => Children::MayBeMissing,
        };
        let audit = Audit::new(steps, scan, blobs, FeedReader::Collector, children)
            .searched(self.setup.settings.search);
        let mut told = Vec::new();
        let names = &self.client.names;
        let mut say = |finding: &Finding, repaired| {
            told.push(format!("{} ({repaired:?})", names.show(&finding.wrong.to_string())));
        };
        let audited = audit.run(repair, &mut say).await.expect("everything can be read");
        told.sort();
        (audited, told)
    }

    /// A collector reads the feed and does what is due, until nothing is left to do at this time.
    ///
    /// # Panics
    /// Where something cannot be done.
    pub async fn collect(&self) -> Collector {
        let collector = self.collector();
        collect_until_done(&collector).await;
        collector
    }

    /// `duration` passes, and whenever something is due meanwhile a collector does it.
    pub async fn collect_for(&self, duration: Duration) {
        let collector = self.collector();
        let (clock, end) = (&self.test.clock, self.now().plus_ms(milliseconds(duration)));
        loop {
            let next = collect_until_done(&collector).await;
            let next = next.filter(|next| *next <= end);
            clock.advance(Duration::from_millis(next.unwrap_or(end).since_ms(self.now())));
            if next.is_none() {
                break;
            }
        }
        collect_until_done(&collector).await;
    }

    /// Says that pushes and deletes of the same things run at once
    /// ([`invariants::WHERE_NOBODY_IS_OVERTAKEN`]).
    pub fn accept_dead_holds(&mut self) {
        self.dead_holds = DeadHolds::Accepted;
    }

    #[must_use]
    pub fn clock(&self) -> &Arc<ManualClock> {
        &self.test.clock
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.test.clock.now()
    }

    /// # Panics
    /// Once the story has ended.
    pub fn place(&self) -> &P {
        self.place.as_ref().expect("the story goes on")
    }

    /// The ports, without faults and counts.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.place().ports()
    }

    /// A client to hand to another task.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// All that is stored.
    pub async fn snapshot(&self) -> Snapshot {
        self.place().snapshot().await
    }

    /// All that is stored, as text; it must be as every world is.
    pub async fn picture(&self) -> Picture {
        let snapshot = self.snapshot().await;
        self.hold(&snapshot, self.is_all_read(&snapshot).await);
        self.shown_whole(&snapshot)
    }

    fn shown_whole(&self, snapshot: &Snapshot) -> Picture {
        let piece = (self.setup.parts == Parts::OfTenPieces).then(|| Self::piece() as u64);
        snapshot.picture(&self.client.names, piece)
    }

    /// The end of a story: a last look.
    pub async fn end(mut self) -> Picture {
        self.ended = true;
        let picture = self.picture().await;
        if let Some(place) = self.place.take() {
            place.remove().await;
        }
        picture
    }

    /// Whether a call of the storage did not do what it was told.
    fn has_failed(&self) -> bool {
        let fails = |fault| matches!(fault, Fault::Error(_) | Fault::Stop(_));
        let failed =
            |injector: &Arc<Injector>| injector.decisions().iter().any(|d| d.fault.is_some_and(fails));
        self.setup.faults.as_ref().is_some_and(failed)
    }

    /// Whether a collector has read every change of the table.
    async fn is_all_read(&self, snapshot: &Snapshot) -> bool {
        let Some(Item { fact: Fact::FeedPlace { cursor }, .. }) = snapshot.rows.get(&Key::feed_place())
        else {
            return false;
        };
        self.ports().table.changes(cursor, 1).await.expect("the feed can be read").changes.is_empty()
    }

    fn hold(&self, snapshot: &Snapshot, is_all_read: bool) {
        let mut hold = invariants::ALWAYS.to_vec();
        if self.setup.settings.missing == MissingChildren::Refuse {
            hold.push(invariants::WHERE_NOTHING_IS_MISSING);
        }
        if !self.has_failed() {
            hold.push(invariants::WHERE_NOTHING_FAILED);
        }
        if self.dead_holds == DeadHolds::Never {
            hold.push(invariants::WHERE_NOBODY_IS_OVERTAKEN);
        }
        if is_all_read && self.setup.settings.search {
            hold.push(invariants::WHERE_ALL_CHANGES_WERE_READ);
            hold.push(invariants::WHERE_NO_COLLECTOR_IS_OVERTAKEN);
        }
        let violations = invariants::check(snapshot, &hold);
        let names = &self.client.names;
        assert!(
            violations.is_empty(),
            "{}\n\nin\n\n{}",
            names.show(&violations.join("\n")),
            self.shown_whole(snapshot)
        );
    }
}

impl<P: Place> Drop for World<P> {
    fn drop(&mut self) {
        assert!(self.ended || std::thread::panicking(), "a story ends with a look at the world");
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("no story lasts so long")
}

/// Answers when the next review is due.
async fn collect_until_done(collector: &Collector) -> Option<Timestamp> {
    loop {
        let read = collector.follow().await.expect("the feed can be read");
        let worked = collector.work(None).await.expect("reviews can be read");
        assert_eq!(worked.failed, 0, "each review can be done");
        if read == 0 && worked.done == 0 {
            return worked.next;
        }
    }
}

async fn start(ports: Ports, setup: &Setup, context: &Context) -> Registry {
    let secret = TokenSecret::new(upload_secret(&*ports.table).await);
    match &setup.faults {
        None => registry(ports.table, ports.blobs, secret, setup, context),
        Some(injector) => {
            let table = Arc::new(Faults::new(ports.table, injector));
            let blobs = Arc::new(Faults::new(ports.blobs, injector));
            registry(table, blobs, secret, setup, context)
        }
    }
}

fn registry<T, B>(
    table: Arc<T>,
    blobs: Arc<B>,
    secret: TokenSecret,
    setup: &Setup,
    context: &Context,
) -> Registry
where
    T: ReferenceTable + ?Sized + 'static,
    B: BlobStore + ?Sized + 'static,
{
    let (table, blobs) = (Arc::new(CountCalls::new(table)), Arc::new(CountCalls::new(blobs)));
    let common = Common { context: context.clone(), settings: Arc::new(setup.settings.clone()), secret };
    let pull = Pull::new(table.clone(), blobs.clone(), common.clone());
    let push = Push::new(table, blobs, common);
    Registry::new(Halves::Both(pull, push), setup.access, context.clock.clone())
}
