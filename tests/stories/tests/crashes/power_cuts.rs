//! The power goes, and what was not synced is lost, kept or torn.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use moorage_embedded::testing::{Recorder, SyncKind, Unsynced};
use moorage_embedded::{Embedded, RealDisk};
use moorage_ports::testing_context::TestContext;
use tempfile::TempDir;

use crate::contents::ON_DISK;
use crate::effort::one_in;
use crate::heal::{heal, invariants_hold};
use crate::judge::{Told, judge};
use crate::look::look;
use crate::parallel::{block_on, first_failure};
use crate::pusher::Pusher;
use crate::start::{open_on, registry_on_embedded, scratch};
use crate::story::Story;

/// Few, so that the story has several checkpoints.
const JOURNAL_ROWS_MAX: usize = 40;

/// The process is stopped and started again before this moment.
const RESTART_BEFORE: usize = 16;

/// The story as it was told on a disk that remembers.
struct Recorded {
    story: Story,
    /// Holds the store's directory.
    root: TempDir,
    disk: Arc<Recorder>,
    answers: Vec<Answered>,
}

/// A step that was answered when there had been so many operations of the disk.
struct Answered {
    position: usize,
    step: usize,
    location: String,
}

/// A power cut, and until where what it leaves is the same.
#[derive(Debug)]
struct Cut {
    position: usize,
    unsynced: Unsynced,
    until: usize,
}

impl Recorded {
    async fn tell(skipped: Option<SyncKind>) -> Self {
        let root = scratch();
        let disk = Recorder::new(root.path()).expect("it can be watched");
        if let Some(kind) = skipped {
            disk.skip(kind);
        }
        let mut told = Self { story: Story::new(ON_DISK), root, disk, answers: Vec::new() };
        let mut life = 1;
        let (mut store, mut pusher) = told.start(life).await;
        for moment in 0.. {
            if told.story.moment(moment).is_empty() {
                break;
            }
            if moment == RESTART_BEFORE {
                life += 1;
                store.close();
                let (opened, started) = told.start(life).await;
                store = opened;
                pusher = Pusher { locations: pusher.locations, ..started };
            }
            let answers = Mutex::new(Vec::new());
            let answered = |step, answer: &moorage_stories::Answer| {
                let location = answer.header("location").to_owned();
                let position = told.disk.position();
                let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
                answers.push(Answered { position, step, location });
            };
            pusher.tell(&told.story, moment, answered).await.expect("the story can be told");
            told.answers.extend(answers.into_inner().unwrap_or_else(PoisonError::into_inner));
        }
        store.close();
        told
    }

    async fn start(&self, life: u64) -> (Embedded, Pusher) {
        let test = TestContext::new(life);
        let disk = Arc::new(Arc::clone(&self.disk));
        let dir = self.root.path().join("data");
        let store = open_on(disk, &dir, JOURNAL_ROWS_MAX, &test).expect("it opens");
        let registry = registry_on_embedded(&store, &test).await.expect("it starts");
        (store, Pusher::new(self.story.contents.client().of(registry)))
    }

    fn told_at(&self, position: usize) -> Told {
        let mut told = Told::default();
        for answer in self.answers.iter().filter(|answer| answer.position <= position) {
            told.answer(&self.story, answer.step, &answer.location);
        }
        told
    }

    /// At each sync what is not synced is lost; what that leaves is the same until the next one.
    fn lost(&self) -> Vec<Cut> {
        let mut ends = self.disk.positions_after_syncs();
        ends.push(self.disk.position() + 1);
        let cut = |ends: &[usize]| Cut { position: ends[0], unsynced: Unsynced::Lost, until: ends[1] };
        ends.windows(2).map(cut).collect()
    }

    /// After every so-manieth operation, all that was done is there, or some of what was not synced.
    fn kept_and_torn(&self) -> Vec<Cut> {
        let cut = |position, unsynced| Cut { position, unsynced, until: position + 1 };
        let both = |position: usize| {
            [cut(position, Unsynced::Kept), cut(position, Unsynced::Torn { seed: position as u64 })]
        };
        (0..=self.disk.position()).step_by(one_in(13)).flat_map(both).collect()
    }

    fn check(&self, cut: &Cut) -> Result<(), String> {
        let root = scratch();
        self.disk
            .after_power_cut(cut.position, cut.unsynced)
            .write_to(root.path())
            .expect("it can be written");
        block_on(self.check_in(root.path(), cut)).map_err(|wrong| {
            format!("at {} of {}, {:?}: {wrong}", cut.position, self.disk.position(), cut.unsynced)
        })
    }

    async fn check_in(&self, root: &Path, cut: &Cut) -> Result<(), String> {
        let test = TestContext::new(1000 + cut.position as u64);
        let store = open_on(Arc::new(RealDisk), &root.join("data"), JOURNAL_ROWS_MAX, &test)
            .map_err(|error| format!("it does not open: {error}"))?;
        let client = self.story.contents.client().of(registry_on_embedded(&store, &test).await?);
        let told = self.told_at(cut.until - 1);
        let seen = look(&self.story, &client, &told.locations).await;
        judge(&self.story, &self.told_at(cut.position), &seen)?;
        for answer in self.answers.iter().filter(|a| a.position > cut.position && a.position < cut.until) {
            judge(&self.story, &self.told_at(answer.position), &seen)?;
        }
        heal(&self.story, &client, &told, &seen).await?;
        invariants_hold(&store).await?;
        store.close();
        Ok(())
    }
}

#[test]
fn every_answer_survives_a_power_cut_at_any_point() {
    let told = block_on(Recorded::tell(None));
    let (mut cuts, more) = (told.lost(), told.kept_and_torn());
    eprintln!("{} operations, {} lost, {} kept and torn", told.disk.position(), cuts.len(), more.len());
    cuts.extend(more);
    assert_eq!(first_failure(&cuts, |cut| told.check(cut)), None);
}

macro_rules! a_missing_sync_is_a_loss {
    ($($name:ident: $kind:ident,)*) => {$(
        #[test]
        fn $name() {
            let told = block_on(Recorded::tell(Some(SyncKind::$kind)));
            let cuts = told.lost();
            let loss = first_failure(&cuts, |cut| told.check(cut));
            eprintln!("{loss:?}");
            assert_ne!(loss, None);
        }
    )*};
}

a_missing_sync_is_a_loss! {
    the_sync_of_the_database_is_needed: Database,
    the_sync_of_the_journal_is_needed: Journal,
    the_sync_of_a_blob_is_needed: BlobData,
    the_sync_of_a_blobs_directory_is_needed: ShardDir,
    the_sync_of_a_runs_directory_is_needed: RunDir,
    the_sync_of_the_directory_of_blobs_is_needed: BlobsDir,
    the_sync_of_the_data_directory_is_needed: DataDir,
    the_sync_of_its_parent_is_needed: ParentDir,
}
