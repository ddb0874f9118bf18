//! The one thread that writes to the database, for everybody at once.
//!
//! A write is a *step*: it checks its condition and changes rows, in the writer's thread. Steps wait in a
//! queue; the thread takes all that wait (a *group*), does one after the other in one transaction of the
//! database, commits once, and then answers them all. So each step sees the one before, and the steps of
//! many clients share one sync. A group in which no step asked to be durable is committed without a sync.
//!
//! A failed step is none: when the database or the disk fails, the whole group is undone and told so. After
//! that **nothing more is written until a restart**: after a failed sync nobody knows what is on the disk,
//! and a second sync that succeeds would say nothing about it. Reads go on as far as they can.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use moorage_ports::{Durability, PortError};
use redb::{Database, StorageError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::cleaner::CleanerTask;
use crate::database::Space;
use crate::disk::Disk;
use crate::error::{Failure, Stop};
use crate::feed::FeedEnds;
use crate::open::ENDED_CLEANLY;
use crate::pieces::PieceId;
use crate::rows::{Rows, Snapshot};

/// Bytes that may wait in the queue, each step counted as at least [`STEP_BYTES_MIN`].
const QUEUE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What a step counts at least.
const STEP_BYTES_MIN: usize = 8 * 1024;
/// Most steps of one group.
const GROUP_STEPS_MAX: usize = 256;
/// When the last commit was not durable, and nothing comes for so long, it is made durable.
const IDLE_BEFORE_SYNC_MS: u64 = 500;

/// What a group leaves to do, beside its rows.
#[derive(Default)]
pub(crate) struct Effects {
    /// Directories that name new files: to sync before the next durable commit.
    pub(crate) unsynced_dirs: BTreeSet<PathBuf>,
    /// Files that no row names any more: to remove after the next durable commit.
    pub(crate) doomed: Vec<PieceId>,
}

impl Effects {
    fn take_in(&mut self, mut later: Self) {
        self.unsynced_dirs.append(&mut later.unsynced_dirs);
        self.doomed.append(&mut later.doomed);
    }
}

/// One write that waits for the writer.
trait Step: Send {
    /// Whether it must be durable when it is answered.
    fn durable(&self) -> bool;
    /// Does it, or refuses without having written anything. A failure undoes the group.
    fn apply(&mut self, rows: &mut Rows<'_>) -> Result<(), StorageError>;
    /// Tells whoever waits for it.
    fn answer(self: Box<Self>, failure: Option<&Failure>);
}

struct Pending<T, W> {
    work: Option<W>,
    outcome: Option<Result<T, PortError>>,
    answer: oneshot::Sender<Result<T, PortError>>,
    durable: bool,
    _room: Option<OwnedSemaphorePermit>,
}

impl<T, W> Step for Pending<T, W>
where
    T: Send,
    W: FnOnce(&mut Rows<'_>) -> Result<T, Stop> + Send,
{
    fn durable(&self) -> bool {
        self.durable
    }

    fn apply(&mut self, rows: &mut Rows<'_>) -> Result<(), StorageError> {
        let work = self.work.take().expect("a step is applied once");
        self.outcome = Some(match work(rows) {
            Ok(done) => Ok(done),
            Err(Stop::Refuse(error)) => Err(error),
            Err(Stop::Fail(error)) => return Err(error),
        });
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<&Failure>) {
        let outcome = match (failure, self.outcome) {
            (Some(failure), _) => Err(failure.to_port()),
            (None, Some(outcome)) => outcome,
            (None, None) => Err(PortError::Unavailable("the step was not done".to_owned())),
        };
        // Whoever asked may have gone away; what was done stays done.
        let _ = self.answer.send(outcome);
    }
}

enum Message {
    Step(Box<dyn Step>),
    /// Make everything durable, and go on.
    Flush(Sender<()>),
    /// Make everything durable, say that this run ended cleanly (if `clean`), and stop.
    Close {
        clean: bool,
    },
}

/// Hands steps to the writer.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: Sender<Message>,
    room: Arc<Semaphore>,
}

impl Queue {
    /// Has `work` done by the writer; answers once it is (as `durability` says) done. It holds about `bytes`
    /// of memory while it waits. Once it waits it is done, even if the caller goes away.
    pub(crate) async fn step<T, W>(
        &self,
        durability: Durability,
        bytes: usize,
        work: W,
    ) -> Result<T, PortError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Rows<'_>) -> Result<T, Stop> + Send + 'static,
    {
        let counted = bytes.clamp(STEP_BYTES_MIN, QUEUE_BYTES_MAX);
        let room = u32::try_from(counted).expect("the queue is smaller than 4 GiB");
        let room = Arc::clone(&self.room).acquire_many_owned(room).await.map_err(|_| closed())?;
        let (answer, answered) = oneshot::channel();
        let durable = durability == Durability::OnAnswer;
        self.send(Pending { work: Some(work), outcome: None, answer, durable, _room: Some(room) })?;
        answered.await.map_err(|_| closed())?
    }

    /// Has `work` done some time, without an answer.
    pub(crate) fn step_unanswered<W>(&self, work: W)
    where
        W: FnOnce(&mut Rows<'_>) -> Result<(), Stop> + Send + 'static,
    {
        let (answer, _) = oneshot::channel();
        // A writer that has stopped leaves it undone, as a crash would.
        let _ = self.send(Pending { work: Some(work), outcome: None, answer, durable: false, _room: None });
    }

    fn send<T, W>(&self, step: Pending<T, W>) -> Result<(), PortError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Rows<'_>) -> Result<T, Stop> + Send + 'static,
    {
        self.sender.send(Message::Step(Box::new(step))).map_err(|_| closed())
    }

    /// Waits until everything that was answered is durable.
    pub(crate) fn flush(&self) {
        let (done, flushed) = std::sync::mpsc::channel();
        if self.sender.send(Message::Flush(done)).is_ok() {
            // An error means that the writer stopped, and that does as much.
            let _ = flushed.recv();
        }
    }

    /// Lets the writer finish what waits and stop.
    pub(crate) fn close(&self, clean: bool) {
        self.room.close();
        let _ = self.sender.send(Message::Close { clean });
    }
}

fn closed() -> PortError {
    PortError::Unavailable("the store is closed".to_owned())
}

/// The newest snapshot, for readers; none once the store is closed.
#[derive(Clone, Default)]
pub(crate) struct Latest(Arc<RwLock<Option<Arc<Snapshot>>>>);

impl Latest {
    pub(crate) fn get(&self) -> Result<Arc<Snapshot>, PortError> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)
    }

    pub(crate) fn set(&self, snapshot: Option<Snapshot>) {
        let new = snapshot.map(Arc::new);
        let old = std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), new);
        drop(old);
    }
}

/// What the writer's thread works on.
pub(crate) struct Writer {
    pub(crate) database: Database,
    pub(crate) latest: Latest,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) feed: FeedEnds,
    pub(crate) feed_changes_max: u64,
    /// The number of this run.
    pub(crate) run: u64,
    pub(crate) cleaner: Sender<CleanerTask>,
    /// What commits that were not durable have left to do.
    pub(crate) effects: Effects,
    /// Whether the last commit was not durable.
    pub(crate) unsynced: bool,
    /// Why nothing is written any more.
    pub(crate) failed: Option<Failure>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(self) -> std::io::Result<(Queue, JoinHandle<()>)> {
        let (sender, receiver) = std::sync::mpsc::channel();
        let queue = Queue { sender, room: Arc::new(Semaphore::new(QUEUE_BYTES_MAX)) };
        let thread = std::thread::Builder::new()
            .name("moorage-writer".to_owned())
            .spawn(move || self.run(&receiver))?;
        Ok((queue, thread))
    }

    fn run(mut self, messages: &Receiver<Message>) {
        let mut group = Vec::new();
        loop {
            let Some(first) = self.next(messages) else { return self.close(false) };
            let mut then = self.take(first, &mut group);
            while then.is_none() && group.len() < GROUP_STEPS_MAX {
                let Ok(message) = messages.try_recv() else { break };
                then = self.take(message, &mut group);
            }
            if !group.is_empty() {
                self.do_group(std::mem::take(&mut group));
            }
            match then {
                None | Some(Message::Step(_)) => {}
                Some(Message::Flush(done)) => {
                    self.sync_if_needed();
                    let _ = done.send(());
                }
                Some(Message::Close { clean }) => return self.close(clean),
            }
        }
    }

    /// The next message; syncs what is not yet durable when none comes for a while. `None`: none can come.
    fn next(&mut self, messages: &Receiver<Message>) -> Option<Message> {
        if self.unsynced {
            match messages.recv_timeout(Duration::from_millis(IDLE_BEFORE_SYNC_MS)) {
                Ok(message) => return Some(message),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.sync_if_needed(),
            }
        }
        messages.recv().ok()
    }

    /// Puts a step into the group; gives back what is no step and must wait for the group.
    fn take(&self, message: Message, group: &mut Vec<Box<dyn Step>>) -> Option<Message> {
        match message {
            Message::Step(step) => {
                group.push(step);
                None
            }
            other => Some(other),
        }
    }

    fn do_group(&mut self, mut group: Vec<Box<dyn Step>>) {
        let outcome = match &self.failed {
            Some(failure) => Err(failure.clone()),
            None => self.commit(&mut group),
        };
        if let Err(failure) = &outcome
            && self.failed.is_none()
        {
            self.fail(failure);
        }
        for step in group {
            step.answer(outcome.as_ref().err());
        }
    }

    /// Does the steps in one transaction and commits it, durably if one of them asks for it.
    fn commit(&mut self, group: &mut [Box<dyn Step>]) -> Result<(), Failure> {
        let durable = group.iter().any(|step| step.durable());
        self.transact(durable, |rows| group.iter_mut().try_for_each(|step| step.apply(rows)))
    }

    fn transact(
        &mut self,
        durable: bool,
        work: impl FnOnce(&mut Rows<'_>) -> Result<(), StorageError>,
    ) -> Result<(), Failure> {
        let mut transaction = self.database.begin_write().map_err(|e| failure(e.into()))?;
        let durability = if durable { redb::Durability::Immediate } else { redb::Durability::None };
        transaction.set_durability(durability).map_err(|e| failure(e.into()))?;
        transaction.set_quick_repair(durable);
        let mut rows = Rows::new(&transaction, self.feed);
        work(&mut rows).map_err(|e| Failure::from(&e))?;
        rows.trim_feed(self.feed_changes_max).map_err(|e| Failure::from(&e))?;
        let (feed, effects) = rows.finish();
        self.effects.take_in(effects);
        if durable {
            self.sync_dirs()?;
        }
        transaction.commit().map_err(|e| failure(e.into()))?;
        self.feed = feed;
        self.unsynced = !durable;
        self.latest.set(Some(Snapshot::new(&self.database).map_err(failure)?));
        if durable {
            self.release_doomed();
        }
        Ok(())
    }

    fn sync_dirs(&mut self) -> Result<(), Failure> {
        for dir in std::mem::take(&mut self.effects.unsynced_dirs) {
            self.disk.sync_dir(&dir).map_err(|e| Failure::from(&e))?;
        }
        Ok(())
    }

    /// No row that may come back after a power cut names these files any more.
    fn release_doomed(&mut self) {
        let doomed = std::mem::take(&mut self.effects.doomed);
        if !doomed.is_empty() {
            // A cleaner that has stopped leaves them to the next start.
            let _ = self.cleaner.send(CleanerTask::Doomed(doomed));
        }
    }

    fn sync_if_needed(&mut self) {
        if !self.unsynced || self.failed.is_some() {
            return;
        }
        if let Err(failure) = self.transact(true, |_| Ok(())) {
            self.fail(&failure);
        }
    }

    fn fail(&mut self, failure: &Failure) {
        tracing::error!(
            ?failure,
            "a write to the data directory failed: nothing more is written until a restart"
        );
        self.failed = Some(failure.after_failure());
    }

    fn close(mut self, clean: bool) {
        if self.failed.is_none() {
            let run = self.run.to_be_bytes();
            let outcome = self.transact(true, |rows| {
                if clean {
                    rows.put(Space::Runs, &run, ENDED_CLEANLY)?;
                }
                Ok(())
            });
            if let Err(failure) = outcome {
                self.fail(&failure);
            }
        }
        self.latest.set(None);
        // Dropping the database says in it that it was closed.
    }
}

fn failure(error: redb::Error) -> Failure {
    match error {
        redb::Error::Corrupted(why) => Failure::Corrupt(why),
        redb::Error::Io(error) => Failure::from(&error),
        other => Failure::Unavailable(other.to_string()),
    }
}
