//! The world of one story: a registry, its storage, its time.

use std::ops::Deref;
use std::sync::Arc;

use moorage_embedded::{Embedded, Options};
use moorage_http::{Access, Halves, Registry};
use moorage_operations::{Common, MissingChildren, Pull, Push, Settings, TokenSecret};
use moorage_ports::faults::{Fault, Faults, Injector};
use moorage_ports::testing_context::{ManualClock, TestContext};
use moorage_ports::{
    BlobStore, Clock, Context, CountCalls, Fact, Item, Key, ReadTable, ReferenceTable, Timestamp,
};
use tempfile::TempDir;

use crate::client::Client;
use crate::disk::UnsyncedDisk;
use crate::invariants;
use crate::names::Names;
use crate::picture::Picture;
use crate::snapshot::Snapshot;

/// What a registry is started with.
#[derive(Clone)]
pub struct Setup {
    pub settings: Settings,
    pub access: Access,
    /// Where its storage is to fail.
    pub faults: Option<Arc<Injector>>,
}

/// A registry in a directory of its own; asks as its [`Client`] does. A story ends with
/// [`Self::end`].
pub struct World {
    client: Client,
    storage: Embedded,
    test: TestContext,
    setup: Setup,
    dir: TempDir,
    dead_holds: DeadHolds,
    ended: bool,
}

/// Whether holds may be there that nobody has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DeadHolds {
    Never,
    Accepted,
}

impl Deref for World {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl World {
    /// As `moorage serve` starts one.
    pub async fn new() -> Self {
        Self::set_up(|_| {}).await
    }

    /// The same, with something changed.
    pub async fn set_up(change: impl FnOnce(&mut Setup)) -> Self {
        let mut setup = Setup { settings: Settings::default(), access: Access::PullAndPush, faults: None };
        change(&mut setup);
        let dir = tempfile::tempdir().expect("a directory can be made");
        let test = TestContext::new(0);
        let storage = open(&dir, &test.context());
        let registry = start(&storage, &setup, &test.context()).await;
        let client = Client { registry, names: Names::default() };
        Self { client, storage, test, setup, dir, dead_holds: DeadHolds::Never, ended: false }
    }

    /// Stops the registry and starts it again on the same data.
    pub async fn restart(&mut self) {
        self.restart_with(|_| {}).await;
    }

    /// The same, with something changed.
    pub async fn restart_with(&mut self, change: impl FnOnce(&mut Setup)) {
        change(&mut self.setup);
        self.storage.close();
        let context = self.test.context();
        self.storage = open(&self.dir, &context);
        self.client.registry = start(&self.storage, &self.setup, &context).await;
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

    #[must_use]
    pub fn storage(&self) -> &Embedded {
        &self.storage
    }

    /// A client to hand to another task.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// All that is stored.
    pub async fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.storage).await
    }

    /// All that is stored, as text; it must be as every world is.
    pub async fn picture(&self) -> Picture {
        let snapshot = self.snapshot().await;
        self.hold(&snapshot);
        snapshot.picture(&self.client.names)
    }

    /// The end of a story: a last look.
    pub async fn end(mut self) -> Picture {
        self.ended = true;
        self.picture().await
    }

    /// Whether a call of the storage did not do what it was told.
    fn has_failed(&self) -> bool {
        let fails = |fault| matches!(fault, Fault::Error(_) | Fault::Stop(_));
        let failed =
            |injector: &Arc<Injector>| injector.decisions().iter().any(|d| d.fault.is_some_and(fails));
        self.setup.faults.as_ref().is_some_and(failed)
    }

    fn hold(&self, snapshot: &Snapshot) {
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
        let violations = invariants::check(snapshot, &hold);
        let names = &self.client.names;
        assert!(
            violations.is_empty(),
            "{}\n\nin\n\n{}",
            names.show(&violations.join("\n")),
            snapshot.picture(names)
        );
    }
}

impl Drop for World {
    fn drop(&mut self) {
        assert!(self.ended || std::thread::panicking(), "a story ends with a look at the world");
    }
}

fn open(dir: &TempDir, context: &Context) -> Embedded {
    Embedded::open_on(Arc::new(UnsyncedDisk), dir.path(), Options::default(), context)
        .expect("it can be opened")
}

async fn start(storage: &Embedded, setup: &Setup, context: &Context) -> Registry {
    let secret = match storage.get(&Key::upload_secret()).await {
        Ok(Some(Item { fact: Fact::UploadSecret { key }, .. })) => TokenSecret::new(key),
        other => panic!("every registry has an upload secret, not {other:?}"),
    };
    let storage = Arc::new(storage.clone());
    match &setup.faults {
        None => registry(storage, secret, setup, context),
        Some(injector) => registry(Arc::new(Faults::new(storage, injector)), secret, setup, context),
    }
}

fn registry<S>(storage: Arc<S>, secret: TokenSecret, setup: &Setup, context: &Context) -> Registry
where
    S: ReferenceTable + BlobStore + 'static,
{
    let counted = Arc::new(CountCalls::new(storage));
    let common = Common { context: context.clone(), settings: Arc::new(setup.settings.clone()), secret };
    let pull = Pull::new(counted.clone(), counted.clone(), common.clone());
    let push = Push::new(counted.clone(), counted, common);
    Registry::new(Halves::Both(pull, push), setup.access, context.clock.clone())
}
