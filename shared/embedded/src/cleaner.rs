//! The thread that removes files: drafts that were given up, files whose rows are gone, and what a run that
//! did not end cleanly left behind.
//!
//! Three ways to become superfluous, and none that is missed:
//! - a draft that no row ever named is removed when it is dropped; if the process dies first, the sweep of
//!   the next start finds it, in the directory of the run that died;
//! - a file whose row is deleted gets a `Doomed` row in the same transaction. Once that is durable the file
//!   is removed, then the `Doomed` row. A start removes what it finds there;
//! - a run that ends cleanly deletes its row in `Runs`. A start sweeps the directories of the runs that are
//!   still there: each file that no row names is removed. So the work of a start is in proportion to what
//!   the dead run did, it is done in the background, and never twice.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use moorage_ports::PortError;

use crate::database::Space;
use crate::disk::Disk;
use crate::error::read_failed;
use crate::files::{self, BLOBS_DIR};
use crate::latest::Latest;
use crate::pieces::PieceId;
use crate::queue::Queue;
use crate::rows::Snapshot;

/// Something to remove.
pub(crate) enum CleanerTask {
    /// A draft that no row names.
    Discard(PieceId),
    /// Files that no row names any more, durably.
    Doomed(Vec<PieceId>),
    /// A doomed file that readers have let go of.
    LetGo(PieceId),
    /// Do what is left, and stop.
    Stop,
}

/// Files that readers still need although their object may be deleted meanwhile.
#[derive(Clone, Default)]
pub(crate) struct Pins(Arc<Mutex<HashMap<PieceId, Pin>>>);

#[derive(Default)]
struct Pin {
    readers: usize,
    doomed: bool,
}

impl Pins {
    pub(crate) fn pin(&self, ids: &[PieceId]) {
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            pins.entry(*id).or_default().readers += 1;
        }
    }

    /// Answers which of them were doomed meanwhile, and have no reader left.
    pub(crate) fn unpin(&self, ids: &[PieceId]) -> Vec<PieceId> {
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut doomed = Vec::new();
        for id in ids {
            let Some(pin) = pins.get_mut(id) else { continue };
            pin.readers -= 1;
            if pin.readers == 0 {
                if pin.doomed {
                    doomed.push(*id);
                }
                pins.remove(id);
            }
        }
        doomed
    }

    /// Whether the file can go now. If not, its last reader will say so.
    fn doom(&self, id: PieceId) -> bool {
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match pins.get_mut(&id) {
            Some(pin) => {
                pin.doomed = true;
                false
            }
            None => true,
        }
    }
}

/// What the cleaner's thread works on.
pub(crate) struct Cleaner {
    pub(crate) dir: PathBuf,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) latest: Latest,
    pub(crate) queue: Queue,
    pub(crate) pins: Pins,
    /// Set when the store closes: a sweep breaks off.
    pub(crate) stopping: Arc<AtomicBool>,
    /// Set when something could not be removed: the next start tries again.
    pub(crate) left_over: Arc<AtomicBool>,
    /// Runs that did not end cleanly.
    pub(crate) unclean_runs: Vec<u64>,
}

impl Cleaner {
    pub(crate) fn run(self, tasks: &Receiver<CleanerTask>) {
        let mut discarded_in = BTreeSet::new();
        if let Err(error) = self.clean_up_earlier_runs() {
            self.left_over.store(true, Ordering::Relaxed);
            tracing::warn!(%error, "files of an earlier run could not be cleaned up; the next start tries again");
        }
        while let Ok(task) = tasks.recv() {
            match task {
                CleanerTask::Discard(id) => {
                    self.remove(id);
                    discarded_in.insert(files::shard_of(&self.blobs(), id));
                }
                CleanerTask::Doomed(ids) => {
                    self.remove_doomed(ids.into_iter().filter(|id| self.pins.doom(*id)).collect());
                }
                CleanerTask::LetGo(id) => self.remove_doomed(vec![id]),
                CleanerTask::Stop => break,
            }
        }
        for dir in discarded_in {
            if let Err(error) = self.disk.sync_dir(&dir) {
                self.left_over.store(true, Ordering::Relaxed);
                tracing::warn!(%error, "files that were given up may come back after a power cut");
            }
        }
    }

    fn blobs(&self) -> PathBuf {
        self.dir.join(BLOBS_DIR)
    }

    fn remove(&self, id: PieceId) -> bool {
        self.remove_path(&files::path(&self.blobs(), id))
    }

    fn remove_path(&self, path: &Path) -> bool {
        let Err(error) = self.disk.remove(path) else { return true };
        self.left_over.store(true, Ordering::Relaxed);
        tracing::warn!(%error, path = %path.display(), "a file could not be removed; the next start tries again");
        false
    }

    fn remove_doomed(&self, ids: Vec<PieceId>) {
        let removed: Vec<PieceId> = ids.into_iter().filter(|id| self.remove(*id)).collect();
        if removed.is_empty() {
            return;
        }
        let dirs: BTreeSet<PathBuf> = removed.iter().map(|id| files::shard_of(&self.blobs(), *id)).collect();
        for dir in dirs {
            if let Err(error) = self.disk.sync_dir(&dir) {
                tracing::warn!(%error, "files were removed, but perhaps not for good; the next start tries again");
                return;
            }
        }
        self.queue.step_unanswered(move |rows| {
            for id in removed {
                rows.delete(Space::Doomed, &id.encode())?;
            }
            Ok(())
        });
    }

    fn clean_up_earlier_runs(&self) -> Result<(), PortError> {
        let doomed = {
            let snapshot = self.latest.get()?;
            let rows =
                snapshot.range(Space::Doomed, Bound::Unbounded, Bound::Unbounded).map_err(read_failed)?;
            rows.map(|row| PieceId::decode(row.map_err(read_failed)?.0.value())).collect::<Result<_, _>>()?
        };
        self.remove_doomed(doomed);
        for run in &self.unclean_runs {
            let all_swept = self.sweep(*run)?;
            if !all_swept {
                return Ok(());
            }
            let run = run.to_be_bytes();
            self.queue.step_unanswered(move |rows| {
                rows.delete(Space::Runs, &run)?;
                Ok(())
            });
        }
        Ok(())
    }

    /// Removes the files of a dead run that no row names. Nothing makes new ones there. `false`: it broke off,
    /// or could not remove one.
    fn sweep(&self, run: u64) -> Result<bool, PortError> {
        let mut removed = 0_u64;
        let mut all = true;
        for shard in read_dir(&files::run_dir(&self.blobs(), run))? {
            for file in read_dir(&shard)? {
                if self.stopping.load(Ordering::Relaxed) {
                    return Ok(false);
                }
                let named = match number(&file) {
                    Some(number) => is_named(&*self.latest.get()?, PieceId { run, number })?,
                    None => true,
                };
                if !named {
                    all &= self.remove_path(&file);
                    removed += 1;
                }
            }
            self.disk.sync_dir(&shard).map_err(|e| crate::error::disk_failed(&e))?;
        }
        tracing::info!(run, removed, "swept the files of a run that did not end cleanly");
        Ok(all)
    }
}

/// Whether an object or a part has this file, or had it and is not yet gone durably.
fn is_named(snapshot: &Snapshot, id: PieceId) -> Result<bool, PortError> {
    let has_row = |space| Ok::<_, redb::Error>(snapshot.get(space, &id.encode())?.is_some());
    Ok(has_row(Space::Files).map_err(read_failed)? || has_row(Space::Doomed).map_err(read_failed)?)
}

fn number(path: &Path) -> Option<u64> {
    u64::from_str_radix(path.file_name()?.to_str()?, 16).ok()
}

fn read_dir(path: &Path) -> Result<Vec<PathBuf>, PortError> {
    match std::fs::read_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(crate::error::disk_failed(&error)),
        Ok(entries) => entries
            .map(|entry| Ok(entry.map_err(|error| crate::error::disk_failed(&error))?.path()))
            .collect(),
    }
}
