//! What was answered survives a power cut, at whichever point it comes.
//!
//! A story of writes is told once to a store on a disk that remembers. Then, for many points of the story,
//! a directory is made of what a power cut at that point would have left, and opened: each answer until then
//! must hold, and nothing may be half there. The same checks must find a loss when any one kind of sync is
//! taken away, or they would prove nothing.

mod checks;
mod story;

use std::sync::Arc;

use moorage_embedded::testing::{Recorder, SyncKind, Unsynced};
use moorage_ports::Durability;

use crate::support::scratch;
use checks::{feed_tells_the_table, holds, nothing_is_half_there};
use story::{Claim, Story};

impl Story {
    /// Power cuts at all points of interest.
    fn cuts(&self) -> Vec<(usize, Unsynced)> {
        let end = self.disk.position();
        let came = self.answers.iter().map(|answer| answer.came);
        let mut lost: Vec<_> =
            self.disk.positions_after_syncs().into_iter().chain(came).chain([end]).collect();
        lost.sort_unstable();
        lost.dedup();
        let lost = lost.into_iter().map(|position| (position, Unsynced::Lost));
        let kept = (0..=end).step_by(7).map(|position| (position, Unsynced::Kept));
        let torn = (0..=end).step_by(3).map(|position| (position, Unsynced::Torn { seed: position as u64 }));
        lost.chain(kept).chain(torn).collect()
    }

    /// The first loss that one of the cuts leads to.
    async fn first_loss(self, cuts: Vec<(usize, Unsynced)>) -> Option<String> {
        let story = Arc::new(self);
        for (position, unsynced) in cuts {
            let checked = Arc::clone(&story);
            // In a task of its own: what cannot be read at all may even panic.
            let check = tokio::spawn(async move { checked.check(position, unsynced).await });
            let outcome = check.await.unwrap_or_else(|panic| Err(panic.to_string()));
            if let Err(loss) = outcome {
                return Some(format!("at {position} of {}, {unsynced:?}: {loss}", story.disk.position()));
            }
        }
        None
    }
}

/// Every way to write, in one run of the process and then in another.
async fn tell(story: &mut Story) {
    story.put("first", Durability::OnAnswer).await;
    story.put_object(100, Durability::OnAnswer).await;
    story.put_object(40_000, Durability::OnAnswer).await;
    story.put("soon", Durability::BeforeNext).await;
    story.put_object(200, Durability::BeforeNext).await;
    story.put_object(600_000, Durability::BeforeNext).await;
    story.replace("soon", "moved").await;
    story.complete_parts(&[30_000, 100, 200], Durability::OnAnswer).await;
    story.complete_parts(&[20, 30], Durability::BeforeNext).await;
    for n in 0..6 {
        story
            .put(&format!("many-{n}"), if n % 2 == 0 { Durability::BeforeNext } else { Durability::OnAnswer })
            .await;
    }
    story.delete_object(40_000).await;
    story.put("after", Durability::OnAnswer).await;
    story.restart();
    story.begin_upload().await;
    story.put_object(45_000, Durability::OnAnswer).await;
    story.delete_object(600_000).await;
    story.replace("first", "last").await;
    story.put_object(46_000, Durability::BeforeNext).await;
    story.put("end", Durability::OnAnswer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_survives_a_power_cut_at_any_point() {
    let mut story = Story::begin(None);
    tell(&mut story).await;
    let cuts = story.cuts();
    assert_eq!(story.first_loss(cuts).await, None);
}

macro_rules! a_missing_sync_is_a_loss {
    ($($name:ident: $kind:ident,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let mut story = Story::begin(Some(SyncKind::$kind));
            tell(&mut story).await;
            let cuts = story.cuts();
            assert_ne!(story.first_loss(cuts).await, None);
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

/// Every cut of the story that there is, and each torn in twenty ways: for when redb, the journal, or what
/// makes files durable was changed. `cargo test -p moorage-embedded -- --ignored`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute or two"]
async fn every_answer_survives_every_power_cut() {
    let mut story = Story::begin(None);
    tell(&mut story).await;
    let end = story.disk.position();
    let whole = (0..=end).flat_map(|position| [(position, Unsynced::Lost), (position, Unsynced::Kept)]);
    let torn = (0..=end * 20).map(|n| (n / 20, Unsynced::Torn { seed: n as u64 }));
    assert_eq!(story.first_loss(whole.chain(torn).collect()).await, None);
}

/// The power goes again and again, each time at some point of what was done since: what the journal has of
/// several runs is taken in together.
async fn cut_again_and_again(seed: u64, rounds: usize) {
    let mut chance = seed;
    let mut choose = move |n: usize| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) as usize % n
    };
    let mut root = scratch();
    let mut held: Vec<Claim> = Vec::new();
    for round in 0..rounds {
        let disk = Recorder::new(root.path()).expect("it can be watched");
        let store = Story::open(&disk, root.path());
        for claim in &held {
            assert_eq!(holds(&store, claim).await, Ok(true), "seed {seed}, round {round}: lost {claim:?}");
        }
        assert_eq!(nothing_is_half_there(&store).await, Ok(()), "seed {seed}, round {round}");
        assert_eq!(feed_tells_the_table(&store).await, Ok(()), "seed {seed}, round {round}");
        let opened = disk.position();
        let mut story = Story { root, disk, store, answers: Vec::new(), uploads: Vec::new() };
        for step in 0..choose(12) {
            let durability = if choose(3) == 0 { Durability::OnAnswer } else { Durability::BeforeNext };
            let unique = round * 100 + step;
            match choose(4) {
                0 => story.put_object(unique, durability).await,
                1 => story.put_object(20_000 + unique, durability).await,
                _ => story.put(&format!("tag-{unique}"), durability).await,
            }
        }
        let position = opened + choose(story.disk.position() - opened + 1);
        let unsynced =
            [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn { seed: seed + round as u64 }][choose(3)];
        let still = story.answers.iter().filter(|answer| story.must_hold(answer, position));
        held.extend(still.map(|answer| answer.claim.clone()));
        root = scratch();
        story.disk.after_power_cut(position, unsynced).write_to(root.path()).expect("it can be written");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cuts_one_after_the_other_lose_nothing() {
    for seed in 0..4 {
        cut_again_and_again(seed, 12).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute or two"]
async fn many_power_cuts_one_after_the_other_lose_nothing() {
    for seed in 100..200 {
        cut_again_and_again(seed, 40).await;
    }
}
