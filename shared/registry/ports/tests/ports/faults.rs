//! Storage that fails when it is told to.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use moorage_oci::{Digest, RepositoryName};
use moorage_ports::calls::Call;
use moorage_ports::contract::Memory;
use moorage_ports::facts::Fact;
use moorage_ports::faults::{Decision, Fault, Faults, Injector, Moment, Plan, Point};
use moorage_ports::testing_context::TestContext;
use moorage_ports::{
    Action, Durability, Expect, Item, Key, Nonce, ObjectKey, PortError, ReadBlobs, ReadTable, WriteTable,
    Written,
};

fn item(number: u8) -> Item {
    let repository: RepositoryName = "library/app".parse().expect("it is a name");
    Item::once(Key::listed(&repository, &Digest::sha256(&[number])), Fact::Listed)
}

/// A store that fails as planned, what is behind it, and who decides.
struct Bench {
    faulty: Faults<Memory>,
    memory: Arc<Memory>,
    injector: Arc<Injector>,
    test: TestContext,
}

fn bench(plan: Plan) -> Bench {
    let (memory, test) = (Arc::new(Memory::default()), TestContext::new(1));
    let injector = Injector::new(plan, test.clock.clone());
    Bench { faulty: Faults::new(memory.clone(), &injector), memory, injector, test }
}

impl Bench {
    async fn put(&self, number: u8) -> Result<Written, PortError> {
        WriteTable::put(&self.faulty, item(number), Expect::Anything, Durability::OnAnswer).await
    }

    /// Which of the items are there, asked behind the faults.
    async fn there(&self) -> Vec<u8> {
        let mut there = Vec::new();
        for number in 0..20 {
            if ReadTable::get(&*self.memory, &item(number).key).await.expect("memory works").is_some() {
                there.push(number);
            }
        }
        there
    }
}

#[tokio::test]
async fn an_error_comes_before_or_after_the_effect() {
    let bench = bench(Plan::List(vec![
        (Point::Write(2), Fault::Error(Moment::Before)),
        (Point::Write(3), Fault::Error(Moment::After)),
    ]));
    bench.put(1).await.expect("the first is left alone");
    let before = bench.put(2).await.expect_err("the second fails");
    assert_eq!(before.to_string(), "the storage backend failed: injected error before");
    bench.put(3).await.expect_err("the third fails");
    bench.put(4).await.expect("the fourth is left alone");
    assert_eq!(bench.there().await, [1, 3, 4]);
}

#[tokio::test]
async fn a_batch_fails_midway() {
    let bench = bench(Plan::List(vec![(Point::Each(Call::BatchWrite), Fault::Error(Moment::Midway))]));
    let writes = (0..9).map(|number| Action::Put(item(number), Expect::Anything)).collect();
    bench.faulty.batch_write(writes).await.expect_err("it fails");
    assert_eq!(bench.there().await, [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_stop_never_answers() {
    for (moment, there) in [(Moment::Before, vec![]), (Moment::Midway, vec![]), (Moment::After, vec![1])] {
        let bench = bench(Plan::List(vec![(Point::Kind(Call::Put, 1), Fault::Stop(moment))]));
        assert!(bench.put(1).now_or_never().is_none(), "no answer comes");
        assert_eq!(bench.there().await, there, "stopped {moment}");
        bench.put(2).await.expect("others go on");
    }
}

#[tokio::test]
async fn a_delay_passes_with_the_clock() {
    let delay = Fault::Delay(Duration::from_secs(60));
    let bench = Arc::new(bench(Plan::List(vec![(Point::Call(1), delay)])));
    let put = {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move { bench.put(1).await })
    };
    while bench.test.clock.asleep() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.there().await, [0; 0]);
    bench.test.clock.advance(Duration::from_secs(60));
    put.await.expect("it comes to its end").expect("a delay is no error");
    assert_eq!(bench.there().await, [1]);
}

/// The table and the blob store of one process share an injector: their calls are counted together.
#[tokio::test]
async fn calls_of_several_stores_are_counted_together() {
    let bench = bench(Plan::List(vec![(Point::Call(3), Fault::Error(Moment::Before))]));
    let blobs = Faults::new(bench.memory.clone(), &bench.injector);
    bench.put(1).await.expect("the first is left alone");
    ReadBlobs::get(&blobs, &ObjectKey::upload(Nonce(1)), None).await.expect("the second is left alone");
    ReadTable::get(&bench.faulty, &item(1).key).await.expect_err("the third fails");
    let told: Vec<String> = bench.injector.decisions().iter().map(Decision::to_string).collect();
    assert_eq!(told, ["1 table put", "2 blob get", "3 table get: error before"]);
}

/// Each of twenty writes, and what became of it.
async fn twenty_writes(bench: &Bench) -> (Vec<Decision>, Vec<u8>) {
    for number in 0..20 {
        // Those that fail are what this is about.
        let _ = bench.put(number).now_or_never();
    }
    (bench.injector.decisions(), bench.there().await)
}

fn seeded(seed: u64) -> Plan {
    Plan::Seeded {
        seed,
        per_mille: 400,
        calls: Call::ALL.into_iter().filter(|call| call.is_write()).collect(),
        faults: vec![Fault::Error(Moment::Before), Fault::Error(Moment::After), Fault::Stop(Moment::After)],
    }
}

#[tokio::test]
async fn one_seed_fails_alike_and_can_be_played_again() {
    let first = twenty_writes(&bench(seeded(7))).await;
    assert_eq!(first, twenty_writes(&bench(seeded(7))).await);
    assert_ne!(first, twenty_writes(&bench(seeded(8))).await);
    let replayed = twenty_writes(&bench(Plan::replay(&first.0))).await;
    assert_eq!(first, replayed);
    let failed = first.0.iter().filter(|decision| decision.fault.is_some()).count();
    assert!((3..18).contains(&failed), "{failed} of 20 failed, at 400 of 1000");
}

#[tokio::test]
async fn chance_leaves_other_kinds_alone() {
    let bench = bench(Plan::Seeded {
        seed: 1,
        per_mille: 1000,
        calls: vec![Call::Put],
        faults: vec![Fault::Error(Moment::Before)],
    });
    ReadTable::get(&bench.faulty, &item(1).key).await.expect("reads are left alone");
    bench.put(1).await.expect_err("every put fails");
}
