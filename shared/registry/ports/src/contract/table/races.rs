//! Writers beside each other: each condition sees the write before.

use std::sync::Arc;

use super::TableFixture;
use crate::blobs::Durability::{BeforeNext, OnAnswer};
use crate::contract::corner::{Corner, version};
use crate::contract::expectation::Answered;
use crate::facts::{Fact, Item, State};
use crate::keys::Key;
use crate::table::{Action, Expect, KeepUntil, ReadTable, Transacted, WriteTable, Written};
use crate::value::Timestamp;

/// Tasks in each race.
const RACERS: u64 = 12;

/// Runs one task for each number beside the others, and answers with what they answered.
async fn race<T: Send + 'static, R: Future<Output = T> + Send + 'static>(racer: impl Fn(u64) -> R) -> Vec<T> {
    let racers: Vec<_> = (0..RACERS).map(|number| tokio::spawn(racer(number))).collect();
    let mut answers = Vec::new();
    for racer in racers {
        answers.push(racer.await.expect("each racer comes to its end"));
    }
    answers
}

fn version_of(item: &Item) -> Expect {
    Expect::VersionIs(item.version.expect("the clause gave its item a version"))
}

fn number_in(item: &Item) -> u64 {
    match &item.fact {
        Fact::Tag(record) => record.size,
        other => panic!("expected a tag, and it was {other:?}"),
    }
}

async fn read(table: &impl ReadTable, key: &Key) -> Item {
    table.get(key).await.answered().expect("the item is there")
}

pub async fn of_many_puts_where_nothing_is_one_is_done<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let answers = race(|number| {
        let (table, item) = (Arc::clone(&table), corner.tag("v1", number));
        async move { (item.clone(), table.put(item, Expect::Absent, OnAnswer).await.answered()) }
    });
    let answers = answers.await;
    let there = read(&*table, &corner.tag_key("v1")).await;
    for (item, written) in answers {
        let expected =
            if item == there { Written::Done } else { Written::Refused(Some(there.clone().into())) };
        assert_eq!(written, expected);
    }
}

pub async fn no_step_of_a_counter_is_lost<F: TableFixture>(fixture: &F) {
    const STEPS: u64 = 4;
    let (table, corner) = (fixture.store(), Corner::new());
    let mut zero = corner.tag("counter", 0);
    table.put(zero.clone(), Expect::Absent, OnAnswer).await.answered();
    race(|_| {
        let (table, corner, mut seen) = (Arc::clone(&table), corner.clone(), zero.clone());
        async move {
            let mut steps = 0;
            while steps < STEPS {
                let next = corner.tag("counter", number_in(&seen) + 1);
                seen = match table.put(next.clone(), version_of(&seen), BeforeNext).await.answered() {
                    Written::Refused(there) => *there.expect("nobody deletes the counter"),
                    Written::Done => {
                        steps += 1;
                        next
                    }
                };
            }
        }
    })
    .await;
    zero = read(&*table, &zero.key).await;
    assert_eq!(number_in(&zero), RACERS * STEPS);
}

pub async fn of_racing_transactions_on_one_version_one_is_done<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let start = corner.tag("v1", 0);
    table.put(start.clone(), Expect::Absent, OnAnswer).await.answered();
    let at_start = version_of(&start);
    let answers = race(|number| {
        let (table, corner) = (Arc::clone(&table), corner.clone());
        async move {
            let (mine, beside) = (corner.tag("v1", number + 1), corner.tag(&format!("of-{number}"), 1));
            let actions =
                vec![Action::Put(beside.clone(), Expect::Absent), Action::Put(mine.clone(), at_start)];
            (mine, beside, table.transact(actions).await.answered())
        }
    })
    .await;
    let there = read(&*table, &start.key).await;
    for (mine, beside, transacted) in answers {
        let won = mine == there;
        let expected =
            if won { Transacted::Done } else { Transacted::Refused(vec![(1, Some(there.clone()))]) };
        assert_eq!(transacted, expected);
        assert_eq!(table.get(&beside.key).await.answered().is_some(), won, "a loser leaves nothing beside");
    }
}

pub async fn writes_and_transactions_on_one_version_exclude_each_other<F: TableFixture>(fixture: &F) {
    let table = fixture.store();
    for _ in 0..10 {
        let corner = Corner::new();
        let start = corner.tag("v1", 0);
        table.put(start.clone(), Expect::Absent, OnAnswer).await.answered();
        let at_start = version_of(&start);
        let done = race(|number| {
            let (table, item) = (Arc::clone(&table), corner.tag("v1", number + 1));
            async move {
                match number % 3 {
                    0 => table.put(item, at_start, OnAnswer).await.answered() == Written::Done,
                    1 => table.delete(&item.key, at_start, OnAnswer).await.answered() == Written::Done,
                    _ => {
                        let put = Action::Put(item, at_start);
                        table.transact(vec![put]).await.answered() == Transacted::Done
                    }
                }
            }
        });
        assert_eq!(done.await.into_iter().filter(|done| *done).count(), 1);
    }
}

pub async fn keeping_and_a_write_exclude_each_other<F: TableFixture>(fixture: &F) {
    let table = fixture.store();
    for _ in 0..10 {
        let corner = Corner::new();
        let condemned = corner.grant(State::Condemned);
        table.put(condemned.clone(), Expect::Absent, OnAnswer).await.answered();
        let done = race(|number| {
            let (table, condemned, corner) = (Arc::clone(&table), condemned.clone(), corner.clone());
            async move {
                let written = if number % 2 == 0 {
                    table.keep_until(&condemned, Timestamp(9_000), version()).await
                } else {
                    table.put(corner.grant(State::Deleting), version_of(&condemned), OnAnswer).await
                };
                written.answered() == Written::Done
            }
        });
        assert_eq!(done.await.into_iter().filter(|done| *done).count(), 1);
    }
}

/// Amounts are moved between three places by transactions that race: their sum stays.
pub async fn transactions_lose_nothing_between_them<F: TableFixture>(fixture: &F) {
    const PLACES: [&str; 3] = ["a", "b", "c"];
    const EACH: u64 = 100;
    let (table, corner) = (fixture.store(), Corner::new());
    for place in PLACES {
        table.put(corner.tag(place, EACH), Expect::Absent, OnAnswer).await.answered();
    }
    let moved = race(|number| {
        let (table, corner) = (Arc::clone(&table), corner.clone());
        let [from, to] = [0, 1].map(|step| PLACES[(number as usize + step) % PLACES.len()]);
        async move {
            loop {
                let source = read(&*table, &corner.tag_key(from)).await;
                let target = read(&*table, &corner.tag_key(to)).await;
                let take = corner.tag(from, number_in(&source) - number - 1);
                let give = corner.tag(to, number_in(&target) + number + 1);
                let both =
                    vec![Action::Put(take, version_of(&source)), Action::Put(give, version_of(&target))];
                if table.transact(both).await.answered() == Transacted::Done {
                    return;
                }
            }
        }
    });
    assert_eq!(moved.await.len() as u64, RACERS);
    let mut sum = 0;
    for place in PLACES {
        sum += number_in(&read(&*table, &corner.tag_key(place)).await);
    }
    assert_eq!(sum, EACH * PLACES.len() as u64);
}
