//! What writes to the database, for everybody at once.
//!
//! A write is a *step*: it checks its condition and changes rows. Steps come in *groups*, all that
//! wait at a time ([`crate::queue`]): the writer does one after the other in one transaction of the database, appends
//! what they changed to the journal, syncs that once if one of them asked to be durable, commits, and then
//! answers them all. So each step sees the one before, and the steps of many clients share one sync.
//!
//! A failed step is none: when the database or the disk fails, the whole group is undone and told so. After
//! that **nothing more is written until a restart**: after a failed sync nobody knows what is on the disk,
//! and a second sync that succeeds would say nothing about it. Reads go on as far as they can.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use moorage_ports::Clock;
use redb::{Database, StorageError};

use crate::begin::ENDED_CLEANLY;
use crate::cleaner::CleanerTask;
use crate::database::{JOURNAL_APPLIED, Space};
use crate::disk::Disk;
use crate::error::Failure;
use crate::feed::FeedState;
use crate::journal::Journal;
use crate::latest::Latest;
use crate::pieces::PieceId;
use crate::queue::Step;
use crate::rows::{Done, Rows, Snapshot};

/// Nothing is written while less is free: more than a checkpoint of usual groups writes.
const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// When nothing comes for so long, the last commits are made durable even if nobody asks for it.
const IDLE_BEFORE_SYNC_MS: u64 = 500;
/// When nothing comes for so long, the journal is taken into the database: the next start finds it empty.
const IDLE_BEFORE_CHECKPOINT_MS: u64 = 1_000;

/// What the writer's thread works on.
pub(crate) struct Writer {
    pub(crate) database: Database,
    pub(crate) latest: Latest,
    pub(crate) disk: Arc<dyn Disk>,
    /// The data directory.
    pub(crate) dir: PathBuf,
    pub(crate) feed: FeedState,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) feed_changes_max: u64,
    /// The number of this run.
    pub(crate) run: u64,
    pub(crate) cleaner: Sender<CleanerTask>,
    /// Set when a group fails: a file may have been taken for one that a row names.
    pub(crate) left_over: Arc<AtomicBool>,
    pub(crate) journal: Journal,
    /// Files that no row names any more: to remove once that is durable.
    pub(crate) doomed: Vec<PieceId>,
    /// Why nothing is written any more.
    pub(crate) failed: Option<Failure>,
}

impl Writer {
    /// Does the steps of a group, and answers them.
    pub(crate) fn do_group(&mut self, mut group: Vec<Box<dyn Step>>) {
        let outcome = match &self.failed {
            Some(failure) => Err(failure.clone()),
            None => self.commit(&mut group).map_err(|error| self.note(error)),
        };
        for step in group {
            step.answer(outcome.as_ref().err());
        }
    }

    /// Does the steps in one transaction and commits it, durably if one of them asks for it.
    fn commit(&mut self, group: &mut [Box<dyn Step>]) -> Result<(), NotDone> {
        self.check_room()?;
        self.feed.now = self.clock.now();
        let durable = group.iter().any(|step| step.durable());
        let mut transaction = self.database.begin_write()?;
        let mut rows = Rows::new(&transaction, self.feed);
        group.iter_mut().try_for_each(|step| step.apply(&mut rows))?;
        if rows.changes().is_empty() {
            drop(rows);
            transaction.abort()?;
            // What the steps saw and answer may not be durable yet.
            return if durable { self.sync() } else { Ok(()) };
        }
        rows.trim_feed(self.feed_changes_max)?;
        if !self.journal.fits(rows.changes()) {
            let done = self.prepare_checkpoint(rows)?;
            transaction.set_quick_repair(true);
            transaction.commit()?;
            return self.checkpoint_done(done);
        }
        let mut done = rows.finish();
        self.journal
            .append(&mut done.changes)
            .map_err(|e| NotDone { failure: Failure::from(&e), for_good: false })?;
        if durable {
            self.journal.sync()?;
        }
        transaction.set_durability(redb::Durability::None)?;
        transaction.commit()?;
        self.committed(done)?;
        if durable {
            self.release_doomed();
        }
        Ok(())
    }

    /// Refuses to write while the disk is all but full: once redb has failed to write it can't even read.
    fn check_room(&self) -> Result<(), NotDone> {
        // Where the system does not say, writing will.
        let free = self.disk.free_bytes(&self.dir).unwrap_or(u64::MAX);
        if free < FREE_BYTES_MIN {
            let failure =
                Failure::Full(format!("{free} bytes are free, and {FREE_BYTES_MIN} are needed to write"));
            return Err(NotDone { failure, for_good: false });
        }
        Ok(())
    }

    /// Makes all records of the journal durable.
    fn sync(&mut self) -> Result<(), NotDone> {
        self.journal.sync()?;
        self.release_doomed();
        Ok(())
    }

    /// Makes the database durable as a whole, and begins the journal anew.
    fn checkpoint(
        &mut self,
        work: impl FnOnce(&mut Rows<'_>) -> Result<(), StorageError>,
    ) -> Result<(), NotDone> {
        let mut transaction = self.database.begin_write()?;
        let mut rows = Rows::new(&transaction, self.feed);
        work(&mut rows)?;
        let done = self.prepare_checkpoint(rows)?;
        transaction.set_quick_repair(true);
        transaction.commit()?;
        self.checkpoint_done(done)
    }

    fn prepare_checkpoint(&self, mut rows: Rows<'_>) -> Result<Done, StorageError> {
        rows.put(Space::Meta, JOURNAL_APPLIED, &self.journal.last().to_be_bytes())?;
        Ok(rows.finish())
    }

    fn checkpoint_done(&mut self, done: Done) -> Result<(), NotDone> {
        self.journal.restart();
        self.committed(done)?;
        self.release_doomed();
        Ok(())
    }

    /// Shows readers what was committed.
    fn committed(&mut self, done: Done) -> Result<(), NotDone> {
        self.feed = done.feed;
        self.doomed.extend(done.doomed);
        self.latest.set(Some(Snapshot::new(&self.database)?));
        Ok(())
    }

    /// No row that may come back after a power cut names these files any more.
    fn release_doomed(&mut self) {
        let doomed = std::mem::take(&mut self.doomed);
        if !doomed.is_empty() {
            // A cleaner that has stopped leaves them to the next start.
            let _ = self.cleaner.send(CleanerTask::Doomed(doomed));
        }
    }

    /// Does what no step waits for.
    fn by_itself(&mut self, work: impl FnOnce(&mut Self) -> Result<(), NotDone>) {
        if self.failed.is_none()
            && let Err(error) = work(self)
        {
            self.note(error);
        }
    }

    /// Remembers a failure after which nothing may be written. Gives back what the steps of the group are told.
    fn note(&mut self, error: NotDone) -> Failure {
        let NotDone { failure, for_good } = error;
        self.left_over.store(true, Ordering::Relaxed);
        if for_good {
            tracing::error!(
                ?failure,
                "a write to the data directory failed: nothing more is written until a restart"
            );
            self.failed = Some(failure.after_failure());
        } else {
            tracing::warn!(?failure, "a write to the data directory was refused");
        }
        failure
    }

    /// What there is to do if nothing comes for a while.
    pub(crate) fn when_idle(&self) -> Option<(Idle, Duration)> {
        if self.failed.is_some() || self.journal.is_empty() {
            None
        } else if self.journal.unsynced() {
            Some((Idle::Sync, Duration::from_millis(IDLE_BEFORE_SYNC_MS)))
        } else {
            Some((Idle::Checkpoint, Duration::from_millis(IDLE_BEFORE_CHECKPOINT_MS)))
        }
    }

    /// Does it.
    pub(crate) fn while_idle(&mut self, idle: Idle) {
        match idle {
            Idle::Sync => self.by_itself(Self::sync),
            Idle::Checkpoint => self.by_itself(|writer| writer.checkpoint(|_| Ok(()))),
        }
    }

    /// Makes everything durable, and says (if `clean`) that the run has ended well.
    pub(crate) fn close(mut self, clean: bool) {
        let run = self.run.to_be_bytes();
        self.by_itself(|writer| {
            writer.checkpoint(|rows| if clean { rows.put(Space::Runs, &run, ENDED_CLEANLY) } else { Ok(()) })
        });
        self.latest.set(None);
        // Dropping the database says in it that it was closed.
    }
}

/// What the writer does when nobody asks for anything.
#[derive(Clone, Copy)]
pub(crate) enum Idle {
    /// Makes the last records durable.
    Sync,
    /// Takes the journal into the database.
    Checkpoint,
}

/// Why a group is not done.
struct NotDone {
    failure: Failure,
    /// Whether nothing may be written after it.
    for_good: bool,
}

impl<E: Into<redb::Error>> From<E> for NotDone {
    fn from(error: E) -> Self {
        let failure = match error.into() {
            redb::Error::Corrupted(why) => Failure::Corrupt(why),
            redb::Error::Io(error) => Failure::from(&error),
            other => Failure::Unavailable(other.to_string()),
        };
        Self { failure, for_good: true }
    }
}
