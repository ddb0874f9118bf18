//! Transactions: all of the actions in one instant, or none.

use std::sync::Arc;

use super::TableFixture;
use crate::blobs::Durability::OnAnswer;
use crate::contract::corner::{Corner, version};
use crate::contract::expectation::{Answered, is_misuse, transaction_refused};
use crate::facts::{Fact, Item, State, TagRecord};
use crate::keys::Key;
use crate::limits::TRANSACTION_ITEMS_MAX;
use crate::table::{Action, Expect, ReadTable, Transacted, WriteTable};

fn version_of(item: &Item) -> Expect {
    Expect::VersionIs(item.version.expect("the clause gave its item a version"))
}

async fn put(table: &impl WriteTable, items: &[&Item]) {
    for item in items {
        table.put((*item).clone(), Expect::Anything, OnAnswer).await.answered();
    }
}

async fn get_all<const N: usize>(table: &impl ReadTable, items: [&Item; N]) -> [Option<Item>; N] {
    let answer = table.batch_get(&items.map(|item| item.key.clone())).await.answered();
    answer.try_into().expect("an answer for each key")
}

/// Over several partitions: a tag is moved as the design has it.
pub async fn a_transaction_does_all_of_its_actions<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (old, new) = (corner.tag("v1", 1), corner.tag("v1", 2));
    let (old_hold, new_hold) = (corner.hold(1), Corner::new().hold(2));
    let (target, never_was) = (Corner::new().manifest(State::Live), corner.tag("never-was", 1));
    put(&*table, &[&old, &old_hold, &target]).await;
    let actions = vec![
        Action::Put(new.clone(), version_of(&old)),
        Action::Put(new_hold.clone(), Expect::Anything),
        Action::Delete(old_hold.key.clone(), Expect::Anything),
        Action::Check(target.key.clone(), version_of(&target)),
        Action::Delete(never_was.key.clone(), Expect::Anything),
        Action::Put(corner.listed(1), Expect::Absent),
    ];
    assert_eq!(table.transact(actions).await.answered(), Transacted::Done);
    let answer = get_all(&*table, [&old, &new_hold, &old_hold, &target, &never_was, &corner.listed(1)]).await;
    assert_eq!(answer, [Some(new), Some(new_hold), None, Some(target), None, Some(corner.listed(1))]);
}

pub async fn a_refused_transaction_writes_nothing<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (there, other, made) = (corner.tag("there", 1), corner.tag("other", 1), corner.tag("made", 1));
    put(&*table, &[&there, &other]).await;
    let refusing = [
        Action::Put(corner.tag("there", 2), Expect::Absent),
        Action::Put(corner.tag("there", 2), Expect::VersionIs(version())),
        Action::Delete(there.key.clone(), Expect::VersionIs(version())),
        Action::Delete(there.key.clone(), Expect::Absent),
    ];
    for action in refusing {
        // What would be done stands before the refusal, and after it.
        let actions = vec![
            Action::Put(made.clone(), Expect::Absent),
            action.clone(),
            Action::Delete(other.key.clone(), version_of(&other)),
        ];
        let refused = table.transact(actions).await.answered();
        assert_eq!(refused, transaction_refused([(1, Some(&there))]), "{action:?}");
        let world = get_all(&*table, [&there, &other, &made]).await;
        assert_eq!(world, [Some(there.clone()), Some(other.clone()), None], "{action:?}");
    }
}

/// By index, ascending; with the item that each action found, or none.
pub async fn each_refusal_is_named_with_what_it_found<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (a, b, c) = (corner.tag("a", 1), corner.tag("b", 1), corner.tag("c", 1));
    let hold = corner.hold(1);
    put(&*table, &[&a, &b, &c, &hold]).await;
    let actions = vec![
        Action::Put(corner.tag("c", 2), Expect::Absent),
        Action::Put(corner.tag("a", 2), version_of(&a)),
        Action::Check(corner.tag_key("absent"), Expect::VersionIs(version())),
        Action::Delete(b.key.clone(), Expect::VersionIs(version())),
        Action::Check(hold.key.clone(), Expect::VersionIs(version())),
        Action::Put(corner.tag("made", 1), Expect::Anything),
    ];
    let refused = table.transact(actions).await.answered();
    assert_eq!(refused, transaction_refused([(0, Some(&c)), (2, None), (3, Some(&b)), (4, Some(&hold))]));
    let world = get_all(&*table, [&a, &b, &c, &hold, &corner.tag("made", 1)]).await;
    assert_eq!(world, [Some(a), Some(b), Some(c), Some(hold), None]);
}

pub async fn a_check_writes_nothing<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (there, absent) = (corner.tag("there", 1), corner.tag("absent", 1));
    put(&*table, &[&there]).await;
    for expect in [version_of(&there), Expect::Anything] {
        let checks =
            vec![Action::Check(there.key.clone(), expect), Action::Check(absent.key.clone(), Expect::Absent)];
        assert_eq!(table.transact(checks).await.answered(), Transacted::Done);
        assert_eq!(get_all(&*table, [&there, &absent]).await, [Some(there.clone()), None]);
    }
}

pub async fn one_failed_check_refuses_all<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let (there, made) = (corner.tag("there", 1), corner.tag("made", 1));
    put(&*table, &[&there]).await;
    let at_another = Expect::VersionIs(version());
    let checks = [
        (Action::Check(there.key.clone(), Expect::Absent), Some(&there)),
        (Action::Check(there.key.clone(), at_another), Some(&there)),
        (Action::Check(corner.tag_key("absent"), at_another), None),
    ];
    for (check, found) in checks {
        let refused = table.transact(vec![Action::Put(made.clone(), Expect::Absent), check]).await.answered();
        assert_eq!(refused, transaction_refused([(1, found)]));
        assert_eq!(table.get(&made.key).await.answered(), None);
    }
}

pub async fn a_misused_transaction_writes_nothing<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let put = |item: &Item| Action::Put(item.clone(), Expect::Anything);
    let (first, second) = (corner.hold(0), corner.hold(1));
    let too_many = (0..=TRANSACTION_ITEMS_MAX).map(|n| put(&corner.hold(n))).collect();
    let misuses = [
        vec![],
        too_many,
        vec![put(&first), put(&second), put(&first)],
        vec![put(&first), Action::Check(first.key.clone(), Expect::Absent)],
        vec![put(&first), Action::Delete(first.key.clone(), Expect::Anything)],
        vec![
            put(&first),
            Action::Check(second.key.clone(), Expect::Absent),
            Action::Check(second.key.clone(), Expect::Anything),
        ],
    ];
    for misuse in misuses {
        is_misuse(&table.transact(misuse).await);
        assert_eq!(get_all(&*table, [&first, &second]).await, [None, None]);
    }
}

/// A hundred items of some kilobytes each, in one instant; and a refusal of the last of them.
pub async fn a_transaction_takes_a_hundred_items<F: TableFixture>(fixture: &F) {
    let (table, corner) = (fixture.store(), Corner::new());
    let items: Vec<Item> = (0..TRANSACTION_ITEMS_MAX).map(|n| corner.long_referrer(n, 4 * 1024)).collect();
    let keys: Vec<Key> = items.iter().map(|item| item.key.clone()).collect();
    let puts = || items.iter().map(|item| Action::Put(item.clone(), Expect::Absent)).collect::<Vec<_>>();

    let last = items.last().expect("a transaction of a hundred has a last item");
    put(&*table, &[last]).await;
    let refused = table.transact(puts()).await.answered();
    assert_eq!(refused, transaction_refused([(TRANSACTION_ITEMS_MAX - 1, Some(last))]));
    let answer = table.batch_get(&keys).await.answered();
    assert_eq!(answer.iter().flatten().count(), 1);

    table.delete(&last.key, Expect::Anything, OnAnswer).await.answered();
    assert_eq!(table.transact(puts()).await.answered(), Transacted::Done);
    let answer = table.batch_get(&keys).await.answered();
    assert!(answer.into_iter().eq(items.into_iter().map(Some)), "all hundred are there");
}

/// Who sees one write of a transaction sees the others.
pub async fn a_transaction_is_seen_whole<F: TableFixture>(fixture: &F) {
    const ROUNDS: u64 = 100;
    let (table, corner) = (fixture.store(), Corner::new());
    // Keys of two partitions. Both items always say the same number.
    let far = Corner::new();
    let pair = |number| [corner.tag("near", number), far.tag("far", number)];
    let puts = |number| pair(number).map(|item| Action::Put(item, Expect::Anything)).to_vec();
    table.transact(puts(0)).await.answered();

    let writes: Vec<_> = (1..=ROUNDS).map(puts).collect();
    let writer = {
        let table = Arc::clone(&table);
        tokio::spawn(async move {
            for write in writes {
                table.transact(write).await.answered();
            }
        })
    };
    let [near, far] = pair(0).map(|item| item.key);
    loop {
        let over = writer.is_finished();
        let first = number_in(table.get(&near).await.answered().as_ref());
        let second = number_in(table.get(&far).await.answered().as_ref());
        assert!(second >= first, "{first} was there, and then {second} beside it");
        let first = number_in(table.get(&near).await.answered().as_ref());
        assert!(first >= second, "{second} was there, and then {first} beside it");
        if over {
            break;
        }
    }
    writer.await.expect("the writer came to its end");
    assert_eq!(number_in(table.get(&near).await.answered().as_ref()), ROUNDS);
}

fn number_in(item: Option<&Item>) -> u64 {
    match item.map(|item| &item.fact) {
        Some(Fact::Tag(TagRecord { size, .. })) => *size,
        other => panic!("expected a tag, and it was {other:?}"),
    }
}
